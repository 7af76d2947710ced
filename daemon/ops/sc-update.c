/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-update.h"

#include "deploy/sc-secrets.h"
#include "ops/sc-approval.h"
#include "ops/sc-change.h"
#include "ops/sc-host-check.h"
#include "ops/sc-op-private.h"
#include "ops/sc-plan.h"
#include "ops/sc-redeploy.h"
#include "ops/sc-seen.h"
#include "ops/sc-update-due.h"
#include "ops/sc-update-image.h"
#include "ops/sc-update-values.h"

#include <string.h>

typedef struct
{
  ScOpContext *context;
  ScRepo *repo;
  const ScUpdateRequest *request;
  ScUpdateReport *report;
  ScContainer *before;     /* (owned) */
  ScContainer *after;      /* (owned) (nullable) until the change takes it */
  ScUpdateImage found;     /* (owned) */
  ScSystemd *systemd;      /* (owned) (nullable) */
  GHashTable *old_secrets; /* (owned) (nullable) char* to char* */
  GHashTable *secrets;     /* (owned) (nullable) after this request */
  ScImageRendering rendered;
  gboolean is_shown; /* as a plan, and nothing else is wanted */
} Update;

static void
update_clear (Update *self)
{
  g_clear_pointer (&self->before, sc_container_free);
  g_clear_pointer (&self->after, sc_container_free);
  sc_update_image_clear (&self->found);
  g_clear_pointer (&self->old_secrets, g_hash_table_unref);
  g_clear_pointer (&self->secrets, g_hash_table_unref);
  sc_image_rendering_clear (&self->rendered);
  g_clear_pointer (&self->systemd, sc_systemd_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Update, update_clear)

static const ScDeploymentRecord *
get_current (const Update *self)
{
  return sc_container_find (self->before, self->before->current);
}

static gboolean
check_held (const Update *self, GError **error)
{
  const ScUpdateState *state = &self->before->update;

  if (self->request->force || self->request->mode == SC_UPDATE_CHECK
      || !sc_update_state_is_held (state, g_get_real_time ()))
    return TRUE;
  g_autoptr (GDateTime) until
      = g_date_time_new_from_unix_local (state->held_until_usec / G_USEC_PER_SEC);
  g_autofree char *text = g_date_time_format (until, "%F %T");
  return sc_error_set (
      error, SYSCONT_ERROR_HELD, "held until %s%s%s; take the hold away, or use --force", text,
      state->hold_reason != NULL ? ": " : "", state->hold_reason != NULL ? state->hold_reason : "");
}

static ScUpdateSource
source_of (const Update *self)
{
  return (ScUpdateSource){ .context = self->context,
                           .repo = self->repo,
                           .container = self->before,
                           .request = self->request };
}

static gboolean
find_image (Update *self, GCancellable *cancellable, GError **error)
{
  const ScUpdateSource source = source_of (self);

  if (!sc_update_image_find (&self->found, &source, cancellable, error))
    return FALSE;
  sc_set_text (&self->report->digest, self->found.image->digest);
  return self->context->terms->plan_only
         || sc_seen_add (self->context->paths, self->found.image->digest, NULL, error);
}

static gboolean
check_quarantine (const Update *self, GError **error)
{
  const ScUpdateRequest *request = self->request;
  const ScQuarantine *entry
      = sc_update_state_find_quarantine (&self->before->update, self->report->digest);

  if (entry == NULL || request->force || request->to_digest != NULL
      || strcmp (self->report->digest, get_current (self)->digest) == 0)
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_QUARANTINED,
                       "%s was rolled back from (%s); use --force to try it again, or wait for "
                       "another image",
                       entry->digest, entry->reason);
}

static gboolean
merge_secrets (Update *self, GError **error)
{
  self->old_secrets
      = sc_secrets_load (self->context->paths, self->before->name, self->before->current, error);
  if (self->old_secrets == NULL)
    return FALSE;
  self->secrets
      = sc_update_merge_secrets (self->old_secrets, self->request, self->context->secrets);
  return TRUE;
}

static GHashTable *
merge_values (const Update *self)
{
  return sc_update_merge_values (self->before, self->request, self->context->secrets);
}

/* The name that updates follow from now on. */
static const char *
new_reference (const Update *self)
{
  const ScUpdateRequest *request = self->request;
  const char *const *names = (const char *const *)self->found.image->references;

  if (request->reference == NULL)
    return self->before->reference;
  return g_strv_contains (names, request->reference->fullname) ? request->reference->fullname
                                                               : names[0];
}

static void
prepare_state (Update *self)
{
  ScContainer *after = sc_container_copy (self->before);

  self->after = after;
  sc_set_text (&after->reference, new_reference (self));
  if (self->request->reference != NULL)
    sc_set_text (&after->source, self->found.image->source);
  g_hash_table_unref (after->set_values);
  after->set_values = merge_values (self);
  g_clear_pointer (&after->health, sc_health_free);
  after->health = sc_update_merge_health (self->before, self->request);
  self->report->to
      = (gint64)sc_container_add (after, self->found.image->digest, self->context->caller_uid)->id;
  sc_set_text (&self->report->reference, after->reference);
}

static gboolean
is_same (const Update *self)
{
  g_autoptr (GHashTable) values = merge_values (self);
  g_autoptr (ScHealth) health = sc_update_merge_health (self->before, self->request);

  return strcmp (self->found.image->digest, get_current (self)->digest) == 0
         && strcmp (new_reference (self), self->before->reference) == 0
         && sc_container_same_values (values, self->before->set_values)
         && sc_health_is_same (health, self->before->health)
         && sc_container_same_values (self->secrets, self->old_secrets);
}

static const char *
operation_name (const ScUpdateRequest *request)
{
  if (request->same_image)
    return "set-values";
  return request->mode == SC_UPDATE_STAGE ? "stage" : "update";
}

static ScPlanEnd
settle_plan (Update *self, const ScChange *change, GError **error)
{
  gboolean only_stage = self->request->mode == SC_UPDATE_STAGE;
  g_auto (ScPlan) plan = {
    .operation = operation_name (self->request),
    .container = self->before->name,
    .digest = self->found.image->digest,
    .reference = change->after->reference,
    .before = self->before,
    .after = change->after,
    .host_changes = only_stage ? NULL : self->rendered.host_plan->changes,
    .privileges = self->rendered.privileges,
    .gains = self->report->gains,
    .notes = self->report->notes,
  };

  if (!sc_side_load (&plan.from, self->context->paths, self->before, self->before->current, error))
    return SC_PLAN_REFUSED;
  sc_side_take (&plan.to, self->rendered.rendering, change->after->set_values, self->secrets);
  sc_plan_add_restarts (&plan, change);
  return sc_plan_settle (&plan, self->context, error);
}

static gboolean
change_host (Update *self, ScIntentOperation operation, GCancellable *cancellable, GError **error)
{
  const ScRendering *rendering = self->rendered.rendering;
  g_auto (ScChange) change = { 0 };

  sc_change_init (&change, self->context, self->repo, self->systemd, operation,
                  g_steal_pointer (&self->after));
  change.intent->deployment = (guint64)self->report->to;
  change.intent->from = self->report->from;
  change.intent->made = TRUE;
  change.secrets = self->secrets;
  change.intent->observe_usec = self->request->observe_usec;
  if (strcmp (self->report->from_digest, self->report->digest) != 0)
    change.intent->quarantine = g_strdup (self->report->digest);
  if (operation != SC_INTENT_STAGE && rendering->texts.service != NULL
      && !sc_change_look (&change, error))
    return FALSE;
  ScPlanEnd end
      = sc_plan_is_wanted (self->context) ? settle_plan (self, &change, error) : SC_PLAN_AGREED;
  self->is_shown = end == SC_PLAN_SHOWN;
  if (end != SC_PLAN_AGREED)
    return self->is_shown;
  return sc_change_do (&change, &rendering->texts, &self->rendered, cancellable, error);
}

static gboolean
render (Update *self, GCancellable *cancellable, GError **error)
{
  const ScImageRenderRequest request = {
    .context = self->context,
    .repo = self->repo,
    .image = self->found.image,
    .container = self->after,
    .is_deployed = self->found.is_deployed,
    .image_config = self->found.config,
    .secrets = self->secrets,
    .systemd = self->systemd,
  };

  sc_progress_set_phase (self->context->progress, "render");
  if (!sc_host_check (self->context->config, error)
      || !sc_image_render (&request, &self->rendered, cancellable, error))
    return FALSE;
  self->report->notes = g_strdupv (self->rendered.rendering->notes);
  sc_container_find (self->after, (guint64)self->report->to)->health
      = sc_health_copy (self->rendered.rendering->health);
  return TRUE;
}

/* What is only prepared may do nothing yet: that is asked when it is switched to. */
static gboolean
check_privileges (Update *self, GError **error)
{
  const ScContainer *before = self->before;

  self->report->gains = sc_approval_list_gains (self->context->paths, before, before->current,
                                                self->rendered.privileges, error);
  return self->report->gains != NULL
         && (self->request->mode == SC_UPDATE_STAGE || self->context->terms->plan_only
             || sc_approval_check (self->context, self->report->gains, error));
}

static gboolean
update (Update *self, GCancellable *cancellable, GError **error)
{
  gboolean only_stage = self->request->mode == SC_UPDATE_STAGE;

  if (!find_image (self, cancellable, error) || !check_quarantine (self, error)
      || !merge_secrets (self, error))
    return FALSE;
  if (!self->request->force && is_same (self))
    {
      self->report->to = self->report->from;
      return sc_plan_settle_nothing (operation_name (self->request), self->before->name,
                                     self->found.image->digest, self->context, error)
             != SC_PLAN_REFUSED;
    }

  prepare_state (self);
  self->systemd = sc_systemd_new (self->context->bus, error);
  if (self->systemd == NULL || !render (self, cancellable, error)
      || !check_privileges (self, error))
    return FALSE;
  if (only_stage)
    self->after->staged = self->report->to;
  else
    {
      sc_container_set_current (self->after, (guint64)self->report->to);
      self->after->has_service = self->rendered.rendering->texts.service != NULL;
      self->after->staged = SC_NO_DEPLOYMENT;
    }
  if (!change_host (self, only_stage ? SC_INTENT_STAGE : SC_INTENT_UPDATE, cancellable, error))
    return FALSE;
  self->report->changed = !self->is_shown;
  return TRUE;
}

static gboolean
apply_staged (Update *self, GError **error)
{
  gint64 staged = self->before->staged;
  const ScDeploymentRecord *record
      = staged != SC_NO_DEPLOYMENT ? sc_container_find (self->before, (guint64)staged) : NULL;

  if (record == NULL)
    return sc_error_set (error, SYSCONT_ERROR_NOT_FOUND,
                         "no deployment is staged; stage one with --stage first");
  const ScRedeployment redeployment = {
    .context = self->context,
    .repo = self->repo,
    .before = self->before,
    .id = record->id,
    .operation = SC_INTENT_UPDATE,
    .observe_usec = self->request->observe_usec,
  };
  return sc_redeploy (&redeployment, self->report, error);
}

/* A plan does not count as having seen it. */
static gboolean
find_first_seen (const Update *self, const char *digest, gint64 *usec, GError **error)
{
  if (!self->context->terms->plan_only)
    return sc_seen_add (self->context->paths, digest, usec, error);
  g_autoptr (GHashTable) seen = sc_seen_load (self->context->paths, error);
  if (seen == NULL)
    return FALSE;
  const gint64 *first_usec = g_hash_table_lookup (seen, digest);
  *usec = first_usec != NULL ? *first_usec : g_get_real_time ();
  return TRUE;
}

static gboolean
check (Update *self, GCancellable *cancellable, GError **error)
{
  const ScUpdateSource source = source_of (self);
  ScUpdateState *state = &self->before->update;
  g_autofree char *digest = NULL;

  sc_progress_set_phase (self->context->progress, "resolve");
  if (!sc_update_image_find_digest (&source, &digest, cancellable, error)
      || !find_first_seen (self, digest, &state->available_usec, error))
    return FALSE;

  self->report->available = strcmp (digest, get_current (self)->digest) != 0;
  if (sc_update_state_is_blocked (state) && g_strcmp0 (state->available, digest) != 0)
    sc_update_state_set_outcome (state, NULL, NULL);
  self->report->newly_available
      = self->report->available && g_strcmp0 (state->available, digest) != 0;
  state->checked_usec = g_get_real_time ();
  sc_set_text (&state->available, self->report->available ? digest : NULL);
  sc_set_text (&self->report->digest, digest);
  if (!self->context->terms->plan_only)
    return sc_container_save (self->before, self->context->paths, error);
  self->report->newly_available = FALSE; /* nobody is told */
  sc_update_due_look (self->before, g_get_real_time (), self->report);
  return TRUE;
}

gboolean
sc_update_one (ScOpContext *context,
               ScRepo *repo,
               const char *name,
               const ScUpdateRequest *request,
               ScUpdateReport *report,
               GCancellable *cancellable,
               GError **error)
{
  g_auto (Update) self = { .context = context, .repo = repo, .request = request, .report = report };

  self.before = sc_update_load (context, name, report, error);
  if (self.before == NULL || !check_held (&self, error))
    return FALSE;
  switch (request->mode)
    {
    case SC_UPDATE_CHECK:
      return check (&self, cancellable, error);
    case SC_UPDATE_APPLY_STAGED:
      return apply_staged (&self, error);
    case SC_UPDATE_STAGE:
    case SC_UPDATE_ALL:
    default:
      return update (&self, cancellable, error);
    }
}
