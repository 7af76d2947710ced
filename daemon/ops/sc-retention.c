/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-retention.h"

#include "deploy/sc-deployment.h"
#include "deploy/sc-secrets.h"
#include "ops/sc-usage.h"

static gboolean
is_needed (const ScContainer *container, const ScDeploymentRecord *record)
{
  gint64 id = (gint64)record->id;

  return record->pinned || id == (gint64)container->current || id == container->staged;
}

static int
compare_ids (gconstpointer a, gconstpointer b)
{
  const ScDeploymentRecord *x = *(ScDeploymentRecord *const *)a;
  const ScDeploymentRecord *y = *(ScDeploymentRecord *const *)b;

  return x->id < y->id ? -1 : x->id > y->id;
}

gboolean
sc_retention_trim (ScContainer *container, guint keep)
{
  GPtrArray *records = container->deployments;
  guint before = records->len;
  guint left = keep > 0 ? keep - 1 : 0; /* beside the current one */

  g_ptr_array_sort (records, compare_ids);
  if (left > 0 && container->previous != SC_NO_DEPLOYMENT)
    left--; /* its place is taken, wherever it stands */
  for (guint i = records->len; i > 0; i--)
    {
      const ScDeploymentRecord *record = records->pdata[i - 1];

      if (is_needed (container, record) || (keep > 1 && (gint64)record->id == container->previous))
        continue;
      if (left > 0)
        left--;
      else
        g_ptr_array_remove_index (records, i - 1);
    }
  if (container->previous != SC_NO_DEPLOYMENT
      && sc_container_find (container, (guint64)container->previous) == NULL)
    container->previous = SC_NO_DEPLOYMENT;
  return records->len < before;
}

/* Otherwise updates would fill the disk until somebody prunes. */
static gboolean
free_space (const ScOpContext *context, ScRepo *repo, GError **error)
{
  g_auto (ScPruneResult) pruned = { 0 };

  sc_progress_set_phase (context->progress, "clean");
  return sc_usage_prune (context->paths, repo, FALSE, &pruned, NULL, error);
}

gboolean
sc_retention_apply (const ScOpContext *context, ScRepo *repo, const char *name, GError **error)
{
  const ScPaths *paths = context->paths;
  g_autoptr (ScContainer) container = sc_container_load (paths, name, error);
  g_autoptr (GArray) numbers = container != NULL ? sc_deployment_list (paths, name, error) : NULL;
  if (numbers == NULL)
    return FALSE;

  if (sc_retention_trim (container, context->config->keep_deployments)
      && !sc_container_save (container, paths, error))
    return FALSE;
  gboolean is_any_gone = FALSE;
  if (!sc_secrets_trim (paths, name, error))
    return FALSE;
  for (guint i = 0; i < numbers->len; i++)
    {
      guint64 n = g_array_index (numbers, guint64, i);
      if (sc_container_find (container, n) != NULL)
        continue;
      if (!sc_deployment_remove (paths, name, n, error)
          || !sc_deployment_drop_ref (repo, name, n, NULL, error))
        return FALSE;
      is_any_gone = TRUE;
    }
  return !is_any_gone || free_space (context, repo, error);
}
