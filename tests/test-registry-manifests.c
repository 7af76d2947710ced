/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Manifests: what syscont-fetch asks a registry for them, and what it makes of the answers. With
 * them the names that no registry is asked for, and answers that are not quite HTTP.
 */
#include "registry-fixture.h"

#include "base/sc-digest.h"
#include "fetch/sc-proxy.h"
#include "base/sc-fd.h"
#include "image/sc-manifest.h"

#include <string.h>

static void
test_manifest (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  g_assert_cmpuint (count_requests (fixture, "/v2/a/b/manifests/latest"), ==, 1);
  for (guint i = 0; sc_manifest_accept[i] != NULL; i++)
    g_assert_cmpuint (count_requests (fixture, sc_manifest_accept[i]), ==, 1);
  g_assert_cmpuint (count_requests (fixture, "Accept-Encoding=identity"), ==, 1);
  g_assert_cmpuint (count_requests (fixture, "User-Agent=syscont/"), ==, 1);
}

static void
test_manifest_by_digest (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *digest = sc_digest_of_bytes (MANIFEST, strlen (MANIFEST));
  g_autofree char *path = g_strdup_printf ("/v2/a/b/manifests/%s", digest);

  g_autofree char *body = get_manifest (fixture, digest, SC_MANIFEST_MAX_BYTES, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  g_assert_cmpuint (count_requests (fixture, path), ==, 1);
}

/* RP08 */
static void
test_manifest_of_another_digest (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, fixture->digest, SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_DIGEST_MISMATCH);
  assert_message (error, fixture->digest);
}

static void
test_manifest_unknown (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "v9", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_MANIFEST_UNKNOWN);
  assert_message (error, "\"127.0.0.1:");
  assert_message (error, "\"v9\"");
  assert_message (error, "\"a/b\"");
  g_assert_cmpuint (fixture->log->len, ==, 1);
}

static void
test_manifest_limit (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", strlen (MANIFEST) - 1, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
  assert_message (error, "manifest \"127.0.0.1:");
}

static void
behave_short_manifest (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (n > 0)
    {
      behave (fixture, message, path, n);
      return;
    }
  g_autoptr (GIOStream) stream = write_raw (
      fixture, message, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 20\r\n\r\n",
      (const guint8 *)MANIFEST, 10);
  (void)g_io_stream_close (stream, NULL, NULL);
}

/* RP01: libsoup calls this a success */
static void
test_manifest_short (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  g_assert_cmpuint (fixture->log->len, ==, 2);
}

static void
behave_encoded (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  set_header (message, "Content-Encoding", "gzip");
  answer (message, 200, MEDIA_TYPE, MANIFEST);
}

/* RP18: nothing is decoded, whatever the header says */
static void
test_manifest_encoded (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
}

/* RP16 */
static void
test_headers_stall (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->policy.headers_ms = 50;
  fixture->policy.retries = 1;
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "no answer within");
}

static void
behave_stalling_manifest (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (n == 0)
    g_ptr_array_add (fixture->held,
                     write_raw (fixture, message, "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n",
                                (const guint8 *)MANIFEST, 10));
  else
    behave (fixture, message, path, n);
}

/* RP16 */
static void
test_manifest_stall (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->policy.stall_ms = 50;
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
}

static void
test_unreachable (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  sc_autofd fd = set_registry_to_silence (fixture, FALSE);
  g_assert_cmpint (fd, >=, 0);

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, get_registry_name (fixture));
  assert_message (error, "refuses the connection");
}

typedef struct
{
  const char *name;
  const char *head;
  gsize n_filler; /* bytes of a header in the middle */
} Head;

static const Head heads[] = {
  { "large", "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n", 1024 * 1024 },
  { "no status", "\r\n\r\n", 0 },
  { "not HTTP", "220 mail.example.com ESMTP\r\n\r\n", 0 },
  { "obsolete fold", "HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\nContent-Length: 19\r\n\r\n", 0 },
  { "no colon", "HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 19\r\n\r\n", 0 },
  { "two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 19\r\nContent-Length: 5\r\n\r\n", 0 },
  { "two lengths, the other way",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 19\r\n\r\n", 0 },
  { "negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", 0 },
  { "long length", "HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n", 0 },
  { "length and chunks",
    "HTTP/1.1 200 OK\r\nContent-Length: 19\r\nTransfer-Encoding: chunked\r\n\r\n", 0 },
  { "chunk of nonsense", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0 },
  { "negative chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\n", 0 },
  { "large chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", 0 },
  { "unknown encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 0 },
};
static const Head *current_head;

static void
behave_with_head (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  g_autofree char *filler = g_strnfill (current_head->n_filler, 'a');
  g_autofree char *head
      = g_strconcat (current_head->head, current_head->n_filler > 0 ? "X-A: " : "", filler,
                     current_head->n_filler > 0 ? "\r\n\r\n" : "", NULL);
  g_autoptr (GIOStream) stream
      = write_raw (fixture, message, head, (const guint8 *)MANIFEST, strlen (MANIFEST));

  (void)g_io_stream_close (stream, NULL, NULL);
}

/* RP17 */
static void
test_headers (Fixture *fixture, gconstpointer data)
{
  fixture->policy.retries = 0;
  for (guint i = 0; i < G_N_ELEMENTS (heads); i++)
    {
      g_autoptr (GError) error = NULL;

      current_head = &heads[i];
      g_autofree char *document = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

      g_test_message ("%s: %s", heads[i].name, error != NULL ? error->message : document);
      if (error != NULL)
        g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
      else
        g_assert_cmpstr (document, ==, MANIFEST);
    }
}

static void
behave_informational (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  g_autoptr (GString) flood = g_string_new (NULL);

  for (guint i = 0; i < 10000; i++)
    g_string_append (flood, "HTTP/1.1 103 Early Hints\r\n\r\n");
  g_ptr_array_add (fixture->held, write_raw (fixture, message, flood->str, NULL, 0));
}

static void
test_names_refused (Fixture *fixture, gconstpointer data)
{
  static const char *const names[][2] = {
    { "", "a" },
    { "a", "a" },
    { "a b.example.com", "a" },
    { "user@example.com", "a" },
    { "example.com/a", "a" },
    { "example.com:x", "a" },
    { "example.com?a", "a" },
    { "example.com#", "a" },
    { "../example.com", "a" },
    { "example.com", "../a" },
    { "example.com", "A" },
    { "example.com", "a/../b" },
    { "example.com", "a?b" },
    { "example.com", "a:b" },
    { "example.com", "/" },
    { "docker.io", "busybox" },
  };
  const ScRegistryRequest requests[] = {
    { .is_manifest = TRUE, .reference = "" },
    { .is_manifest = TRUE, .reference = "../b" },
    { .is_manifest = TRUE, .reference = "b@c" },
    { .is_manifest = TRUE, .reference = "sha256:0" },
    { .reference = "latest" },
  };

  g_autoptr (GProxyResolver) direct = sc_proxy_resolver_new (NULL);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ScEndpoint) endpoint = sc_endpoint_new (names[i][0], names[i][1]);
      g_autoptr (ScHttp) http = sc_http_new (&fixture->policy, direct, endpoint, NULL);
      g_autoptr (ScRegistry) registry = sc_registry_new (http, endpoint, &error);

      g_test_message ("%s %s", names[i][0], names[i][1]);
      g_assert_null (registry);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_REFERENCE);
    }
  g_autoptr (ScEndpoint) library = sc_endpoint_new ("docker.io", "library/busybox");
  g_autoptr (ScHttp) http = sc_http_new (&fixture->policy, direct, library, NULL);
  g_autoptr (ScRegistry) docker = sc_registry_new (http, library, NULL);
  g_assert_nonnull (docker);
  g_autoptr (ScEndpoint) itself = sc_endpoint_new ("example.com", "");
  g_autoptr (ScRegistry) whole = sc_registry_new (http, itself, NULL);
  g_assert_nonnull (whole);

  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", requests[i].reference);
      g_assert_false (sc_registry_check (&requests[i], &error));
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_REFERENCE);
    }
}

int
main (int argc, char **argv)
{
  static const RegistryTest tests[] = {
    { "/registry/manifest/by-tag", { behave }, test_manifest },
    { "/registry/manifest/by-digest", { behave }, test_manifest_by_digest },
    { "/registry/manifest/of-another-digest", { behave }, test_manifest_of_another_digest },
    { "/registry/manifest/unknown", { behave_unknown }, test_manifest_unknown },
    { "/registry/manifest/too-large", { behave }, test_manifest_limit },
    { "/registry/manifest/short", { behave_short_manifest }, test_manifest_short },
    { "/registry/manifest/not-decoded", { behave_encoded }, test_manifest_encoded },
    { "/registry/manifest/headers-stall", { behave_silent }, test_headers_stall },
    { "/registry/manifest/body-stalls", { behave_stalling_manifest }, test_manifest_stall },
    { "/registry/manifest/headers", { behave_with_head }, test_headers },
    { "/registry/manifest/informational", { behave_informational }, test_headers_stall },
    { "/registry/manifest/unreachable", { behave }, test_unreachable },
    { "/registry/names/refused", { behave }, test_names_refused },
  };

  return fixture_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
