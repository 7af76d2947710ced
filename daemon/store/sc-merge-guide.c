/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-merge-guide.h"

#include "store/sc-merge-dir.h"

struct _ScMergeGuide
{
  ScChecksum tree; /* when it is known */
  ScChecksum meta;
  gboolean is_known;
  gboolean is_touched;
  GHashTable *subdirs; /* (owned) (nullable) char* to ScMergeGuide*, of one that is touched */
};

ScMergeGuide *
sc_merge_guide_new (const ScChecksum *tree)
{
  ScMergeGuide *self = g_new0 (ScMergeGuide, 1);

  self->tree = *tree;
  self->is_known = TRUE;
  return self;
}

void
sc_merge_guide_free (ScMergeGuide *self)
{
  g_clear_pointer (&self->subdirs, g_hash_table_unref);
  g_free (self);
}

static gboolean
open_known (ScMergeGuide *self, OstreeRepo *repo, GError **error)
{
  g_autoptr (GVariant) tree = sc_tree_load (repo, &self->tree, error);
  if (tree == NULL)
    return FALSE;

  g_autoptr (GVariant) dirs = g_variant_get_child_value (tree, SC_TREE_DIRECTORIES);
  for (gsize i = 0; i < g_variant_n_children (dirs); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (dirs, i);
      ScMergeSubdir subdir;

      sc_merge_subdir_read (entry, &subdir);
      ScMergeGuide *child = sc_merge_guide_new (&subdir.tree);
      child->meta = subdir.meta;
      g_hash_table_replace (self->subdirs, g_strdup (subdir.name), child);
    }
  return TRUE;
}

gboolean
sc_merge_guide_touch (ScMergeGuide *self,
                      OstreeRepo *repo,
                      const ScChecksum *layer_tree,
                      GError **error)
{
  if (!self->is_touched)
    {
      self->is_touched = TRUE;
      self->subdirs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                             (GDestroyNotify)sc_merge_guide_free);
      if (self->is_known && !open_known (self, repo, error))
        return FALSE;
    }

  g_autoptr (GVariant) tree = sc_tree_load (repo, layer_tree, error);
  if (tree == NULL)
    return FALSE;
  g_autoptr (GVariant) dirs = g_variant_get_child_value (tree, SC_TREE_DIRECTORIES);
  for (gsize i = 0; i < g_variant_n_children (dirs); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (dirs, i);
      ScMergeSubdir subdir;

      sc_merge_subdir_read (entry, &subdir);
      ScMergeGuide *child = g_hash_table_lookup (self->subdirs, subdir.name);
      if (child == NULL)
        {
          child = g_new0 (ScMergeGuide, 1);
          g_hash_table_insert (self->subdirs, g_strdup (subdir.name), child);
        }
      if (!sc_merge_guide_touch (child, repo, &subdir.tree, error))
        return FALSE;
    }
  return TRUE;
}

const ScMergeGuide *
sc_merge_guide_find (const ScMergeGuide *self, const char *name)
{
  return self != NULL && self->subdirs != NULL ? g_hash_table_lookup (self->subdirs, name) : NULL;
}

gboolean
sc_merge_guide_is_settled (const ScMergeGuide *self, ScChecksum *tree, ScChecksum *meta)
{
  if (self == NULL || self->is_touched)
    return FALSE;
  *tree = self->tree;
  *meta = self->meta;
  return TRUE;
}
