/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-merge-tree.h"

#include "store/sc-layer-tree.h"
#include "store/sc-store-error.h"

#include <string.h>

#define OVERLAY_WHITEOUT_PREFIX ".ostree-wh."

enum
{
  FILES,
  DIRECTORIES,
};

/* Recursion over these is bounded by SC_MERGE_MAX_DEPTH. */
typedef struct
{
  ScChecksum tree; /* of the dirtree, while !is_changed */
  ScChecksum meta;
  GHashTable *files;   /* (owned) (nullable) char* to ScChecksum*, once opened */
  GHashTable *dirs;    /* (owned) (nullable) char* to Dir*, once opened */
  gboolean is_changed; /* opened, and different from @tree */
} Dir;

struct _ScMergeTree
{
  OstreeRepo *repo; /* (owned) */
  Dir *root;        /* (owned) (nullable) before the first layer */
  guint n_visited;
};

/* One layer on its way down. */
typedef struct
{
  ScMergeTree *merge;
  const ScMergeLayer *layer;
  GString *path; /* of the directory at hand */
  guint depth;
  GCancellable *cancellable;
} Walk;

static void
dir_free (Dir *self)
{
  g_clear_pointer (&self->files, g_hash_table_unref);
  g_clear_pointer (&self->dirs, g_hash_table_unref);
  g_free (self);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Dir, dir_free)

static Dir *
dir_new (const ScChecksum *tree, const ScChecksum *meta)
{
  Dir *self = g_new0 (Dir, 1);

  self->tree = *tree;
  self->meta = *meta;
  return self;
}

static void
dir_make_tables (Dir *self)
{
  self->files = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->dirs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)dir_free);
}

static void
dir_close (Dir *self)
{
  g_clear_pointer (&self->files, g_hash_table_unref);
  g_clear_pointer (&self->dirs, g_hash_table_unref);
}

static void
get_checksum (GVariant *entry, gsize index, ScChecksum *out)
{
  g_autoptr (GVariant) child = g_variant_get_child_value (entry, index);
  gsize size = 0;
  const guint8 *bytes = g_variant_get_fixed_array (child, &size, 1);

  /* sc_tree_load() has checked the size. */
  g_return_if_fail (size == sizeof out->bytes);
  memcpy (out->bytes, bytes, size);
}

typedef struct
{
  const char *name; /* (unowned) */
  ScChecksum tree;
  ScChecksum meta;
} Subdir;

static void
read_subdir (GVariant *entry, Subdir *out)
{
  g_variant_get_child (entry, 0, "&s", &out->name);
  get_checksum (entry, 1, &out->tree);
  get_checksum (entry, 2, &out->meta);
}

static gboolean
is_reserved (const char *name)
{
  return g_str_has_prefix (name, SC_WHITEOUT_PREFIX) || g_str_has_prefix (name, OVERLAY_WHITEOUT_PREFIX);
}

/* Markers never come in. */
static void
dir_take_files (Dir *self, GVariant *files)
{
  for (gsize i = 0; i < g_variant_n_children (files); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (files, i);
      const char *name = NULL;
      ScChecksum object;

      g_variant_get_child (entry, 0, "&s", &name);
      get_checksum (entry, 1, &object);
      if (!is_reserved (name))
        g_hash_table_replace (self->files, g_strdup (name), g_memdup2 (&object, sizeof object));
    }
}

static void
dir_take_dirs (Dir *self, GVariant *dirs)
{
  for (gsize i = 0; i < g_variant_n_children (dirs); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (dirs, i);
      Subdir subdir;

      read_subdir (entry, &subdir);
      g_hash_table_replace (self->dirs, g_strdup (subdir.name), dir_new (&subdir.tree, &subdir.meta));
    }
}

static gboolean
dir_open (Dir *self, OstreeRepo *repo, GError **error)
{
  if (self->files != NULL)
    return TRUE;

  g_autoptr (GVariant) tree = sc_tree_load (repo, &self->tree, error);
  if (tree == NULL)
    return FALSE;
  g_autoptr (GVariant) files = g_variant_get_child_value (tree, FILES);
  g_autoptr (GVariant) dirs = g_variant_get_child_value (tree, DIRECTORIES);

  dir_make_tables (self);
  dir_take_files (self, files);
  dir_take_dirs (self, dirs);
  return TRUE;
}

ScMergeTree *
sc_merge_tree_new (OstreeRepo *repo)
{
  ScMergeTree *self = g_new0 (ScMergeTree, 1);

  self->repo = g_object_ref (repo);
  return self;
}

void
sc_merge_tree_free (ScMergeTree *self)
{
  g_clear_pointer (&self->root, dir_free);
  g_object_unref (self->repo);
  g_free (self);
}

static gboolean
refuse_name (Walk *walk, const char *name, GError **error)
{
  g_autofree char *path = walk->path->len > 0 ? g_strconcat (walk->path->str, "/", name, NULL) : g_strdup (name);
  g_autofree char *shown = sc_text_escape (path);

  return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "\"%s\" has a name that is reserved for whiteouts", shown);
}

/* A whiteout is a regular file named .wh.NAME; NAME must be one that a file can have and no marker itself. */
static gboolean
check_whiteout (Walk *walk, GVariant *entry, const char *name, GError **error)
{
  const char *hidden = name + strlen (SC_WHITEOUT_PREFIX);
  g_autoptr (GFileInfo) info = NULL;
  g_autoptr (GError) cause = NULL;
  ScChecksum object;

  if (strcmp (name, SC_OPAQUE_NAME) != 0
      && (hidden[0] == '\0' || strcmp (hidden, ".") == 0 || strcmp (hidden, "..") == 0 || is_reserved (hidden)))
    return refuse_name (walk, name, error);

  get_checksum (entry, 1, &object);
  g_autofree char *hex = ostree_checksum_from_bytes (object.bytes);
  if (!ostree_repo_load_file (walk->merge->repo, hex, NULL, &info, NULL, walk->cancellable, &cause))
    return sc_store_fail_damaged (error, g_steal_pointer (&cause));
  if (g_file_info_get_file_type (info) != G_FILE_TYPE_REGULAR)
    return refuse_name (walk, name, error);
  return TRUE;
}

/* First pass over a directory of the layer: checks all names and collects the markers (.wh.NAME as NAME, the opaque
 * marker as ""). */
static gboolean
collect_markers (Walk *walk, GVariant *files, GVariant *dirs, GPtrArray *markers, GError **error)
{
  gsize n_files = g_variant_n_children (files);
  gsize n_dirs = g_variant_n_children (dirs);

  if (n_files + n_dirs > SC_MERGE_MAX_ENTRIES - walk->merge->n_visited)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED, "the layers have more than %d entries",
                         SC_MERGE_MAX_ENTRIES);
  walk->merge->n_visited += (guint)(n_files + n_dirs);

  for (gsize i = 0; i < n_dirs; i++)
    {
      const char *name = NULL;

      g_autoptr (GVariant) entry = g_variant_get_child_value (dirs, i);
      g_variant_get_child (entry, 0, "&s", &name);
      if (is_reserved (name))
        return refuse_name (walk, name, error);
    }
  for (gsize i = 0; i < n_files; i++)
    {
      const char *name = NULL;

      g_autoptr (GVariant) entry = g_variant_get_child_value (files, i);
      g_variant_get_child (entry, 0, "&s", &name);
      if (!is_reserved (name))
        continue;
      if (!g_str_has_prefix (name, SC_WHITEOUT_PREFIX))
        return refuse_name (walk, name, error);
      if (!check_whiteout (walk, entry, name, error))
        return FALSE;
      g_ptr_array_add (markers, g_strdup (strcmp (name, SC_OPAQUE_NAME) == 0 ? "" : name + strlen (SC_WHITEOUT_PREFIX)));
    }
  return TRUE;
}

/* A directory of the layer, its names checked; see collect_markers(). */
static gboolean
load_layer_dir (Walk *walk, const ScChecksum *checksum, GVariant **files, GVariant **dirs, GPtrArray *markers,
                GError **error)
{
  g_autoptr (GError) cause = NULL;

  if (g_cancellable_set_error_if_cancelled (walk->cancellable, &cause))
    return sc_store_fail (error, g_steal_pointer (&cause));
  g_autoptr (GVariant) tree = sc_tree_load (walk->merge->repo, checksum, error);
  if (tree == NULL)
    return FALSE;

  *files = g_variant_get_child_value (tree, FILES);
  *dirs = g_variant_get_child_value (tree, DIRECTORIES);
  return collect_markers (walk, *files, *dirs, markers, error);
}

static void
hide (Dir *dir, GPtrArray *markers)
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

static void
add_file (Dir *dir, GVariant *entry)
{
  ScChecksum object;
  const char *name = NULL;

  g_variant_get_child (entry, 0, "&s", &name);
  if (is_reserved (name))
    return;
  get_checksum (entry, 1, &object);

  const ScChecksum *present = g_hash_table_lookup (dir->files, name);
  if (present != NULL && memcmp (present, &object, sizeof object) == 0)
    return;
  g_hash_table_remove (dir->dirs, name);
  g_hash_table_replace (dir->files, g_strdup (name), g_memdup2 (&object, sizeof object));
  dir->is_changed = TRUE;
}

static gboolean
enter (Walk *walk, const char *name, GError **error)
{
  if (walk->depth >= SC_MERGE_MAX_DEPTH)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED, "directories are nested deeper than %d",
                         SC_MERGE_MAX_DEPTH);
  walk->depth++;
  if (walk->path->len > 0)
    g_string_append_c (walk->path, '/');
  g_string_append (walk->path, name);
  return TRUE;
}

static void
leave (Walk *walk, gsize length)
{
  walk->depth--;
  g_string_truncate (walk->path, length);
}

/* A directory where there is none: taken over as it is, without being opened, when no marker is anywhere in it. */
static Dir *
graft (Walk *walk, const ScChecksum *tree, const ScChecksum *meta, GError **error)
{
  g_autoptr (GPtrArray) markers = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (Dir) dir = dir_new (tree, meta);
  g_autoptr (GVariant) files = NULL;
  g_autoptr (GVariant) dirs = NULL;
  gsize length = walk->path->len;

  if (!load_layer_dir (walk, tree, &files, &dirs, markers, error))
    return NULL;

  dir_make_tables (dir);
  dir->is_changed = markers->len > 0;
  for (gsize i = 0; i < g_variant_n_children (dirs); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (dirs, i);
      Subdir subdir;

      read_subdir (entry, &subdir);
      if (!enter (walk, subdir.name, error))
        return NULL;
      Dir *child = graft (walk, &subdir.tree, &subdir.meta, error);
      if (child == NULL)
        return NULL;
      leave (walk, length);
      dir->is_changed |= child->is_changed;
      g_hash_table_replace (dir->dirs, g_strdup (subdir.name), child);
    }
  if (!dir->is_changed)
    dir_close (dir);
  else
    dir_take_files (dir, files);
  return g_steal_pointer (&dir);
}

static gboolean apply_over (Walk *walk, const ScChecksum *tree, const ScChecksum *meta, Dir *present, GError **error);

static gboolean
add_dir (Walk *walk, GVariant *entry, Dir *dir, GError **error)
{
  gsize length = walk->path->len;
  Subdir subdir;

  read_subdir (entry, &subdir);
  if (!enter (walk, subdir.name, error))
    return FALSE;

  Dir *child = g_hash_table_lookup (dir->dirs, subdir.name);
  if (child != NULL)
    {
      ScChecksum meta = child->meta;

      if (!apply_over (walk, &subdir.tree, &subdir.meta, child, error))
        return FALSE;
      dir->is_changed |= child->is_changed || memcmp (&meta, &child->meta, sizeof meta) != 0;
    }
  else
    {
      child = graft (walk, &subdir.tree, &subdir.meta, error);
      if (child == NULL)
        return FALSE;
      g_hash_table_remove (dir->files, subdir.name);
      g_hash_table_replace (dir->dirs, g_strdup (subdir.name), child);
      dir->is_changed = TRUE;
    }
  leave (walk, length);
  return TRUE;
}

/* A directory over a directory. One that the layer only implies says nothing about owner and mode. */
static gboolean
apply_over (Walk *walk, const ScChecksum *tree, const ScChecksum *meta, Dir *present, GError **error)
{
  g_autoptr (GPtrArray) markers = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GVariant) files = NULL;
  g_autoptr (GVariant) dirs = NULL;

  if (walk->layer->implicit == NULL || !g_hash_table_contains (walk->layer->implicit, walk->path->str))
    present->meta = *meta;
  if (!present->is_changed && memcmp (&present->tree, tree, sizeof *tree) == 0)
    return TRUE;
  if (!dir_open (present, walk->merge->repo, error)
      || !load_layer_dir (walk, tree, &files, &dirs, markers, error))
    return FALSE;

  hide (present, markers);
  for (gsize i = 0; i < g_variant_n_children (files); i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (files, i);
      add_file (present, entry);
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
sc_merge_tree_apply (ScMergeTree *self, const ScMergeLayer *layer, GCancellable *cancellable, GError **error)
{
  g_autoptr (GString) path = g_string_new (NULL);
  Walk walk = { self, layer, path, 0, cancellable };

  if (self->root != NULL)
    return apply_over (&walk, &layer->tree, &layer->meta, self->root, error);
  self->root = graft (&walk, &layer->tree, &layer->meta, error);
  return self->root != NULL;
}

static gboolean
write_dir (Dir *self, OstreeRepo *repo, ScChecksum *tree, GCancellable *cancellable, GError **error)
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
      ScTreeEntry entry = { .name = name, .meta = ((Dir *)value)->meta };
      if (!write_dir (value, repo, &entry.contents, cancellable, error))
        return FALSE;
      g_array_append_val (dirs, entry);
    }
  return sc_tree_write (repo, files, dirs, tree, cancellable, error);
}

gboolean
sc_merge_tree_write (ScMergeTree *self, ScChecksum *tree, ScChecksum *meta, GCancellable *cancellable,
                     GError **error)
{
  g_return_val_if_fail (self->root != NULL, FALSE);

  *meta = self->root->meta;
  return write_dir (self->root, self->repo, tree, cancellable, error);
}
