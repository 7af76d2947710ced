/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-merge-tree.h"

#include "store/sc-layer-tree.h"
#include "store/sc-merge-dir.h"
#include "store/sc-store-error.h"

#include <string.h>

struct _ScMergeTree
{
  OstreeRepo *repo;    /* (owned) */
  ScMergeGuide *guide; /* (owned) (nullable) */
  ScMergeDir *root;    /* (owned) (nullable) before the first layer */
  guint n_visited;
};

/* One layer on its way down. */
typedef struct
{
  ScMergeTree *merge;
  const ScMergeLayer *layer;
  GString *path; /* of the directory at hand */
  guint depth;
  const ScMergeGuide *guide; /* (nullable) what is known of the directory at hand */
  GCancellable *cancellable;
} Walk;

/* Where a walk was before it went down. */
typedef struct
{
  gsize path_length;
  const ScMergeGuide *guide;
} Above;

ScMergeTree *
sc_merge_tree_new (OstreeRepo *repo, ScMergeGuide *guide)
{
  ScMergeTree *self = g_new0 (ScMergeTree, 1);

  self->repo = g_object_ref (repo);
  self->guide = guide;
  return self;
}

void
sc_merge_tree_free (ScMergeTree *self)
{
  g_clear_pointer (&self->root, sc_merge_dir_free);
  g_clear_pointer (&self->guide, sc_merge_guide_free);
  g_object_unref (self->repo);
  g_free (self);
}

static gboolean
refuse_name (Walk *walk, const char *name, GError **error)
{
  g_autofree char *path
      = walk->path->len > 0 ? g_strconcat (walk->path->str, "/", name, NULL) : g_strdup (name);
  g_autofree char *shown = sc_text_escape (path);

  return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                       "\"%s\" has a name that is reserved for whiteouts", shown);
}

/* A whiteout is a regular file named .wh.NAME; NAME must be one that a file can have and no marker
 * itself. */
static gboolean
check_whiteout (Walk *walk, GVariant *entry, const char *name, GError **error)
{
  const char *hidden = name + strlen (SC_WHITEOUT_PREFIX);
  g_autoptr (GFileInfo) info = NULL;
  g_autoptr (GError) cause = NULL;
  ScChecksum object;

  if (strcmp (name, SC_OPAQUE_NAME) != 0
      && (hidden[0] == '\0' || strcmp (hidden, ".") == 0 || strcmp (hidden, "..") == 0
          || sc_layer_is_reserved (hidden)))
    return refuse_name (walk, name, error);

  sc_tree_get_checksum (entry, 1, &object);
  g_autofree char *hex = ostree_checksum_from_bytes (object.bytes);
  if (!ostree_repo_load_file (walk->merge->repo, hex, NULL, &info, NULL, walk->cancellable, &cause))
    return sc_store_fail_damaged (error, g_steal_pointer (&cause));
  if (g_file_info_get_file_type (info) != G_FILE_TYPE_REGULAR)
    return refuse_name (walk, name, error);
  return TRUE;
}

/* First pass over a directory of the layer: checks all names and collects the markers (.wh.NAME as
 * NAME, the opaque marker as ""). */
static gboolean
collect_markers (Walk *walk, GVariant *files, GVariant *dirs, GPtrArray *markers, GError **error)
{
  gsize n_files = g_variant_n_children (files);
  gsize n_dirs = g_variant_n_children (dirs);

  if (n_files + n_dirs > SC_MERGE_MAX_ENTRIES - walk->merge->n_visited)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "the layers have more than %d entries", SC_MERGE_MAX_ENTRIES);
  walk->merge->n_visited += (guint)(n_files + n_dirs);

  for (gsize i = 0; i < n_dirs; i++)
    {
      const char *name = NULL;

      g_autoptr (GVariant) entry = g_variant_get_child_value (dirs, i);
      g_variant_get_child (entry, 0, "&s", &name);
      if (sc_layer_is_reserved (name))
        return refuse_name (walk, name, error);
    }
  for (gsize i = 0; i < n_files; i++)
    {
      const char *name = NULL;

      g_autoptr (GVariant) entry = g_variant_get_child_value (files, i);
      g_variant_get_child (entry, 0, "&s", &name);
      if (!sc_layer_is_reserved (name))
        continue;
      if (!g_str_has_prefix (name, SC_WHITEOUT_PREFIX))
        return refuse_name (walk, name, error);
      if (!check_whiteout (walk, entry, name, error))
        return FALSE;
      g_ptr_array_add (
          markers,
          g_strdup (strcmp (name, SC_OPAQUE_NAME) == 0 ? "" : name + strlen (SC_WHITEOUT_PREFIX)));
    }
  return TRUE;
}

/* A directory of the layer, its names checked; see collect_markers(). */
static gboolean
load_layer_dir (Walk *walk,
                const ScChecksum *checksum,
                GVariant **files,
                GVariant **dirs,
                GPtrArray *markers,
                GError **error)
{
  g_autoptr (GError) cause = NULL;

  if (g_cancellable_set_error_if_cancelled (walk->cancellable, &cause))
    return sc_store_fail (error, g_steal_pointer (&cause));
  g_autoptr (GVariant) tree = sc_tree_load (walk->merge->repo, checksum, error);
  if (tree == NULL)
    return FALSE;

  *files = g_variant_get_child_value (tree, SC_TREE_FILES);
  *dirs = g_variant_get_child_value (tree, SC_TREE_DIRECTORIES);
  return collect_markers (walk, *files, *dirs, markers, error);
}

static gboolean
enter (Walk *walk, const char *name, Above *above, GError **error)
{
  *above = (Above){ walk->path->len, walk->guide };
  if (walk->depth >= SC_MERGE_MAX_DEPTH)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "directories are nested deeper than %d", SC_MERGE_MAX_DEPTH);
  walk->depth++;
  if (walk->path->len > 0)
    g_string_append_c (walk->path, '/');
  g_string_append (walk->path, name);
  walk->guide = sc_merge_guide_find (walk->guide, name);
  return TRUE;
}

static void
leave (Walk *walk, const Above *above)
{
  walk->depth--;
  walk->guide = above->guide;
  g_string_truncate (walk->path, above->path_length);
}

/* Returns: (transfer full) (nullable): a directory of the one at hand as it is in the end */
static ScMergeDir *
take_settled (const Walk *walk, const char *name)
{
  ScChecksum tree;
  ScChecksum meta;

  if (!sc_merge_guide_is_settled (sc_merge_guide_find (walk->guide, name), &tree, &meta))
    return NULL;
  ScMergeDir *dir = sc_merge_dir_new (&tree, &meta);
  dir->is_settled = TRUE;
  return dir;
}

static ScMergeDir *
graft (Walk *walk, const ScChecksum *tree, const ScChecksum *meta, GError **error);

/* A directory of the layer where there is none of that name. */
static gboolean
graft_child (Walk *walk, const ScMergeSubdir *subdir, ScMergeDir *dir, GError **error)
{
  ScMergeDir *child = take_settled (walk, subdir->name);
  Above above;

  dir->is_changed |= child != NULL;
  if (child == NULL)
    {
      if (!enter (walk, subdir->name, &above, error))
        return FALSE;
      child = graft (walk, &subdir->tree, &subdir->meta, error);
      if (child == NULL)
        return FALSE;
      leave (walk, &above);
      dir->is_changed |= child->is_changed;
    }
  g_hash_table_replace (dir->dirs, g_strdup (subdir->name), child);
  return TRUE;
}

/* A directory where there is none: taken over as it is when no marker is anywhere in it, and without
 * a look at it when that is known. */
static ScMergeDir *
graft (Walk *walk, const ScChecksum *tree, const ScChecksum *meta, GError **error)
{
  g_autoptr (GPtrArray) markers = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (ScMergeDir) dir = sc_merge_dir_new (tree, meta);
  g_autoptr (GVariant) files = NULL;
  g_autoptr (GVariant) dirs = NULL;

  if (!walk->layer->has_whiteouts)
    return g_steal_pointer (&dir);
  if (!load_layer_dir (walk, tree, &files, &dirs, markers, error))
    return NULL;

  sc_merge_dir_open_empty (dir);
  dir->is_changed = markers->len > 0;
  for (gsize i = 0; i < g_variant_n_children (dirs); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (dirs, i);
      ScMergeSubdir subdir;

      sc_merge_subdir_read (entry, &subdir);
      if (!graft_child (walk, &subdir, dir, error))
        return NULL;
    }
  if (!dir->is_changed)
    sc_merge_dir_close (dir);
  else
    sc_merge_dir_take_files (dir, files);
  return g_steal_pointer (&dir);
}

static gboolean apply_over (Walk *walk,
                            const ScChecksum *tree,
                            const ScChecksum *meta,
                            ScMergeDir *present,
                            GError **error);

static gboolean
merge_child (
    Walk *walk, const ScMergeSubdir *subdir, ScMergeDir *dir, ScMergeDir *child, GError **error)
{
  ScChecksum meta = child->meta;
  Above above;

  if (!enter (walk, subdir->name, &above, error)
      || !apply_over (walk, &subdir->tree, &subdir->meta, child, error))
    return FALSE;
  leave (walk, &above);
  dir->is_changed |= child->is_changed || memcmp (&meta, &child->meta, sizeof meta) != 0;
  return TRUE;
}

static gboolean
add_dir (Walk *walk, GVariant *entry, ScMergeDir *dir, GError **error)
{
  ScMergeSubdir subdir;

  sc_merge_subdir_read (entry, &subdir);
  ScMergeDir *child = g_hash_table_lookup (dir->dirs, subdir.name);
  if (child != NULL && child->is_settled)
    return TRUE;
  ScMergeDir *settled = child != NULL ? take_settled (walk, subdir.name) : NULL;
  if (child != NULL && settled == NULL)
    return merge_child (walk, &subdir, dir, child, error);

  dir->is_changed = TRUE;
  if (settled != NULL)
    {
      g_hash_table_replace (dir->dirs, g_strdup (subdir.name), settled);
      return TRUE;
    }
  g_hash_table_remove (dir->files, subdir.name);
  return graft_child (walk, &subdir, dir, error);
}

/* A directory over a directory. One that the layer only implies says nothing about owner and mode.
 */
static gboolean
apply_over (
    Walk *walk, const ScChecksum *tree, const ScChecksum *meta, ScMergeDir *present, GError **error)
{
  g_autoptr (GPtrArray) markers = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GVariant) files = NULL;
  g_autoptr (GVariant) dirs = NULL;

  if (walk->layer->implicit == NULL
      || !g_hash_table_contains (walk->layer->implicit, walk->path->str))
    present->meta = *meta;
  if (!present->is_changed && memcmp (&present->tree, tree, sizeof *tree) == 0)
    return TRUE;
  if (!sc_merge_dir_open (present, walk->merge->repo, error)
      || !load_layer_dir (walk, tree, &files, &dirs, markers, error))
    return FALSE;

  sc_merge_dir_hide (present, markers);
  for (gsize i = 0; i < g_variant_n_children (files); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (files, i);
      sc_merge_dir_add_file (present, entry);
    }
  for (gsize i = 0; i < g_variant_n_children (dirs); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (dirs, i);
      if (!add_dir (walk, entry, present, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
sc_merge_tree_apply (ScMergeTree *self,
                     const ScMergeLayer *layer,
                     GCancellable *cancellable,
                     GError **error)
{
  g_autoptr (GString) path = g_string_new (NULL);
  Walk walk = { self, layer, path, 0, self->guide, cancellable };

  if (self->root != NULL)
    return apply_over (&walk, &layer->tree, &layer->meta, self->root, error);
  self->root = graft (&walk, &layer->tree, &layer->meta, error);
  return self->root != NULL;
}

gboolean
sc_merge_tree_write (ScMergeTree *self,
                     ScChecksum *tree,
                     ScChecksum *meta,
                     GCancellable *cancellable,
                     GError **error)
{
  g_return_val_if_fail (self->root != NULL, FALSE);

  *meta = self->root->meta;
  return sc_merge_dir_write (self->root, self->repo, tree, cancellable, error);
}
