/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-answer-private.h"

#include "dbus/sc-bus-names.h"
#include "ops/sc-query.h"
#include "service/sc-answer.h"

#define MAX_THREADS 2
#define MAX_QUEUED  64

/* What a query's thread works with */
typedef struct
{
  const ScPaths *paths;
  char *subject; /* (owned) */
  GVariant *(*ask) (const ScPaths *paths, const char *subject, GError **error);
} Query;

static void
query_free (gpointer data)
{
  Query *query = data;

  g_free (query->subject);
  g_free (query);
}

static void
run_in_thread (gpointer data, gpointer user_data)
{
  g_autoptr (GTask) task = data;
  const Query *query = g_task_get_task_data (task);
  g_autoptr (GMainContext) context = g_main_context_new ();
  G_GNUC_UNUSED g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  GError *error = NULL;
  GVariant *answer = query->ask (query->paths, query->subject, &error);

  if (answer == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_variant_ref_sink (answer), (GDestroyNotify)g_variant_unref);
}

GThreadPool *
sc_answer_queries_new (void)
{
  return g_thread_pool_new (run_in_thread, NULL, MAX_THREADS, FALSE, NULL);
}

static void
on_query_done (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (ScPendingCall) call = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer = g_task_propagate_pointer (G_TASK (result), &error);

  if (answer != NULL)
    sc_pending_call_return (call, answer);
  else
    sc_pending_call_return_error (call, error);
}

static void
run_query (ScPendingCall *call, const Query *query)
{
  if (g_thread_pool_unprocessed (call->parts->queries) >= MAX_QUEUED)
    {
      g_autoptr (ScPendingCall) owned = call;
      g_autoptr (GError) error = g_error_new_literal (
          SYSCONT_ERROR, SYSCONT_ERROR_BUSY, "too many questions wait already, try again later");

      sc_pending_call_return_error (owned, error);
      return;
    }

  GTask *task = g_task_new (NULL, NULL, on_query_done, call);
  g_task_set_task_data (task, g_memdup2 (query, sizeof *query), query_free);
  g_thread_pool_push (call->parts->queries, task, NULL);
}

static GVariant *
ask_values (const ScPaths *paths, const char *container, GError **error)
{
  g_autoptr (GHashTable) values = sc_query_values (paths, container, error);
  GHashTableIter iter;
  gpointer key;
  gpointer value;

  if (values == NULL)
    return NULL;

  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));
  g_hash_table_iter_init (&iter, values);
  while (g_hash_table_iter_next (&iter, &key, &value))
    g_variant_builder_add (&builder, "{ss}", key, value);
  return g_variant_new ("(a{ss})", &builder);
}

static GVariant *
ask_image (const ScPaths *paths, const char *image, GError **error)
{
  g_autofree char *json = sc_query_inspect_image (paths, image, error);

  return json != NULL ? g_variant_new ("(s)", json) : NULL;
}

void
sc_answer_get_values (ScPendingCall *call)
{
  run_query (call, &(Query){
                       .paths = call->parts->paths,
                       .subject = g_strdup (call->request->subject.containers[0]),
                       .ask = ask_values,
                   });
}

void
sc_answer_inspect_image (ScPendingCall *call)
{
  run_query (call, &(Query){
                       .paths = call->parts->paths,
                       .subject = g_strdup (call->request->subject.image),
                       .ask = ask_image,
                   });
}

static void
on_can_authorize (ScVerdict verdict, ScCaller *caller, gpointer user_data)
{
  g_autoptr (ScPendingCall) call = user_data;

  switch (verdict)
    {
    case SC_VERDICT_ALLOWED:
      sc_pending_call_return (call, g_variant_new ("(s)", "yes"));
      break;
    case SC_VERDICT_CHALLENGE:
      sc_pending_call_return (call, g_variant_new ("(s)", "challenge"));
      break;
    case SC_VERDICT_BUSY:
      sc_authority_refuse (g_steal_pointer (&call->invocation), verdict);
      break;
    default:
      sc_pending_call_return (call, g_variant_new ("(s)", "no"));
      break;
    }
}

void
sc_answer_can_authorize (ScPendingCall *call)
{
  const ScQuestion question = {
    .interface = SYSCONT_MANAGER_INTERFACE,
    .method = call->request->operation,
    .subject = &call->request->subject,
    .interactive = FALSE,
  };

  sc_authority_check (call->parts->authority, call->caller->sender, &question, on_can_authorize,
                      call);
}
