/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-image-sibling.h"

#include "image/sc-reference.h"
#include "store/sc-image-list.h"

#include <string.h>

static guint
count_shared (const ScManifest *manifest, const ScStoredManifest *stored)
{
  guint n = 0;

  while (n < manifest->layers->len && stored->layers[n] != NULL
         && strcmp (((ScDescriptor *)manifest->layers->pdata[n])->digest, stored->layers[n]) == 0)
    n++;
  return n;
}

static ScMerged *
load_merged (ScRepo *repo, const ScImage *image)
{
  g_autofree char *ref = sc_rootfs_ref (image->digest);
  g_autofree char *commit = sc_repo_resolve (repo, ref, NULL);
  g_auto (GStrv) layers = commit != NULL ? sc_image_store_get_layers (repo, image, NULL) : NULL;
  if (layers == NULL)
    return NULL;

  ScMerged *merged = g_new0 (ScMerged, 1);
  merged->commit = g_steal_pointer (&commit);
  merged->layers = g_steal_pointer (&layers);
  return merged;
}

ScMerged *
sc_image_sibling_find (ScRepo *repo, const char *digest, const ScManifest *manifest)
{
  g_autofree char *own_ref = sc_rootfs_ref (digest);
  g_autofree char *own = sc_repo_resolve (repo, own_ref, NULL);
  g_autoptr (GHashTable) refs = own == NULL ? sc_repo_list_refs (repo, "ociimage", NULL) : NULL;
  g_autoptr (ScImage) best = NULL;
  GHashTableIter iter;
  gpointer ref = NULL;
  gpointer commit = NULL;
  guint best_shared = 0;

  if (refs == NULL)
    return NULL;
  g_hash_table_iter_init (&iter, refs);
  while (g_hash_table_iter_next (&iter, &ref, &commit))
    {
      g_autofree char *name = sc_reference_decode (ref);
      g_autoptr (ScStoredManifest) stored = NULL;
      g_autoptr (ScImage) image = name == NULL ? NULL : sc_image_load (repo, commit, &stored, NULL);
      guint shared = stored != NULL ? count_shared (manifest, stored) : 0;

      if (image == NULL || shared <= best_shared)
        continue;
      best_shared = shared;
      g_clear_pointer (&best, sc_image_free);
      best = g_steal_pointer (&image);
    }
  return best != NULL ? load_merged (repo, best) : NULL;
}
