/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-merge-guide.h"

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
add_known (gpointer user_data, const ScTreeEntry *directory, GError **error)
{
  ScMergeGuide *self = user_data;
  ScMergeGuide *child = sc_merge_guide_new (&directory->contents);

  child->meta = directory->meta;
  g_hash_table_replace (self->subdirs, g_strdup (directory->name), child);
  return TRUE;
}

static gboolean
open_known (ScMergeGuide *self, OstreeRepo *repo, GError **error)
{
  static const ScTreeVisitor visitor = { NULL, add_known };
  g_autoptr (GVariant) tree = sc_tree_load (repo, &self->tree, error);

  return tree != NULL && sc_tree_visit (tree, &visitor, self, error);
}

typedef struct
{
  ScMergeGuide *guide;
  OstreeRepo *repo;
} Touching;

static gboolean
touch_child (gpointer user_data, const ScTreeEntry *directory, GError **error)
{
  const Touching *self = user_data;
  ScMergeGuide *child = g_hash_table_lookup (self->guide->subdirs, directory->name);

  if (child == NULL)
    {
      child = g_new0 (ScMergeGuide, 1);
      g_hash_table_insert (self->guide->subdirs, g_strdup (directory->name), child);
    }
  return sc_merge_guide_touch (child, self->repo, &directory->contents, error);
}

gboolean
sc_merge_guide_touch (ScMergeGuide *self,
                      OstreeRepo *repo,
                      const ScChecksum *layer_tree,
                      GError **error)
{
  static const ScTreeVisitor visitor = { NULL, touch_child };
  Touching touching = { self, repo };

  if (!self->is_touched)
    {
      self->is_touched = TRUE;
      self->subdirs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
                                             (GDestroyNotify)sc_merge_guide_free);
      if (self->is_known && !open_known (self, repo, error))
        return FALSE;
    }
  g_autoptr (GVariant) tree = sc_tree_load (repo, layer_tree, error);
  return tree != NULL && sc_tree_visit (tree, &visitor, &touching, error);
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
