/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-fetch-server.h"

#include "base/sc-error-util.h"
#include "base/sc-fd.h"
#include "fetch/sc-blob-pump.h"
#include "fetch/sc-document.h"
#include "image/sc-manifest.h"
#include "image/sc-record.h"

#include <glib-unix.h>
#include <unistd.h>

/* syscontd asks for three blobs at a time; more at once than this is not syscontd. */
#define MAX_REQUESTS 16

struct _ScFetchServer
{
  ScChannel *channel;  /* (owned) */
  char *invocation_id; /* (owned) */
  const ScRetryPolicy *policy;
  GProxyResolver *proxy; /* (owned) */
  ScMirrors *mirrors;    /* (owned) (nullable) before SC_RECORD_FETCH_OPEN */
  GHashTable *requests;  /* of Request, by its id */
  gboolean is_running;
  GError *violation; /* (owned) (nullable) */
};

/* Owned by its operation: every one of them has one end. */
typedef struct
{
  ScFetchServer *server;
  guint32 id;
  GCancellable *cancellable; /* (owned) */
  ScRegistryRequest what;
  char *reference;     /* (owned) what.reference */
  ScRetry retry;       /* of SC_RECORD_FETCH_CHECK */
  gboolean is_dropped; /* cancelled by the peer, who waits for no answer */
} Request;

static void
request_free (Request *self)
{
  g_object_unref (self->cancellable);
  g_free (self->reference);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Request, request_free)

static gboolean
violate (GError **error, const char *what)
{
  return sc_error_set (error, SYSCONT_ERROR_FAILED, "the peer broke the protocol: %s", what);
}

static void
send_record (ScFetchServer *self, ScRecordWriter *writer)
{
  g_autoptr (GError) error = NULL;

  if (!self->is_running)
    return;
  if (!sc_channel_send (self->channel, writer, NULL, 0, &error))
    {
      /* A peer that left does not read any more: the end of file that follows says so. */
      g_debug ("%s", error->message);
      self->is_running = FALSE;
    }
}

static void
send_error (ScFetchServer *self, guint32 id, const GError *error)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_ERROR);
  g_autofree char *message = g_utf8_make_valid (error->message, -1);

  sc_record_writer_put_u32 (writer, id);
  sc_record_writer_put_u32 (writer, error->domain == SYSCONT_ERROR ? (guint32)error->code
                                                                   : SYSCONT_ERROR_FAILED);
  sc_record_writer_put_string (writer, message);
  send_record (self, writer);
}

static void
end_request (Request *request, const GError *error)
{
  ScFetchServer *self = request->server;

  g_hash_table_remove (self->requests, GUINT_TO_POINTER (request->id));
  if (error != NULL && !request->is_dropped)
    send_error (self, request->id, error);
}

static void
on_document (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Request) request = user_data;
  g_autofree char *content_type = NULL;
  g_autoptr (GError) error = NULL;
  guint endpoint;
  g_autoptr (GBytes) body = sc_document_get_finish (result, &content_type, &endpoint, &error);

  end_request (request, error);
  if (body == NULL || request->is_dropped)
    return;

  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_MANIFEST_BODY);
  gsize size_bytes;
  const void *data = g_bytes_get_data (body, &size_bytes);
  sc_record_writer_put_u32 (writer, request->id);
  sc_record_writer_put_u32 (writer, endpoint);
  sc_record_writer_put_string (writer, content_type);
  sc_record_writer_put_bytes (writer, data, size_bytes);
  send_record (request->server, writer);
}

static void
on_pumped (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Request) request = user_data;
  g_autoptr (GError) error = NULL;
  guint64 line_bytes = 0;
  guint endpoint = 0;
  gboolean pumped = sc_blob_pump_finish (result, &line_bytes, &endpoint, &error);

  end_request (request, error);
  if (!pumped || request->is_dropped)
    return;

  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_BLOB_DONE);
  sc_record_writer_put_u32 (writer, request->id);
  sc_record_writer_put_u64 (writer, line_bytes);
  sc_record_writer_put_u32 (writer, endpoint);
  send_record (request->server, writer);
}

static void
on_checked (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Request) request = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (ScHttpAnswer) answer = sc_registry_get_finish (result, &error);

  end_request (request, error);
  if (answer == NULL || request->is_dropped)
    return;

  ScRegistry *registry = sc_mirrors_get_registry (request->server->mirrors, NULL);
  ScAuthorization *authorization = sc_registry_get_authorization (registry);
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_CHECKED);
  sc_record_writer_put_u32 (writer, request->id);
  sc_record_writer_put_u32 (writer, sc_authorization_get_header (authorization) != NULL ? 1 : 0);
  sc_record_writer_put_string (writer, sc_authorization_get_realm (authorization));
  send_record (request->server, writer);
}

static gboolean
handle_open (ScFetchServer *self, ScRecord *record, GError **error)
{
  if (self->mirrors != NULL)
    return violate (error, "a registry is opened once");

  g_autoptr (GPtrArray) endpoints = sc_record_dup_endpoints (record, error);
  if (endpoints == NULL)
    return FALSE;
  self->mirrors = sc_mirrors_new (self->policy, self->proxy, endpoints);
  return TRUE;
}

/* Returns: (transfer full) (nullable): NULL without @error when the request was answered with an
 * error */
static Request *
take_request (ScFetchServer *self, Request *fields, GError **error)
{
  g_autoptr (Request) request = fields;
  g_autoptr (GError) refusal = NULL;

  if (self->mirrors == NULL)
    violate (error, "a request before a registry was opened");
  else if (g_hash_table_contains (self->requests, GUINT_TO_POINTER (request->id)))
    violate (error, "a request that is under way");
  else if (g_hash_table_size (self->requests) >= MAX_REQUESTS)
    violate (error, "too many requests");
  else if (request->what.reference != NULL && !sc_registry_check (&request->what, &refusal))
    send_error (self, request->id, refusal);
  else
    {
      g_hash_table_insert (self->requests, GUINT_TO_POINTER (request->id), request);
      return g_steal_pointer (&request);
    }
  return NULL;
}

/* Each begins with its id. */
static Request *
request_new (ScFetchServer *self, ScRecord *record)
{
  Request *request = g_new0 (Request, 1);

  request->server = self;
  request->cancellable = g_cancellable_new ();
  request->id = sc_record_get_u32 (record);
  return request;
}

static Request *
read_request (ScFetchServer *self, ScRecord *record, gboolean is_manifest)
{
  Request *request = request_new (self, record);

  request->reference = sc_record_dup_string (record);
  request->what
      = (ScRegistryRequest){ .is_manifest = is_manifest, .reference = request->reference };
  return request;
}

static gboolean
handle_manifest (ScFetchServer *self, ScRecord *record, GError **error)
{
  g_autoptr (Request) fields = read_request (self, record, TRUE);
  guint32 max_bytes = sc_record_get_u32 (record);

  if (!sc_record_finish (record, error))
    return FALSE;
  if (max_bytes > SC_MANIFEST_MAX_BYTES)
    return violate (error, "a manifest of any size");

  g_autoptr (GError) violation = NULL;
  Request *request = take_request (self, g_steal_pointer (&fields), &violation);
  if (request != NULL)
    sc_document_get_async (self->mirrors, &request->what, max_bytes, request->cancellable,
                           on_document, request);
  if (violation == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&violation));
  return FALSE;
}

static gboolean
handle_blob (ScFetchServer *self, ScRecord *record, GError **error)
{
  sc_autofd fd = sc_channel_steal_fd (self->channel);
  g_autoptr (Request) fields = read_request (self, record, FALSE);
  guint64 size_bytes = sc_record_get_u64 (record);
  fields->what.range_start = sc_record_get_u64 (record);
  fields->what.first_endpoint = sc_record_get_u32 (record);

  if (!sc_record_finish (record, error))
    return FALSE;
  if (fd < 0)
    return violate (error, "a blob without a pipe");
  if (fields->what.range_start >= size_bytes)
    return violate (error, "nothing of a blob");

  g_autoptr (GError) violation = NULL;
  Request *request = take_request (self, g_steal_pointer (&fields), &violation);
  if (request != NULL)
    sc_blob_pump_async (self->mirrors, &request->what, size_bytes, sc_fd_steal (&fd),
                        request->cancellable, on_pumped, request);
  if (violation == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&violation));
  return FALSE;
}

static void
check_registry (ScFetchServer *self, Request *request)
{
  g_autoptr (GError) refusal = NULL;
  ScRegistry *registry = sc_mirrors_get_registry (self->mirrors, &refusal);

  if (registry == NULL)
    {
      end_request (request, refusal);
      request_free (request);
      return;
    }
  request->retry = sc_registry_make_retry (registry);
  sc_registry_get_async (registry, &request->what, &request->retry, request->cancellable,
                         on_checked, request);
}

static gboolean
handle_check (ScFetchServer *self, ScRecord *record, GError **error)
{
  g_autoptr (Request) fields = request_new (self, record);

  if (!sc_record_finish (record, error))
    return FALSE;

  g_autoptr (GError) violation = NULL;
  Request *request = take_request (self, g_steal_pointer (&fields), &violation);
  if (request != NULL)
    check_registry (self, request);
  if (violation == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&violation));
  return FALSE;
}

static gboolean
handle_cancel (ScFetchServer *self, ScRecord *record, GError **error)
{
  guint32 id = sc_record_get_u32 (record);

  if (!sc_record_finish (record, error))
    return FALSE;

  /* Its answer may have crossed the request to cancel it. */
  Request *request = g_hash_table_lookup (self->requests, GUINT_TO_POINTER (id));
  if (request != NULL)
    {
      request->is_dropped = TRUE;
      g_cancellable_cancel (request->cancellable);
    }
  return TRUE;
}

static gboolean
handle_record (ScFetchServer *self, ScRecord *record, GError **error)
{
  switch (record->type)
    {
    case SC_RECORD_FETCH_OPEN:
      return handle_open (self, record, error);
    case SC_RECORD_FETCH_MANIFEST:
      return handle_manifest (self, record, error);
    case SC_RECORD_FETCH_BLOB:
      return handle_blob (self, record, error);
    case SC_RECORD_FETCH_CHECK:
      return handle_check (self, record, error);
    case SC_RECORD_FETCH_CANCEL:
      return handle_cancel (self, record, error);
    default:
      return violate (error, "an unknown record");
    }
}

/* A record is small and comes in one piece: receiving does not block for long once there is
 * something to read. */
static gboolean
on_readable (int fd, GIOCondition condition, gpointer user_data)
{
  ScFetchServer *self = user_data;
  ScRecord record;

  do
    {
      int n = sc_channel_receive (self->channel, &record, &self->violation);
      if (n <= 0 || !handle_record (self, &record, &self->violation))
        {
          self->is_running = FALSE;
          return G_SOURCE_CONTINUE;
        }
    }
  while (sc_channel_has_buffered (self->channel));
  return G_SOURCE_CONTINUE;
}

ScFetchServer *
sc_fetch_server_new (const ScFetchServerSetup *setup)
{
  ScFetchServer *self = g_new0 (ScFetchServer, 1);

  self->channel = sc_channel_new (setup->fd);
  self->invocation_id = g_strdup (setup->invocation_id);
  self->policy = setup->policy;
  self->proxy = g_object_ref (setup->proxy);
  self->requests = g_hash_table_new (NULL, NULL);
  return self;
}

static void
cancel_all (ScFetchServer *self, GMainContext *context)
{
  GHashTableIter iter;
  gpointer request;

  g_hash_table_iter_init (&iter, self->requests);
  while (g_hash_table_iter_next (&iter, NULL, &request))
    g_cancellable_cancel (((Request *)request)->cancellable);
  while (g_hash_table_size (self->requests) > 0)
    g_main_context_iteration (context, TRUE);
}

gboolean
sc_fetch_server_run (ScFetchServer *self, GError **error)
{
  GMainContext *context = g_main_context_get_thread_default ();
  g_autoptr (GSource) source
      = g_unix_fd_source_new (sc_channel_get_fd (self->channel), G_IO_IN | G_IO_HUP | G_IO_ERR);
  g_autoptr (ScRecordWriter) hello = sc_record_writer_new (SC_RECORD_HELLO);

  g_source_set_callback (source, G_SOURCE_FUNC (on_readable), self, NULL);
  g_source_attach (source, context);
  self->is_running = TRUE;
  sc_record_writer_put_u32 (hello, SC_RECORD_VERSION);
  sc_record_writer_put_string (hello, self->invocation_id);
  send_record (self, hello);

  while (self->is_running)
    g_main_context_iteration (context, TRUE);

  g_source_destroy (source);
  cancel_all (self, context);
  if (self->violation == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&self->violation));
  return FALSE;
}

void
sc_fetch_server_free (ScFetchServer *self)
{
  g_clear_pointer (&self->mirrors, sc_mirrors_free);
  g_hash_table_unref (self->requests);
  g_clear_error (&self->violation);
  g_object_unref (self->proxy);
  sc_channel_free (self->channel);
  g_free (self->invocation_id);
  g_free (self);
}
