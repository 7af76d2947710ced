/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A repository in a directory of its own, layers from tables of entries, and trees read back with
 * libostree's own functions. A repository of mode bare needs root: without it one of mode
 * bare-user-only is made beforehand.
 */
#pragma once

#include "scratch.h"
#include "store/sc-layer-writer.h"

#include <string.h>

typedef struct
{
  char *directory;
  ScPaths *paths;
  ScRepo *repo;
} StoreFixture;

typedef struct
{
  ScEntryType type;
  const char *path;
  const char *text; /* content, or link target */
  guint32 mode;     /* 0: 0755 for directories, 0644 otherwise */
} LayerEntry;

static inline gboolean
store_keeps_owners (void)
{
  return geteuid () == 0;
}

static inline void
store_set_up (StoreFixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  self->directory = scratch_new ();
  self->paths = sc_paths_new (self->directory);
  if (!store_keeps_owners ())
    {
      g_autoptr (GFile) file = g_file_new_for_path (self->paths->repository);
      g_autoptr (OstreeRepo) ostree = ostree_repo_new (file);

      g_assert_cmpint (g_mkdir_with_parents (self->paths->repository, 0700), ==, 0);
      ostree_repo_create (ostree, OSTREE_REPO_MODE_BARE_USER_ONLY, NULL, &error);
      g_assert_no_error (error);
    }
  self->repo = sc_repo_open (self->paths, &error);
  g_assert_no_error (error);
}

/** store_fsck: what everybody else thinks of the repository */
static inline void
store_fsck (StoreFixture *self)
{
  g_autofree char *option = g_strconcat ("--repo=", self->paths->repository, NULL);
  char *argv[] = { (char *)"ostree", (char *)"fsck", (char *)"--quiet", option, NULL };
  g_autofree char *out = NULL;
  g_autofree char *err = NULL;
  g_autoptr (GError) error = NULL;
  int status = 0;

  g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, &out, &err, &status, &error);
  g_assert_no_error (error);
  if (status != 0)
    g_test_message ("ostree fsck: %s%s", out, err);
  g_assert_cmpint (status, ==, 0);
}

static inline void
store_tear_down_damaged (StoreFixture *self, gconstpointer data)
{
  g_clear_pointer (&self->repo, sc_repo_free);
  g_clear_pointer (&self->paths, sc_paths_free);
  g_clear_pointer (&self->directory, scratch_free);
}

static inline void
store_tear_down (StoreFixture *self, gconstpointer data)
{
  store_fsck (self);
  store_tear_down_damaged (self, data);
}

static inline ScEntry *
store_make_entry (const LayerEntry *row)
{
  ScEntry *entry = sc_entry_new (row->type, row->path);

  entry->mode = row->mode != 0 ? row->mode : row->type == SC_ENTRY_DIRECTORY ? 0755 : 0644;
  if (row->type == SC_ENTRY_REGULAR)
    entry->size_bytes = row->text != NULL ? strlen (row->text) : 0;
  else
    entry->link_target = g_strdup (row->text);
  return entry;
}

static inline gboolean
store_add_row (ScLayerWriter *writer, const LayerEntry *row, GError **error)
{
  g_autoptr (ScEntry) entry = store_make_entry (row);

  return sc_layer_writer_add (writer, entry, NULL, error)
         && (entry->size_bytes == 0
             || sc_layer_writer_write (writer, row->text, entry->size_bytes, NULL, error));
}

static const ScLayerInfo store_layer_info = {
  .diff_id = "sha256:0123456789012345678901234567890123456789012345678901234567890123",
  .size_bytes = 1000,
  .unpacked_bytes = 4000,
};

/** store_try_layer: (transfer full) (nullable): commit of a layer; needs an open transaction; @rows
 * end with a NULL path */
static inline char *
store_try_layer (StoreFixture *self, const LayerEntry *rows, GError **error)
{
  g_autoptr (ScLayerWriter) writer = sc_layer_writer_new (self->repo, 1 << 30, 100000);

  for (const LayerEntry *row = rows; row->path != NULL; row++)
    if (!store_add_row (writer, row, error))
      return NULL;
  return sc_layer_writer_finish (writer, &store_layer_info, NULL, error);
}

static inline char *
store_make_layer (StoreFixture *self, const LayerEntry *rows)
{
  g_autoptr (GError) error = NULL;
  char *commit = store_try_layer (self, rows, &error);

  g_assert_no_error (error);
  return commit;
}

static inline void
store_begin (StoreFixture *self)
{
  g_autoptr (GError) error = NULL;

  sc_repo_begin (self->repo, NULL, &error);
  g_assert_no_error (error);
}

static inline void
store_commit (StoreFixture *self)
{
  g_autoptr (GError) error = NULL;

  sc_repo_commit (self->repo, NULL, &error);
  g_assert_no_error (error);
}

static inline int
store_compare_infos (gconstpointer a, gconstpointer b)
{
  return strcmp (g_file_info_get_name ((GFileInfo *)a), g_file_info_get_name ((GFileInfo *)b));
}

static inline char *
store_read_content (GFile *file)
{
  g_autoptr (GError) error = NULL;
  char *content = NULL;

  g_file_load_contents (file, NULL, &content, NULL, NULL, &error);
  g_assert_no_error (error);
  return content;
}

static inline void
store_append_node (GFile *file, GFileInfo *info, const char *path, GString *out)
{
  guint32 mode = g_file_info_get_attribute_uint32 (info, "unix::mode") & 07777;

  if (g_file_info_get_file_type (info) == G_FILE_TYPE_DIRECTORY)
    g_string_append_printf (out, "%s/ %o\n", path, mode);
  else if (g_file_info_get_file_type (info) == G_FILE_TYPE_SYMBOLIC_LINK)
    g_string_append_printf (out, "%s -> %s\n", path, g_file_info_get_symlink_target (info));
  else
    {
      g_autofree char *content = store_read_content (file);
      g_string_append_printf (out, "%s %o \"%s\"\n", path, mode, content);
    }
}

static inline void
store_append_tree (GFile *directory, const char *prefix, GString *out)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GFileEnumerator) children = g_file_enumerate_children (
      directory, "standard::*,unix::*", G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, NULL, &error);
  GList *infos = NULL;

  g_assert_no_error (error);
  for (GFileInfo *info = g_file_enumerator_next_file (children, NULL, NULL); info != NULL;
       info = g_file_enumerator_next_file (children, NULL, NULL))
    infos = g_list_prepend (infos, info);
  infos = g_list_sort (infos, store_compare_infos);
  for (GList *node = infos; node != NULL; node = node->next)
    {
      const char *name = g_file_info_get_name (node->data);
      g_autoptr (GFile) child = g_file_get_child (directory, name);
      g_autofree char *path = g_strconcat (prefix, name, NULL);
      g_autofree char *below = g_strconcat (path, "/", NULL);

      store_append_node (child, node->data, path, out);
      if (g_file_info_get_file_type (node->data) == G_FILE_TYPE_DIRECTORY)
        store_append_tree (child, below, out);
    }
  g_list_free_full (infos, g_object_unref);
}

/** store_list_tree: (transfer full): one line for each node, sorted: "DIR/ MODE", "FILE MODE
 * "CONTENT"", "LINK -> TARGET" */
static inline char *
store_list_tree (StoreFixture *self, const char *commit)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) root = NULL;
  GString *out = g_string_new (NULL);

  ostree_repo_read_commit (sc_repo_get_ostree (self->repo), commit, &root, NULL, NULL, &error);
  g_assert_no_error (error);
  store_append_tree (root, "", out);
  return g_string_free (out, FALSE);
}

static inline GLogWriterOutput
store_catch_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  GString *caught = user_data;

  for (gsize i = 0; i < n_fields && (level & G_LOG_LEVEL_WARNING) != 0; i++)
    if (strcmp (fields[i].key, "MESSAGE") == 0)
      g_string_append_printf (caught, "%s\n", (const char *)fields[i].value);
  return G_LOG_WRITER_HANDLED;
}

/** store_expect_warnings: (transfer none): what is warned about from now on; GLib's tests stop at a
 * warning otherwise */
static inline GString *
store_expect_warnings (void)
{
  static GString *caught;

  g_assert_null (caught);
  caught = g_string_new (NULL);
  g_log_set_always_fatal (G_LOG_FATAL_MASK | G_LOG_LEVEL_CRITICAL);
  g_log_set_writer_func (store_catch_log, caught, NULL);
  return caught;
}

static inline void
store_assert_contains (const GError *error, const char *text)
{
  if (strstr (error->message, text) == NULL)
    g_error ("\"%s\" does not name \"%s\"", error->message, text);
}
