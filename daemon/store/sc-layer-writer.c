/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-layer-writer.h"

#include "image/sc-reference.h"
#include "store/sc-layer-tree.h"
#include "store/sc-object-writer.h"

#include <string.h>
#include <sys/stat.h>

#define PERMISSION_BITS 07777

struct _ScLayerWriter
{
  OstreeRepo *ostree;      /* (owned) */
  ScObjectWriter *objects; /* (owned) */
  ScLayerTree *tree;       /* (owned) (nullable) made with the first entry */
  GHashTable *dirmetas;    /* (owned) those written: GBytes* of what they say to ScChecksum* */
  guint64 max_bytes;
  guint max_entries;
  guint64 n_bytes;
  guint n_entries;
  guint n_dropped;
  char *open_path;    /* (owned) (nullable) of the file whose content comes next */
  guint64 left_bytes; /* of that content */
};

ScLayerWriter *
sc_layer_writer_new (ScRepo *repo, guint64 max_bytes, guint max_entries)
{
  ScLayerWriter *self = g_new0 (ScLayerWriter, 1);

  self->ostree = g_object_ref (sc_repo_get_ostree (repo));
  self->objects = sc_object_writer_new (self->ostree);
  self->dirmetas
      = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify)g_bytes_unref, g_free);
  self->max_bytes = max_bytes;
  self->max_entries = max_entries;
  return self;
}

void
sc_layer_writer_free (ScLayerWriter *self)
{
  sc_object_writer_free (self->objects);
  g_clear_pointer (&self->tree, sc_layer_tree_free);
  g_hash_table_unref (self->dirmetas);
  g_object_unref (self->ostree);
  g_free (self->open_path);
  g_free (self);
}

/* Returns: (transfer full) (nullable): NULL for none */
static GVariant *
xattrs_to_variant (GPtrArray *xattrs)
{
  if (xattrs == NULL || xattrs->len == 0)
    return NULL;

  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ayay)"));

  for (guint i = 0; i < xattrs->len; i++)
    {
      const ScXattr *xattr = xattrs->pdata[i];
      g_variant_builder_add (
          &builder, "(@ay@ay)", g_variant_new_bytestring (xattr->name),
          g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, xattr->value, TRUE));
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

/* Directories of a layer share a handful of dirmetas: each is hashed and written once. */
static gboolean
write_dirmeta (ScLayerWriter *self,
               ScFileMeta *meta,
               ScChecksum *checksum,
               GCancellable *cancellable,
               GError **error)
{
  sc_file_meta_normalize (meta, self->ostree);

  GByteArray *key = g_byte_array_new ();
  guint32 numbers[3] = { meta->mode, meta->uid, meta->gid };
  g_byte_array_append (key, (const guint8 *)numbers, sizeof numbers);
  if (meta->xattrs != NULL)
    g_byte_array_append (key, g_variant_get_data (meta->xattrs),
                         (guint)g_variant_get_size (meta->xattrs));
  g_autoptr (GBytes) key_bytes = g_byte_array_free_to_bytes (key);

  const ScChecksum *known = g_hash_table_lookup (self->dirmetas, key_bytes);
  if (known != NULL)
    {
      *checksum = *known;
      return TRUE;
    }
  if (!sc_dirmeta_write (self->ostree, meta, checksum, cancellable, error))
    return FALSE;
  g_hash_table_insert (self->dirmetas, g_steal_pointer (&key_bytes),
                       g_memdup2 (checksum, sizeof *checksum));
  return TRUE;
}

static gboolean
ensure_tree (ScLayerWriter *self, GCancellable *cancellable, GError **error)
{
  ScFileMeta meta = { .mode = S_IFDIR | 0755 };
  ScChecksum checksum;

  if (self->tree != NULL)
    return TRUE;
  if (!write_dirmeta (self, &meta, &checksum, cancellable, error))
    return FALSE;
  self->tree = sc_layer_tree_new (&checksum, self->max_entries);
  return TRUE;
}

static gboolean
check_limits (ScLayerWriter *self, const ScEntry *entry, GError **error)
{
  if (self->n_entries >= self->max_entries)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED, "the layer has more than %u entries",
                         self->max_entries);
  self->n_entries++;
  if (entry->type != SC_ENTRY_REGULAR)
    return TRUE;
  if (entry->size_bytes > self->max_bytes - self->n_bytes)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "the layer has more than %" G_GUINT64_FORMAT " bytes unpacked",
                         self->max_bytes);
  self->n_bytes += entry->size_bytes;
  return TRUE;
}

static gboolean
add_directory (ScLayerWriter *self,
               const ScEntry *entry,
               GVariant *xattrs,
               GCancellable *cancellable,
               GError **error)
{
  ScFileMeta meta = { S_IFDIR | (entry->mode & PERMISSION_BITS), entry->uid, entry->gid, xattrs };
  ScChecksum checksum;

  return write_dirmeta (self, &meta, &checksum, cancellable, error)
         && sc_layer_tree_put_directory (self->tree, entry->path, &checksum, error);
}

static gboolean
close_file (ScLayerWriter *self, GCancellable *cancellable, GError **error)
{
  ScChecksum checksum;

  if (!sc_object_writer_close (self->objects, &checksum, cancellable, error)
      || !sc_layer_tree_put_file (self->tree, self->open_path, &checksum, error))
    return FALSE;
  g_clear_pointer (&self->open_path, g_free);
  return TRUE;
}

static gboolean
add_file (ScLayerWriter *self,
          const ScEntry *entry,
          GVariant *xattrs,
          GCancellable *cancellable,
          GError **error)
{
  gboolean is_link = entry->type == SC_ENTRY_SYMLINK;
  ScFileMeta meta = { (is_link ? S_IFLNK : S_IFREG) | (entry->mode & PERMISSION_BITS), entry->uid,
                      entry->gid, xattrs };
  guint64 size_bytes = is_link ? 0 : entry->size_bytes;

  sc_file_meta_normalize (&meta, self->ostree);
  if (!sc_object_writer_open (self->objects, &meta, is_link ? entry->link_target : NULL, size_bytes,
                              error))
    return FALSE;
  self->open_path = g_strdup (entry->path);
  self->left_bytes = size_bytes;
  return size_bytes > 0 || close_file (self, cancellable, error);
}

static gboolean
add_hardlink (ScLayerWriter *self, const ScEntry *entry, GError **error)
{
  g_autofree char *shown = sc_text_escape (entry->link_target);
  ScChecksum object;

  switch (sc_layer_tree_find (self->tree, entry->link_target, &object))
    {
    case SC_LAYER_NODE_FILE:
      return sc_layer_tree_put_file (self->tree, entry->path, &object, error);
    case SC_LAYER_NODE_DIRECTORY:
      return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                           "its hard link target \"%s\" is a directory", shown);
    default:
      return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                           "its hard link target \"%s\" is not in this layer before it", shown);
    }
}

/* A marker beside the entries: what it hides is only known when layers are merged. */
static gboolean
add_marker (ScLayerWriter *self,
            const char *directory,
            const char *name,
            GCancellable *cancellable,
            GError **error)
{
  ScFileMeta meta = { .mode = S_IFREG | 0644 };
  g_autoptr (GBytes) nothing = g_bytes_new (NULL, 0);
  g_autofree char *path
      = directory[0] == '\0' ? g_strdup (name) : g_strconcat (directory, "/", name, NULL);
  ScChecksum checksum;

  if (strlen (name) > SC_ENTRY_MAX_COMPONENT)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "the hidden name is too long for a whiteout");
  sc_file_meta_normalize (&meta, self->ostree);
  return sc_object_writer_put (self->objects, &meta, nothing, &checksum, cancellable, error)
         && sc_layer_tree_put_file (self->tree, path, &checksum, error);
}

static gboolean
add_whiteout (ScLayerWriter *self, const char *hidden, GCancellable *cancellable, GError **error)
{
  const char *slash = strrchr (hidden, '/');
  g_autofree char *directory
      = slash != NULL ? g_strndup (hidden, (gsize)(slash - hidden)) : g_strdup ("");
  g_autofree char *name
      = g_strconcat (SC_WHITEOUT_PREFIX, slash != NULL ? slash + 1 : hidden, NULL);

  return add_marker (self, directory, name, cancellable, error);
}

static gboolean
dispatch (ScLayerWriter *self, const ScEntry *entry, GCancellable *cancellable, GError **error)
{
  g_autoptr (GVariant) xattrs = xattrs_to_variant (entry->xattrs);

  switch (entry->type)
    {
    case SC_ENTRY_DIRECTORY:
      return add_directory (self, entry, xattrs, cancellable, error);
    case SC_ENTRY_REGULAR:
    case SC_ENTRY_SYMLINK:
      return add_file (self, entry, xattrs, cancellable, error);
    case SC_ENTRY_HARDLINK:
      return add_hardlink (self, entry, error);
    case SC_ENTRY_WHITEOUT:
      return add_whiteout (self, entry->path, cancellable, error);
    case SC_ENTRY_OPAQUE:
      return add_marker (self, entry->path, SC_OPAQUE_NAME, cancellable, error);
    case SC_ENTRY_DROPPED:
      self->n_dropped++;
      return TRUE;
    default:
      return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "it has the unknown type %d",
                           (int)entry->type);
    }
}

gboolean
sc_layer_writer_add (ScLayerWriter *self,
                     const ScEntry *entry,
                     GCancellable *cancellable,
                     GError **error)
{
  if (self->open_path != NULL)
    sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                  "the content of the entry before it is incomplete");
  else if (sc_entry_check (entry, error) && check_limits (self, entry, error)
           && ensure_tree (self, cancellable, error) && dispatch (self, entry, cancellable, error))
    return TRUE;

  g_autofree char *shown = sc_text_escape (entry->path != NULL ? entry->path : "");
  return sc_prefix_error (error, "entry \"%s\": ", shown);
}

gboolean
sc_layer_writer_write (ScLayerWriter *self,
                       gconstpointer data,
                       gsize size_bytes,
                       GCancellable *cancellable,
                       GError **error)
{
  if (self->open_path == NULL || size_bytes > self->left_bytes)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "there is more content than the entry has");

  self->left_bytes -= size_bytes;
  if (sc_object_writer_write (self->objects, data, size_bytes, cancellable, error)
      && (self->left_bytes > 0 || close_file (self, cancellable, error)))
    return TRUE;

  g_autofree char *shown = sc_text_escape (self->open_path);
  return sc_prefix_error (error, "entry \"%s\": ", shown);
}

static GVariant *
make_metadata (const ScLayerInfo *info, char **implicit, gboolean has_whiteouts)
{
  g_autofree char *size = g_strdup_printf ("%" G_GUINT64_FORMAT, info->size_bytes);
  g_autofree char *unpacked = g_strdup_printf ("%" G_GUINT64_FORMAT, info->unpacked_bytes);
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  g_variant_builder_add (&builder, "{sv}", "docker.size", g_variant_new_string (size));
  g_variant_builder_add (&builder, "{sv}", "docker.uncompressed_size",
                         g_variant_new_string (unpacked));
  g_variant_builder_add (&builder, "{sv}", "docker.uncompressed_digest",
                         g_variant_new_string (info->diff_id));
  g_variant_builder_add (&builder, "{sv}", "syscont.implicit-dirs",
                         g_variant_new_strv ((const char *const *)implicit, -1));
  g_variant_builder_add (&builder, "{sv}", "syscont.has-whiteouts",
                         g_variant_new_boolean (has_whiteouts));
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

char *
sc_layer_writer_finish (ScLayerWriter *self,
                        const ScLayerInfo *info,
                        GCancellable *cancellable,
                        GError **error)
{
  ScCommit commit
      = { .subject = "layer", .timestamp_s = (guint64)(g_get_real_time () / G_USEC_PER_SEC) };

  if (self->open_path != NULL)
    {
      g_autofree char *shown = sc_text_escape (self->open_path);
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "entry \"%s\": its content is incomplete",
                    shown);
      return NULL;
    }
  if (!ensure_tree (self, cancellable, error) || !sc_object_writer_finish (self->objects, error)
      || !sc_layer_tree_write (self->tree, self->ostree, &commit.tree, &commit.meta, cancellable,
                               error))
    return NULL;

  g_auto (GStrv) implicit = sc_layer_tree_list_implicit (self->tree, error);
  if (implicit == NULL)
    return NULL;
  g_autoptr (GVariant) metadata
      = make_metadata (info, implicit, sc_layer_tree_has_reserved (self->tree));
  commit.metadata = metadata;
  return sc_commit_write (self->ostree, &commit, cancellable, error);
}

guint
sc_layer_writer_get_dropped (ScLayerWriter *self)
{
  return self->n_dropped;
}

char *
sc_layer_find (ScRepo *repo, const char *digest, GError **error)
{
  static const char *const keys[]
      = { "docker.size", "docker.uncompressed_size", "docker.uncompressed_digest" };
  g_autofree char *ref = sc_reference_blob_ref (digest);
  g_autofree char *commit = sc_repo_resolve (repo, ref, error);
  if (commit == NULL)
    return NULL;

  g_autoptr (GError) local_error = NULL;
  g_autoptr (GHashTable) strings = sc_repo_get_commit_strings (repo, commit, &local_error);
  if (strings == NULL
      && g_error_matches (local_error, SYSCONT_ERROR, SYSCONT_ERROR_STORAGE_CORRUPT))
    return NULL; /* to be pulled again, which repairs it */
  if (strings == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  for (gsize i = 0; i < G_N_ELEMENTS (keys); i++)
    if (!g_hash_table_contains (strings, keys[i]))
      return NULL;
  return g_steal_pointer (&commit);
}
