/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-redeploy.h"

#include "deploy/sc-deployment-files.h"
#include "ops/sc-approval.h"
#include "ops/sc-change.h"
#include "ops/sc-host-check.h"
#include "ops/sc-plan.h"

#include <string.h>

static ScContainer *
make_after (const ScRedeployment *self, const ScDeploymentRecord *record, const char *from_digest)
{
  ScContainer *after = sc_container_copy (self->before);

  sc_set_text (&after->reference, record->reference);
  if (record->source != NULL)
    sc_set_text (&after->source, record->source);
  g_hash_table_unref (after->set_values);
  after->set_values = g_hash_table_ref (record->values);
  g_clear_pointer (&after->health, sc_health_free);
  after->health = sc_health_copy (record->set_health);
  sc_container_set_current (after, record->id);
  if (self->quarantine_reason != NULL && strcmp (from_digest, record->digest) != 0)
    sc_update_state_quarantine (&after->update, from_digest, self->quarantine_reason,
                                g_get_real_time ());
  return after;
}

/* Whoever goes back to what ran before has agreed to it then. */
static gboolean
check_privileges (const ScRedeployment *self,
                  GPtrArray *privileges,
                  ScUpdateReport *report,
                  GError **error)
{
  report->gains = sc_approval_list_gains (self->context->paths, self->before, (guint64)report->from,
                                          privileges, error);
  return report->gains != NULL
         && (self->operation == SC_INTENT_ROLLBACK || self->context->terms->plan_only
             || sc_approval_check (self->context, report->gains, error));
}

static ScPlanEnd
settle_plan (const ScRedeployment *self,
             ScChange *change,
             GPtrArray *privileges,
             const ScUpdateReport *report,
             GError **error)
{
  g_autoptr (ScHostFiles) files = NULL;
  g_autoptr (ScHostPlan) host_plan = sc_change_plan_host_files (change, &files, error);
  if (host_plan == NULL)
    return SC_PLAN_REFUSED;

  const ScPaths *paths = self->context->paths;
  g_auto (ScPlan) plan = {
    .operation = self->operation == SC_INTENT_ROLLBACK ? "rollback" : "update",
    .container = self->before->name,
    .digest = report->digest,
    .reference = report->reference,
    .before = self->before,
    .after = change->after,
    .host_changes = host_plan->changes,
    .privileges = privileges,
    .gains = report->gains,
  };
  if (!sc_side_load (&plan.from, paths, self->before, self->before->current, error)
      || !sc_side_load (&plan.to, paths, self->before, self->id, error))
    return SC_PLAN_REFUSED;
  sc_plan_add_restarts (&plan, change);
  return sc_plan_settle (&plan, self->context, error);
}

static gboolean
run (const ScRedeployment *self,
     ScChange *change,
     const ScUnitTexts *texts,
     ScUpdateReport *report,
     GError **error)
{
  g_autoptr (GPtrArray) privileges
      = sc_privileges_load (self->context->paths, self->before, self->id, error);

  if (privileges == NULL || !check_privileges (self, privileges, report, error)
      || (texts->service != NULL && !sc_change_look (change, error)))
    return FALSE;
  ScPlanEnd end = sc_plan_is_wanted (self->context)
                      ? settle_plan (self, change, privileges, report, error)
                      : SC_PLAN_AGREED;
  if (end != SC_PLAN_AGREED)
    return end == SC_PLAN_SHOWN;
  report->changed = sc_change_do (change, texts, NULL, NULL, error);
  return report->changed;
}

gboolean
sc_redeploy (const ScRedeployment *self, ScUpdateReport *report, GError **error)
{
  const ScPaths *paths = self->context->paths;
  const char *name = self->before->name;
  const ScDeploymentRecord *record = sc_container_find (self->before, self->id);
  g_autoptr (ScSystemd) systemd = sc_systemd_new (self->context->bus, error);
  g_auto (ScUnitTexts) texts = { 0 };
  g_auto (ScChange) change = { 0 };

  report->to = (gint64)record->id;
  sc_set_text (&report->digest, record->digest);
  sc_set_text (&report->reference, record->reference);
  if (systemd == NULL || !sc_host_check (self->context->config, error)
      || !sc_deployment_check (paths, self->repo, name, self->id, error)
      || !sc_deployment_load_texts (paths, name, self->id, &texts, error))
    return FALSE;

  if (record->health != NULL && texts.service != NULL)
    texts.timer = sc_health_timer_text (record->health, name);
  ScContainer *after = make_after (self, record, report->from_digest);
  after->has_service = texts.service != NULL;
  sc_change_init (&change, self->context, self->repo, systemd, self->operation, after);
  change.intent->from = report->from;
  change.intent->observe_usec = self->observe_usec;
  if (self->operation == SC_INTENT_UPDATE && strcmp (report->from_digest, record->digest) != 0)
    change.intent->quarantine = g_strdup (record->digest);
  return run (self, &change, &texts, report, error);
}
