/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-body.h"

#include "base/sc-error-util.h"
#include "fetch/sc-watch.h"

#define CHUNK_BYTES (16 * 1024)

typedef struct
{
  ScHttpAnswer *answer; /* (owned) */
  GByteArray *bytes;    /* (owned) (nullable) */
  gsize max_bytes;
  guint stall_ms;
  gint64 deadline_usec;
  ScWatch *watch; /* (owned) */
  guint8 chunk[CHUNK_BYTES];
  ScFailure failure;
} Body;

static void
body_free (Body *self)
{
  sc_watch_free (self->watch);
  sc_http_answer_free (self->answer);
  g_clear_pointer (&self->bytes, g_byte_array_unref);
  g_free (self);
}

static void
fail (GTask *task, GError *raw)
{
  Body *body = g_task_get_task_data (task);
  g_autoptr (GError) owned = raw;
  GError *error = NULL;

  body->failure = sc_failure_classify (owned);
  (void)sc_failure_set (&error, owned, body->answer->uri);
  g_task_return_error (task, error);
}

/* libsoup takes a body that ends before its announced length for a whole one when the connection is
 * not kept. */
static void
finish (GTask *task)
{
  Body *body = g_task_get_task_data (task);
  gint64 length = sc_http_answer_get_length (body->answer);

  if (length >= 0 && (guint64)length != body->bytes->len)
    fail (task, g_error_new (G_IO_ERROR, G_IO_ERROR_PARTIAL_INPUT,
                             "it ended after %u of %" G_GINT64_FORMAT " bytes", body->bytes->len,
                             length));
  else
    g_task_return_pointer (task, g_byte_array_free_to_bytes (g_steal_pointer (&body->bytes)),
                           (GDestroyNotify)g_bytes_unref);
}

static void
read_chunk (GTask *task, GAsyncReadyCallback callback)
{
  Body *body = g_task_get_task_data (task);
  gint64 left_ms = (body->deadline_usec - g_get_monotonic_time ()) / 1000;

  sc_watch_start (body->watch, (guint)CLAMP (left_ms, 1, (gint64)body->stall_ms),
                  "no more of the answer");
  g_input_stream_read_async (body->answer->body, body->chunk, sizeof body->chunk,
                             G_PRIORITY_DEFAULT, sc_watch_get_cancellable (body->watch), callback,
                             task);
}

static void
on_read (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Body *body = g_task_get_task_data (task);
  GError *error = NULL;
  gssize n = g_input_stream_read_finish (G_INPUT_STREAM (source), result, &error);

  sc_watch_stop (body->watch);
  if (n < 0)
    {
      sc_watch_explain (body->watch, &error);
      fail (task, error);
      return;
    }
  if (n == 0)
    {
      finish (task);
      return;
    }
  if ((gsize)n > body->max_bytes - body->bytes->len)
    {
      sc_error_set (&error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                    "the answer is larger than %" G_GSIZE_FORMAT " bytes", body->max_bytes);
      fail (task, error);
      return;
    }

  g_byte_array_append (body->bytes, body->chunk, (guint)n);
  read_chunk (g_steal_pointer (&task), on_read);
}

void
sc_body_read_async (ScHttpAnswer *answer,
                    gsize max_bytes,
                    const ScRetryPolicy *policy,
                    GCancellable *cancellable,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Body *body = g_new0 (Body, 1);

  body->answer = answer;
  body->bytes = g_byte_array_new ();
  body->max_bytes = max_bytes;
  body->stall_ms = policy->stall_ms;
  /* A byte a second is no stall, but must end some time. */
  body->deadline_usec = g_get_monotonic_time () + (gint64)policy->floor_window_ms * 1000;
  body->watch = sc_watch_new (cancellable);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, body, (GDestroyNotify)body_free);
  read_chunk (task, on_read);
}

GBytes *
sc_body_read_finish (GAsyncResult *result, ScFailure *failure, GError **error)
{
  const Body *body = g_task_get_task_data (G_TASK (result));

  *failure = body->failure;
  return g_task_propagate_pointer (G_TASK (result), error);
}
