/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-merge-dir.h"

#include "store/sc-layer-tree.h"

#include <string.h>

void
sc_merge_dir_free (ScMergeDir *self)
{
  g_clear_pointer (&self->files, g_hash_table_unref);
  g_clear_pointer (&self->dirs, g_hash_table_unref);
  g_free (self);
}

ScMergeDir *
sc_merge_dir_new (const ScChecksum *tree, const ScChecksum *meta)
{
  ScMergeDir *self = g_new0 (ScMergeDir, 1);

  self->tree = *tree;
  self->meta = *meta;
  return self;
}

void
sc_merge_dir_open_empty (ScMergeDir *self)
{
  self->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->dirs
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)sc_merge_dir_free);
}

void
sc_merge_dir_close (ScMergeDir *self)
{
  g_clear_pointer (&self->files, g_hash_table_unref);
  g_clear_pointer (&self->dirs, g_hash_table_unref);
}

void
sc_merge_subdir_read (GVariant *entry, ScMergeSubdir *out)
{
  g_variant_get_child (entry, 0, "&s", &out->name);
  sc_tree_get_checksum (entry, 1, &out->tree);
  sc_tree_get_checksum (entry, 2, &out->meta);
}

/* Markers never come in. */
void
sc_merge_dir_take_files (ScMergeDir *self, GVariant *files)
{
  for (gsize i = 0; i < g_variant_n_children (files); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (files, i);
      const char *name = NULL;
      ScChecksum object;

      g_variant_get_child (entry, 0, "&s", &name);
      sc_tree_get_checksum (entry, 1, &object);
      if (!sc_layer_is_reserved (name))
        g_hash_table_replace (self->files, g_strdup (name), g_memdup2 (&object, sizeof object));
    }
}

static void
dir_take_dirs (ScMergeDir *self, GVariant *dirs)
{
  for (gsize i = 0; i < g_variant_n_children (dirs); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (dirs, i);
      ScMergeSubdir subdir;

      sc_merge_subdir_read (entry, &subdir);
      g_hash_table_replace (self->dirs, g_strdup (subdir.name),
                            sc_merge_dir_new (&subdir.tree, &subdir.meta));
    }
}

gboolean
sc_merge_dir_open (ScMergeDir *self, OstreeRepo *repo, GError **error)
{
  if (self->files != NULL)
    return TRUE;

  g_autoptr (GVariant) tree = sc_tree_load (repo, &self->tree, error);
  if (tree == NULL)
    return FALSE;
  g_autoptr (GVariant) files = g_variant_get_child_value (tree, SC_TREE_FILES);
  g_autoptr (GVariant) dirs = g_variant_get_child_value (tree, SC_TREE_DIRECTORIES);

  sc_merge_dir_open_empty (self);
  sc_merge_dir_take_files (self, files);
  dir_take_dirs (self, dirs);
  return TRUE;
}

void
sc_merge_dir_hide (ScMergeDir *dir, GPtrArray *markers)
{
  for (guint i = 0; i < markers->len; i++)
    {
      const char *name = markers->pdata[i];

      if (name[0] != '\0')
        {
          dir->is_changed |= g_hash_table_remove (dir->files, name);
          dir->is_changed |= g_hash_table_remove (dir->dirs, name);
          continue;
        }
      dir->is_changed |= g_hash_table_size (dir->files) + g_hash_table_size (dir->dirs) > 0;
      g_hash_table_remove_all (dir->files);
      g_hash_table_remove_all (dir->dirs);
    }
}

void
sc_merge_dir_add_file (ScMergeDir *dir, GVariant *entry)
{
  ScChecksum object;
  const char *name = NULL;

  g_variant_get_child (entry, 0, "&s", &name);
  if (sc_layer_is_reserved (name))
    return;
  sc_tree_get_checksum (entry, 1, &object);

  const ScChecksum *present = g_hash_table_lookup (dir->files, name);
  if (present != NULL && memcmp (present, &object, sizeof object) == 0)
    return;
  g_hash_table_remove (dir->dirs, name);
  g_hash_table_replace (dir->files, g_strdup (name), g_memdup2 (&object, sizeof object));
  dir->is_changed = TRUE;
}

gboolean
sc_merge_dir_write (
    ScMergeDir *self, OstreeRepo *repo, ScChecksum *tree, GCancellable *cancellable, GError **error)
{
  g_autoptr (GArray) files = g_array_new (FALSE, FALSE, sizeof (ScTreeEntry));
  g_autoptr (GArray) dirs = g_array_new (FALSE, FALSE, sizeof (ScTreeEntry));
  GHashTableIter iter;
  gpointer name = NULL;
  gpointer value = NULL;

  *tree = self->tree;
  if (!self->is_changed)
    return TRUE;

  g_hash_table_iter_init (&iter, self->files);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      ScTreeEntry entry = { .name = name, .contents = *(const ScChecksum *)value };
      g_array_append_val (files, entry);
    }
  g_hash_table_iter_init (&iter, self->dirs);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      ScTreeEntry entry = { .name = name, .meta = ((ScMergeDir *)value)->meta };
      if (!sc_merge_dir_write (value, repo, &entry.contents, cancellable, error))
        return FALSE;
      g_array_append_val (dirs, entry);
    }
  return sc_tree_write (repo, files, dirs, tree, cancellable, error);
}
