/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-job-methods.h"

#include "dbus/sc-bus-names.h"

#include <signal.h>

typedef struct _JobCall JobCall;

/* A call, while its caller is looked at and it is done */
struct _JobCall
{
  ScJobRegistry *registry;
  const ScJobRegistryParts *parts;
  guint64 id;
  GDBusMethodInvocation *invocation; /* (owned) (nullable) NULL when it is answered */
  void (*act) (JobCall *self);       /* (transfer full): answers and frees it */
  guint rows;
  guint columns;
  int signal;
};

static void
job_call_free (JobCall *self)
{
  sc_idle_release (self->parts->idle);
  g_free (self);
}

/* (transfer full) @self: with @error when it is one */
static void
job_call_return (JobCall *self, const GError *error)
{
  if (error != NULL)
    {
      g_autoptr (GError) normal = syscont_error_normalize (error);
      g_dbus_method_invocation_return_gerror (g_steal_pointer (&self->invocation), normal);
    }
  else
    g_dbus_method_invocation_return_value (g_steal_pointer (&self->invocation), NULL);
  job_call_free (self);
}

static ScProgram *
find_program (const JobCall *self, GError **error)
{
  ScJob *job = sc_job_registry_find (self->registry, self->id);
  ScProgram *program = job != NULL ? sc_job_get_program (job) : NULL;

  if (program == NULL)
    sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED, "job %" G_GUINT64_FORMAT " runs no program",
                  self->id);
  return program;
}

static void
act_cancel (JobCall *self)
{
  g_autoptr (GError) error = NULL;

  (void)sc_job_registry_cancel (self->registry, self->id, &error);
  job_call_return (self, error);
}

static void
act_resize (JobCall *self)
{
  g_autoptr (GError) error = NULL;
  ScProgram *program = find_program (self, &error);

  if (program != NULL)
    (void)sc_program_resize (program, self->rows, self->columns, &error);
  job_call_return (self, error);
}

static void
on_signalled (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;

  (void)sc_program_signal_finish (G_DBUS_CONNECTION (source), result, &error);
  job_call_return (user_data, error);
}

static void
act_signal (JobCall *self)
{
  g_autoptr (GError) error = NULL;
  ScProgram *program = find_program (self, &error);

  if (program == NULL)
    job_call_return (self, error);
  else
    sc_program_signal_async (program, self->parts->environment->bus, self->id, self->signal,
                             on_signalled, self);
}

static void
on_verdict (ScVerdict verdict, ScCaller *caller, gpointer user_data)
{
  JobCall *self = user_data;

  if (verdict == SC_VERDICT_ALLOWED)
    {
      self->act (self);
      return;
    }
  sc_authority_refuse (g_steal_pointer (&self->invocation), verdict);
  job_call_free (self);
}

/* What a handler knows besides the arguments; static, it belongs to the object. */
typedef struct
{
  ScJobRegistry *registry;
  const ScJobRegistryParts *parts;
} Place;

static JobCall *
job_call_new (const Place *place,
              SyscontJob *object,
              GDBusMethodInvocation *invocation,
              void (*act) (JobCall *self))
{
  JobCall *self = g_new0 (JobCall, 1);

  self->registry = place->registry;
  self->parts = place->parts;
  self->id = syscont_job_get_id (object);
  self->invocation = invocation;
  self->act = act;
  sc_idle_hold (self->parts->idle);
  return self;
}

static gboolean
authorise (JobCall *self, SyscontJob *object)
{
  GDBusMethodInvocation *invocation = self->invocation;
  GDBusMessage *message = g_dbus_method_invocation_get_message (invocation);
  guint owner_uid = syscont_job_get_owner_uid (object);
  const ScQuestion question = {
    .interface = SYSCONT_JOB_INTERFACE,
    .method = g_dbus_method_invocation_get_method_name (invocation),
    .owner_uid = &owner_uid,
    .interactive
    = (g_dbus_message_get_flags (message) & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION)
      != 0,
  };

  sc_authority_check (self->parts->authority, g_dbus_method_invocation_get_sender (invocation),
                      &question, on_verdict, self);
  return TRUE;
}

static gboolean
on_handle_cancel (SyscontJob *object,
                  GDBusMethodInvocation *invocation,
                  GVariant *options,
                  gpointer user_data)
{
  static const ScOptionSpec none[] = { { NULL, NULL } };
  JobCall *call = job_call_new (user_data, object, invocation, act_cancel);
  g_autoptr (GError) error = NULL;
  g_autoptr (ScOptions) parsed = sc_options_parse ("Cancel", none, options, &error);

  if (parsed != NULL)
    return authorise (call, object);
  job_call_return (call, error);
  return TRUE;
}

static gboolean
on_handle_resize (SyscontJob *object,
                  GDBusMethodInvocation *invocation,
                  guint rows,
                  guint columns,
                  gpointer user_data)
{
  JobCall *call = job_call_new (user_data, object, invocation, act_resize);

  call->rows = rows;
  call->columns = columns;
  return authorise (call, object);
}

static gboolean
on_handle_signal (SyscontJob *object,
                  GDBusMethodInvocation *invocation,
                  int signal,
                  gpointer user_data)
{
  JobCall *call = job_call_new (user_data, object, invocation, act_signal);
  g_autoptr (GError) error = NULL;

  call->signal = signal;
  if (signal > 0 && signal < NSIG)
    return authorise (call, object);
  sc_error_set (&error, SYSCONT_ERROR_INVALID_ARGUMENT, "%d is not the number of a signal", signal);
  job_call_return (call, error);
  return TRUE;
}

static void
place_free (gpointer data, GClosure *closure)
{
  g_free (data);
}

void
sc_job_methods_connect (ScJobRegistry *registry,
                        const ScJobRegistryParts *parts,
                        SyscontJob *object)
{
  static const struct
  {
    const char *signal;
    GCallback handler;
  } methods[] = { { "handle-cancel", G_CALLBACK (on_handle_cancel) },
                  { "handle-resize", G_CALLBACK (on_handle_resize) },
                  { "handle-signal", G_CALLBACK (on_handle_signal) } };

  for (gsize i = 0; i < G_N_ELEMENTS (methods); i++)
    {
      Place *place = g_new0 (Place, 1);

      place->registry = registry;
      place->parts = parts;
      g_signal_connect_data (object, methods[i].signal, methods[i].handler, place, place_free, 0);
    }
}
