/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-switch.h"

#include "deploy/sc-atomic-tree.h"
#include "deploy/sc-container.h"
#include "deploy/sc-deployment.h"
#include "host/sc-unit-files.h"
#include "ops/sc-host-ops.h"

gboolean
sc_switch_has_early (const ScIntent *intent)
{
  for (guint i = 0; i < intent->files->len; i++)
    if (((const ScFileChange *)intent->files->pdata[i])->early)
      return TRUE;
  return FALSE;
}

static gboolean
apply_files (const ScIntent *intent, gboolean early, gboolean forward, GError **error)
{
  for (guint i = 0; i < intent->files->len; i++)
    {
      const ScFileChange *change = intent->files->pdata[forward ? i : intent->files->len - 1 - i];
      if (change->early == early && !sc_file_change_apply (change, forward, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
sc_switch_write_early (const ScIntent *intent, GError **error)
{
  return apply_files (intent, TRUE, TRUE, error);
}

static gboolean
make_host_files (const ScIntent *intent, const ScPaths *paths, GError **error)
{
  const ScHostJob job = { .paths = paths, .id = intent->job, .container = intent->container };

  return intent->is_read ? sc_host_ops_redo (&job, error) : sc_host_ops_make (&job, error);
}

static gboolean
undo_host_files (const ScIntent *intent, const ScPaths *paths, GError **error)
{
  const ScHostJob job = { .paths = paths, .id = intent->job, .container = intent->container };

  return sc_host_ops_undo (&job, error);
}

gboolean
sc_switch_publish (const ScIntent *intent, const ScPaths *paths, GError **error)
{
  return make_host_files (intent, paths, error) && apply_files (intent, FALSE, TRUE, error)
         && (intent->operation == SC_INTENT_STAGE
             || sc_deployment_switch (paths, intent->container, intent->deployment, error))
         && sc_switching_set (paths, intent->container, FALSE, error);
}

/* The number of a deployment that was current is not used again. */
static gboolean
remember (const ScIntent *intent, const ScPaths *paths, GError **error)
{
  if (intent->from == SC_NO_DEPLOYMENT)
    return TRUE;
  g_autoptr (ScContainer) container = sc_container_load (paths, intent->container, error);
  if (container == NULL)
    return FALSE;

  container->next_deployment = MAX (container->next_deployment, intent->deployment + 1);
  sc_update_state_set_outcome (&container->update, "rolled-back", intent->reason);
  if (intent->quarantine != NULL)
    sc_update_state_quarantine (&container->update, intent->quarantine, intent->reason,
                                intent->time_usec);
  return sc_container_save (container, paths, error);
}

/* One that was adopted has none of ours before. */
static gboolean
switch_back (const ScIntent *intent, const ScPaths *paths, GError **error)
{
  return intent->from == SC_NO_DEPLOYMENT
             ? sc_deployment_unlink (paths, intent->container, error)
             : sc_deployment_switch (paths, intent->container, (guint64)intent->from, error);
}

gboolean
sc_switch_take_back (const ScIntent *intent, const ScPaths *paths, GError **error)
{
  return apply_files (intent, FALSE, FALSE, error) && undo_host_files (intent, paths, error)
         && (intent->operation == SC_INTENT_STAGE || switch_back (intent, paths, error))
         && apply_files (intent, TRUE, FALSE, error)
         && (intent->phase != SC_INTENT_REVERTING || remember (intent, paths, error));
}

gboolean
sc_switch_forget (const ScIntent *intent, GError **error)
{
  return intent->adopted == NULL
         || sc_atomic_tree_remove (intent->adopted, intent->container, error)
         || sc_prefix_error (error, "removing what atomic has of it: ");
}
