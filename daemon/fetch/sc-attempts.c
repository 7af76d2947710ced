/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-attempts.h"

#include "base/sc-error-util.h"

typedef struct
{
  ScHttp *http;
  ScHttpRequest request; /* its uri is owned */
  ScRetry *retry;
} Attempts;

static void
attempts_free (Attempts *self)
{
  g_uri_unref (self->request.uri);
  g_free (self);
}

/* 401 and 403 of another host than the one that was asked: its link has run out, and the next
 * redirect has a new one. */
static gboolean
is_passing_status (const ScHttpAnswer *answer, GUri *asked)
{
  switch (answer->status)
    {
    case 408:
    case 429:
    case 500:
    case 502:
    case 503:
    case 504:
      return TRUE;
    case 401:
    case 403:
      return !sc_http_is_same_origin (asked, answer->uri);
    default:
      return FALSE;
    }
}

static gint64
get_wanted_wait (const ScHttpAnswer *answer, gint64 now)
{
  if (answer->status != 429 && answer->status != 503)
    return 0;
  return sc_retry_parse_after (sc_http_answer_get_header (answer, "Retry-After"), now);
}

static GError *
make_status_error (const ScHttpAnswer *answer, gint64 wait_s, gint64 now)
{
  g_autofree char *host = sc_failure_name_host (answer->uri);
  GError *error = NULL;

  if (wait_s > 0)
    {
      g_autoptr (GDateTime) then = g_date_time_new_from_unix_utc (now + wait_s);
      g_autofree char *time = g_date_time_format (then, "%Y-%m-%d %H:%M:%S UTC");
      sc_error_set (&error, SYSCONT_ERROR_REGISTRY_RATE_LIMITED,
                    "\"%s\" accepts no more downloads for now (status %u); try again after %s",
                    host, answer->status, time);
    }
  else if (answer->status == 429)
    sc_error_set (&error, SYSCONT_ERROR_REGISTRY_RATE_LIMITED,
                  "\"%s\" accepts no more downloads for now (status 429) and does not say until "
                  "when; try again later",
                  host);
  else
    sc_error_set (&error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
                  "\"%s\" answers with status %u; try again later", host, answer->status);
  return error;
}

static void on_got (GObject *source, GAsyncResult *result, gpointer user_data);

static void
on_waited (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Attempts *attempts = g_task_get_task_data (task);
  GError *error = NULL;

  if (!sc_retry_wait_finish (result, NULL))
    {
      sc_error_set (&error, SYSCONT_ERROR_CANCELLED, "cancelled");
      g_task_return_error (task, error);
      return;
    }

  GCancellable *cancellable = g_task_get_cancellable (task);
  sc_http_get_async (attempts->http, &attempts->request, cancellable, on_got,
                     g_steal_pointer (&task));
}

/* Ends @task with @why unless there is another try. */
static void
try_again (GTask *task, guint wait_s, GError *why)
{
  Attempts *attempts = g_task_get_task_data (task);
  g_autoptr (GError) error = why;
  guint delay_ms;

  if (!sc_retry_next (attempts->retry, wait_s, &delay_ms))
    {
      g_task_return_error (task, g_steal_pointer (&error));
      return;
    }
  g_debug ("trying again in %u ms: %s", delay_ms, error->message);
  sc_retry_wait_async (delay_ms, g_task_get_cancellable (task), on_waited, g_object_ref (task));
}

static void
handle_failure (GTask *task, ScFailure failure, GError *error)
{
  const Attempts *attempts = g_task_get_task_data (task);

  if (failure == SC_FAILURE_BROKEN || failure == SC_FAILURE_REFUSED)
    attempts->retry->is_answered = TRUE;
  if (failure == SC_FAILURE_BROKEN
      || (failure == SC_FAILURE_CONNECT && attempts->retry->is_answered))
    try_again (task, 0, error);
  else
    g_task_return_error (task, error);
}

static void
on_got (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Attempts *attempts = g_task_get_task_data (task);
  ScFailure failure;
  GError *error = NULL;
  g_autoptr (ScHttpAnswer) answer = sc_http_get_finish (result, &failure, &error);

  if (answer == NULL)
    {
      handle_failure (task, failure, error);
      return;
    }

  attempts->retry->is_answered = TRUE;
  if (!is_passing_status (answer, attempts->request.uri))
    {
      g_task_return_pointer (task, g_steal_pointer (&answer), (GDestroyNotify)sc_http_answer_free);
      return;
    }

  gint64 now = g_get_real_time () / G_USEC_PER_SEC;
  gint64 wait_s = get_wanted_wait (answer, now);
  error = make_status_error (answer, wait_s, now);
  if (wait_s > attempts->retry->policy->max_wait_s)
    g_task_return_error (task, error);
  else
    try_again (task, (guint)wait_s, error);
}

void
sc_attempts_get_async (ScHttp *http,
                       const ScHttpRequest *request,
                       ScRetry *retry,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Attempts *attempts = g_new0 (Attempts, 1);

  attempts->http = http;
  attempts->request = *request;
  g_uri_ref (attempts->request.uri);
  attempts->retry = retry;
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, attempts, (GDestroyNotify)attempts_free);
  sc_http_get_async (http, request, cancellable, on_got, task);
}

ScHttpAnswer *
sc_attempts_get_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
