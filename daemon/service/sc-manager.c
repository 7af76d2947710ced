/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-manager.h"

#include "dbus/sc-bus-names.h"
#include "service/sc-answer.h"
#include "service/sc-planned.h"

#include <string.h>

struct _ScManager
{
  SyscontManagerSkeleton parent;

  ScParts parts;
  gboolean stopping;
  GDBusInterfaceVTable vtable;
};

G_DEFINE_FINAL_TYPE (ScManager, sc_manager, SYSCONT_TYPE_MANAGER_SKELETON)

static void
on_submitted (ScJob *job, gpointer user_data)
{
  ScPendingCall *call = user_data;

  if (call->request->answers_at_end)
    {
      g_hash_table_insert (call->parts->waiting, g_strdup (sc_job_get_path (job)), call);
      return;
    }
  sc_pending_call_return (call, g_variant_new ("(o)", sc_job_get_path (job)));
  sc_pending_call_free (call);
}

static void
submit (ScPendingCall *call)
{
  g_autoptr (GError) error = NULL;
  const ScSubmission submission = {
    .request = call->request,
    .caller = call->caller,
    .func = on_submitted,
    .user_data = call,
  };

  if (sc_job_registry_submit (call->parts->registry, &submission, &error))
    return;
  sc_pending_call_return_error (call, error);
  sc_pending_call_free (call);
}

static void
on_verdict (ScVerdict verdict, ScCaller *caller, gpointer user_data)
{
  ScPendingCall *call = user_data;

  if (verdict != SC_VERDICT_ALLOWED)
    {
      sc_authority_refuse (g_steal_pointer (&call->invocation), verdict);
      sc_pending_call_free (call);
      return;
    }
  call->caller = sc_caller_ref (caller);
  if (call->request->op != NULL)
    submit (call);
  else
    sc_answer (call);
}

static ScRequest *
parse (ScManager *self, GDBusMethodInvocation *invocation, GError **error)
{
  GDBusMessage *message = g_dbus_method_invocation_get_message (invocation);
  const ScCall call = {
    .method = g_dbus_method_invocation_get_method_name (invocation),
    .parameters = g_dbus_method_invocation_get_parameters (invocation),
    .fds = g_dbus_message_get_unix_fd_list (message),
    .config = self->parts.config,
  };
  g_autoptr (ScRequest) request = sc_request_parse (&call, error);

  if (request == NULL)
    return NULL;
  if (self->stopping && (request->op != NULL || strcmp (request->method, "Subscribe") == 0))
    {
      sc_error_set (error, SYSCONT_ERROR_BUSY, "the service is about to end, try again");
      return NULL;
    }
  return g_steal_pointer (&request);
}

static void
on_method_call (GDBusConnection *bus,
                const char *sender,
                const char *path,
                const char *interface,
                const char *method,
                GVariant *parameters,
                GDBusMethodInvocation *invocation,
                gpointer user_data)
{
  ScManager *self = SC_MANAGER (user_data);
  GDBusMessage *message = g_dbus_method_invocation_get_message (invocation);
  g_autoptr (GError) error = NULL;

  ScRequest *request = parse (self, invocation, &error);
  if (request == NULL)
    {
      g_autoptr (GError) normal = syscont_error_normalize (error);

      g_dbus_method_invocation_return_gerror (invocation, normal);
      return;
    }

  sc_planned_describe (&request->subject, self->parts.registry);
  const ScQuestion question = {
    .interface = SYSCONT_MANAGER_INTERFACE,
    .method = request->rule,
    .subject = &request->subject,
    .interactive
    = (g_dbus_message_get_flags (message) & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION)
      != 0,
  };
  sc_authority_check (self->parts.authority, sender, &question, on_verdict,
                      sc_pending_call_new (&self->parts, invocation, request));
}

static void
on_job_added (ScJob *job, gpointer user_data)
{
  const ScJobRecord *record = sc_job_get_record (job);
  GVariantBuilder info = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  g_variant_builder_add (&info, "{sv}", "type", g_variant_new_string (record->type));
  g_variant_builder_add (&info, "{sv}", "targets",
                         g_variant_new_strv ((const char *const *)record->targets, -1));
  syscont_manager_emit_job_new (user_data, record->id, sc_job_get_path (job),
                                g_variant_builder_end (&info));
}

static void
answer_waiting (ScPendingCall *call, const ScJobRecord *record)
{
  SyscontError code = SYSCONT_ERROR_FAILED;

  if (record->state == SC_JOB_DONE)
    {
      sc_pending_call_return (call, NULL);
      return;
    }
  (void)syscont_error_from_name (record->error_name, &code);
  g_autoptr (GError) error = g_error_new_literal (SYSCONT_ERROR, (int)code, record->error_message);
  sc_pending_call_return_error (call, error);
}

/* One row of a job's result, for each container that it was about. */
static void
tell_of_block (ScManager *self, GVariant *row)
{
  const char *name = NULL;
  const char *reason = NULL;
  g_autoptr (GVariant) gains
      = g_variant_lookup_value (row, "privilege-gains", G_VARIANT_TYPE ("aa{sv}"));
  GVariantBuilder info = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  if (gains != NULL)
    g_variant_builder_add (&info, "{sv}", "privilege-gains", gains);
  g_autoptr (GVariant) details = g_variant_ref_sink (g_variant_builder_end (&info));
  if (g_variant_lookup (row, "name", "&s", &name)
      && g_variant_lookup (row, "blocked", "&s", &reason))
    syscont_manager_emit_blocked (SYSCONT_MANAGER (self), name, reason, details);
}

/* What became of it, for those who do not follow the job. */
static void
tell_of_update (SyscontManager *object, GVariant *row)
{
  GVariantBuilder info = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  static const char *const told[] = { "digest", "from-digest", "reference", "error-message" };
  gboolean is_new = FALSE;
  gboolean is_changed = FALSE;
  const char *name = "";
  const char *error_name = "";

  (void)g_variant_lookup (row, "name", "&s", &name);
  (void)g_variant_lookup (row, "error-name", "&s", &error_name);
  (void)g_variant_lookup (row, "newly-available", "b", &is_new);
  (void)g_variant_lookup (row, "changed", "b", &is_changed);
  for (gsize i = 0; i < G_N_ELEMENTS (told); i++)
    {
      g_autoptr (GVariant) value = g_variant_lookup_value (row, told[i], G_VARIANT_TYPE_STRING);
      if (value != NULL)
        g_variant_builder_add (&info, "{sv}", i == 3 ? "reason" : told[i], value);
    }
  if (strcmp (error_name, syscont_error_name (SYSCONT_ERROR_ROLLED_BACK)) == 0)
    syscont_manager_emit_rolled_back (object, name, g_variant_builder_end (&info));
  else if (is_new && !is_changed)
    syscont_manager_emit_update_available (object, name, g_variant_builder_end (&info));
  else
    g_variant_builder_clear (&info);
}

static void
tell_of_containers (ScManager *self, GVariant *result)
{
  g_autoptr (GVariant) rows
      = g_variant_lookup_value (result, "containers", G_VARIANT_TYPE ("aa{sv}"));

  for (gsize i = 0; rows != NULL && i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      tell_of_block (self, row);
      tell_of_update (SYSCONT_MANAGER (self), row);
    }
}

static void
on_job_ended (ScJob *job, gpointer user_data)
{
  ScManager *self = user_data;
  const ScJobRecord *record = sc_job_get_record (job);
  ScPendingCall *call = g_hash_table_lookup (self->parts.waiting, sc_job_get_path (job));

  if (call != NULL)
    {
      answer_waiting (call, record);
      g_hash_table_remove (self->parts.waiting, sc_job_get_path (job));
    }
  tell_of_containers (self, record->result);
  syscont_manager_emit_job_removed (user_data, record->id, sc_job_get_path (job),
                                    sc_job_state_name (record->state), record->result);
}

static void
on_job_counted (guint count, gpointer user_data)
{
  syscont_manager_set_job_count (user_data, count);
}

static const ScJobListener listener = {
  .added = on_job_added,
  .ended = on_job_ended,
  .counted = on_job_counted,
};

/* The generated handlers, one signal for each method, are not used: all calls go one way. */
static GDBusInterfaceVTable *
sc_manager_get_vtable (GDBusInterfaceSkeleton *skeleton)
{
  ScManager *self = SC_MANAGER (skeleton);
  GDBusInterfaceSkeletonClass *parent = G_DBUS_INTERFACE_SKELETON_CLASS (sc_manager_parent_class);

  self->vtable = *parent->get_vtable (skeleton);
  self->vtable.method_call = on_method_call;
  return &self->vtable;
}

static void
sc_manager_finalize (GObject *object)
{
  g_hash_table_unref (SC_MANAGER (object)->parts.waiting);
  G_OBJECT_CLASS (sc_manager_parent_class)->finalize (object);
}

static void
sc_manager_class_init (ScManagerClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sc_manager_finalize;
  G_DBUS_INTERFACE_SKELETON_CLASS (klass)->get_vtable = sc_manager_get_vtable;
}

static void
sc_manager_init (ScManager *self)
{
}

ScManager *
sc_manager_new (const ScParts *parts)
{
  ScManager *self = g_object_new (SC_TYPE_MANAGER, NULL);
  SyscontManager *object = SYSCONT_MANAGER (self);
  g_auto (GStrv) features = sc_request_features ();

  self->parts = *parts;
  self->parts.waiting = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                               (GDestroyNotify)sc_pending_call_free);
  syscont_manager_set_version (object, SYSCONT_VERSION);
  syscont_manager_set_api_version (object, SYSCONT_API_VERSION);
  syscont_manager_set_features (object, (const char *const *)features);
  syscont_manager_set_storage_path (object, parts->paths->checkout);
  sc_job_registry_set_listener (parts->registry, &listener, self);
  return self;
}

void
sc_manager_stop (ScManager *self)
{
  self->stopping = TRUE;
}
