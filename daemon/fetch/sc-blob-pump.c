/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-blob-pump.h"

#include "base/sc-error-util.h"
#include "base/sc-fd.h"
#include "fetch/sc-watch.h"

#include <errno.h>
#include <glib-unix.h>
#include <unistd.h>

/* What must arrive before a broken connection is a new misfortune and not one more of the same. */
#define PROGRESS_BYTES 1024

/* The data of the task. */
typedef struct
{
  ScRoute route;
  ScRegistryRequest request; /* range_start: what is asked for, on the current connection */
  guint64 size_bytes;
  guint64 position; /* in the blob, of the next byte to write */
  int fd;           /* owned */
  ScRetry retry;
  ScRetry slow_retry;     /* of the floor: what comes too slowly is progress, but not enough */
  guint64 progress_bytes; /* since the last that counted */
  ScWatch *watch;         /* (owned) (nullable) of the current connection */
  ScHttpAnswer *answer;   /* (owned) (nullable) of the current connection */
  guint64 skip_bytes;     /* of the body that are there already */
  gboolean has_restarted; /* the registry once sent all instead of a range */
  guint64 line_bytes;     /* that came of the blob, dropped ones included */
  gint64 wait_since_usec; /* for the network; 0: not waiting */
  gint64 waited_usec;     /* in the current window of the floor */
  guint64 window_bytes;   /* received in the same time */
  guint8 *chunk;          /* (owned) */
  gsize chunk_begin;
  gsize chunk_end;
} Pump;

static void start (GTask *task);

static void
end_connection (Pump *self)
{
  g_clear_pointer (&self->answer, sc_http_answer_free);
  g_clear_pointer (&self->watch, sc_watch_free);
}

static void
pump_free (Pump *self)
{
  end_connection (self);
  sc_route_clear (&self->route);
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->chunk);
  g_free (self);
}

/* @error: (transfer full) (nullable) */
static void
finish (GTask *task, GError *error)
{
  Pump *pump = g_task_get_task_data (task);
  g_autofree char *what = sc_route_describe (&pump->route, &pump->request);

  end_connection (pump);
  close (sc_fd_steal (&pump->fd));
  if (error == NULL)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }
  sc_prefix_error (&error, "%s: ", what);
  g_task_return_error (task, error);
}

/* Another place owes nothing for what happened at the last one. */
static void
begin_place (Pump *self)
{
  self->retry = sc_registry_make_retry (sc_route_get_registry (&self->route));
  self->slow_retry = self->retry;
  self->progress_bytes = 0;
  self->has_restarted = FALSE;
  self->request.range_start = self->position;
}

/* @error: (transfer full): why it cannot be had there: elsewhere, perhaps, from the same byte on? */
static void
fail_over (GTask *task, GError *error)
{
  Pump *pump = g_task_get_task_data (task);

  if (!sc_route_go_on (&pump->route, &error))
    {
      finish (task, error);
      return;
    }
  end_connection (pump);
  begin_place (pump);
  start (task);
}

static void
on_waited (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (sc_retry_wait_finish (result, NULL))
    start (task);
  else
    {
      sc_error_set (&error, SYSCONT_ERROR_CANCELLED, "cancelled");
      finish (task, error);
    }
}

/* The connection ended with @raw: goes on with another one where it broke off, or gives up when
 * @retry says so. */
static void
resume (GTask *task, ScRetry *retry, GError *raw)
{
  Pump *pump = g_task_get_task_data (task);
  g_autoptr (GError) owned = raw;
  GError *error = NULL;
  guint delay_ms;

  ScFailure failure = sc_failure_classify (owned);
  (void)sc_failure_set (&error, owned, pump->answer->uri);
  if (failure == SC_FAILURE_FINAL || failure == SC_FAILURE_REFUSED
      || !sc_retry_next (retry, 0, &delay_ms))
    {
      if (!g_error_matches (error, SYSCONT_ERROR, SYSCONT_ERROR_CANCELLED))
        sc_prefix_error (&error, "after %" G_GUINT64_FORMAT " of %" G_GUINT64_FORMAT " bytes: ",
                         pump->position, pump->size_bytes);
      fail_over (task, error);
      return;
    }

  g_debug ("resuming blob %s: %s", pump->request.reference, error->message);
  g_clear_error (&error);
  end_connection (pump);
  pump->request.range_start = pump->position;
  sc_retry_wait_async (delay_ms, g_task_get_cancellable (task), on_waited, g_object_ref (task));
}

/* A trickle that never stops is as good as nothing. Time in which the reader made us wait does not
 * count. */
static gboolean
check_floor (Pump *self, gsize n_bytes, GError **error)
{
  const ScRetryPolicy *policy = self->retry.policy;

  self->waited_usec += g_get_monotonic_time () - self->wait_since_usec;
  self->window_bytes += n_bytes;
  if (self->waited_usec < (gint64)policy->floor_window_ms * 1000)
    return TRUE;
  gboolean is_enough = self->window_bytes >= policy->floor_bytes;
  self->waited_usec = 0;
  self->window_bytes = 0;
  if (is_enough)
    sc_retry_progress (&self->slow_retry);
  else
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "fewer than %u bytes within %u s",
                 policy->floor_bytes, policy->floor_window_ms / 1000);
  return is_enough;
}

static void
count_progress (Pump *self, gsize n_bytes)
{
  self->progress_bytes += n_bytes;
  if (self->progress_bytes < PROGRESS_BYTES)
    return;
  self->progress_bytes = 0;
  sc_retry_progress (&self->retry);
}

static void on_read (GObject *source, GAsyncResult *result, gpointer user_data);

static void
read_chunk (GTask *task)
{
  Pump *pump = g_task_get_task_data (task);

  pump->wait_since_usec = g_get_monotonic_time ();
  sc_watch_start (pump->watch, pump->retry.policy->stall_ms, "no more data");
  g_input_stream_read_async (pump->answer->body, pump->chunk, SC_BLOB_PUMP_CHUNK_BYTES,
                             G_PRIORITY_DEFAULT, sc_watch_get_cancellable (pump->watch), on_read,
                             g_object_ref (task));
}

typedef enum
{
  WRITE_DONE,
  WRITE_BLOCKED,
  WRITE_FAILED,
} WriteResult;

static WriteResult
write_chunk (Pump *self, GError **error)
{
  while (self->chunk_begin < self->chunk_end)
    {
      gssize n
          = write (self->fd, self->chunk + self->chunk_begin, self->chunk_end - self->chunk_begin);

      if (n >= 0)
        {
          self->chunk_begin += (gsize)n;
          self->position += (guint64)n;
          continue;
        }
      if (errno == EINTR)
        continue;
      if (errno == EAGAIN)
        return WRITE_BLOCKED;
      if (errno == EPIPE)
        sc_error_set (error, SYSCONT_ERROR_CANCELLED, "its reader is gone");
      else
        sc_error_set_errno (error, errno, "writing");
      return WRITE_FAILED;
    }
  return WRITE_DONE;
}

static void pass_on (GTask *task);

static gboolean
on_writable (int fd, GIOCondition condition, gpointer user_data)
{
  GTask *task = user_data;
  GError *error = NULL;

  if (g_cancellable_is_cancelled (g_task_get_cancellable (task)))
    {
      sc_error_set (&error, SYSCONT_ERROR_CANCELLED, "cancelled");
      finish (task, error);
    }
  else
    pass_on (task);
  return G_SOURCE_REMOVE;
}

/* Watches the pipe, and the cancellable beside it: whichever comes first. */
static void
wait_for_reader (GTask *task)
{
  const Pump *pump = g_task_get_task_data (task);
  g_autoptr (GSource) source = g_unix_fd_source_new (pump->fd, G_IO_OUT | G_IO_ERR | G_IO_HUP);
  GCancellable *cancellable = g_task_get_cancellable (task);

  if (cancellable != NULL)
    {
      g_autoptr (GSource) cancelled = g_cancellable_source_new (cancellable);
      g_source_set_dummy_callback (cancelled);
      g_source_add_child_source (source, cancelled);
    }
  g_source_set_callback (source, G_SOURCE_FUNC (on_writable), g_object_ref (task), g_object_unref);
  g_source_attach (source, g_main_context_get_thread_default ());
}

static void
pass_on (GTask *task)
{
  Pump *pump = g_task_get_task_data (task);
  GError *error = NULL;

  switch (write_chunk (pump, &error))
    {
    case WRITE_DONE:
      read_chunk (task);
      break;
    case WRITE_BLOCKED:
      wait_for_reader (task);
      break;
    case WRITE_FAILED:
      finish (task, error);
      break;
    }
}

/* Drops what an earlier connection already brought. Returns FALSE when nothing is left of @n_bytes.
 */
static gboolean
take_chunk (Pump *self, gsize n_bytes)
{
  gsize skipped = MIN (self->skip_bytes, n_bytes);

  self->skip_bytes -= skipped;
  self->chunk_begin = skipped;
  self->chunk_end = n_bytes;
  return skipped < n_bytes;
}

static gboolean
is_complete (const Pump *self)
{
  return self->position == self->size_bytes && self->skip_bytes == 0;
}

/* libsoup calls the end of a connection the end of a body: only counting tells them apart. */
static void
handle_end (GTask *task, GError *raw)
{
  Pump *pump = g_task_get_task_data (task);

  if (is_complete (pump))
    {
      g_clear_error (&raw);
      finish (task, NULL);
      return;
    }
  if (raw == NULL)
    raw = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT, "it ended too early");
  resume (task, &pump->retry, raw);
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Pump *pump = g_task_get_task_data (task);
  GError *error = NULL;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &error);

  sc_watch_stop (pump->watch);
  if (n <= 0)
    {
      sc_watch_explain (pump->watch, &error);
      handle_end (task, error);
      return;
    }
  pump->line_bytes += (guint64)n;
  if (!check_floor (pump, (gsize)n, &error))
    {
      resume (task, &pump->slow_retry, error);
      return;
    }
  if (!take_chunk (pump, (gsize)n))
    {
      read_chunk (task);
      return;
    }
  if (pump->chunk_end - pump->chunk_begin > pump->size_bytes - pump->position)
    {
      sc_error_set (&error, SYSCONT_ERROR_IMAGE_INVALID,
                    "the registry sends more than the %" G_GUINT64_FORMAT
                    " bytes that the manifest announces",
                    pump->size_bytes);
      fail_over (task, error);
      return;
    }

  count_progress (pump, (gsize)n);
  pass_on (task);
}

static gboolean
check_whole (Pump *self, const ScHttpAnswer *answer, GError **error)
{
  gint64 length = sc_http_answer_get_length (answer);

  if (length >= 0 && (guint64)length != self->size_bytes)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "the registry has %" G_GINT64_FORMAT
                         " bytes of it, but the manifest announces %" G_GUINT64_FORMAT,
                         length, self->size_bytes);
  if (self->position > 0 && self->has_restarted)
    return sc_error_set (error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
                         "the connection breaks off again and again, and the registry cannot "
                         "resume; try again later");

  self->has_restarted = self->position > 0;
  self->skip_bytes = self->position;
  return TRUE;
}

static gboolean
check_answer (Pump *self, const ScHttpAnswer *answer, GError **error)
{
  if (answer->status == 200)
    return check_whole (self, answer, error);

  const char *range = sc_http_answer_get_header (answer, "Content-Range");
  g_autofree char *expected
      = g_strdup_printf ("bytes %" G_GUINT64_FORMAT "-%" G_GUINT64_FORMAT "/%" G_GUINT64_FORMAT,
                         self->request.range_start, self->size_bytes - 1, self->size_bytes);
  self->skip_bytes = 0;
  if (self->request.range_start > 0 && g_strcmp0 (range, expected) == 0)
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
                       "the registry sends another part of it than was asked for; try again later");
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Pump *pump = g_task_get_task_data (task);
  GError *error = NULL;
  ScHttpAnswer *answer = sc_registry_get_finish (result, &error);

  pump->answer = answer;
  if (answer != NULL && answer->status == 416)
    {
      /* There is no such part. What there is shows whether the registry cannot resume or has
       * another blob. */
      end_connection (pump);
      pump->request.range_start = 0;
      start (task);
      return;
    }
  if (answer == NULL || !check_answer (pump, answer, &error))
    {
      fail_over (task, error);
      return;
    }
  pump->watch = sc_watch_new (g_task_get_cancellable (task));
  read_chunk (task);
}

static void
start (GTask *task)
{
  Pump *pump = g_task_get_task_data (task);

  sc_registry_get_async (sc_route_get_registry (&pump->route), &pump->request, &pump->retry,
                         g_task_get_cancellable (task), on_answer, g_object_ref (task));
}

void
sc_blob_pump_async (ScMirrors *mirrors,
                    const ScRegistryRequest *request,
                    guint64 size_bytes,
                    int fd,
                    GCancellable *cancellable,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Pump *pump = g_new0 (Pump, 1);
  GError *error = NULL;

  pump->request = *request;
  pump->size_bytes = size_bytes;
  pump->position = request->range_start;
  pump->fd = fd;
  pump->chunk = g_malloc (SC_BLOB_PUMP_CHUNK_BYTES);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, pump, (GDestroyNotify)pump_free);
  (void)g_unix_set_fd_nonblocking (fd, TRUE, NULL);
  if (!sc_route_begin (&pump->route, mirrors, request, &error))
    {
      finish (task, error);
      return;
    }
  begin_place (pump);
  start (task);
}

gboolean
sc_blob_pump_finish (GAsyncResult *result, guint64 *line_bytes, guint *endpoint, GError **error)
{
  const Pump *pump = g_task_get_task_data (G_TASK (result));

  *line_bytes = pump->line_bytes;
  *endpoint = pump->route.index;
  return g_task_propagate_boolean (G_TASK (result), error);
}
