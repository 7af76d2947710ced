/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-answer-private.h"

#include "dbus/sc-bus-names.h"
#include "ops/sc-history.h"
#include "ops/sc-login-store.h"
#include "ops/sc-login.h"
#include "ops/sc-query.h"
#include "ops/sc-storage-query.h"
#include "service/sc-answer.h"

#define MAX_THREADS 2
#define MAX_QUEUED  64

/* Answers a call on a thread, which has it for itself meanwhile. */
typedef GVariant *(*Ask) (const ScPendingCall *call, GError **error);

typedef struct
{
  const ScPendingCall *call;
  Ask ask;
} Query;

static void
run_in_thread (gpointer data, gpointer user_data)
{
  g_autoptr (GTask) task = data;
  const Query *query = g_task_get_task_data (task);
  g_autoptr (GMainContext) context = g_main_context_new ();
  G_GNUC_UNUSED g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);
  GError *error = NULL;
  GVariant *answer = query->ask (query->call, &error);

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
run_query (ScPendingCall *call, Ask ask)
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
  const Query query = { .call = call, .ask = ask };
  g_task_set_task_data (task, g_memdup2 (&query, sizeof query), g_free);
  g_thread_pool_push (call->parts->queries, task, NULL);
}

static GVariant *
ask_values (const ScPendingCall *call, GError **error)
{
  const char *container = call->request->subject.containers[0];
  g_autoptr (GHashTable) values = sc_query_values (call->parts->paths, container, error);
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
ask_image (const ScPendingCall *call, GError **error)
{
  g_autofree char *json = sc_query_inspect_image (call->parts->paths, call->parts->config,
                                                  call->request->subject.image, error);

  return json != NULL ? g_variant_new ("(s)", json) : NULL;
}

static GVariant *
ask_sizes (const ScPendingCall *call, GError **error)
{
  GVariant *sizes = sc_storage_query_sizes (call->parts->paths, error);

  return sizes != NULL ? g_variant_new ("(@a{sv})", sizes) : NULL;
}

static void
add_rows (GVariantBuilder *builder, GVariant *rows)
{
  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      g_variant_builder_add_value (builder, row);
    }
}

static GVariant *
ask_blobs (const ScPendingCall *call, GError **error)
{
  GVariant *answer = sc_storage_query_blobs (call->parts->paths, error);
  if (answer == NULL)
    return NULL;

  g_autoptr (GVariant) blobs = g_variant_ref_sink (answer);
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  add_rows (&builder, call->rows);
  add_rows (&builder, blobs);
  return g_variant_new ("(aa{sv})", &builder);
}

static GVariant *
ask_history (const ScPendingCall *call, GError **error)
{
  const ScOptions *options = call->request->options;
  guint64 since_usec = 0;
  (void)sc_options_get_uint64 (options, "since", &since_usec);
  const ScHistoryFilter filter = {
    .since_usec = (gint64)MIN (since_usec, G_MAXINT64),
    .container = sc_options_get_string (options, "container"),
    .limit = sc_options_get_uint32 (options, "limit", 0),
  };
  g_autoptr (GVariant) events = sc_history_read (call->parts->paths, &filter, error);

  return events != NULL ? g_variant_new ("(@aa{sv})", events) : NULL;
}

static GVariant *
set_registry_credential (const ScPendingCall *call, GError **error)
{
  const ScRequest *request = call->request;
  const char *prefix = request->subject.prefix;
  g_autoptr (ScCredential) credential = sc_login_read (request->secret, prefix, NULL, error);

  if (credential == NULL || !sc_login_store_set (call->parts->paths, prefix, credential, error))
    return NULL;
  sc_login_log (prefix, call->caller->uid, TRUE);
  return g_variant_new ("()");
}

static GVariant *
remove_registry_credential (const ScPendingCall *call, GError **error)
{
  const char *prefix = call->request->subject.prefix;

  if (!sc_login_store_remove (call->parts->paths, prefix, error))
    return NULL;
  sc_login_log (prefix, call->caller->uid, FALSE);
  return g_variant_new ("()");
}

void
sc_answer_get_values (ScPendingCall *call)
{
  run_query (call, ask_values);
}

void
sc_answer_inspect_image (ScPendingCall *call)
{
  run_query (call, ask_image);
}

void
sc_answer_get_storage_info (ScPendingCall *call)
{
  run_query (call, ask_sizes);
}

void
sc_answer_list_blobs (ScPendingCall *call)
{
  run_query (call, ask_blobs);
}

void
sc_answer_get_history (ScPendingCall *call)
{
  run_query (call, ask_history);
}

void
sc_answer_set_registry_credential (ScPendingCall *call)
{
  run_query (call, set_registry_credential);
}

void
sc_answer_remove_registry_credential (ScPendingCall *call)
{
  run_query (call, remove_registry_credential);
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
