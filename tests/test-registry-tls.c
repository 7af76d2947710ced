/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Certificates that syscont-fetch trusts or not, and registries without TLS.
 */
#include "registry-fixture.h"

#include "base/sc-fd.h"
#include "fetch/sc-proxy.h"
#include "image/sc-manifest.h"

#include <string.h>

static void
test_tls_trusted (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
}

/* RP21 */
static void
test_tls_unknown_authority (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  trust_system ();
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TLS_FAILED);
  assert_message (error, "an authority that this host does not trust");
  assert_message (error, "Insecure=");
  g_assert_cmpuint (fixture->log->len, ==, 0);
}

/* RP21 */
static void
test_tls_expired (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  trust (expired_certificate);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);
  trust_system ();

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TLS_FAILED);
  assert_message (error, "it has expired");
}

/* RP21: the certificate is for 127.0.0.1 */
static void
test_tls_other_name (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strdup_printf ("localhost:%u", fixture->port);

  set_registry (fixture, name, NULL);
  trust (good_certificate);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);
  trust_system ();

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TLS_FAILED);
  assert_message (error, "it is for another name");
}

/* A server without TLS tells so when it is spoken to with it: 22 is the first byte of a handshake.
 */
static gboolean
on_plain_connection (GThreadedSocketService *service,
                     GSocketConnection *connection,
                     GObject *source,
                     gpointer user_data)
{
  GInputStream *input = g_io_stream_get_input_stream (G_IO_STREAM (connection));
  GOutputStream *output = g_io_stream_get_output_stream (G_IO_STREAM (connection));
  char request[4096] = "";
  gssize n = g_input_stream_read (input, request, sizeof request - 1, NULL, NULL);
  gboolean is_http = n > 0 && request[0] != 22;
  const char *text = is_http ? "HTTP/1.0 200 OK\r\nContent-Type: " MEDIA_TYPE "\r\n\r\n" MANIFEST
                             : "HTTP/1.0 400 Bad Request\r\n\r\nClient sent a TLS handshake.\n";

  if (is_http)
    g_atomic_int_inc ((int *)user_data);
  (void)g_output_stream_write_all (output, text, strlen (text), NULL, NULL, NULL);
  return TRUE;
}

static GSocketService *
serve_plainly (Fixture *fixture, int *n_requests)
{
  g_autoptr (GError) error = NULL;
  GSocketService *service = g_threaded_socket_service_new (4);
  guint port = g_socket_listener_add_any_inet_port (G_SOCKET_LISTENER (service), NULL, &error);
  g_autofree char *name = g_strdup_printf ("127.0.0.1:%u", port);

  g_assert_no_error (error);
  g_signal_connect (service, "run", G_CALLBACK (on_plain_connection), n_requests);
  set_registry (fixture, name, NULL);
  return service;
}

/* RP21: never falls back to http */
static void
test_tls_missing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  int n_requests = 0;
  g_autoptr (GSocketService) service = serve_plainly (fixture, &n_requests);

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TLS_FAILED);
  assert_message (error, "no TLS connection to \"127.0.0.1:");
  assert_message (error, "without TLS");
  assert_message (error, "Insecure=");
  g_assert_cmpint (g_atomic_int_get (&n_requests), ==, 0);
  g_socket_service_stop (service);
}

static void
test_tls_fallback (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  int n_requests = 0;
  g_autoptr (GSocketService) service = serve_plainly (fixture, &n_requests);

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  g_assert_cmpint (g_atomic_int_get (&n_requests), ==, 1);
  g_socket_service_stop (service);
}

/* The ports of https and http are not the same. What would go there goes to a proxy here. */
static void
test_tls_fallback_port (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  sc_autofd fd = set_registry_to_silence (fixture, FALSE);
  g_assert_cmpint (fd, >=, 0);
  g_autofree char *http_proxy
      = g_strdup_printf ("http_proxy=http://127.0.0.1:%u", fixture->other_port);
  g_autofree char *https_proxy
      = g_strdup_printf ("https_proxy=http://%s", get_registry_name (fixture));
  char *environment[] = { http_proxy, https_proxy, NULL };
  g_autoptr (GProxyResolver) proxy = sc_proxy_resolver_new (environment);

  set_registry (fixture, "registry.example.com", proxy);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  g_assert_cmpuint (count_requests (fixture, " Host=registry.example.com;"), ==, 1);
}

/* RP16: a server that takes connections and says nothing, not even a handshake */
static void
test_tls_stall (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  sc_autofd fd = set_registry_to_silence (fixture, TRUE);
  g_assert_cmpint (fd, >=, 0);

  fixture->policy.connect_ms = 50;
  fixture->policy.retries = 0;
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "no connection within");
}

static void
set_certificates (Fixture *fixture, const char *ca, const char *client, const char *key)
{
  ScEndpoint *endpoint = fixture->endpoints->pdata[0];

  endpoint->ca = ca != NULL ? g_bytes_new_static (ca, strlen (ca)) : NULL;
  endpoint->client_certificate
      = client != NULL ? g_bytes_new_static (client, strlen (client)) : NULL;
  endpoint->client_key = key != NULL ? g_bytes_new_static (key, strlen (key)) : NULL;
  open_mirrors (fixture, NULL);
  trust_system ();
}

static void
test_tls_own_authority (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text
      = g_strconcat ("# two authorities\n", other_certificate, "\n\n", good_certificate, NULL);

  set_certificates (fixture, text, NULL, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
}

/* RP21 */
static void
test_tls_other_authority (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  set_certificates (fixture, other_certificate, NULL, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TLS_FAILED);
  assert_message (error, "an authority that this host does not trust");
  assert_message (error, "certs.d");
}

/* RP21 */
static void
test_tls_own_authority_expired (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  set_certificates (fixture, expired_certificate, NULL, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TLS_FAILED);
  assert_message (error, "it has expired");
}

/* RP21 */
static void
test_tls_own_authority_other_name (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strdup_printf ("localhost:%u", fixture->port);

  set_registry (fixture, name, NULL);
  set_certificates (fixture, good_certificate, NULL, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TLS_FAILED);
  assert_message (error, "it is for another name");
}

static void
test_tls_unreadable (Fixture *fixture, gconstpointer data)
{
  static const struct
  {
    const char *ca;
    const char *client;
    const char *key;
    const char *mentions;
  } rows[] = {
    { "nonsense", NULL, NULL, "*.crt" },
    { "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", NULL, NULL, "*.crt" },
    { "-----BEGIN CERTIFICATE-----\n", NULL, NULL, "*.crt" },
    { NULL, "nonsense", "nonsense", "*.cert" },
    { NULL, good_certificate, "nonsense", "*.key" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (GError) error = NULL;

      set_registry (fixture, "127.0.0.1:1", NULL);
      set_certificates (fixture, rows[i].ca, rows[i].client, rows[i].key);
      g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

      g_assert_null (body);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TLS_FAILED);
      assert_message (error, "\"127.0.0.1:1\" in certs.d");
      assert_message (error, rows[i].mentions);
    }
}

int
main (int argc, char **argv)
{
  static const RegistryTest tests[] = {
    { "/registry/tls/insecure", { behave }, test_tls_trusted },
    { "/registry/tls/unknown-authority", { behave, FALSE, TRUE }, test_tls_unknown_authority },
    { "/registry/tls/expired", { behave, TRUE, TRUE }, test_tls_expired },
    { "/registry/tls/other-name", { behave, FALSE, TRUE }, test_tls_other_name },
    { "/registry/tls/own-authority", { behave, FALSE, TRUE }, test_tls_own_authority },
    { "/registry/tls/other-authority", { behave, FALSE, TRUE }, test_tls_other_authority },
    { "/registry/tls/own-authority-expired",
      { behave, TRUE, TRUE },
      test_tls_own_authority_expired },
    { "/registry/tls/own-authority-other-name",
      { behave, FALSE, TRUE },
      test_tls_own_authority_other_name },
    { "/registry/tls/unreadable", { behave, FALSE, TRUE }, test_tls_unreadable },
    { "/registry/tls/none", { behave, FALSE, TRUE }, test_tls_missing },
    { "/registry/tls/fallback", { behave }, test_tls_fallback },
    { "/registry/tls/fallback-port", { behave }, test_tls_fallback_port },
    { "/registry/tls/stall", { behave, FALSE, TRUE }, test_tls_stall },
  };

  return fixture_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
