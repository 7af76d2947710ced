/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-merge.h"

#include "store/sc-merge-tree.h"

#include <string.h>

void
sc_merged_free (ScMerged *self)
{
  g_free (self->commit);
  g_strfreev (self->layers);
  g_free (self);
}

static gboolean
touch_layers (ScMergeGuide *guide, OstreeRepo *ostree, const char *const *layers)
{
  for (guint i = 0; layers[i] != NULL; i++)
    {
      g_autoptr (GVariant) commit = sc_commit_load (ostree, layers[i], NULL);
      ScChecksum tree;
      ScChecksum meta;

      if (commit == NULL || sc_commit_find_whiteouts (commit) == SC_WHITEOUTS_UNKNOWN
          || !sc_commit_get_root (commit, &tree, &meta, NULL)
          || !sc_merge_guide_touch (guide, ostree, &tree, NULL))
        return FALSE;
    }
  return TRUE;
}

/* NULL when there is none to be had: then everything is merged, which will tell what is wrong. */
static ScMergeGuide *
make_guide (OstreeRepo *ostree, const char *const *layers, const ScMerged *sibling)
{
  const char *const *theirs = (const char *const *)sibling->layers;
  ScChecksum tree;
  ScChecksum meta;
  guint n = 0;

  while (layers[n] != NULL && theirs[n] != NULL && strcmp (layers[n], theirs[n]) == 0)
    n++;
  g_autoptr (GVariant) commit = n > 0 ? sc_commit_load (ostree, sibling->commit, NULL) : NULL;
  if (commit == NULL || !sc_commit_get_root (commit, &tree, &meta, NULL))
    return NULL;
  g_autoptr (ScMergeGuide) guide = sc_merge_guide_new (&tree);
  return touch_layers (guide, ostree, layers + n) && touch_layers (guide, ostree, theirs + n)
             ? g_steal_pointer (&guide)
             : NULL;
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

  g_autoptr (GHashTable) implicit = sc_commit_dup_implicit (commit);
  layer.implicit = implicit;
  layer.has_whiteouts = sc_commit_find_whiteouts (commit) != SC_WHITEOUTS_NONE;
  return sc_merge_tree_apply (tree, &layer, cancellable, error);
}

char *
sc_merge_layers (ScRepo *repo,
                 const char *const *layers,
                 const ScMerged *sibling,
                 guint64 timestamp_s,
                 GCancellable *cancellable,
                 GError **error)
{
  OstreeRepo *ostree = sc_repo_get_ostree (repo);
  ScMergeGuide *guide = sibling != NULL ? make_guide (ostree, layers, sibling) : NULL;
  g_autoptr (ScMergeTree) tree = sc_merge_tree_new (ostree, guide);
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
