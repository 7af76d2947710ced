/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The recipe of an installation. Everything that can fail on content happens before the intent is
 * written; from there until it is committed whatever fails, or is interrupted, is undone as a
 * whole.
 */
#include "base/sc-log.h"
#include "dbus/sc-bus-path.h"
#include "deploy/sc-container.h"
#include "host/sc-systemd.h"
#include "host/sc-unit-status.h"
#include "host/sc-unit-files.h"
#include "ops/sc-approval.h"
#include "ops/sc-change.h"
#include "ops/sc-host-check.h"
#include "ops/sc-image-search.h"
#include "ops/sc-install-again.h"
#include "ops/sc-op-private.h"
#include "ops/sc-plan.h"
#include "ops/sc-recover.h"
#include "ops/sc-run-once.h"
#include "ops/sc-switch.h"
#include "ops/sc-teardown.h"
#include "store/sc-image-store.h"

#include <string.h>
#include <syslog.h>

typedef struct
{
  ScOp base;
  ScReference *reference;  /* (owned) */
  char *name;              /* (owned) of the container */
  GHashTable *values;      /* (owned) what the caller set */
  char **allow_host_paths; /* (owned) (nullable) */
  char *digest;            /* (owned) (nullable) */
  ScPlatform *platform;    /* (owned) (nullable) */
  ScHealth *health;        /* (owned) (nullable) */
  gboolean enable;
  gboolean start;
  gboolean is_volatile;
  gboolean once;
} InstallOp;

/* What is known before the host is touched. */
typedef struct
{
  InstallOp *op;
  ScOpContext *context;
  ScRepo *repo;           /* (owned) */
  ScSystemd *systemd;     /* (owned) */
  ScImage *image;         /* (owned) */
  char *fullname;         /* (owned) under which the image was found */
  char *unit;             /* (owned) */
  ScContainer *container; /* (owned) the state that will be saved */
  ScImageRendering rendered;
} Install;

static void
install_clear (Install *self)
{
  sc_image_rendering_clear (&self->rendered);
  g_clear_pointer (&self->container, sc_container_free);
  g_free (self->unit);
  g_free (self->fullname);
  g_clear_pointer (&self->image, sc_image_free);
  g_clear_pointer (&self->systemd, sc_systemd_free);
  g_clear_pointer (&self->repo, sc_repo_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Install, install_clear)

static gboolean
find_image (Install *self, GCancellable *cancellable, GError **error)
{
  const InstallOp *op = self->op;
  const ScImageSearch search = { .context = self->context,
                                 .repo = self->repo,
                                 .reference = op->reference,
                                 .platform = op->platform };

  self->image = sc_image_search (&search, &self->fullname, cancellable, error);
  if (self->image == NULL)
    return FALSE;
  if (op->digest != NULL && strcmp (op->digest, self->image->digest) != 0)
    return sc_error_set (error, SYSCONT_ERROR_DIGEST_MISMATCH,
                         "the image \"%s\" has the digest %s, not %s", self->fullname,
                         self->image->digest, op->digest);
  return TRUE;
}

static const char *
stored_name (const Install *self)
{
  return g_strv_contains ((const char *const *)self->image->references, self->fullname)
             ? self->fullname
             : self->image->references[0];
}

static gboolean
check_installed (Install *self, gboolean *done, GCancellable *cancellable, GError **error)
{
  const InstallOp *op = self->op;
  const ScInstallAgain again = { .context = self->context,
                                 .systemd = self->systemd,
                                 .name = op->name,
                                 .digest = self->image->digest,
                                 .values = op->values,
                                 .health = op->health,
                                 .start = op->start };

  return sc_install_again (&again, done, cancellable, error);
}

static gboolean
check_host (Install *self, GCancellable *cancellable, GError **error)
{
  g_auto (ScUnitStatus) status = { 0 };

  if (!sc_host_check (self->context->config, error)
      || !sc_unit_files_check_free (self->context->paths, self->op->name, error)
      || !sc_systemd_get_status (self->systemd, self->unit, &status, cancellable, error))
    return FALSE;
  if (strcmp (status.load_state, "not-found") != 0)
    return sc_error_set (
        error, SYSCONT_ERROR_UNIT_CONFLICT,
        "the unit \"%s\" exists already (%s); choose another name with --name", self->unit,
        status.fragment_path[0] != '\0' ? status.fragment_path : status.load_state);
  return TRUE;
}

static gboolean
render (Install *self, GCancellable *cancellable, GError **error)
{
  const ScImageRenderRequest request = {
    .context = self->context,
    .repo = self->repo,
    .image = self->image,
    .container = self->container,
    .secrets = self->context->secrets,
    .systemd = self->systemd,
  };

  sc_progress_set_phase (self->context->progress, "render");
  return sc_image_render (&request, &self->rendered, cancellable, error);
}

static void
prepare_state (Install *self)
{
  ScContainer *container = sc_container_new (self->op->name);
  GHashTableIter iter;
  gpointer name, value;

  container->reference = g_strdup (stored_name (self));
  container->source = g_strdup (self->image->source);
  container->uuid = g_uuid_string_random ();
  container->is_volatile = self->op->is_volatile;
  container->health = sc_health_copy (self->op->health);
  container->allow_host_paths = g_strdupv (self->op->allow_host_paths);
  g_hash_table_iter_init (&iter, self->op->values);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_hash_table_insert (container->set_values, g_strdup (name), g_strdup (value));
  container->current
      = sc_container_add (container, self->image->digest, self->context->caller_uid)->id;
  self->container = container;
}

/* Whoever says what it may do at most wants nothing else. */
static ScPlanEnd
settle_plan (const Install *self, GError **error)
{
  g_autoptr (GPtrArray) none = sc_privilege_list_new ();
  g_autoptr (GPtrArray) gains = sc_privilege_list_gains (none, self->rendered.privileges);
  const ScRendering *rendering = self->rendered.rendering;
  g_auto (ScPlan) plan = {
    .operation = "install",
    .container = self->op->name,
    .digest = self->image->digest,
    .reference = self->container->reference,
    .hidden = { self->container->uuid },
    .after = self->container,
    .host_changes = self->rendered.host_plan->changes,
    .privileges = self->rendered.privileges,
    .gains = gains,
    .notes = rendering->notes,
  };

  if (self->context->terms->accept_privileges != NULL && !self->context->terms->plan_only
      && !sc_approval_check (self->context, gains, error))
    return SC_PLAN_REFUSED;
  sc_side_take (&plan.to, rendering, self->container->set_values, self->context->secrets);
  if (self->op->enable && rendering->texts.service != NULL)
    sc_plan_add_step (&plan, "enable", self->unit);
  if (self->op->start && rendering->texts.service != NULL)
    sc_plan_add_step (&plan, "start", self->unit);
  return sc_plan_settle (&plan, self->context, error);
}

/* Everything that changes the host, up to the commit. */
static gboolean
apply (Install *self, ScChange *change, GCancellable *cancellable, GError **error)
{
  const ScPaths *paths = self->context->paths;

  if (!sc_change_stage (change, &self->rendered, cancellable, error))
    return FALSE;

  sc_progress_set_phase (self->context->progress, "switch");
  sc_progress_set_cancellable (self->context->progress, FALSE);
  if (!sc_switch_write_early (change->intent, error)
      || !sc_switch_publish (change->intent, paths, error)
      || !sc_change_run_tmpfiles (change, error))
    return FALSE;
  if (self->rendered.rendering->texts.service == NULL)
    return TRUE;
  /* Enabling reads the file of the unit, not what is loaded: one reload, the slowest step of all,
   * learns of both. */
  return (!self->op->enable || sc_systemd_enable (self->systemd, self->unit, NULL, error))
         && sc_systemd_reload (self->systemd, NULL, error);
}

static gboolean
start (Install *self, GError **error)
{
  if (!self->op->start || self->rendered.rendering->texts.service == NULL)
    return TRUE;
  sc_progress_set_phase (self->context->progress, "start");
  return sc_systemd_start (self->systemd, self->unit, self->context->config->start_timeout_s, NULL,
                           error);
}

static gboolean
undo (Install *self, ScIntent *intent)
{
  const ScOpContext *context = self->context;
  g_autoptr (GError) undo_error = NULL;

  /* A commit that failed may be on the disk all the same. */
  if (intent->phase == SC_INTENT_COMMITTED)
    {
      intent->phase = SC_INTENT_PREPARED;
      (void)sc_intent_save (intent, context->paths, NULL);
    }
  if (sc_teardown (context->paths, context->config, self->systemd, self->op->name, NULL,
                   &undo_error)
      && sc_intent_delete (intent, context->paths, &undo_error))
    return FALSE;
  /* The intent stays: recovery tries again, at the next start or before the next operation. */
  sc_log (G_LOG_LEVEL_WARNING,
          &(ScLogFields){ .job = context->job_id, .container = self->op->name },
          "undoing the installation of \"%s\": %s", self->op->name, undo_error->message);
  return FALSE;
}

static void
report (Install *self)
{
  ScOpContext *context = self->context;

  g_variant_dict_insert (context->result, "container", "o", sc_bus_path_container (self->op->name));
  g_variant_dict_insert (context->result, "digest", "s", self->image->digest);
  g_variant_dict_insert (context->result, "reference", "s", stored_name (self));
  g_ptr_array_add (context->objects, sc_bus_path_container (self->op->name));
}

static gboolean
change_host (Install *self, GCancellable *cancellable, GError **error)
{
  const ScPaths *paths = self->context->paths;
  g_auto (ScChange) change = { 0 };

  sc_change_init (&change, self->context, self->repo, self->systemd, SC_INTENT_INSTALL,
                  sc_container_copy (self->container));
  change.intent->made = TRUE;
  change.secrets = self->context->secrets;
  if (!sc_change_begin (&change, &self->rendered.rendering->texts, error))
    return FALSE;
  /* Started before the commit: an installation that cannot start is undone like any other that
   * fails. */
  if (!apply (self, &change, cancellable, error) || !start (self, error)
      || !sc_intent_commit (change.intent, paths, error))
    return undo (self, change.intent);
  if (!sc_intent_delete (change.intent, paths, error))
    return FALSE;

  g_variant_dict_insert (self->context->result, "deployment", "t", self->container->current);
  g_variant_dict_insert (self->context->result, "notes", "^as", self->rendered.rendering->notes);
  for (char **note = self->rendered.rendering->notes; *note != NULL; note++)
    sc_op_log (self->context, LOG_NOTICE, "%s", *note);
  sc_op_set_changed (self->context, TRUE);
  sc_op_record (self->context,
                &(ScHistoryEvent){ .event = "install",
                                   .container = self->op->name,
                                   .to_digest = self->image->digest,
                                   .from = SC_NO_DEPLOYMENT,
                                   .to = (gint64)self->container->current },
                NULL);
  sc_log (G_LOG_LEVEL_MESSAGE,
          &(ScLogFields){ .job = self->context->job_id,
                          .operation = "install",
                          .container = self->op->name,
                          .image = self->image->digest,
                          .message_id = SC_MESSAGE_INSTALLED,
                          .has_caller_uid = TRUE,
                          .caller_uid = self->context->caller_uid },
          "installed \"%s\" from %s (%s)", self->op->name, stored_name (self), self->image->digest);
  return TRUE;
}

static gboolean
run_once (Install *self, GCancellable *cancellable, GError **error)
{
  const InstallOp *op = self->op;
  const ScRunOnce run = { .context = self->context,
                          .repo = self->repo,
                          .systemd = self->systemd,
                          .image = self->image,
                          .container = self->container,
                          .secrets = self->context->secrets,
                          .program = op->base.program };

  return sc_host_check (self->context->config, error) && sc_run_once (&run, cancellable, error);
}

static gboolean
install (InstallOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  g_auto (Install) self = { .op = op, .context = context };
  gboolean done = FALSE;

  sc_progress_set_phase (context->progress, "resolve");
  self.unit = g_strconcat (op->name, ".service", NULL);
  self.repo = sc_repo_open (context->paths, error);
  if (self.repo == NULL || !find_image (&self, cancellable, error))
    return FALSE;
  self.systemd = sc_systemd_new (context->bus, error);
  if (self.systemd != NULL && (op->once || sc_run_is_once (self.image)))
    {
      prepare_state (&self);
      return run_once (&self, cancellable, error);
    }
  if (self.systemd == NULL
      || !sc_recover_container (context->paths, context->config, self.systemd, op->name, error)
      || !check_installed (&self, &done, cancellable, error))
    return FALSE;

  if (!done)
    {
      prepare_state (&self);
      if (!check_host (&self, cancellable, error) || !render (&self, cancellable, error))
        return FALSE;
      self.container->has_service = self.rendered.rendering->texts.service != NULL;
      sc_container_find (self.container, 0)->health
          = sc_health_copy (self.rendered.rendering->health);
      ScPlanEnd end = settle_plan (&self, error);
      if (end != SC_PLAN_AGREED)
        return end == SC_PLAN_SHOWN;
      if (!change_host (&self, cancellable, error))
        return FALSE;
    }
  if (!context->terms->plan_only)
    report (&self);
  return TRUE;
}

static gboolean
install_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  InstallOp *op = (InstallOp *)base;

  g_autoptr (GError) failure = NULL;
  if (install (op, context, cancellable, &failure))
    return TRUE;
  if (!op->once && !context->terms->plan_only)
    sc_op_record (context,
                  &(ScHistoryEvent){ .event = "install",
                                     .container = op->name,
                                     .from = SC_NO_DEPLOYMENT,
                                     .to = SC_NO_DEPLOYMENT },
                  failure);
  g_propagate_prefixed_error (error, g_steal_pointer (&failure), "installing \"%s\": ", op->name);
  return FALSE;
}

static void
install_free (ScOp *base)
{
  InstallOp *op = (InstallOp *)base;

  sc_reference_free (op->reference);
  g_free (op->name);
  g_hash_table_unref (op->values);
  g_free (op->digest);
  g_clear_pointer (&op->platform, sc_platform_free);
  g_strfreev (op->allow_host_paths);
  g_clear_pointer (&op->health, sc_health_free);
  g_free (op);
}

static const ScOpClass install_class = { "install", install_run, install_free };

ScOp *
sc_op_new_install (const ScInstallRequest *request)
{
  const ScReference *reference = request->reference;
  InstallOp *op = g_new0 (InstallOp, 1);
  const char *const targets[] = { request->name, NULL };

  sc_op_init (&op->base, &install_class, targets);
  sc_op_claim (&op->base, "container", request->name, TRUE);
  sc_op_claim (&op->base, "image", reference->fullname, TRUE);
  sc_op_claim (&op->base, "repository", NULL, FALSE);
  op->reference = sc_op_copy_reference (reference);
  op->name = g_strdup (request->name);
  op->values = request->values != NULL
                   ? g_hash_table_ref (request->values)
                   : g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  op->allow_host_paths = g_strdupv ((char **)request->allow_host_paths);
  op->digest = g_strdup (request->digest);
  op->platform = sc_op_copy_platform (request->platform);
  op->health = sc_health_copy (request->health);
  op->enable = request->enable;
  op->start = request->start;
  op->is_volatile = request->is_volatile;
  op->once = request->once;
  op->base.is_apart = request->once;
  if (request->once || request->stdio != NULL)
    {
      g_autofree char *unit_stem = g_strconcat (request->name, "-run", NULL);
      const ScProgramRequest program
          = { .process = request->process, .stdio = request->stdio, .unit_stem = unit_stem };
      op->base.program = sc_program_new (&program);
    }
  return &op->base;
}
