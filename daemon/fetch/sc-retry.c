/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-retry.h"

#include <libsoup/soup.h>
#include <string.h>

const ScRetryPolicy sc_retry_policy_default = {
  .connect_ms = 15 * 1000,
  .headers_ms = 30 * 1000,
  .stall_ms = 60 * 1000,
  .floor_window_ms = 5 * 60 * 1000,
  .floor_bytes = 5 * 60 * 1024,
  .retries = 5,
  .backoff_ms = 500,
  .backoff_max_ms = 30 * 1000,
  .max_wait_s = 5 * 60,
};

gboolean
sc_retry_next (ScRetry *self, guint wait_s, guint *delay_ms)
{
  if (self->failures >= self->limit)
    return FALSE;

  guint backoff_ms
      = MIN (self->policy->backoff_ms << MIN (self->failures, 16), self->policy->backoff_max_ms);
  /* Jitter: clients that failed together must not come back together. */
  guint jittered_ms = backoff_ms < 2
                          ? backoff_ms
                          : (guint)g_random_int_range ((gint)(backoff_ms / 2), (gint)backoff_ms);

  self->failures++;
  *delay_ms = wait_s * 1000 + jittered_ms;
  return TRUE;
}

void
sc_retry_progress (ScRetry *self)
{
  self->failures = 0;
}

gint64
sc_retry_parse_after (const char *text, gint64 now)
{
  if (text == NULL)
    return 0;

  if (*text != '\0' && text[strspn (text, "0123456789")] == '\0')
    {
      guint64 seconds;
      return g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT32, &seconds, NULL) ? (gint64)seconds
                                                                                  : G_MAXINT32;
    }

  g_autoptr (GDateTime) date = soup_date_time_new_from_http_string (text);
  return date != NULL ? CLAMP (g_date_time_to_unix (date) - now, 0, G_MAXINT32) : 0;
}

static gboolean
on_waited (gpointer user_data)
{
  GTask *task = user_data;

  if (!g_task_return_error_if_cancelled (task))
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
  return G_SOURCE_REMOVE;
}

void
sc_retry_wait_async (guint delay_ms,
                     GCancellable *cancellable,
                     GAsyncReadyCallback callback,
                     gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  g_autoptr (GSource) timer = g_timeout_source_new (delay_ms);

  if (cancellable != NULL)
    {
      g_autoptr (GSource) cancelled = g_cancellable_source_new (cancellable);
      g_source_set_dummy_callback (cancelled);
      g_source_add_child_source (timer, cancelled);
    }
  g_task_attach_source (task, timer, on_waited);
}

gboolean
sc_retry_wait_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
