/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-usage.h"

#include "deploy/sc-container.h"
#include "deploy/sc-deployment.h"

#include <string.h>

static gboolean
runs_image (const ScContainer *container, const char *digest)
{
  for (guint i = 0; i < container->deployments->len; i++)
    {
      const ScDeploymentRecord *record = container->deployments->pdata[i];
      if (strcmp (record->digest, digest) == 0)
        return TRUE;
    }
  return FALSE;
}

static gboolean
refuse (const char *container, GError **error)
{
  return sc_error_set (error, SYSCONT_ERROR_BUSY,
                       "the image is used by the container \"%s\"; uninstall that first",
                       container);
}

gboolean
sc_usage_check_unused (const ScPaths *paths,
                       const ScImage *image,
                       const char *fullname,
                       GError **error)
{
  g_auto (GStrv) names = sc_container_list (paths, error);
  gboolean is_last = fullname == NULL || g_strv_length (image->references) < 2;

  if (names == NULL)
    return FALSE;
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (ScContainer) container = sc_container_load (paths, names[i], NULL);
      if (container == NULL || !runs_image (container, image->digest))
        continue;
      if (is_last || strcmp (container->reference, fullname) == 0)
        return refuse (names[i], error);
    }
  return TRUE;
}

gboolean
sc_usage_check_name_unused (const ScPaths *paths, const char *fullname, GError **error)
{
  g_auto (GStrv) names = sc_container_list (paths, error);

  if (names == NULL)
    return FALSE;
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (ScContainer) container = sc_container_load (paths, names[i], NULL);
      if (container != NULL && strcmp (container->reference, fullname) == 0)
        return refuse (names[i], error);
    }
  return TRUE;
}

/* (transfer full) (nullable): refs of the deployments that exist */
static char **
list_deployed (const ScPaths *paths, ScRepo *repo, GError **error)
{
  g_autoptr (GHashTable) refs = sc_repo_list_refs (repo, "syscont/deploy", error);
  g_autoptr (GStrvBuilder) kept = g_strv_builder_new ();
  GHashTableIter iter;
  gpointer ref;

  if (refs == NULL)
    return NULL;
  g_hash_table_iter_init (&iter, refs);
  while (g_hash_table_iter_next (&iter, &ref, NULL))
    {
      /* syscont/deploy/NAME/<n> belongs to the directory NAME.<n> */
      g_auto (GStrv) parts = g_strsplit (ref, "/", -1);
      if (g_strv_length (parts) != 4)
        continue;
      g_autofree char *path = g_strdup_printf ("%s/%s.%s", paths->checkout, parts[2], parts[3]);
      if (g_file_test (path, G_FILE_TEST_EXISTS))
        g_strv_builder_add (kept, ref);
    }
  return g_strv_builder_end (kept);
}

gboolean
sc_usage_prune (const ScPaths *paths,
                ScRepo *repo,
                gboolean dry_run,
                ScPruneResult *result,
                GCancellable *cancellable,
                GError **error)
{
  g_auto (GStrv) deployed = list_deployed (paths, repo, error);

  return deployed != NULL
         && sc_prune (repo, (const char *const *)deployed, dry_run, result, cancellable, error);
}

gboolean
sc_usage_measure (const ScPaths *paths, ScRepo *repo, ScStorageSize *size, GError **error)
{
  g_auto (GStrv) deployed = list_deployed (paths, repo, error);

  return deployed != NULL && sc_prune_measure (repo, (const char *const *)deployed, size, error);
}
