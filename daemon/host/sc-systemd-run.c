/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The part of sc-systemd.h that runs programs: each in a transient service of its own, so that none
 * is a child of the daemon.
 */
#include "host/sc-systemd-private.h"
#include "host/sc-unit-status.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>

#define N_STDIO        3
#define STOP_TIMEOUT_S 90

static void
add_stdio (GVariantBuilder *builder, const ScCommand *command)
{
  static const char *const names[N_STDIO]
      = { "StandardInputFileDescriptor", "StandardOutputFileDescriptor",
          "StandardErrorFileDescriptor" };

  for (int i = 0; command->stdio != NULL && i < N_STDIO; i++)
    g_variant_builder_add (builder, "(sv)", names[i], g_variant_new_handle (i));
}

/* What comes after runs to its end, whatever fails. */
static void
add_commands (GVariantBuilder *builder, const char *property, const char *const *const *commands)
{
  g_auto (GVariantBuilder) list = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(sasb)"));
  gboolean may_fail = strcmp (property, "ExecStopPost") == 0;

  if (commands == NULL || commands[0] == NULL)
    return;
  for (gsize i = 0; commands[i] != NULL; i++)
    g_variant_builder_add (&list, "(s^asb)", commands[i][0], commands[i], may_fail);
  g_variant_builder_add (builder, "(sv)", property, g_variant_builder_end (&list));
}

/* Its words are meant as they are: a plain ExecStart has "$NAME" replaced. */
static void
add_start (GVariantBuilder *builder, const char *const *argv)
{
  static const char *const flags[] = { "no-env-expand", NULL };
  g_auto (GVariantBuilder) list = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(sasas)"));

  g_variant_builder_add (&list, "(s^as^as)", argv[0], argv, flags);
  g_variant_builder_add (builder, "(sv)", "ExecStartEx", g_variant_builder_end (&list));
}

/* Not BindsTo=: with that a restart of the other unit would run the program once more. */
static void
add_bounds (GVariantBuilder *builder, const char *const *units)
{
  if (units == NULL)
    return;
  g_variant_builder_add (builder, "(sv)", "StopPropagatedFrom", g_variant_new_strv (units, -1));
  g_variant_builder_add (builder, "(sv)", "After", g_variant_new_strv (units, -1));
}

static GVariant *
unit_properties (const ScCommand *command)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sv)"));
  g_variant_builder_add (&builder, "(sv)", "Description",
                         g_variant_new_string (command->description));
  g_variant_builder_add (&builder, "(sv)", "Type", g_variant_new_string ("oneshot"));
  g_variant_builder_add (&builder, "(sv)", "CollectMode",
                         g_variant_new_string ("inactive-or-failed"));
  /* what it exits with can only be read as long as somebody holds the unit */
  g_variant_builder_add (&builder, "(sv)", "AddRef", g_variant_new_boolean (TRUE));
  if (command->directory != NULL)
    g_variant_builder_add (&builder, "(sv)", "WorkingDirectory",
                           g_variant_new_string (command->directory));
  if (command->is_quiet)
    g_variant_builder_add (&builder, "(sv)", "LogLevelMax", g_variant_new_int32 (LOG_NOTICE));
  if (command->delegate)
    g_variant_builder_add (&builder, "(sv)", "Delegate", g_variant_new_boolean (TRUE));
  if (command->stop_timeout_s > 0)
    {
      g_variant_builder_add (
          &builder, "(sv)", "TimeoutStopUSec",
          g_variant_new_uint64 ((guint64)command->stop_timeout_s * G_USEC_PER_SEC));
      g_variant_builder_add (&builder, "(sv)", "SendSIGHUP", g_variant_new_boolean (TRUE));
    }
  add_bounds (&builder, command->bound_to);
  add_commands (&builder, "ExecStartPre", command->before);
  add_start (&builder, command->argv);
  add_commands (&builder, "ExecStopPost", command->after);
  add_stdio (&builder, command);
  return g_variant_builder_end (&builder);
}

static gboolean
start (ScSystemd *self,
       const char *unit,
       const ScCommand *command,
       GCancellable *cancellable,
       GError **error)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
  for (int i = 0; command->stdio != NULL && i < N_STDIO; i++)
    if (g_unix_fd_list_append (fds, command->stdio[i], error) < 0)
      return FALSE;

  g_autoptr (GVariant) reply = sc_systemd_call_with_fds (
      self, "StartTransientUnit",
      g_variant_new ("(ss@a(sv)@a(sa(sv)))", unit, "fail", unit_properties (command),
                     g_variant_new_array (G_VARIANT_TYPE ("(sa(sv))"), NULL, 0)),
      fds, cancellable, error);
  if (reply == NULL)
    return FALSE;

  const char *job;
  g_variant_get (reply, "(&o)", &job);
  return sc_systemd_finish_job (self, job, command->timeout_s, cancellable, error);
}

/* When another unit takes it along, the job that started it ends before it does. */
static gboolean
wait_for_end (ScSystemd *self, const char *unit, ScUnitStatus *status, GError **error)
{
  if (!sc_systemd_get_status (self, unit, status, NULL, error))
    return FALSE;
  if (strcmp (status->active_state, "inactive") == 0
      || strcmp (status->active_state, "failed") == 0)
    return TRUE;
  return sc_systemd_stop (self, unit, STOP_TIMEOUT_S, NULL, error)
         && sc_systemd_get_status (self, unit, status, NULL, error);
}

/* How a program that ended did so, as a shell says it. FALSE with @error when it was never run. */
static gboolean
read_exit_status (ScSystemd *self, const char *unit, int *exit_status, GError **error)
{
  g_auto (ScUnitStatus) status = { 0 };

  if (!wait_for_end (self, unit, &status, error))
    return FALSE;
  if (status.exit_code == CLD_EXITED)
    {
      *exit_status = status.exit_status;
      return TRUE;
    }
  if (status.exit_code == CLD_KILLED || status.exit_code == CLD_DUMPED)
    {
      *exit_status = 128 + status.exit_status;
      return TRUE;
    }
  return sc_error_set (error, SYSCONT_ERROR_START_FAILED, "it could not be run (%s)",
                       status.result);
}

gboolean
sc_systemd_run_command (ScSystemd *self,
                        const ScCommand *command,
                        int *exit_status,
                        GCancellable *cancellable,
                        GError **error)
{
  g_autofree char *uuid = g_uuid_string_random ();
  g_autofree char *unit = command->unit != NULL
                              ? g_strdup (command->unit)
                              : g_strdup_printf ("syscont-run-%.13s.service", uuid);
  g_autoptr (GError) local_error = NULL;
  gboolean ended = start (self, unit, command, cancellable, &local_error);

  *exit_status = 0;
  if (!ended && !g_error_matches (local_error, SYSCONT_ERROR, SYSCONT_ERROR_START_FAILED))
    (void)sc_systemd_stop (self, unit, STOP_TIMEOUT_S, NULL, NULL);
  else if (!ended)
    {
      g_clear_error (&local_error);
      ended = read_exit_status (self, unit, exit_status, &local_error);
    }
  sc_systemd_reset_failed (self, unit, NULL);
  sc_systemd_unref_unit (self, unit);
  if (ended)
    return TRUE;

  g_propagate_error (error, g_steal_pointer (&local_error));
  return sc_prefix_error (error, "running %s in %s: ", command->argv[0], unit);
}

gboolean
sc_systemd_run (ScSystemd *self,
                const char *const *argv,
                const char *description,
                guint timeout_s,
                GCancellable *cancellable,
                GError **error)
{
  const ScCommand command = { .argv = argv, .description = description, .timeout_s = timeout_s };
  int exit_status = 0;

  if (!sc_systemd_run_command (self, &command, &exit_status, cancellable, error))
    return FALSE;
  return exit_status == 0
         || sc_error_set (error, SYSCONT_ERROR_FAILED,
                          "%s ended with status %d; see \"journalctl -e\"", argv[0], exit_status);
}
