/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-merge.h"

#include "store/sc-merge-tree.h"

/* Layers that another tool stored do not tell: all their directories count as real. */
static GHashTable *
read_implicit (GVariant *commit)
{
  g_autoptr (GVariant) metadata = g_variant_get_child_value (commit, 0);
  g_autoptr (GVariant) value
      = g_variant_lookup_value (metadata, "syscont.implicit-dirs", G_VARIANT_TYPE_STRING_ARRAY);
  if (value == NULL)
    return NULL;

  g_autoptr (GHashTable) paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GVariantIter iter;
  char *path = NULL;

  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "s", &path))
    g_hash_table_add (paths, path);
  return g_steal_pointer (&paths);
}

static gboolean
apply_layer (ScMergeTree *tree,
             OstreeRepo *ostree,
             const char *checksum,
             GCancellable *cancellable,
             GError **error)
{
  ScMergeLayer layer = { 0 };
  g_autoptr (GVariant) commit = sc_commit_load (ostree, checksum, error);
  if (commit == NULL || !sc_commit_get_root (commit, &layer.tree, &layer.meta, error))
    return FALSE;

  g_autoptr (GHashTable) implicit = read_implicit (commit);
  layer.implicit = implicit;
  return sc_merge_tree_apply (tree, &layer, cancellable, error);
}

char *
sc_merge_layers (ScRepo *repo,
                 const char *const *layers,
                 guint64 timestamp_s,
                 GCancellable *cancellable,
                 GError **error)
{
  OstreeRepo *ostree = sc_repo_get_ostree (repo);
  g_autoptr (ScMergeTree) tree = sc_merge_tree_new (ostree);
  ScCommit commit = { .subject = "root file system", .timestamp_s = timestamp_s };

  g_return_val_if_fail (layers[0] != NULL, NULL);

  for (guint i = 0; layers[i] != NULL; i++)
    if (!apply_layer (tree, ostree, layers[i], cancellable, error))
      {
        sc_prefix_error (error, "merging layer %u (commit %s): ", i + 1, layers[i]);
        return NULL;
      }
  if (!sc_merge_tree_write (tree, &commit.tree, &commit.meta, cancellable, error))
    return NULL;

  return sc_commit_write (ostree, &commit, cancellable, error);
}
