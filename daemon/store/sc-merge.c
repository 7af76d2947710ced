/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-merge.h"

#include "store/sc-merge-tree.h"

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

  g_autoptr (GHashTable) implicit = sc_commit_dup_implicit (commit);
  layer.implicit = implicit;
  layer.has_whiteouts = sc_commit_may_have_whiteouts (commit);
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
