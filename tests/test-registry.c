/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * syscont-fetch against a registry on the loopback interface that behaves, and misbehaves on
 * purpose. The registry lives in a thread of its own; what a test lets it do is a function that is
 * called for each request.
 */
#include "fetch/sc-registry.h"

#include "base/sc-digest.h"
#include "base/sc-error-util.h"
#include "base/sc-fd.h"
#include "fetch/sc-blob-pump.h"
#include "fetch/sc-document.h"
#include "fetch/sc-fetch-server.h"
#include "fetch/sc-proxy.h"
#include "image/sc-manifest.h"
#include "image/sc-record.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MANIFEST   "{\"schemaVersion\":2}"
#define MEDIA_TYPE "application/vnd.oci.image.manifest.v1+json"
#define BLOB_BYTES (600 * 1024)

/* A self-signed certificate for 127.0.0.1 and its key, which protect nothing. */
static const char good_certificate[]
    = "-----BEGIN CERTIFICATE-----\n"
      "MIIBRDCB66ADAgECAgEBMAoGCCqGSM49BAMCMBgxFjAUBgNVBAMMDXRlc3QgcmVn\n"
      "aXN0cnkwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBgxFjAUBgNV\n"
      "BAMMDXRlc3QgcmVnaXN0cnkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQCiJWp\n"
      "EDXwiVLeJHdnnRhSXQP67aryVrAnV0yuK2jpLIRNlc2XF/rqjPAkmXhUtQi4icsY\n"
      "O+sly+hjWclXi6DpoyQwIjAPBgNVHREECDAGhwR/AAABMA8GA1UdEwEB/wQFMAMB\n"
      "Af8wCgYIKoZIzj0EAwIDSAAwRQIhAMg82ErZ3FAxxBV7DGey7DV1gEAXKFVBJ/yr\n"
      "VrRE5aDuAiAwUu6rL6Wyh8TiyqlNhPIoxujbBZsyKG9Qeilx1SlxHg==\n"
      "-----END CERTIFICATE-----\n";
static const char expired_certificate[]
    = "-----BEGIN CERTIFICATE-----\n"
      "MIIBQzCB6aADAgECAgEBMAoGCCqGSM49BAMCMBgxFjAUBgNVBAMMDXRlc3QgcmVn\n"
      "aXN0cnkwHhcNMTkwMTAxMDAwMDAwWhcNMjAwMTAxMDAwMDAwWjAYMRYwFAYDVQQD\n"
      "DA10ZXN0IHJlZ2lzdHJ5MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAoiVqRA1\n"
      "8IlS3iR3Z50YUl0D+u2q8lawJ1dMrito6SyETZXNlxf66ozwJJl4VLUIuInLGDvr\n"
      "JcvoY1nJV4ug6aMkMCIwDwYDVR0RBAgwBocEfwAAATAPBgNVHRMBAf8EBTADAQH/\n"
      "MAoGCCqGSM49BAMCA0kAMEYCIQCwalMWaErAqgKfi+r8PuZJYa3AHylacr/SQw0G\n"
      "QmEDGwIhAJ0c3DpM2Q1R723bj+nkQP95ao08SkWsJ4S/jneF/K0y\n"
      "-----END CERTIFICATE-----\n";
static const char certificate_key[]
    = "-----BEGIN PRIVATE KEY-----\n"
      "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgPfXG+dP0Qn4WXNW7\n"
      "HzU3ymy2VMtHQM4pQZglIla4jjOhRANCAAQCiJWpEDXwiVLeJHdnnRhSXQP67ary\n"
      "VrAnV0yuK2jpLIRNlc2XF/rqjPAkmXhUtQi4icsYO+sly+hjWclXi6Dp\n"
      "-----END PRIVATE KEY-----\n";

typedef struct _Fixture Fixture;

/* @n: how many requests came before this one, to whatever path */
typedef void (*Behaviour) (Fixture *fixture, SoupServerMessage *message, const char *path, guint n);

struct _Fixture
{
  guint8 *data; /* (owned) the blob */
  char *digest; /* (owned) of it */
  Behaviour behaviour;

  GMutex mutex;
  GPtrArray *log; /* (owned) of char*: "PATH authorization=… range=… accept=…" */
  guint64 sent_bytes;
  GPtrArray *held; /* (owned) of GIOStream: connections that stay open in silence */

  GMainContext *context; /* (owned) of the registry's thread */
  GMainLoop *loop;       /* (owned) */
  GThread *thread;
  SoupServer *server;       /* (owned) */
  SoupServer *other_server; /* (owned) at another port, of the same behaviour */
  guint port;
  guint other_port;

  ScRetryPolicy policy;
  ScHttp *http;              /* (owned) (nullable) */
  ScRegistry *registry;      /* (owned) (nullable) */
  GCancellable *cancellable; /* (owned) */
};

/* --- the registry --- */

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

static void
set_header (SoupServerMessage *message, const char *name, const char *value)
{
  soup_message_headers_replace (soup_server_message_get_response_headers (message), name, value);
}

static void
answer (SoupServerMessage *message, guint status, const char *type, const char *body)
{
  soup_server_message_set_status (message, status, NULL);
  soup_server_message_set_response (message, type, SOUP_MEMORY_COPY, body, strlen (body));
}

/* The other origin has no TLS. */
static char *
get_origin (Fixture *fixture, gboolean elsewhere)
{
  if (elsewhere)
    return g_strdup_printf ("http://127.0.0.1:%u", fixture->other_port);
  return g_strdup_printf ("https://127.0.0.1:%u", fixture->port);
}

static void
redirect (Fixture *fixture, SoupServerMessage *message, gboolean elsewhere, const char *path)
{
  g_autofree char *origin = get_origin (fixture, elsewhere);
  g_autofree char *location = g_strconcat (origin, path, NULL);

  soup_server_message_set_status (message, 307, NULL);
  set_header (message, "Location", location);
}

static guint64
get_range_start (SoupServerMessage *message)
{
  const char *range
      = soup_message_headers_get_one (soup_server_message_get_request_headers (message), "Range");
  guint64 start = 0;

  if (range != NULL)
    g_assert_true (g_str_has_prefix (range, "bytes=") && g_str_has_suffix (range, "-"));
  return range != NULL ? g_ascii_strtoull (range + strlen ("bytes="), NULL, 10) : start;
}

/* Takes the connection away from libsoup and writes @head and @n_bytes of @data to it. */
static GIOStream *
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

static char *
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

typedef enum
{
  THEN_CLOSE,
  THEN_RESET,
  THEN_HOLD,
} Then;

/* Sends @n_bytes of the blob from where it is wanted, announcing all of the rest. */
static void
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

static void
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

typedef struct
{
  Behaviour behaviour;
  gboolean is_expired; /* the certificate */
  gboolean secure;     /* the client checks it */
} Setup;

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
  fixture->other_port = listen_to (fixture, &fixture->other_server, NULL);
  g_main_context_pop_thread_default (fixture->context);
  fixture->thread = g_thread_new ("registry", serve_in_thread, fixture);

  fixture->policy = sc_retry_policy_default;
  fixture->policy.backoff_ms = 1;
  fixture->policy.backoff_max_ms = 1;
  fixture->cancellable = g_cancellable_new ();

  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strdup_printf ("127.0.0.1:%u", fixture->port);
  g_autoptr (GProxyResolver) direct = sc_proxy_resolver_new (NULL);
  fixture->http = sc_http_new (&fixture->policy, direct, !setup->secure);
  fixture->registry = sc_registry_new (fixture->http, name, &error);
  g_assert_no_error (error);
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
  g_clear_pointer (&fixture->registry, sc_registry_free);
  g_clear_pointer (&fixture->http, sc_http_free);
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

static guint
count_requests (Fixture *fixture, const char *text)
{
  guint n = 0;

  g_mutex_lock (&fixture->mutex);
  for (guint i = 0; i < fixture->log->len; i++)
    n += strstr (fixture->log->pdata[i], text) != NULL;
  g_mutex_unlock (&fixture->mutex);
  return n;
}

/* --- the client --- */

static void
keep_result (GObject *source, GAsyncResult *result, gpointer user_data)
{
  *(GAsyncResult **)user_data = g_object_ref (result);
}

static char *
get_manifest (Fixture *fixture, const char *tag, guint max_bytes, GError **error)
{
  ScRegistryRequest request = { .is_manifest = TRUE, .repository = "a/b", .reference = tag };
  g_autoptr (GAsyncResult) result = NULL;
  g_autofree char *type = NULL;

  sc_document_get_async (fixture->registry, &request, max_bytes, fixture->cancellable, keep_result,
                         &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);

  g_autoptr (GBytes) body = sc_document_get_finish (result, &type, error);
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

static gboolean
get_blob (Fixture *fixture, GError **error)
{
  ScRegistryRequest request = { .repository = "a/b", .reference = fixture->digest };
  g_autoptr (GAsyncResult) result = NULL;
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  GThread *reader = g_thread_new ("reader", read_in_thread, GINT_TO_POINTER (fds[0]));
  sc_blob_pump_async (fixture->registry, &request, BLOB_BYTES, fds[1], fixture->cancellable,
                      keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);

  g_autoptr (GBytes) got = g_thread_join (reader);
  gboolean done = sc_blob_pump_finish (result, error);
  g_assert_cmpuint (g_bytes_get_size (got), <=, BLOB_BYTES);
  if (done || g_bytes_get_size (got) > 0)
    g_assert_cmpint (memcmp (g_bytes_get_data (got, NULL), fixture->data, g_bytes_get_size (got)),
                     ==, 0);
  if (done)
    g_assert_cmpuint (g_bytes_get_size (got), ==, BLOB_BYTES);
  return done;
}

static void
assert_message (const GError *error, const char *text)
{
  if (strstr (error->message, text) == NULL)
    g_error ("\"%s\" does not say \"%s\"", error->message, text);
}

/* --- manifests --- */

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
  g_autofree char *path = g_strdup_printf ("/v2/a/b/manifests/%s", fixture->digest);

  g_autofree char *body = get_manifest (fixture, fixture->digest, SC_MANIFEST_MAX_BYTES, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  g_assert_cmpuint (count_requests (fixture, path), ==, 1);
}

static void
behave_unknown (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  answer (message, 404, "application/json", "{}");
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

static void
behave_silent (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  g_ptr_array_add (fixture->held, write_raw (fixture, message, "HTTP/1.1 200 OK\r\n", NULL, 0));
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

/* A registry of which there is no more than an address. Returns its socket. */
static int
set_registry_to_silence (Fixture *fixture, gboolean listening)
{
  g_autoptr (GError) error = NULL;
  struct sockaddr_in address
      = { .sin_family = AF_INET, .sin_addr.s_addr = htonl (INADDR_LOOPBACK) };
  socklen_t length = sizeof address;
  int fd = socket (AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  g_assert_cmpint (bind (fd, (struct sockaddr *)&address, length), ==, 0);
  g_assert_cmpint (getsockname (fd, (struct sockaddr *)&address, &length), ==, 0);
  if (listening)
    g_assert_cmpint (listen (fd, 4), ==, 0);

  g_autofree char *name = g_strdup_printf ("127.0.0.1:%u", ntohs (address.sin_port));
  sc_registry_free (fixture->registry);
  fixture->registry = sc_registry_new (fixture->http, name, &error);
  g_assert_no_error (error);
  return fd;
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
  assert_message (error, sc_registry_get_name (fixture->registry));
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

/* --- TLS --- */

/* Of what trust() trusts; read when it is needed. */
static char *trusted_path;

static void
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

static void
trust_system (void)
{
  g_tls_backend_set_default_database (g_tls_backend_get_default (), NULL);
  if (trusted_path != NULL)
    g_remove (trusted_path);
  g_clear_pointer (&trusted_path, g_free);
}

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

  sc_registry_free (fixture->registry);
  fixture->registry = sc_registry_new (fixture->http, name, NULL);
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
  sc_registry_free (fixture->registry);
  fixture->registry = sc_registry_new (fixture->http, name, &error);
  g_assert_no_error (error);
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
      = g_strdup_printf ("https_proxy=http://%s", sc_registry_get_name (fixture->registry));
  char *environment[] = { http_proxy, https_proxy, NULL };
  g_autoptr (GProxyResolver) proxy = sc_proxy_resolver_new (environment);

  sc_registry_free (fixture->registry);
  sc_http_free (fixture->http);
  fixture->http = sc_http_new (&fixture->policy, proxy, TRUE);
  fixture->registry = sc_registry_new (fixture->http, "registry.example.com", NULL);
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

/* --- authentication --- */

static void
challenge (Fixture *fixture, SoupServerMessage *message, gboolean elsewhere, const char *scope)
{
  g_autofree char *origin = get_origin (fixture, elsewhere);
  g_autofree char *text
      = g_strdup_printf ("Bearer realm=\"%s/token\",service=\"s\"%s", origin, scope);

  answer (message, 401, "text/plain", "");
  set_header (message, "WWW-Authenticate", text);
}

static gboolean
has_authorization (SoupServerMessage *message, const char *value)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);

  return g_strcmp0 (soup_message_headers_get_one (headers, "Authorization"), value) == 0;
}

static void
behave_with_token (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (g_str_equal (path, "/token"))
    answer (message, 200, "application/json", "{\"token\":\"one\",\"expires_in\":60}");
  else if (has_authorization (message, "Bearer one"))
    behave (fixture, message, path, n);
  else
    challenge (fixture, message, TRUE, ",scope=\"repository:a/b:pull\"");
}

static void
test_token (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpuint (count_requests (fixture, "/token?service=s&scope=repository%3Aa%2Fb%3Apull"),
                    ==, 1);
  g_assert_cmpuint (count_requests (fixture, "Authorization=Bearer one"), ==, 2);
}

/* Each token is good for one request. */
static void
behave_with_short_token (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  static guint issued, spent;

  if (n == 0)
    issued = spent = 0;
  g_autofree char *current = g_strdup_printf ("Bearer t%u", issued);
  g_autofree char *token = g_strdup_printf ("{\"access_token\":\"t%u\"}", issued + 1);
  if (g_str_equal (path, "/token"))
    {
      issued++;
      answer (message, 200, "application/json", token);
    }
  else if (issued > spent && has_authorization (message, current))
    {
      spent = issued;
      if (strstr (path, "/blobs/") != NULL && get_range_start (message) == 0)
        send_part (fixture, message, 0, 1000, THEN_CLOSE);
      else
        behave (fixture, message, path, n);
    }
  else
    challenge (fixture, message, TRUE, "");
}

/* RP14 */
static void
test_token_expires (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpuint (count_requests (fixture, "/token?"), ==, 3);
  g_assert_cmpuint (count_requests (fixture, "/blobs/"), ==, 4);
}

static void
behave_insatiable (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (g_str_equal (path, "/token"))
    answer (message, 200, "application/json", "{\"token\":\"one\"}");
  else
    challenge (fixture, message, FALSE, "");
}

/* RP14 */
static void
test_token_useless (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
  assert_message (error, "\"a/b\"");
  g_assert_cmpuint (count_requests (fixture, "/token?"), ==, 1);
  g_assert_cmpuint (count_requests (fixture, "/manifests/"), ==, 2);
}

static void
behave_basic (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  answer (message, 401, "text/plain", "");
  set_header (message, "WWW-Authenticate", "Basic realm=\"members only\"");
}

static void
test_basic (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
  g_assert_cmpuint (fixture->log->len, ==, 1);
}

static void
behave_moved_token (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (g_str_equal (path, "/token"))
    redirect (fixture, message, TRUE, "/elsewhere");
  else
    challenge (fixture, message, FALSE, "");
}

static void
test_token_redirect (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "token");
  g_assert_cmpuint (count_requests (fixture, "/elsewhere"), ==, 0);
}

/* --- redirects --- */

static void
behave_moved_blob (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  g_autofree char *there = g_strdup_printf ("/moved%s", path);

  if (strstr (path, "/blobs/") == NULL || g_str_has_prefix (path, "/moved"))
    behave_with_token (fixture, message, path, n);
  else if (has_authorization (message, "Bearer one"))
    redirect (fixture, message, TRUE, there);
  else
    challenge (fixture, message, FALSE, "");
}

static void
behave_moved_and_open (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (g_str_has_prefix (path, "/moved"))
    behave (fixture, message, path, n);
  else
    behave_moved_blob (fixture, message, path, n);
}

/* RP11 */
static void
test_redirect_without_authorization (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_mutex_lock (&fixture->mutex);
  const char *last = fixture->log->pdata[fixture->log->len - 1];
  g_assert_true (g_str_has_prefix (last, "/moved/v2/a/b/blobs/"));
  g_assert_null (strstr (last, "Authorization"));
  g_mutex_unlock (&fixture->mutex);
}

/* The number in the path counts down. */
static void
behave_redirecting (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  guint left = g_str_has_prefix (path, "/hop/") ? (guint)atoi (path + strlen ("/hop/")) : 6;
  g_autofree char *there = g_strdup_printf ("/hop/%u", left - 1);

  if (strstr (path, "/five") != NULL)
    redirect (fixture, message, FALSE, "/hop/4");
  else if (left == 0)
    answer (message, 200, MEDIA_TYPE, MANIFEST);
  else
    redirect (fixture, message, FALSE, there);
}

static void
test_redirect_limit (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *five = get_manifest (fixture, "five", SC_MANIFEST_MAX_BYTES, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (five, ==, MANIFEST);
  g_autofree char *six = get_manifest (fixture, "six", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (six);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "redirects once more");
}

static void
behave_downgrading (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (g_str_equal (path, "/plain"))
    answer (message, 200, MEDIA_TYPE, MANIFEST);
  else
    redirect (fixture, message, TRUE, "/plain");
}

/* RP11 */
static void
test_redirect_downgrade (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  trust (good_certificate);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);
  trust_system ();

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "from https to http");
  g_assert_cmpuint (count_requests (fixture, "/plain"), ==, 0);
}

static void
behave_two_locations (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  redirect (fixture, message, FALSE, "/a");
  soup_message_headers_append (soup_server_message_get_response_headers (message), "Location",
                               "http://127.0.0.1/b");
}

static void
behave_file_location (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  soup_server_message_set_status (message, 302, NULL);
  set_header (message, "Location", "file:///etc/passwd");
}

/* RP17 */
static void
test_redirect_refused (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "not to a proper http address");
}

/* --- blobs --- */

static void
test_blob (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpuint (fixture->log->len, ==, 1);
}

static void
behave_truncating (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (n == 0)
    send_part (fixture, message, 0, 100000, THEN_CLOSE);
  else
    behave (fixture, message, path, n);
}

/* RP01 */
static void
test_blob_truncated (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpuint (count_requests (fixture, "Range=bytes=100000-"), ==, 1);
  g_assert_cmpuint (fixture->log->len, ==, 2);
}

/* A body whose end is that of the connection: libsoup calls any length a success. */
static void
behave_truncating_unannounced (Fixture *fixture,
                               SoupServerMessage *message,
                               const char *path,
                               guint n)
{
  if (n > 0)
    {
      behave (fixture, message, path, n);
      return;
    }
  g_autoptr (GIOStream) stream = write_raw (
      fixture, message, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", fixture->data, 100000);
  (void)g_io_stream_close (stream, NULL, NULL);
}

static void
behave_resetting (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  guint64 start = get_range_start (message);

  if (n < 20)
    send_part (fixture, message, start, (gsize)g_test_rand_int_range (1, 20000), THEN_RESET);
  else
    send_part (fixture, message, start, BLOB_BYTES, THEN_CLOSE);
}

/* RP02 */
static void
test_blob_resets (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpuint (fixture->sent_bytes, <, BLOB_BYTES * 2);
}

static void
behave_without_ranges (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  send_part (fixture, message, 0, n == 0 ? 100000 : BLOB_BYTES, THEN_CLOSE);
}

/* RP03 */
static void
test_blob_no_range (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpuint (fixture->log->len, ==, 2);
}

static void
behave_without_ranges_ever (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  send_part (fixture, message, 0, 100000 * (n + 1), THEN_CLOSE);
}

/* RP03 */
static void
test_blob_no_range_twice (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_false (done);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "cannot resume");
  assert_message (error, fixture->digest);
  g_assert_cmpuint (fixture->log->len, ==, 3);
}

static void
behave_other_range (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (n == 0)
    {
      send_part (fixture, message, 0, 100000, THEN_CLOSE);
      return;
    }
  g_autofree char *head = make_head (99999, BLOB_BYTES);
  g_autoptr (GIOStream) stream
      = write_raw (fixture, message, head, fixture->data + 99999, BLOB_BYTES - 99999);
  (void)g_io_stream_close (stream, NULL, NULL);
}

/* RP03 */
static void
test_blob_other_range (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_false (done);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "another part");
}

static void
send_length (Fixture *fixture, SoupServerMessage *message, gsize length)
{
  g_autofree guint8 *body = g_malloc0 (length);

  memcpy (body, fixture->data, MIN (length, BLOB_BYTES));
  soup_server_message_set_status (message, 200, NULL);
  soup_server_message_set_response (message, "application/octet-stream", SOUP_MEMORY_COPY,
                                    (const char *)body, length);
}

static void
behave_longer (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  send_length (fixture, message, BLOB_BYTES + 1);
}

static void
behave_shorter (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  send_length (fixture, message, BLOB_BYTES - 1);
}

static void
behave_endless (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  soup_message_headers_set_encoding (soup_server_message_get_response_headers (message),
                                     SOUP_ENCODING_CHUNKED);
  send_length (fixture, message, BLOB_BYTES + 1);
}

/* RP05 */
static void
test_blob_other_size (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_false (done);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
  assert_message (error, fixture->digest);
  g_assert_cmpuint (fixture->log->len, ==, 1);
}

static void
behave_hopeless (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  send_part (fixture, message, get_range_start (message), n == 0 ? 100000 : 0, THEN_CLOSE);
}

/* RP01 */
static void
test_blob_hopeless (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_false (done);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "after 100000 of");
  g_assert_cmpuint (fixture->log->len, ==, 6);
}

static void
behave_stalling (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  send_part (fixture, message, get_range_start (message), n == 0 ? 100000 : BLOB_BYTES,
             n == 0 ? THEN_HOLD : THEN_CLOSE);
}

/* RP16 */
static void
test_blob_stall (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->policy.stall_ms = 50;
  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpuint (count_requests (fixture, "Range=bytes=100000-"), ==, 1);
}

/* RP16: slower than the floor, although never silent */
static void
test_blob_trickle (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->policy.floor_window_ms = 0;
  fixture->policy.floor_bytes = 64 * 1024 * 1024;
  gboolean done = get_blob (fixture, &error);

  g_assert_false (done);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "fewer than");
}

static void
test_blob_unknown (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_false (done);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "no longer has the blob");
  assert_message (error, fixture->digest);
}

/* --- waiting --- */

static void
behave_busy (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (n >= 3)
    {
      behave (fixture, message, path, n);
      return;
    }
  answer (message, n == 1 ? 503 : 429, "text/plain", "");
  set_header (message, "Retry-After",
              n == 0   ? "0"
              : n == 1 ? "-3"
                       : "Tue, 31 Dec 2019 00:00:00 GMT");
}

/* RP15 */
static void
test_busy (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  g_assert_cmpuint (fixture->log->len, ==, 4);
}

static void
behave_busy_for_a_day (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  answer (message, 429, "text/plain", "");
  set_header (message, "Retry-After", "86400");
}

/* RP15 */
static void
test_busy_for_a_day (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) then = g_date_time_add_days (now, 1);
  g_autofree char *date = g_date_time_format (then, "%Y-%m-%d");

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_RATE_LIMITED);
  assert_message (error, date);
}

static void
behave_always_busy (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  answer (message, 429, "text/plain", "");
  set_header (message, "Retry-After", "0");
}

/* RP15 */
static void
test_always_busy (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_RATE_LIMITED);
  g_assert_cmpuint (fixture->log->len, ==, 7); /* one of them to find out about TLS */
}

static void
behave_broken (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  answer (message, 500, "text/plain", "");
}

static void
test_broken (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "status 500");
  g_assert_cmpuint (fixture->log->len, ==, 7); /* one of them to find out about TLS */
}

static void
behave_wait (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  answer (message, 429, "text/plain", "");
  set_header (message, "Retry-After", "200");
}

static gboolean
cancel_when_asked (gpointer data)
{
  Fixture *fixture = data;

  if (count_requests (fixture, "/manifests/") < 2)
    return G_SOURCE_CONTINUE;
  g_cancellable_cancel (fixture->cancellable);
  return G_SOURCE_REMOVE;
}

/* RP15 */
static void
test_cancel_while_waiting (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  /* In the time between two looks the client gets the answer that makes it wait. */
  g_timeout_add (50, cancel_when_asked, fixture);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_CANCELLED);
}

static void
test_names_refused (Fixture *fixture, gconstpointer data)
{
  static const char *const registries[] = { "",
                                            "a",
                                            "a b.example.com",
                                            "user@example.com",
                                            "example.com/a",
                                            "example.com:x",
                                            "example.com?a",
                                            "example.com#",
                                            "../example.com" };
  const ScRegistryRequest requests[] = {
    { .is_manifest = TRUE, .repository = "../a", .reference = "latest" },
    { .is_manifest = TRUE, .repository = "A", .reference = "latest" },
    { .is_manifest = TRUE, .repository = "a/../b", .reference = "latest" },
    { .is_manifest = TRUE, .repository = "a?b", .reference = "latest" },
    { .is_manifest = TRUE, .repository = "", .reference = "latest" },
    { .is_manifest = TRUE, .repository = "a", .reference = "" },
    { .is_manifest = TRUE, .repository = "a", .reference = "../b" },
    { .is_manifest = TRUE, .repository = "a", .reference = "b@c" },
    { .is_manifest = TRUE, .repository = "a:b", .reference = "c" },
    { .is_manifest = TRUE, .repository = "a", .reference = "sha256:0" },
    { .repository = "a", .reference = "latest" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (registries); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ScRegistry) registry = sc_registry_new (fixture->http, registries[i], &error);

      g_test_message ("%s", registries[i]);
      g_assert_null (registry);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_REFERENCE);
    }
  g_autoptr (ScRegistry) docker = sc_registry_new (fixture->http, "docker.io", NULL);
  const ScRegistryRequest busybox
      = { .is_manifest = TRUE, .repository = "busybox", .reference = "latest" };
  const ScRegistryRequest library
      = { .is_manifest = TRUE, .repository = "library/busybox", .reference = "latest" };
  g_assert_false (sc_registry_check (docker, &busybox, NULL));
  g_assert_true (sc_registry_check (docker, &library, NULL));

  for (guint i = 0; i < G_N_ELEMENTS (requests); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s %s", requests[i].repository, requests[i].reference);
      g_assert_false (sc_registry_check (fixture->registry, &requests[i], &error));
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_REFERENCE);
    }
}

/* --- the protocol --- */

typedef struct
{
  ScFetchServerSetup setup;
  GThread *thread;
  ScChannel *channel; /* (owned) the daemon's end */
} Worker;

static gpointer
work_in_thread (gpointer data)
{
  const ScFetchServerSetup *setup = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  ScFetchServer *server = sc_fetch_server_new (setup);
  gboolean ended_well = sc_fetch_server_run (server, NULL);
  sc_fetch_server_free (server);
  while (g_main_context_iteration (context, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  return GINT_TO_POINTER (ended_well);
}

static void
worker_start (Worker *self, Fixture *fixture)
{
  int fds[2];
  ScRecord record;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  self->channel = sc_channel_new (fds[0]);
  self->setup = (ScFetchServerSetup){ .fd = fds[1],
                                      .invocation_id = "0123456789abcdef0123456789abcdef",
                                      .policy = &fixture->policy,
                                      .proxy = sc_proxy_resolver_new (NULL) };
  self->thread = g_thread_new ("worker", work_in_thread, &self->setup);

  g_assert_cmpint (sc_channel_receive (self->channel, &record, NULL), ==, 1);
  g_assert_cmpint (record.type, ==, SC_RECORD_HELLO);
  g_assert_cmpuint (sc_record_get_u32 (&record), ==, SC_RECORD_VERSION);
  g_autofree char *invocation_id = sc_record_dup_string (&record);
  g_assert_cmpstr (invocation_id, ==, "0123456789abcdef0123456789abcdef");
  g_assert_true (sc_record_finish (&record, NULL));
}

/* Returns whether the worker ended well. */
static gboolean
worker_end (Worker *self)
{
  g_clear_pointer (&self->channel, sc_channel_free);
  gboolean ended_well = GPOINTER_TO_INT (g_thread_join (self->thread));
  g_object_unref (self->setup.proxy);
  return ended_well;
}

static void
worker_open (Worker *self, Fixture *fixture)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_OPEN);

  sc_record_writer_put_string (writer, sc_registry_get_name (fixture->registry));
  sc_record_writer_put_u32 (writer, 1);
  g_assert_true (sc_channel_send (self->channel, writer, NULL, 0, NULL));
}

static void
worker_ask_manifest (Worker *self, guint32 id, const char *repository, const char *tag)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_MANIFEST);

  sc_record_writer_put_u32 (writer, id);
  sc_record_writer_put_string (writer, repository);
  sc_record_writer_put_string (writer, tag);
  sc_record_writer_put_u32 (writer, SC_MANIFEST_MAX_BYTES);
  g_assert_true (sc_channel_send (self->channel, writer, NULL, 0, NULL));
}

/* Returns the read end. */
static int
worker_ask_blob (Worker *self, Fixture *fixture, guint32 id)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_BLOB);
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  sc_record_writer_put_u32 (writer, id);
  sc_record_writer_put_string (writer, "a/b");
  sc_record_writer_put_string (writer, fixture->digest);
  sc_record_writer_put_u64 (writer, BLOB_BYTES);
  g_assert_true (sc_channel_send (self->channel, writer, &fds[1], 1, NULL));
  close (fds[1]);
  return fds[0];
}

static void
worker_expect_manifest (Worker *self, guint32 id)
{
  ScRecord record;

  g_assert_cmpint (sc_channel_receive (self->channel, &record, NULL), ==, 1);
  g_assert_cmpint (record.type, ==, SC_RECORD_FETCH_MANIFEST_BODY);
  g_assert_cmpuint (sc_record_get_u32 (&record), ==, id);
  g_autofree char *type = sc_record_dup_string (&record);
  g_autoptr (GBytes) body = sc_record_dup_bytes (&record);
  g_assert_true (sc_record_finish (&record, NULL));
  g_assert_cmpstr (type, ==, MEDIA_TYPE);
  g_assert_cmpuint (g_bytes_get_size (body), ==, strlen (MANIFEST));
}

static void
worker_expect_blob (Worker *self, Fixture *fixture, guint32 id, int fd)
{
  ScRecord record;
  g_autoptr (GBytes) got = sc_fd_read_all (fd, BLOB_BYTES, NULL);

  g_assert_cmpuint (g_bytes_get_size (got), ==, BLOB_BYTES);
  g_assert_cmpint (sc_channel_receive (self->channel, &record, NULL), ==, 1);
  g_assert_cmpint (record.type, ==, SC_RECORD_FETCH_BLOB_DONE);
  g_assert_cmpuint (sc_record_get_u32 (&record), ==, id);
  g_assert_cmpuint (sc_record_get_u64 (&record), ==, BLOB_BYTES);
  g_assert_true (sc_record_finish (&record, NULL));
}

static void
worker_expect_error (Worker *self, guint32 id, SyscontError code)
{
  ScRecord record;

  g_assert_cmpint (sc_channel_receive (self->channel, &record, NULL), ==, 1);
  g_assert_cmpint (record.type, ==, SC_RECORD_ERROR);
  g_assert_cmpuint (sc_record_get_u32 (&record), ==, id);
  g_assert_cmpuint (sc_record_get_u32 (&record), ==, code);
  g_autofree char *message = sc_record_dup_string (&record);
  g_assert_true (sc_record_finish (&record, NULL));
  g_assert_cmpstr (message, !=, "");
}

static void
behave_by_tag (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (g_str_has_suffix (path, "/missing"))
    answer (message, 404, "text/plain", "");
  else if (g_str_has_suffix (path, "/held"))
    behave_silent (fixture, message, path, n);
  else
    behave (fixture, message, path, n);
}

static void
test_worker_errors (Fixture *fixture, gconstpointer data)
{
  Worker worker;

  worker_start (&worker, fixture);
  worker_open (&worker, fixture);
  worker_ask_manifest (&worker, 1, "a/b", "missing");
  worker_expect_error (&worker, 1, SYSCONT_ERROR_MANIFEST_UNKNOWN);
  worker_ask_manifest (&worker, 1, "a/../b", "latest");
  worker_expect_error (&worker, 1, SYSCONT_ERROR_INVALID_REFERENCE);
  worker_ask_manifest (&worker, 1, "a/b", "latest");
  worker_expect_manifest (&worker, 1);

  g_assert_true (worker_end (&worker));
}

/* One that reads nothing does not stop the others. */
static void
test_worker_slow_reader (Fixture *fixture, gconstpointer data)
{
  Worker worker;

  worker_start (&worker, fixture);
  worker_open (&worker, fixture);
  sc_autofd slow = worker_ask_blob (&worker, fixture, 1);
  for (guint32 id = 2; id < 6; id++)
    {
      sc_autofd fd = worker_ask_blob (&worker, fixture, id);
      worker_expect_blob (&worker, fixture, id, fd);
    }
  worker_expect_blob (&worker, fixture, 1, slow);

  g_assert_true (worker_end (&worker));
}

static void
test_worker_reader_gone (Fixture *fixture, gconstpointer data)
{
  Worker worker;

  worker_start (&worker, fixture);
  worker_open (&worker, fixture);
  close (worker_ask_blob (&worker, fixture, 1));
  worker_expect_error (&worker, 1, SYSCONT_ERROR_CANCELLED);
  worker_ask_manifest (&worker, 1, "a/b", "latest");
  worker_expect_manifest (&worker, 1);

  g_assert_true (worker_end (&worker));
}

static void
worker_cancel (Worker *self, guint32 id)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_CANCEL);

  sc_record_writer_put_u32 (writer, id);
  g_assert_true (sc_channel_send (self->channel, writer, NULL, 0, NULL));
}

static void
test_worker_cancel (Fixture *fixture, gconstpointer data)
{
  Worker worker;

  worker_start (&worker, fixture);
  worker_open (&worker, fixture);
  sc_autofd fd = worker_ask_blob (&worker, fixture, 1);
  worker_ask_manifest (&worker, 2, "a/b", "held");
  worker_cancel (&worker, 1);
  worker_cancel (&worker, 2);
  worker_cancel (&worker, 77);
  g_autoptr (GBytes) got = sc_fd_read_all (fd, BLOB_BYTES, NULL);
  g_assert_cmpuint (g_bytes_get_size (got), <, BLOB_BYTES);
  worker_ask_manifest (&worker, 3, "a/b", "latest");
  worker_expect_manifest (&worker, 3);

  g_assert_true (worker_end (&worker));
}

static void
test_worker_left_alone (Fixture *fixture, gconstpointer data)
{
  Worker worker;

  worker_start (&worker, fixture);
  worker_open (&worker, fixture);
  worker_ask_manifest (&worker, 1, "a/b", "held");
  sc_autofd fd = worker_ask_blob (&worker, fixture, 2);
  g_assert_cmpint (fd, >=, 0);

  g_assert_true (worker_end (&worker));
}

typedef enum
{
  VIOLATION_NOT_OPEN,
  VIOLATION_OPEN_TWICE,
  VIOLATION_SAME_ID,
  VIOLATION_NO_PIPE,
  VIOLATION_UNKNOWN,
  N_VIOLATIONS,
} Violation;

static void
violate (Worker *worker, Fixture *fixture, Violation violation)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_BLOB);
  g_autoptr (ScRecordWriter) unknown = sc_record_writer_new (SC_RECORD_UNPACK);

  if (violation != VIOLATION_NOT_OPEN)
    worker_open (worker, fixture);
  switch (violation)
    {
    case VIOLATION_NOT_OPEN:
      worker_ask_manifest (worker, 1, "a/b", "latest");
      break;
    case VIOLATION_OPEN_TWICE:
      worker_open (worker, fixture);
      break;
    case VIOLATION_SAME_ID:
      worker_ask_manifest (worker, 1, "a/b", "held");
      worker_ask_manifest (worker, 1, "a/b", "held");
      break;
    case VIOLATION_NO_PIPE:
      sc_record_writer_put_u32 (writer, 1);
      sc_record_writer_put_string (writer, "a/b");
      sc_record_writer_put_string (writer, fixture->digest);
      sc_record_writer_put_u64 (writer, BLOB_BYTES);
      g_assert_true (sc_channel_send (worker->channel, writer, NULL, 0, NULL));
      break;
    case VIOLATION_UNKNOWN:
    default:
      g_assert_true (sc_channel_send (worker->channel, unknown, NULL, 0, NULL));
      break;
    }
}

static void
test_worker_violation (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < N_VIOLATIONS; i++)
    {
      Worker worker;
      ScRecord record;

      g_test_message ("violation %u", i);
      worker_start (&worker, fixture);
      violate (&worker, fixture, i);

      g_assert_cmpint (sc_channel_receive (worker.channel, &record, NULL), ==, 0);
      g_assert_false (worker_end (&worker));
    }
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    Setup setup;
    void (*test) (Fixture *fixture, gconstpointer data);
  } tests[] = {
    { "/registry/manifest/by-tag", { behave }, test_manifest },
    { "/registry/manifest/by-digest", { behave }, test_manifest_by_digest },
    { "/registry/manifest/unknown", { behave_unknown }, test_manifest_unknown },
    { "/registry/manifest/too-large", { behave }, test_manifest_limit },
    { "/registry/manifest/short", { behave_short_manifest }, test_manifest_short },
    { "/registry/manifest/not-decoded", { behave_encoded }, test_manifest_encoded },
    { "/registry/manifest/headers-stall", { behave_silent }, test_headers_stall },
    { "/registry/manifest/body-stalls", { behave_stalling_manifest }, test_manifest_stall },
    { "/registry/manifest/headers", { behave_with_head }, test_headers },
    { "/registry/manifest/informational", { behave_informational }, test_headers_stall },
    { "/registry/manifest/unreachable", { behave }, test_unreachable },
    { "/registry/tls/insecure", { behave }, test_tls_trusted },
    { "/registry/tls/unknown-authority", { behave, FALSE, TRUE }, test_tls_unknown_authority },
    { "/registry/tls/expired", { behave, TRUE, TRUE }, test_tls_expired },
    { "/registry/tls/other-name", { behave, FALSE, TRUE }, test_tls_other_name },
    { "/registry/tls/none", { behave, FALSE, TRUE }, test_tls_missing },
    { "/registry/tls/fallback", { behave }, test_tls_fallback },
    { "/registry/tls/fallback-port", { behave }, test_tls_fallback_port },
    { "/registry/tls/stall", { behave, FALSE, TRUE }, test_tls_stall },
    { "/registry/token/once", { behave_with_token }, test_token },
    { "/registry/token/expires", { behave_with_short_token }, test_token_expires },
    { "/registry/token/useless", { behave_insatiable }, test_token_useless },
    { "/registry/token/redirect", { behave_moved_token }, test_token_redirect },
    { "/registry/basic/refused", { behave_basic }, test_basic },
    { "/registry/redirect/authorization-stays",
      { behave_moved_and_open },
      test_redirect_without_authorization },
    { "/registry/redirect/limit", { behave_redirecting }, test_redirect_limit },
    { "/registry/redirect/downgrade",
      { behave_downgrading, FALSE, TRUE },
      test_redirect_downgrade },
    { "/registry/redirect/two-locations", { behave_two_locations }, test_redirect_refused },
    { "/registry/redirect/file", { behave_file_location }, test_redirect_refused },
    { "/registry/blob/whole", { behave }, test_blob },
    { "/registry/blob/truncated", { behave_truncating }, test_blob_truncated },
    { "/registry/blob/truncated-unannounced",
      { behave_truncating_unannounced },
      test_blob_truncated },
    { "/registry/blob/resets", { behave_resetting }, test_blob_resets },
    { "/registry/blob/no-range", { behave_without_ranges }, test_blob_no_range },
    { "/registry/blob/no-range-twice", { behave_without_ranges_ever }, test_blob_no_range_twice },
    { "/registry/blob/other-range", { behave_other_range }, test_blob_other_range },
    { "/registry/blob/longer", { behave_longer }, test_blob_other_size },
    { "/registry/blob/shorter", { behave_shorter }, test_blob_other_size },
    { "/registry/blob/endless", { behave_endless }, test_blob_other_size },
    { "/registry/blob/hopeless", { behave_hopeless }, test_blob_hopeless },
    { "/registry/blob/stall", { behave_stalling }, test_blob_stall },
    { "/registry/blob/trickle", { behave }, test_blob_trickle },
    { "/registry/blob/unknown", { behave_unknown }, test_blob_unknown },
    { "/registry/wait/busy", { behave_busy }, test_busy },
    { "/registry/wait/busy-for-a-day", { behave_busy_for_a_day }, test_busy_for_a_day },
    { "/registry/wait/always-busy", { behave_always_busy }, test_always_busy },
    { "/registry/wait/broken", { behave_broken }, test_broken },
    { "/registry/wait/cancelled", { behave_wait }, test_cancel_while_waiting },
    { "/registry/names/refused", { behave }, test_names_refused },
    { "/registry/worker/errors", { behave_by_tag }, test_worker_errors },
    { "/registry/worker/slow-reader", { behave_by_tag }, test_worker_slow_reader },
    { "/registry/worker/reader-gone", { behave_by_tag }, test_worker_reader_gone },
    { "/registry/worker/cancel", { behave_by_tag }, test_worker_cancel },
    { "/registry/worker/left-alone", { behave_by_tag }, test_worker_left_alone },
    { "/registry/worker/violation", { behave_by_tag }, test_worker_violation },
  };

  g_test_init (&argc, &argv, NULL);
  (void)signal (SIGPIPE, SIG_IGN);
  g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add_vtable (tests[i].path, sizeof (Fixture), &tests[i].setup, (GTestFixtureFunc)set_up,
                       (GTestFixtureFunc)tests[i].test, (GTestFixtureFunc)tear_down);
  return g_test_run ();
}
