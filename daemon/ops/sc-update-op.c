/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The operations that switch containers from one deployment to another: update, set-values, rollback,
 * and what is left of one that was interrupted. What fails for one container is told, and the next
 * one is tried.
 */
#include "dbus/sc-bus-path.h"
#include "ops/sc-change.h"
#include "ops/sc-op-private.h"
#include "ops/sc-plan.h"
#include "ops/sc-redeploy.h"
#include "ops/sc-update-due.h"
#include "ops/sc-update.h"

#include <string.h>
#include <syslog.h>

typedef struct
{
  ScOp base;
  ScUpdateRequest update; /* (owned) */
  ScRollbackRequest rollback;
  char *reason;     /* (owned) (nullable) of a rollback */
  gboolean changed; /* one of the containers so far; pulls say the same of images */
} SwitchOp;

/* One container of an operation; everything is lent. */
typedef struct
{
  SwitchOp *op;
  ScOpContext *context;
  ScRepo *repo;
  const char *name;
  ScUpdateReport *report; /* to be filled */
  GCancellable *cancellable;
} Switch;

typedef gboolean (*SwitchFunc) (const Switch *self, GError **error);

/* What a job on one container says, its result says without looking into the list. */
static void
add_to_result (ScOpContext *context, GVariant *entry)
{
  GVariantIter iter;
  const char *key;
  GVariant *value;

  g_variant_iter_init (&iter, entry);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    g_variant_dict_insert_value (context->result, key, value);
}

/* Of one container; for all that are due it is only said of each whether there is something to do. */
static gboolean
makes_plan (const Switch *self)
{
  return self->context->terms->plan_only && self->op->base.targets[0] != NULL;
}

/* What fails goes into @first unless that is taken. */
static void
run_one (const Switch *self, SwitchFunc func, GVariantBuilder *entries, GError **first)
{
  ScOpContext *context = self->context;
  ScUpdateReport *report = self->report;
  g_autoptr (GError) failure = NULL;

  func (self, &failure);
  if (makes_plan (self))
    {
      if (failure != NULL && *first == NULL)
        g_propagate_prefixed_error (first, g_steal_pointer (&failure), "\"%s\": ", self->name);
      return;
    }
  if (!context->terms->plan_only && (failure != NULL || report->changed))
    sc_update_report_record (report, context, self->name, self->op->base.op_class->type, failure);

  g_autoptr (GVariant) entry
      = g_variant_ref_sink (sc_update_report_to_dict (report, self->name, failure));
  g_variant_builder_add_value (entries, entry);
  g_ptr_array_add (context->objects, sc_bus_path_container (self->name));
  self->op->changed |= report->changed;
  if (g_strv_length (self->op->base.targets) == 1)
    add_to_result (context, entry);
  if (failure == NULL)
    return;
  g_prefix_error (&failure, "\"%s\": ", self->name);
  if (*first == NULL && !context->terms->plan_only)
    *first = g_steal_pointer (&failure);
  else
    sc_op_log (context, LOG_WARNING, "%s", failure->message);
}

static gboolean
run_all (const Switch *all, SwitchFunc func, char *const *names, GError **error)
{
  ScOpContext *context = all->context;
  g_autoptr (ScRepo) repo = sc_repo_open (context->paths, error);
  GVariantBuilder entries = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GError) first = NULL;

  if (repo == NULL)
    return FALSE;
  for (guint i = 0; names[i] != NULL && !g_cancellable_is_cancelled (all->cancellable); i++)
    {
      g_auto (ScUpdateReport) report = { 0 };
      Switch one = *all;

      sc_update_report_init (&report);
      one.repo = repo;
      one.name = names[i];
      one.report = &report;
      run_one (&one, func, &entries, &first);
      sc_progress_set_cancellable (context->progress, TRUE);
    }
  g_autoptr (GVariant) list = g_variant_ref_sink (g_variant_builder_end (&entries));
  if (!makes_plan (all))
    {
      sc_op_set_changed (context, all->op->changed);
      g_variant_dict_insert_value (context->result, "containers", list);
    }
  if (first != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&first));
      return FALSE;
    }
  return !g_cancellable_set_error_if_cancelled (all->cancellable, error);
}

static gboolean
update_with (const Switch *self, const ScUpdateRequest *request, GError **error)
{
  return sc_update_one (self->context, self->repo, self->name, request, self->report,
                        self->cancellable, error);
}

static gboolean
update_one (const Switch *self, GError **error)
{
  return update_with (self, &self->op->update, error);
}

/* Nobody is there to agree: it waits until somebody does, or there is another image. */
static gboolean
block (const Switch *self, const GError *cause, GError **error)
{
  ScUpdateReport *report = self->report;
  g_autoptr (ScContainer) container = sc_container_load (self->context->paths, self->name, error);
  if (container == NULL)
    return FALSE;

  sc_update_state_set_outcome (&container->update, "blocked", cause->message);
  report->available = TRUE;
  report->to = report->from;
  report->due = NULL;
  sc_set_text (&report->skipped, "blocked");
  sc_set_text (&report->blocked, cause->message);
  sc_op_record (self->context,
                &(ScHistoryEvent){ .event = "update",
                                   .container = self->name,
                                   .from_digest = report->from_digest,
                                   .to_digest = report->digest,
                                   .from = report->from,
                                   .to = SC_NO_DEPLOYMENT },
                cause);
  return sc_container_save (container, self->context->paths, error);
}

static gboolean
update_due (const Switch *self, GError **error)
{
  ScUpdateRequest request
      = { .mode = SC_UPDATE_CHECK, .observe_usec = self->op->update.observe_usec };

  if (!update_with (self, &request, error))
    return FALSE;
  g_autoptr (ScContainer) container = sc_container_load (self->context->paths, self->name, error);
  if (container == NULL)
    return FALSE;

  sc_update_due_look (container, g_get_real_time (), self->report);
  if (self->report->due == NULL)
    return TRUE;
  ScPolicyMode mode = container->update.policy.mode;
  request.mode = mode == SC_POLICY_STAGE ? SC_UPDATE_STAGE : SC_UPDATE_ALL;
  g_autoptr (GError) cause = NULL;
  if (update_with (self, &request, &cause))
    return TRUE;
  if (g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_PRIVILEGE_GAIN))
    return block (self, cause, error);
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

/* What update_due() would do. */
static gboolean
foresee_due (const Switch *self, GError **error)
{
  gboolean ok = update_with (self, &(ScUpdateRequest){ .mode = SC_UPDATE_CHECK }, error);

  self->op->changed |= self->report->due != NULL;
  return ok;
}

/* (transfer full): all whose policy wants something */
static char **
list_due (const ScPaths *paths, GError **error)
{
  g_auto (GStrv) names = sc_container_list (paths, error);
  g_autoptr (GStrvBuilder) due = g_strv_builder_new ();

  if (names == NULL)
    return NULL;
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (ScContainer) container = sc_container_load (paths, names[i], NULL);
      if (container != NULL && container->update.policy.mode != SC_POLICY_NONE)
        g_strv_builder_add (due, names[i]);
    }
  return g_strv_builder_end (due);
}

static gboolean
update_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  SwitchOp *self = (SwitchOp *)base;
  const Switch all = { .op = self, .context = context, .cancellable = cancellable };

  if (self->update.observe_usec < 0)
    self->update.observe_usec = (gint64)context->config->observe_s * G_USEC_PER_SEC;
  if (base->targets[0] != NULL)
    return run_all (&all, update_one, base->targets, error);

  g_auto (GStrv) due = list_due (context->paths, error);
  return due != NULL
         && run_all (&all, context->terms->plan_only ? foresee_due : update_due, due, error);
}

/* The one that was current before, or else the newest of those that were kept. */
static gint64
find_previous (const ScContainer *container)
{
  gint64 newest = SC_NO_DEPLOYMENT;

  if (container->previous != SC_NO_DEPLOYMENT
      && sc_container_find (container, (guint64)container->previous) != NULL)
    return container->previous;
  for (guint i = 0; i < container->deployments->len; i++)
    {
      const ScDeploymentRecord *record = container->deployments->pdata[i];
      gint64 id = (gint64)record->id;
      if (id != (gint64)container->current && id != container->staged)
        newest = MAX (newest, id);
    }
  return newest;
}

/* FALSE with @error when there is nothing to go back to. */
static gboolean
choose_target (const ScRollbackRequest *request,
               const ScContainer *container,
               gint64 *id,
               GError **error)
{
  *id = request->deployment != SC_NO_DEPLOYMENT ? request->deployment : find_previous (container);
  if (*id == SC_NO_DEPLOYMENT)
    return sc_error_set (error, SYSCONT_ERROR_NO_PREVIOUS_DEPLOYMENT,
                         "there is no deployment to go back to");
  if (sc_container_find (container, (guint64)*id) == NULL)
    return sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "there is no deployment %" G_GINT64_FORMAT,
                         *id);
  return TRUE;
}

static gboolean
rollback_one (const Switch *self, GError **error)
{
  const SwitchOp *op = self->op;
  g_autoptr (ScContainer) before = sc_update_load (self->context, self->name, self->report, error);
  gint64 id = SC_NO_DEPLOYMENT;

  if (before == NULL || !choose_target (&op->rollback, before, &id, error))
    return FALSE;
  if (id == (gint64)before->current)
    {
      self->report->to = id;
      return sc_plan_settle_nothing ("rollback", self->name, self->report->digest, self->context,
                                     error)
             != SC_PLAN_REFUSED;
    }
  const char *reason = op->reason != NULL ? op->reason : "rolled back by request";
  const ScRedeployment redeployment = {
    .context = self->context,
    .repo = self->repo,
    .before = before,
    .id = (guint64)id,
    .operation = SC_INTENT_ROLLBACK,
    .observe_usec = op->rollback.observe_usec,
    .quarantine_reason = op->rollback.quarantine ? reason : NULL,
  };
  return sc_redeploy (&redeployment, self->report, error);
}

static gboolean
rollback_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  SwitchOp *self = (SwitchOp *)base;
  const Switch all = { .op = self, .context = context, .cancellable = cancellable };

  self->rollback.observe_usec = (gint64)context->config->observe_s * G_USEC_PER_SEC;
  return run_all (&all, rollback_one, base->targets, error);
}

static void
fill_report (ScUpdateReport *report, const ScIntent *intent, const ScContainer *container)
{
  const ScDeploymentRecord *from = intent->from != SC_NO_DEPLOYMENT
                                       ? sc_container_find (container, (guint64)intent->from)
                                       : NULL;
  const ScDeploymentRecord *to = sc_container_find (container, intent->deployment);

  report->from = intent->from;
  report->to = (gint64)intent->deployment;
  sc_set_text (&report->reference, container->reference);
  if (from != NULL)
    sc_set_text (&report->from_digest, from->digest);
  if (to != NULL)
    sc_set_text (&report->digest, to->digest);
}

/* What a daemon that ended in the middle had switched already: start, watch, finish or go back. */
static gboolean
resume_one (const Switch *self, GError **error)
{
  g_autoptr (GPtrArray) intents = sc_intent_list (self->context->paths, error);
  g_autoptr (ScSystemd) systemd
      = intents != NULL ? sc_systemd_new (self->context->bus, error) : NULL;
  if (systemd == NULL)
    return FALSE;

  for (guint i = intents->len; i > 0; i--)
    {
      const ScIntent *intent = intents->pdata[i - 1];
      g_auto (ScChange) change = { 0 };
      gboolean is_ahead = intent->phase == SC_INTENT_COMMITTED || intent->phase == SC_INTENT_KEPT;
      if (strcmp (intent->container, self->name) != 0 || !is_ahead)
        continue;
      if (!sc_change_resume (&change, self->context, self->repo, systemd,
                             g_ptr_array_steal_index (intents, i - 1), error))
        return FALSE;
      fill_report (self->report, change.intent, change.after);
      if (!sc_change_settle (&change, error))
        return FALSE;
      self->report->changed = TRUE;
    }
  return TRUE;
}

static gboolean
resume_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  const Switch all = { .op = (SwitchOp *)base, .context = context, .cancellable = cancellable };

  return run_all (&all, resume_one, base->targets, error);
}

static void
switch_free (ScOp *base)
{
  SwitchOp *self = (SwitchOp *)base;

  g_free (self->update.to_digest);
  g_clear_pointer (&self->update.reference, sc_reference_free);
  g_clear_pointer (&self->update.set, g_hash_table_unref);
  g_strfreev (self->update.unset);
  g_clear_pointer (&self->update.health, sc_health_free);
  g_free (self->reason);
  g_free (self);
}

static const ScOpClass update_class = { "update", update_run, switch_free };
static const ScOpClass set_values_class = { "set-values", update_run, switch_free };
static const ScOpClass rollback_class = { "rollback", rollback_run, switch_free };
static const ScOpClass resume_class = { "resume", resume_run, switch_free };

static SwitchOp *
switch_op_new (const ScOpClass *op_class, const char *const *names)
{
  SwitchOp *self = g_new0 (SwitchOp, 1);

  sc_op_init (&self->base, op_class, names);
  for (guint i = 0; names[i] != NULL; i++)
    sc_op_claim (&self->base, "container", names[i], TRUE);
  if (names[0] == NULL)
    sc_op_claim (&self->base, "container", NULL, TRUE);
  sc_op_claim (&self->base, "repository", NULL, FALSE);
  return self;
}

ScOp *
sc_op_new_update (const char *const *names, const ScUpdateRequest *request)
{
  SwitchOp *self = switch_op_new (request->same_image ? &set_values_class : &update_class, names);

  self->update = *request;
  self->update.to_digest = g_strdup (request->to_digest);
  self->update.reference
      = request->reference != NULL ? sc_op_copy_reference (request->reference) : NULL;
  self->update.set = request->set != NULL ? g_hash_table_ref (request->set) : NULL;
  self->update.unset = g_strdupv (request->unset);
  self->update.health = sc_health_copy (request->health);
  return &self->base;
}

ScOp *
sc_op_new_rollback (const char *const *names, const ScRollbackRequest *request)
{
  SwitchOp *self = switch_op_new (&rollback_class, names);

  self->rollback = *request;
  self->reason = g_strdup (request->reason);
  return &self->base;
}

ScOp *
sc_op_new_resume (const char *name)
{
  const char *const names[] = { name, NULL };

  return &switch_op_new (&resume_class, names)->base;
}
