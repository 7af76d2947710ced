/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "registry-fixture.h"

#include "base/sc-digest.h"
#include "base/sc-fd.h"
#include "fetch/sc-authorities.h"
#include "fetch/sc-blob-pump.h"
#include "fetch/sc-document.h"
#include "fetch/sc-proxy.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A self-signed certificate for 127.0.0.1 and its key, which protect nothing. */
const char good_certificate[] = "-----BEGIN CERTIFICATE-----\n"
                                "MIIBRDCB66ADAgECAgEBMAoGCCqGSM49BAMCMBgxFjAUBgNVBAMMDXRlc3QgcmVn\n"
                                "aXN0cnkwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBgxFjAUBgNV\n"
                                "BAMMDXRlc3QgcmVnaXN0cnkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQCiJWp\n"
                                "EDXwiVLeJHdnnRhSXQP67aryVrAnV0yuK2jpLIRNlc2XF/rqjPAkmXhUtQi4icsY\n"
                                "O+sly+hjWclXi6DpoyQwIjAPBgNVHREECDAGhwR/AAABMA8GA1UdEwEB/wQFMAMB\n"
                                "Af8wCgYIKoZIzj0EAwIDSAAwRQIhAMg82ErZ3FAxxBV7DGey7DV1gEAXKFVBJ/yr\n"
                                "VrRE5aDuAiAwUu6rL6Wyh8TiyqlNhPIoxujbBZsyKG9Qeilx1SlxHg==\n"
                                "-----END CERTIFICATE-----\n";
const char expired_certificate[]
    = "-----BEGIN CERTIFICATE-----\n"
      "MIIBQzCB6aADAgECAgEBMAoGCCqGSM49BAMCMBgxFjAUBgNVBAMMDXRlc3QgcmVn\n"
      "aXN0cnkwHhcNMTkwMTAxMDAwMDAwWhcNMjAwMTAxMDAwMDAwWjAYMRYwFAYDVQQD\n"
      "DA10ZXN0IHJlZ2lzdHJ5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAoiVqRA1\n"
      "8IlS3iR3Z50YUl0D+u2q8lawJ1dMrito6SyETZXNlxf66ozwJJl4VLUIuInLGDvr\n"
      "JcvoY1nJV4ug6aMkMCIwDwYDVR0RBAgwBocEfwAAATAPBgNVHRMBAf8EBTADAQH/\n"
      "MAoGCCqGSM49BAMCA0kAMEYCIQCwalMWaErAqgKfi+r8PuZJYa3AHylacr/SQw0G\n"
      "QmEDGwIhAJ0c3DpM2Q1R723bj+nkQP95ao08SkWsJ4S/jneF/K0y\n"
      "-----END CERTIFICATE-----\n";
const char other_certificate[]
    = "-----BEGIN CERTIFICATE-----\n"
      "MIIBlDCCATmgAwIBAgIUIzNDqseIkeHUILeb5AbPu3mvT4gwCgYIKoZIzj0EAwIw\n"
      "HjEcMBoGA1UEAwwTb3RoZXIgdGVzdCByZWdpc3RyeTAgFw0yNjExMjUxODIwMTJa\n"
      "GA8yMTI2MTEwMTE4MjAxMlowHjEcMBoGA1UEAwwTb3RoZXIgdGVzdCByZWdpc3Ry\n"
      "eTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABM1Se9n3qYdRhSobPC0kkhyA5i40\n"
      "Snxma05Je/0NqVfBYSIh7DJaujIv6aLXKlqX7J1XdXEouB2Wqi7+PAxGU7KjUzBR\n"
      "MB0GA1UdDgQWBBSbgIfD/CSRaIEF0dnuAzKPJFMs1jAfBgNVHSMEGDAWgBSbgIfD\n"
      "/CSRaIEF0dnuAzKPJFMs1jAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kA\n"
      "MEYCIQCxlYrQ9Yy/vuPlegCfKe3mbYoJXRsSUZpkUevkjKfD1wIhANO39NlY6coD\n"
      "Nxj7E0ZUKok+hKfD40tTIxRyQ9CVa9pB\n"
      "-----END CERTIFICATE-----\n";
static const char certificate_key[]
    = "-----BEGIN PRIVATE KEY-----\n"
      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPfXG+dP0Qn4WXNW7\n"
      "HzU3ymy2VMtHQM4pQZglIla4jjOhRANCAAQCiJWpEDXwiVLeJHdnnRhSXQP67ary\n"
      "VrAnV0yuK2jpLIRNlc2XF/rqjPAkmXhUtQi4icsYO+sly+hjWclXi6Dp\n"
      "-----END PRIVATE KEY-----\n";

static char *
describe (SoupServerMessage *message, const char *path)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);
  const char *query = g_uri_get_query (soup_server_message_get_uri (message));
  const char *names[]
      = { "Authorization", "Range", "Accept", "Accept-Encoding", "User-Agent", "Host" };
  GString *line = g_string_new (path);

  if (query != NULL)
    g_string_append_printf (line, "?%s", query);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      const char *value = soup_message_headers_get_list (headers, names[i]);
      if (value != NULL)
        g_string_append_printf (line, " %s=%s;", names[i], value);
    }
  return g_string_free (line, FALSE);
}

static void
on_request (SoupServer *server,
            SoupServerMessage *message,
            const char *path,
            GHashTable *query,
            gpointer user_data)
{
  Fixture *fixture = user_data;

  g_mutex_lock (&fixture->mutex);
  guint n = fixture->log->len;
  g_ptr_array_add (fixture->log, describe (message, path));
  g_mutex_unlock (&fixture->mutex);
  fixture->behaviour (fixture, message, path, n);
}

void
set_header (SoupServerMessage *message, const char *name, const char *value)
{
  soup_message_headers_replace (soup_server_message_get_response_headers (message), name, value);
}

void
answer (SoupServerMessage *message, guint status, const char *type, const char *body)
{
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, type, SOUP_MEMORY_COPY, body, strlen (body));
}

guint64
get_range_start (SoupServerMessage *message)
{
  const char *range
      = soup_message_headers_get_one (soup_server_message_get_request_headers (message), "Range");
  guint64 start = 0;

  if (range != NULL)
    g_assert_true (g_str_has_prefix (range, "bytes=") && g_str_has_suffix (range, "-"));
  return range != NULL ? g_ascii_strtoull (range + strlen ("bytes="), NULL, 10) : start;
}

GIOStream *
write_raw (Fixture *fixture,
           SoupServerMessage *message,
           const char *head,
           const guint8 *data,
           gsize n_bytes)
{
  GIOStream *stream = soup_server_message_steal_connection (message);
  GOutputStream *output = g_io_stream_get_output_stream (stream);

  (void)g_output_stream_write_all (output, head, strlen (head), NULL, NULL, NULL);
  (void)g_output_stream_write_all (output, data, n_bytes, NULL, NULL, NULL);
  (void)g_output_stream_flush (output, NULL, NULL);
  return stream;
}

char *
make_head (guint64 start, guint64 length)
{
  if (start == 0)
    return g_strdup_printf ("HTTP/1.1 200 OK\r\nContent-Length: %" G_GUINT64_FORMAT "\r\n\r\n",
                            length);
  return g_strdup_printf ("HTTP/1.1 206 Partial Content\r\nContent-Length: %" G_GUINT64_FORMAT
                          "\r\nContent-Range: bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT
                          "/%" G_GUINT64_FORMAT "\r\n\r\n",
                          length - start, start, length - 1, length);
}

void
send_part (Fixture *fixture, SoupServerMessage *message, guint64 start, gsize n_bytes, Then then)
{
  g_autofree char *head = make_head (start, BLOB_BYTES);
  GSocket *socket = soup_server_message_get_socket (message);
  int fd = g_socket_get_fd (socket);
  gsize n = MIN (n_bytes, BLOB_BYTES - start);
  g_autoptr (GIOStream) stream = write_raw (fixture, message, head, fixture->data + start, n);
  struct linger linger = { .l_onoff = 1, .l_linger = 0 };

  fixture->sent_bytes += n;
  if (then == THEN_HOLD)
    {
      g_ptr_array_add (fixture->held, g_steal_pointer (&stream));
      return;
    }
  if (then == THEN_RESET)
    (void)setsockopt (fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
  (void)g_io_stream_close (stream, NULL, NULL);
}

void
behave (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (strstr (path, "/manifests/") != NULL)
    {
      answer (message, 200, MEDIA_TYPE "; charset=utf-8", MANIFEST);
      return;
    }
  if (strstr (path, "/blobs/") == NULL)
    {
      answer (message, 404, "text/plain", "");
      return;
    }

  guint64 start = get_range_start (message);
  g_autofree char *range
      = g_strdup_printf ("bytes %" G_GUINT64_FORMAT "-%d/%d", start, BLOB_BYTES - 1, BLOB_BYTES);
  fixture->sent_bytes += BLOB_BYTES - start;
  soup_server_message_set_status (message, start > 0 ? 206 : 200, NULL);
  soup_server_message_set_response (message, "application/octet-stream", SOUP_MEMORY_COPY,
                                    (const char *)fixture->data + start, BLOB_BYTES - start);
  if (start > 0)
    set_header (message, "Content-Range", range);
}

void
behave_unknown (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  answer (message, 404, "application/json", "{}");
}

void
behave_silent (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  g_ptr_array_add (fixture->held, write_raw (fixture, message, "HTTP/1.1 200 OK\r\n", NULL, 0));
}

static gpointer
serve_in_thread (gpointer data)
{
  Fixture *fixture = data;

  g_main_context_push_thread_default (fixture->context);
  g_main_loop_run (fixture->loop);
  g_main_context_pop_thread_default (fixture->context);
  return NULL;
}

static guint
listen_to (Fixture *fixture, SoupServer **server, const char *certificate)
{
  g_autoptr (GError) error = NULL;
  SoupServerListenOptions options = SOUP_SERVER_LISTEN_IPV4_ONLY;

  *server = soup_server_new (NULL, NULL);
  if (certificate != NULL)
    {
      g_autofree char *pem = g_strconcat (certificate, certificate_key, NULL);
      g_autoptr (GTlsCertificate) tls = g_tls_certificate_new_from_pem (pem, -1, &error);
      g_assert_no_error (error);
      soup_server_set_tls_certificate (*server, tls);
      options |= SOUP_SERVER_LISTEN_HTTPS;
    }
  soup_server_add_handler (*server, NULL, on_request, fixture, NULL);
  soup_server_listen_local (*server, 0, options, &error);
  g_assert_no_error (error);

  g_autoslist (GUri) uris = soup_server_get_uris (*server);
  return (guint)g_uri_get_port (uris->data);
}

static void
clear_registry (Fixture *fixture)
{
  g_clear_pointer (&fixture->mirrors, sc_mirrors_free);
  g_clear_pointer (&fixture->endpoints, g_ptr_array_unref);
}

void
open_mirrors (Fixture *fixture, GProxyResolver *proxy)
{
  g_autoptr (GProxyResolver) direct = sc_proxy_resolver_new (NULL);

  g_clear_pointer (&fixture->mirrors, sc_mirrors_free);
  fixture->mirrors
      = sc_mirrors_new (&fixture->policy, proxy != NULL ? proxy : direct, fixture->endpoints);
}

void
set_registry (Fixture *fixture, const char *name, GProxyResolver *proxy)
{
  ScEndpoint *endpoint = sc_endpoint_new (name, "a/b");

  g_clear_pointer (&fixture->endpoints, g_ptr_array_unref);
  fixture->endpoints = sc_endpoint_list_new ();
  endpoint->insecure = !fixture->is_secure;
  g_ptr_array_add (fixture->endpoints, endpoint);
  open_mirrors (fixture, proxy);
}

const char *
get_registry_name (Fixture *fixture)
{
  const ScEndpoint *endpoint = fixture->endpoints->pdata[fixture->endpoints->len - 1];

  return endpoint->registry;
}

static void
set_up (Fixture *fixture, const Setup *setup)
{
  fixture->data = g_malloc (BLOB_BYTES);
  for (guint i = 0; i < BLOB_BYTES; i++)
    fixture->data[i] = (guint8)(i * 7 + i / 251);
  fixture->digest = sc_digest_of_bytes (fixture->data, BLOB_BYTES);
  fixture->behaviour = setup->behaviour;
  g_mutex_init (&fixture->mutex);
  fixture->log = g_ptr_array_new_with_free_func (g_free);
  fixture->held = g_ptr_array_new_with_free_func (g_object_unref);

  fixture->context = g_main_context_new ();
  fixture->loop = g_main_loop_new (fixture->context, FALSE);
  g_main_context_push_thread_default (fixture->context);
  fixture->port = listen_to (fixture, &fixture->server,
                             setup->is_expired ? expired_certificate : good_certificate);
  fixture->mirror_port = listen_to (fixture, &fixture->mirror_server, good_certificate);
  fixture->other_port = listen_to (fixture, &fixture->other_server, NULL);
  g_main_context_pop_thread_default (fixture->context);
  fixture->thread = g_thread_new ("registry", serve_in_thread, fixture);

  fixture->policy = sc_retry_policy_default;
  fixture->policy.backoff_ms = 1;
  fixture->policy.backoff_max_ms = 1;
  fixture->cancellable = g_cancellable_new ();

  g_autofree char *name = g_strdup_printf ("127.0.0.1:%u", fixture->port);
  fixture->is_secure = setup->secure;
  set_registry (fixture, name, NULL);
}

static gboolean
quit_loop (gpointer data)
{
  g_main_loop_quit (data);
  return G_SOURCE_REMOVE;
}

static void
tear_down (Fixture *fixture, const Setup *setup)
{
  clear_registry (fixture);
  while (g_main_context_iteration (NULL, FALSE))
    ;
  /* Not from here: the loop may not have started yet. */
  g_autoptr (GSource) quit = g_idle_source_new ();
  g_source_set_callback (quit, quit_loop, fixture->loop, NULL);
  g_source_attach (quit, fixture->context);
  g_thread_join (fixture->thread);

  g_main_context_push_thread_default (fixture->context);
  g_object_unref (fixture->server);
  g_object_unref (fixture->other_server);
  g_object_unref (fixture->mirror_server);
  g_ptr_array_unref (fixture->held);
  while (g_main_context_iteration (fixture->context, FALSE))
    ;
  g_main_context_pop_thread_default (fixture->context);
  g_main_loop_unref (fixture->loop);
  g_main_context_unref (fixture->context);
  g_ptr_array_unref (fixture->log);
  g_mutex_clear (&fixture->mutex);
  g_object_unref (fixture->cancellable);
  g_free (fixture->digest);
  g_free (fixture->data);
}

guint
count_requests (Fixture *fixture, const char *text)
{
  guint n = 0;

  g_mutex_lock (&fixture->mutex);
  for (guint i = 0; i < fixture->log->len; i++)
    n += strstr (fixture->log->pdata[i], text) != NULL;
  g_mutex_unlock (&fixture->mutex);
  return n;
}

int
set_registry_to_silence (Fixture *fixture, gboolean listening)
{
  struct sockaddr_in address
      = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *)&address, length), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *)&address, &length), ==, 0);
  if (listening)
    g_assert_cmpint (listen (fd, 4), ==, 0);

  g_autofree char *name = g_strdup_printf ("127.0.0.1:%u", ntohs (address.sin_port));
  set_registry (fixture, name, NULL);
  return fd;
}

/* Of what trust() trusts; read when it is needed. */
static char *trusted_path;

void
trust (const char *certificate)
{
  g_autoptr (GError) error = NULL;
  int fd = g_file_open_tmp ("syscont-test-XXXXXX.pem", &trusted_path, &error);

  g_assert_no_error (error);
  close (fd);
  g_assert_true (g_file_set_contents (trusted_path, certificate, -1, NULL));
  g_autoptr (GTlsDatabase) database = g_tls_file_database_new (trusted_path, &error);
  g_assert_no_error (error);
  g_tls_backend_set_default_database (g_tls_backend_get_default (), database);
}

void
trust_system (void)
{
  g_autoptr (GTlsDatabase) authorities = sc_authorities_new ();

  g_tls_backend_set_default_database (g_tls_backend_get_default (), authorities);
  if (trusted_path != NULL)
    g_remove (trusted_path);
  g_clear_pointer (&trusted_path, g_free);
}

static void
keep_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

char *
get_manifest (Fixture *fixture, const char *tag, guint max_bytes, GError **error)
{
  ScRegistryRequest request = { .is_manifest = TRUE, .reference = tag };
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *type = NULL;

  sc_document_get_async (fixture->mirrors, &request, max_bytes, fixture->cancellable, keep_result,
                         &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);

  g_autoptr (GBytes) body = sc_document_get_finish (result, &type, &fixture->served, error);
  if (body == NULL)
    return NULL;
  g_assert_true (*type == '\0' || g_str_equal (type, MEDIA_TYPE));
  return g_strndup (g_bytes_get_data (body, NULL), g_bytes_get_size (body));
}

static gpointer
read_in_thread (gpointer data)
{
  sc_autofd fd = GPOINTER_TO_INT (data);

  return sc_fd_read_all (fd, 64 * 1024 * 1024, NULL);
}

gboolean
get_blob (Fixture *fixture, GError **error)
{
  ScRegistryRequest request = { .reference = fixture->digest, .range_start = fixture->offset };
  g_autoptr (GAsyncResult) result = NULL;
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  GThread *reader = g_thread_new ("reader", read_in_thread, GINT_TO_POINTER (fds[0]));
  sc_blob_pump_async (fixture->mirrors, &request, BLOB_BYTES, fds[1], fixture->cancellable,
                      keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);

  g_autoptr (GBytes) got = g_thread_join (reader);
  guint endpoint = 0;
  gboolean done = sc_blob_pump_finish (result, &fixture->line_bytes, &endpoint, error);
  gsize wanted_bytes = BLOB_BYTES - fixture->offset;
  g_assert_cmpuint (g_bytes_get_size (got), <=, wanted_bytes);
  if (done || g_bytes_get_size (got) > 0)
    g_assert_cmpint (memcmp (g_bytes_get_data (got, NULL), fixture->data + fixture->offset,
                             g_bytes_get_size (got)),
                     ==, 0);
  if (done)
    g_assert_cmpuint (g_bytes_get_size (got), ==, wanted_bytes);
  return done;
}

void
assert_message (const GError *error, const char *text)
{
  if (strstr (error->message, text) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, text);
}

int
fixture_main (int argc, char **argv, const RegistryTest *tests, gsize n_tests)
{
  g_test_init (&argc, &argv, NULL);
  (void)signal (SIGPIPE, SIG_IGN);
  g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);
  for (gsize i = 0; i < n_tests; i++)
    g_test_add_vtable (tests[i].path, sizeof (Fixture), &tests[i].setup, (GTestFixtureFunc)set_up,
                       (GTestFixtureFunc)tests[i].test, (GTestFixtureFunc)tear_down);
  return g_test_run ();
}
