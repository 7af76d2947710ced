/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-log.h"
#include "dbus/sc-bus-path.h"
#include "deploy/sc-container.h"
#include "host/sc-unit-status.h"
#include "ops/sc-host-ops.h"
#include "ops/sc-op-private.h"
#include "ops/sc-plan.h"
#include "ops/sc-recover.h"
#include "ops/sc-teardown.h"
#include "ops/sc-usage.h"
#include "store/sc-prune.h"

#include <syslog.h>

typedef struct
{
  ScOp base;
  gboolean keep_image;
} UninstallOp;

static gboolean
uninstall_one (
    ScOpContext *context, ScSystemd *systemd, const char *name, GPtrArray *notes, GError **error)
{
  g_autoptr (ScIntent) intent = sc_intent_new (context->job_id, SC_INTENT_UNINSTALL, name);

  intent->phase = SC_INTENT_COMMITTED;
  if (!sc_recover_container (context->paths, context->config, systemd, name, error)
      || !sc_intent_save (intent, context->paths, error)
      || !sc_teardown (context->paths, context->config, systemd, name, notes, error)
      || !sc_intent_delete (intent, context->paths, error))
    return FALSE;

  g_ptr_array_add (context->objects, sc_bus_path_container (name));
  sc_op_record (context,
                &(ScHistoryEvent){ .event = "uninstall",
                                   .container = name,
                                   .from = SC_NO_DEPLOYMENT,
                                   .to = SC_NO_DEPLOYMENT },
                NULL);
  sc_log (G_LOG_LEVEL_MESSAGE,
          &(ScLogFields){ .job = context->job_id,
                          .operation = "uninstall",
                          .container = name,
                          .message_id = SC_MESSAGE_UNINSTALLED,
                          .has_caller_uid = TRUE,
                          .caller_uid = context->caller_uid },
          "uninstalled \"%s\"", name);
  return TRUE;
}

static gboolean
add_stop (ScPlan *plan, ScSystemd *systemd, GError **error)
{
  g_autofree char *unit = g_strconcat (plan->container, ".service", NULL);
  g_auto (ScUnitStatus) status = { 0 };

  if (!sc_systemd_get_status (systemd, unit, &status, NULL, error))
    return FALSE;
  if (sc_unit_status_is_active (&status))
    sc_plan_add_step (plan, "stop", unit);
  return TRUE;
}

/* What cannot be read of a damaged container is not shown. */
static ScPlanEnd
settle_plan (const UninstallOp *op, ScOpContext *context, ScSystemd *systemd, GError **error)
{
  const char *name = op->base.targets[0];
  const ScHostScope scope = { .paths = context->paths, .config = context->config, .name = name };
  g_autoptr (ScContainer) container = sc_container_load (context->paths, name, NULL);
  g_autoptr (ScHostPlan) host_plan = sc_host_ops_plan (&scope, NULL, systemd, error);
  g_auto (ScPlan) plan = { .operation = "uninstall", .container = name, .before = container };
  if (host_plan == NULL)
    return SC_PLAN_REFUSED;

  for (char **path = container != NULL ? container->made_directories : NULL;
       path != NULL && *path != NULL; path++)
    g_ptr_array_add (host_plan->notes,
                     g_strdup_printf ("the directory \"%s\" is removed if it is empty", *path));
  if (!op->keep_image)
    g_ptr_array_add (host_plan->notes, g_strdup ("the image is removed unless something uses it"));
  g_ptr_array_add (host_plan->notes, NULL);
  plan.notes = (char **)host_plan->notes->pdata;
  plan.host_changes = host_plan->changes;
  if (container != NULL)
    (void)sc_side_load (&plan.from, context->paths, container, container->current, NULL);
  return add_stop (&plan, systemd, error) ? sc_plan_settle (&plan, context, error)
                                          : SC_PLAN_REFUSED;
}

static gboolean
is_installed (const ScPaths *paths, const char *name, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (ScContainer) container = sc_container_load (paths, name, &local_error);

  /* A damaged state file does not keep a container from being removed. */
  if (container != NULL || g_error_matches (local_error, SYSCONT_ERROR, SYSCONT_ERROR_DAMAGED))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

static char **
list_references (const ScPaths *paths, char **names)
{
  g_autoptr (GStrvBuilder) references = g_strv_builder_new ();

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (ScContainer) container = sc_container_load (paths, names[i], NULL);
      if (container != NULL)
        g_strv_builder_add (references, container->reference);
    }
  return g_strv_builder_end (references);
}

/* The images of what was uninstalled, unless another container still uses them. */
static gboolean
remove_images (const ScPaths *paths, char **references, GCancellable *cancellable, GError **error)
{
  g_autoptr (ScRepo) repo = sc_repo_open (paths, error);
  g_auto (ScPruneResult) pruned = { 0 };

  if (repo == NULL)
    return FALSE;
  for (guint i = 0; references[i] != NULL; i++)
    {
      g_autoptr (ScImage) image = sc_image_store_lookup (repo, references[i], NULL);
      if (image == NULL || !sc_usage_check_unused (paths, image, references[i], NULL))
        continue;
      if (!sc_repo_begin (repo, cancellable, error))
        return FALSE;
      g_autoptr (ScRepoTransaction) transaction G_GNUC_UNUSED = repo;
      sc_image_store_remove_name (repo, references[i]);
      if (!sc_repo_commit (repo, cancellable, error))
        return FALSE;
    }
  return sc_usage_prune (paths, repo, FALSE, &pruned, cancellable, error);
}

static void
report (ScOpContext *context, GPtrArray *notes)
{
  for (guint i = 0; i < notes->len; i++)
    sc_op_log (context, LOG_NOTICE, "%s", (const char *)notes->pdata[i]);
  g_variant_dict_insert_value (
      context->result, "notes",
      g_variant_new_strv ((const char *const *)notes->pdata, (gssize)notes->len));
}

static gboolean
uninstall_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  UninstallOp *op = (UninstallOp *)base;
  char **names = base->targets;

  for (guint i = 0; names[i] != NULL; i++)
    if (!is_installed (context->paths, names[i], error))
      return FALSE;

  g_auto (GStrv) references = list_references (context->paths, names);
  g_autoptr (ScSystemd) systemd = sc_systemd_new (context->bus, error);
  if (systemd == NULL)
    return FALSE;

  if (sc_plan_is_wanted (context))
    {
      ScPlanEnd end = settle_plan (op, context, systemd, error);
      if (end != SC_PLAN_AGREED)
        return end == SC_PLAN_SHOWN;
    }
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  sc_progress_set_phase (context->progress, "clean");
  for (guint i = 0; names[i] != NULL; i++)
    {
      if (g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      sc_progress_set_cancellable (context->progress, FALSE);
      if (!uninstall_one (context, systemd, names[i], notes, error))
        return sc_prefix_error (error, "uninstalling \"%s\": ", names[i]);
      sc_progress_set_cancellable (context->progress, TRUE);
    }
  report (context, notes);
  if (!op->keep_image && !remove_images (context->paths, references, cancellable, error))
    return sc_prefix_error (error, "uninstalled, but the image could not be removed: ");

  sc_op_set_changed (context, TRUE);
  return TRUE;
}

static void
uninstall_free (ScOp *base)
{
  g_free (base);
}

static const ScOpClass uninstall_class = { "uninstall", uninstall_run, uninstall_free };

ScOp *
sc_op_new_uninstall (const char *const *names, gboolean keep_image)
{
  UninstallOp *op = g_new0 (UninstallOp, 1);

  sc_op_init (&op->base, &uninstall_class, names);
  for (guint i = 0; names[i] != NULL; i++)
    sc_op_claim (&op->base, "container", names[i], TRUE);
  /* Pruning takes the repository for itself. */
  sc_op_claim (&op->base, "repository", NULL, !keep_image);
  op->keep_image = keep_image;
  return &op->base;
}
