/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-layer-tar.h"

#include "image/sc-tar-writer.h"
#include "store/sc-store-error.h"
#include "store/sc-tree-object.h"

#include <string.h>
#include <sys/stat.h>

#define CHUNK_BYTES     (256 * 1024)
#define PERMISSION_BITS 07777

typedef struct
{
  OstreeRepo *ostree;
  GHashTable *implicit; /* (nullable) paths of directories without an entry */
  ScTarSink sink;
  gpointer user_data;
  GCancellable *cancellable;
  GByteArray *header; /* (owned) */
  guint8 *buffer;     /* (owned) CHUNK_BYTES */
} Writer;

static gboolean
write_header (Writer *self, const ScEntry *entry, GError **error)
{
  g_byte_array_set_size (self->header, 0);
  sc_tar_append_header (self->header, entry);
  return self->sink (self->user_data, self->header->data, self->header->len, error);
}

static gboolean
write_zeros (Writer *self, gsize n, GError **error)
{
  static const guint8 zeros[SC_TAR_END_BYTES];

  return n == 0 || self->sink (self->user_data, zeros, n, error);
}

/* Those that a layer may bring; another tool may have stored more. */
static void
take_xattrs (ScEntry *entry, GVariant *xattrs)
{
  gsize n = xattrs != NULL && entry->type != SC_ENTRY_SYMLINK ? g_variant_n_children (xattrs) : 0;

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) name = NULL;
      g_autoptr (GVariant) value = NULL;

      g_variant_get_child (xattrs, i, "(@ay@ay)", &name, &value);
      const char *text = g_variant_get_bytestring (name);
      if (!g_str_has_prefix (text, "user.") && strcmp (text, "security.capability") != 0)
        continue;
      g_autoptr (GBytes) bytes = g_variant_get_data_as_bytes (value);
      sc_entry_add_xattr (entry, text, bytes);
    }
}

static gboolean
write_content (Writer *self, GInputStream *input, guint64 size_bytes, GError **error)
{
  guint64 left_bytes = size_bytes;

  while (left_bytes > 0)
    {
      g_autoptr (GError) cause = NULL;
      gssize n = g_input_stream_read (input, self->buffer, MIN (left_bytes, CHUNK_BYTES),
                                      self->cancellable, &cause);
      if (n < 0)
        return sc_store_fail (error, g_steal_pointer (&cause));
      if (n == 0)
        return sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT,
                             "its object is shorter than it was (remove the image and pull it "
                             "again)");
      if (!self->sink (self->user_data, self->buffer, (gsize)n, error))
        return FALSE;
      left_bytes -= (guint64)n;
    }
  return write_zeros (self, sc_tar_padding (size_bytes), error);
}

static gboolean
write_file (Writer *self, const char *path, const ScChecksum *object, GError **error)
{
  g_autofree char *hex = ostree_checksum_from_bytes (object->bytes);
  g_autoptr (GInputStream) input = NULL;
  g_autoptr (GFileInfo) info = NULL;
  g_autoptr (GVariant) xattrs = NULL;
  g_autoptr (GError) cause = NULL;

  if (!ostree_repo_load_file (self->ostree, hex, &input, &info, &xattrs, self->cancellable, &cause))
    return sc_store_fail_damaged (error, g_steal_pointer (&cause));

  gboolean is_link = g_file_info_get_file_type (info) == G_FILE_TYPE_SYMBOLIC_LINK;
  g_autoptr (ScEntry) entry = sc_entry_new (is_link ? SC_ENTRY_SYMLINK : SC_ENTRY_REGULAR, path);
  entry->mode = g_file_info_get_attribute_uint32 (info, "unix::mode") & PERMISSION_BITS;
  entry->uid = g_file_info_get_attribute_uint32 (info, "unix::uid");
  entry->gid = g_file_info_get_attribute_uint32 (info, "unix::gid");
  entry->size_bytes = is_link ? 0 : (guint64)g_file_info_get_size (info);
  entry->link_target = is_link ? g_strdup (g_file_info_get_symlink_target (info)) : NULL;
  take_xattrs (entry, xattrs);
  return write_header (self, entry, error)
         && (is_link || write_content (self, input, entry->size_bytes, error));
}

static gboolean
write_directory_entry (Writer *self, const char *path, const ScChecksum *checksum, GError **error)
{
  g_autoptr (GVariant) xattrs = NULL;
  ScFileMeta meta = { 0 };

  if (self->implicit != NULL && g_hash_table_contains (self->implicit, path))
    return TRUE;
  if (!sc_dirmeta_load (self->ostree, checksum, &meta, &xattrs, error))
    return FALSE;

  g_autoptr (ScEntry) entry = sc_entry_new (SC_ENTRY_DIRECTORY, path);
  entry->mode = meta.mode & PERMISSION_BITS;
  entry->uid = meta.uid;
  entry->gid = meta.gid;
  take_xattrs (entry, xattrs);
  return write_header (self, entry, error);
}

static char *
child_path (const char *path, const char *name)
{
  return *path == '\0' ? g_strdup (name) : g_strconcat (path, "/", name, NULL);
}

static gboolean
write_files (Writer *self, const char *path, GVariant *tree, GError **error)
{
  g_autoptr (GVariant) files = g_variant_get_child_value (tree, 0);
  gsize n = g_variant_n_children (files);

  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (files, i);
      const char *name = NULL;
      ScChecksum object;

      g_variant_get_child (entry, 0, "&s", &name);
      g_autofree char *file = child_path (path, name);
      if (!sc_tree_get_checksum (entry, 1, &object) || !write_file (self, file, &object, error))
        {
          g_autofree char *shown = sc_text_escape (file);
          return sc_prefix_error (error, "\"%s\": ", shown);
        }
    }
  return TRUE;
}

/* Depth is that of a path that was checked when the layer was stored. */
static gboolean
write_directory (Writer *self,
                 const char *path,
                 const ScChecksum *tree_checksum,
                 const ScChecksum *meta,
                 GError **error)
{
  guint depth = 1;

  for (const char *p = path; *p != '\0'; p++)
    depth += *p == '/';
  if (depth > SC_ENTRY_MAX_DEPTH)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED, "the layer is nested too deeply");

  g_autoptr (GVariant) tree = sc_tree_load (self->ostree, tree_checksum, error);
  if (tree == NULL || !write_directory_entry (self, path, meta, error)
      || !write_files (self, path, tree, error))
    return FALSE;

  g_autoptr (GVariant) dirs = g_variant_get_child_value (tree, 1);
  gsize n = g_variant_n_children (dirs);
  for (gsize i = 0; i < n; i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (dirs, i);
      const char *name = NULL;
      ScChecksum child_tree;
      ScChecksum child_meta;

      g_variant_get_child (entry, 0, "&s", &name);
      g_autofree char *child = child_path (path, name);
      if (!sc_tree_get_checksum (entry, 1, &child_tree)
          || !sc_tree_get_checksum (entry, 2, &child_meta)
          || !write_directory (self, child, &child_tree, &child_meta, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
sc_layer_write_tar (ScRepo *repo,
                    const char *commit,
                    ScTarSink sink,
                    gpointer user_data,
                    GCancellable *cancellable,
                    GError **error)
{
  OstreeRepo *ostree = sc_repo_get_ostree (repo);
  g_autoptr (GVariant) variant = sc_commit_load (ostree, commit, error);
  ScChecksum tree;
  ScChecksum meta;
  if (variant == NULL || !sc_commit_get_root (variant, &tree, &meta, error))
    return FALSE;

  g_autoptr (GHashTable) implicit = sc_commit_dup_implicit (variant);
  g_autoptr (GByteArray) header = g_byte_array_new ();
  g_autofree guint8 *buffer = g_malloc (CHUNK_BYTES);
  Writer writer = {
    .ostree = ostree,
    .implicit = implicit,
    .sink = sink,
    .user_data = user_data,
    .cancellable = cancellable,
    .header = header,
    .buffer = buffer,
  };
  return write_directory (&writer, "", &tree, &meta, error)
         && write_zeros (&writer, SC_TAR_END_BYTES, error);
}
