/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-document.h"

#include "base/sc-digest.h"
#include "base/sc-error-util.h"
#include "fetch/sc-body.h"

#include <string.h>

typedef struct
{
  const ScRegistryRequest *request;
  ScRoute route;
  ScRetry retry;
  gsize max_bytes;
  char *content_type; /* (owned) (nullable) */
} Document;

static void
document_free (Document *self)
{
  sc_route_clear (&self->route);
  g_free (self->content_type);
  g_free (self);
}

static void on_answer (GObject *source, GAsyncResult *result, gpointer user_data);

static void
ask (GTask *task)
{
  Document *document = g_task_get_task_data (task);

  sc_registry_get_async (sc_route_get_registry (&document->route), document->request,
                         &document->retry, g_task_get_cancellable (task), on_answer,
                         g_object_ref (task));
}

static void
fail (GTask *task, GError *error)
{
  const Document *document = g_task_get_task_data (task);
  g_autofree char *what = sc_route_describe (&document->route, document->request);

  sc_prefix_error (&error, "%s: ", what);
  g_task_return_error (task, error);
}

/* @error: (transfer full): why it cannot be had where it was asked for: elsewhere, perhaps? */
static void
fail_over (GTask *task, GError *error)
{
  Document *document = g_task_get_task_data (task);

  if (!sc_route_go_on (&document->route, &error))
    {
      fail (task, error);
      return;
    }
  document->retry = sc_registry_make_retry (sc_route_get_registry (&document->route));
  ask (task);
}

static char *
dup_content_type (const ScHttpAnswer *answer)
{
  const char *type = soup_message_headers_get_content_type (
      soup_message_get_response_headers (answer->message), NULL);

  return g_strdup (type != NULL && g_str_is_ascii (type) ? type : "");
}

static void
on_waited (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (sc_retry_wait_finish (result, NULL))
    ask (task);
  else
    {
      sc_error_set (&error, SYSCONT_ERROR_CANCELLED, "cancelled");
      fail (task, error);
    }
}

/* By its digest: another place may have what belongs to it. syscontd checks that again. */
static gboolean
check_digest (const Document *document, GBytes *bytes, GError **error)
{
  const char *reference = document->request->reference;
  g_autofree char *digest
      = sc_digest_of_bytes (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));

  return strchr (reference, ':') == NULL || g_str_equal (digest, reference)
         || sc_error_set (error, SYSCONT_ERROR_DIGEST_MISMATCH,
                          "what the registry sends has the digest %s", digest);
}

static void
on_body (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Document *document = g_task_get_task_data (task);
  ScFailure failure;
  GError *error = NULL;
  g_autoptr (GBytes) bytes = sc_body_read_finish (result, &failure, &error);
  guint delay_ms;

  if (bytes != NULL && g_bytes_get_size (bytes) > 0)
    {
      if (check_digest (document, bytes, &error))
        g_task_return_pointer (task, g_steal_pointer (&bytes), (GDestroyNotify)g_bytes_unref);
      else
        fail_over (task, error);
      return;
    }
  /* libsoup takes a chunk size that is none for the last chunk. */
  if (bytes != NULL)
    sc_error_set (&error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
                  "the registry sends nothing; try again later");
  if (failure == SC_FAILURE_FINAL || failure == SC_FAILURE_REFUSED
      || !sc_retry_next (&document->retry, 0, &delay_ms))
    {
      fail_over (task, error);
      return;
    }

  g_clear_error (&error);
  GCancellable *cancellable = g_task_get_cancellable (task);
  sc_retry_wait_async (delay_ms, cancellable, on_waited, g_steal_pointer (&task));
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Document *document = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (ScHttpAnswer) answer = sc_registry_get_finish (result, &error);

  if (answer == NULL)
    {
      fail_over (task, error);
      return;
    }

  g_free (document->content_type);
  document->content_type = dup_content_type (answer);
  GCancellable *cancellable = g_task_get_cancellable (task);
  sc_body_read_async (g_steal_pointer (&answer), document->max_bytes, document->retry.policy,
                      cancellable, on_body, g_steal_pointer (&task));
}

void
sc_document_get_async (ScMirrors *mirrors,
                       const ScRegistryRequest *request,
                       gsize max_bytes,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Document *document = g_new0 (Document, 1);
  GError *error = NULL;

  document->request = request;
  document->max_bytes = max_bytes;
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, document, (GDestroyNotify)document_free);
  if (!sc_route_begin (&document->route, mirrors, request, &error))
    {
      fail (task, error);
      return;
    }
  document->retry = sc_registry_make_retry (sc_route_get_registry (&document->route));
  ask (task);
}

GBytes *
sc_document_get_finish (GAsyncResult *result, char **content_type, guint *endpoint, GError **error)
{
  const Document *document = g_task_get_task_data (G_TASK (result));

  *content_type = g_strdup (document->content_type != NULL ? document->content_type : "");
  *endpoint = document->route.index;
  return g_task_propagate_pointer (G_TASK (result), error);
}
