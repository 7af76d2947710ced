/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The switch of a container that may be running: nothing is stopped before everything is in place,
 * and what does not stay up is taken back with all that depends on it.
 */
#include "base/sc-log.h"
#include "deploy/sc-secrets.h"
#include "host/sc-journal.h"
#include "host/sc-unit-files.h"
#include "host/sc-unit-status.h"
#include "ops/sc-change.h"
#include "ops/sc-health-state.h"
#include "ops/sc-observe.h"
#include "ops/sc-op-private.h"
#include "ops/sc-retention.h"
#include "ops/sc-switch.h"

#include <string.h>

#define MAX_LOG_LINES 10

static gboolean
reload (const ScChange *self, GError **error)
{
  return !sc_switch_has_early (self->intent) || sc_systemd_reload (self->systemd, NULL, error);
}

/* A service that is between two tries of its restart ran as well. */
gboolean
sc_change_look (ScChange *self, GError **error)
{
  g_auto (ScUnitStatus) status = { 0 };

  if (!sc_systemd_get_status (self->systemd, self->unit, &status, NULL, error))
    return FALSE;
  self->intent->was_active
      = sc_unit_status_is_active (&status) || strcmp (status.active_state, "activating") == 0;
  if (!self->intent->was_active)
    return TRUE;

  char **dependants = sc_systemd_list_dependants (self->systemd, self->unit, NULL, error);
  if (dependants == NULL)
    return FALSE;
  g_strfreev (self->intent->dependants);
  self->intent->dependants = dependants;
  return TRUE;
}

/* What atomic has started stops by our unit, whose directory it must find then. */
static gboolean
link_adopted (const ScChange *self, GError **error)
{
  const ScIntent *intent = self->intent;

  return intent->operation != SC_INTENT_ADOPT
         || sc_deployment_switch (self->context->paths, intent->container, intent->deployment,
                                  error);
}

/* Everything up to the point of no return. */
static gboolean
cut_over (ScChange *self, GError **error)
{
  const ScOpContext *context = self->context;
  ScIntent *intent = self->intent;

  sc_progress_set_cancellable (context->progress, FALSE);
  if (intent->operation == SC_INTENT_STAGE)
    return sc_intent_commit (intent, context->paths, error);
  sc_progress_set_phase (context->progress, "switch");
  if (!link_adopted (self, error) || !sc_switch_write_early (intent, error) || !reload (self, error)
      || !sc_change_run_tmpfiles (self, error)
      || !sc_switching_set (context->paths, intent->container, TRUE, error))
    return FALSE;
  if (intent->was_active)
    {
      sc_progress_set_phase (context->progress, "stop");
      if (!sc_systemd_stop (self->systemd, self->unit, context->config->start_timeout_s, NULL,
                            error))
        return FALSE;
    }
  return sc_intent_commit (intent, context->paths, error);
}

static gboolean
start_again (const ScChange *self, GError **error)
{
  const ScObservation start = {
    .systemd = self->systemd,
    .unit = self->unit,
    .dependants = self->intent->dependants,
    .start_timeout_s = self->context->config->start_timeout_s,
  };

  sc_systemd_reset_failed (self->systemd, self->unit, NULL);
  for (guint i = 0; self->intent->dependants[i] != NULL; i++)
    sc_systemd_reset_failed (self->systemd, self->intent->dependants[i], NULL);
  return sc_observe (&start, error);
}

static gboolean
remove_made (const ScChange *self, GError **error)
{
  const ScIntent *intent = self->intent;

  return !intent->made
         || (sc_secrets_trim (self->context->paths, intent->container, error)
             && sc_deployment_remove (self->context->paths, intent->container, intent->deployment,
                                      error)
             && sc_deployment_drop_ref (self->repo, intent->container, intent->deployment, NULL,
                                        error));
}

static gboolean
take_back (ScChange *self, GError **error)
{
  const ScPaths *paths = self->context->paths;

  return sc_switch_take_back (self->intent, paths, error) && reload (self, error)
         && sc_switching_set (paths, self->intent->container, FALSE, error);
}

/* What fails is logged, and the intent stays for recovery. */
static void
undo (ScChange *self)
{
  const ScOpContext *context = self->context;
  ScIntent *intent = self->intent;
  g_autoptr (GError) error = NULL;

  /* A commit that failed may be on the disk all the same. */
  if (intent->phase == SC_INTENT_COMMITTED)
    {
      intent->phase = SC_INTENT_PREPARED;
      (void)sc_intent_save (intent, context->paths, NULL);
    }
  if (take_back (self, &error) && (!intent->was_active || start_again (self, &error))
      && remove_made (self, &error) && sc_intent_delete (intent, context->paths, &error))
    return;
  /* The intent stays: recovery tries again, at the next start or before the next operation. */
  sc_log (G_LOG_LEVEL_WARNING,
          &(ScLogFields){ .job = context->job_id, .container = intent->container },
          "undoing a change of \"%s\": %s", intent->container, error->message);
}

gboolean
sc_change_do (ScChange *self,
              const ScUnitTexts *texts,
              const ScImageRendering *rendered,
              GCancellable *cancellable,
              GError **error)
{
  if (!sc_change_begin (self, texts, error))
    return FALSE;
  if ((rendered != NULL && !sc_change_stage (self, rendered, cancellable, error))
      || !cut_over (self, error))
    {
      undo (self);
      return FALSE;
    }
  return sc_switch_publish (self->intent, self->context->paths, error)
         && sc_change_settle (self, error);
}

/* What was set for the container does not go where everybody may read. */
static char *
hide_values (const ScChange *self, const char *text)
{
  g_autoptr (GHashTable) secrets = sc_secrets_load (self->context->paths, self->intent->container,
                                                    self->intent->deployment, NULL);
  g_autofree char *hidden = sc_secrets_hide (text, self->after->set_values);

  return secrets != NULL ? sc_secrets_hide (hidden, secrets) : g_steal_pointer (&hidden);
}

static void
report_log (ScChange *self)
{
  g_auto (GStrv) lines = sc_journal_last_lines (self->unit, self->intent->time_usec, MAX_LOG_LINES);

  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *hidden = hide_values (self, lines[i]);
      g_free (lines[i]);
      lines[i] = hidden;
    }
  g_variant_dict_insert (self->context->result, "log", "^as", lines);
}

/* One that has never become ready has nothing to lose, and may not hear a request to stop. */
static gboolean
stop_new (const ScChange *self, GError **error)
{
  g_auto (ScUnitStatus) status = { 0 };

  if (!sc_systemd_get_status (self->systemd, self->unit, &status, NULL, error))
    return FALSE;
  if (!sc_unit_status_is_active (&status))
    sc_systemd_kill (self->systemd, self->unit);
  return sc_systemd_stop (self->systemd, self->unit, self->context->config->start_timeout_s, NULL,
                          error);
}

static gboolean
begin_revert (ScChange *self, const GError *failure, GError **error)
{
  const ScPaths *paths = self->context->paths;
  ScIntent *intent = self->intent;

  intent->phase = SC_INTENT_REVERTING;
  g_free (intent->reason);
  intent->reason = g_strdup (failure->message);
  return sc_intent_save (intent, paths, error)
         && sc_switching_set (paths, intent->container, TRUE, error) && stop_new (self, error)
         && take_back (self, error) && sc_change_run_tmpfiles (self, error);
}

/* Goes back to what ran before; always fails. */
static gboolean
revert (ScChange *self, GError *failure, GError **error)
{
  ScIntent *intent = self->intent;
  g_autoptr (GError) start_error = NULL;
  char *hidden = hide_values (self, failure->message);

  g_free (failure->message);
  failure->message = hidden;

  sc_progress_set_phase (self->context->progress, "rollback");
  report_log (self);
  if (!begin_revert (self, failure, error))
    return sc_prefix_error (error, "%s; going back to deployment %" G_GINT64_FORMAT ": ",
                            failure->message, intent->from);

  gboolean runs = start_again (self, &start_error);
  /* what might help to find out why stays when nothing runs */
  if ((runs && !remove_made (self, error))
      || !sc_intent_delete (intent, self->context->paths, error))
    return FALSE;
  if (!runs)
    return sc_error_set (error, SYSCONT_ERROR_ROLLED_BACK,
                         "%s; went back to deployment %" G_GINT64_FORMAT
                         ", which did not start either: %s",
                         failure->message, intent->from, start_error->message);
  if (intent->from == SC_NO_DEPLOYMENT)
    return sc_error_set (error, SYSCONT_ERROR_ROLLED_BACK, "%s; went back to what was installed",
                         failure->message);
  return sc_error_set (error, SYSCONT_ERROR_ROLLED_BACK,
                       "%s; went back to deployment %" G_GINT64_FORMAT, failure->message,
                       intent->from);
}

/* Before the intent goes, so that nothing is left behind when this is interrupted; and not before it
 * says that nothing goes back to it. */
static gboolean
keep (const ScChange *self, GError **error)
{
  const ScOpContext *context = self->context;
  const char *name = self->intent->container;
  g_autoptr (GError) cause = NULL;

  if (!sc_intent_keep (self->intent, context->paths, error))
    return FALSE;
  gboolean is_trimmed = sc_retention_apply (context, self->repo, name, &cause);
  gboolean is_forgotten = sc_switch_forget (self->intent, is_trimmed ? &cause : NULL);
  if (!is_trimmed || !is_forgotten)
    sc_log (G_LOG_LEVEL_WARNING, &(ScLogFields){ .job = context->job_id, .container = name },
            "removing what of \"%s\" is not kept: %s", name, cause->message);
  return sc_intent_delete (self->intent, context->paths, error);
}

/* What the update has found out need not be found out again. */
static void
save_health (const ScChange *self)
{
  const ScHealthState state = { .verdict = SC_HEALTH_HEALTHY };
  g_autoptr (GError) error = NULL;

  if (!sc_health_state_save (&state, self->context->paths, self->intent->container, &error))
    sc_log (G_LOG_LEVEL_WARNING,
            &(ScLogFields){ .job = self->context->job_id, .container = self->intent->container },
            "%s", error->message);
}

gboolean
sc_change_settle (ScChange *self, GError **error)
{
  const ScOpContext *context = self->context;
  ScIntent *intent = self->intent;
  const ScDeploymentRecord *record = sc_container_find (self->after, intent->deployment);
  const ScHealthProbe probe = {
    .systemd = self->systemd,
    .name = intent->container,
    .runtime = context->config->runtime,
    .health = record != NULL ? record->health : NULL,
  };
  gboolean has_probe = probe.health != NULL && intent->observe_usec > 0;
  const ScObservation observation = {
    .systemd = self->systemd,
    .unit = self->unit,
    .dependants = intent->dependants,
    .observe_usec = intent->observe_usec,
    .start_timeout_s = context->config->start_timeout_s,
    .probe = has_probe ? &probe : NULL,
  };
  g_autoptr (GError) failure = NULL;

  if (intent->was_active && intent->phase != SC_INTENT_KEPT)
    {
      sc_progress_set_phase (context->progress, "observe");
      if (!sc_observe (&observation, &failure))
        return revert (self, failure, error);
      if (has_probe)
        save_health (self);
    }
  return keep (self, error);
}
