/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-tree-object.h"

#include "base/sc-digest.h"
#include "store/sc-store-error.h"

#include <string.h>
#include <sys/stat.h>

/* Positions in a commit, "(a{sv}aya(say)sstayay)". */
enum
{
  COMMIT_TREE = 6,
  COMMIT_META = 7,
};

void
sc_file_meta_normalize (ScFileMeta *self, OstreeRepo *repo)
{
  if (S_ISLNK (self->mode))
    {
      self->mode = S_IFLNK | 0777;
      self->xattrs = NULL;
    }
  if (ostree_repo_get_mode (repo) != OSTREE_REPO_MODE_BARE_USER_ONLY)
    return;

  self->uid = 0;
  self->gid = 0;
  self->xattrs = NULL;
  if (S_ISDIR (self->mode))
    self->mode = S_IFDIR | (self->mode & 0775) | 0700;
  else if (S_ISREG (self->mode))
    self->mode = S_IFREG | (self->mode & 0775) | 0400;
}

static GVariant *
checksum_to_variant (const ScChecksum *checksum)
{
  return g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, checksum->bytes, sizeof checksum->bytes,
                                    1);
}

gboolean
sc_tree_get_checksum (GVariant *parent, gsize index, ScChecksum *out)
{
  g_autoptr (GVariant) child = g_variant_get_child_value (parent, index);
  gsize size = 0;
  const guint8 *bytes = g_variant_get_fixed_array (child, &size, 1);

  if (size != sizeof out->bytes)
    return FALSE;
  memcpy (out->bytes, bytes, size);
  return TRUE;
}

static int
compare_entries (gconstpointer a, gconstpointer b)
{
  return strcmp (((const ScTreeEntry *)a)->name, ((const ScTreeEntry *)b)->name);
}

static gboolean
write_object (OstreeRepo *repo,
              OstreeObjectType type,
              GVariant *variant,
              ScChecksum *out,
              GCancellable *cancellable,
              GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autofree guchar *checksum = NULL;

  if (g_variant_get_size (variant) > OSTREE_MAX_METADATA_SIZE)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "a directory or commit of %" G_GSIZE_FORMAT
                         " bytes cannot be stored, the limit is %d",
                         g_variant_get_size (variant), OSTREE_MAX_METADATA_SIZE);
  if (!ostree_repo_write_metadata (repo, type, NULL, variant, &checksum, cancellable, &cause))
    return sc_store_fail (error, g_steal_pointer (&cause));

  memcpy (out->bytes, checksum, sizeof out->bytes);
  return TRUE;
}

gboolean
sc_tree_write (OstreeRepo *repo,
               GArray *files,
               GArray *dirs,
               ScChecksum *out,
               GCancellable *cancellable,
               GError **error)
{
  g_auto (GVariantBuilder) file_builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(say)"));
  g_auto (GVariantBuilder) dir_builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(sayay)"));

  g_array_sort (files, compare_entries);
  g_array_sort (dirs, compare_entries);
  for (guint i = 0; i < files->len; i++)
    {
      const ScTreeEntry *entry = &g_array_index (files, ScTreeEntry, i);
      g_variant_builder_add (&file_builder, "(s@ay)", entry->name,
                             checksum_to_variant (&entry->contents));
    }
  for (guint i = 0; i < dirs->len; i++)
    {
      const ScTreeEntry *entry = &g_array_index (dirs, ScTreeEntry, i);
      g_variant_builder_add (&dir_builder, "(s@ay@ay)", entry->name,
                             checksum_to_variant (&entry->contents),
                             checksum_to_variant (&entry->meta));
    }

  g_autoptr (GVariant) tree
      = g_variant_ref_sink (g_variant_new ("(a(say)a(sayay))", &file_builder, &dir_builder));
  return write_object (repo, OSTREE_OBJECT_TYPE_DIR_TREE, tree, out, cancellable, error);
}

gboolean
sc_object_has_checksum (GVariant *object, const ScChecksum *expected)
{
  g_autoptr (ScHasher) hasher = sc_hasher_new ();
  guint8 actual[OSTREE_SHA256_DIGEST_LEN];

  sc_hasher_update (hasher, g_variant_get_data (object), g_variant_get_size (object));
  sc_hasher_finish_raw (hasher, actual);
  return memcmp (actual, expected->bytes, sizeof actual) == 0;
}

GVariant *
sc_tree_load (OstreeRepo *repo, const ScChecksum *checksum, GError **error)
{
  g_autofree char *hex = ostree_checksum_from_bytes (checksum->bytes);
  g_autoptr (GVariant) tree = NULL;
  g_autoptr (GError) cause = NULL;

  if (!ostree_repo_load_variant (repo, OSTREE_OBJECT_TYPE_DIR_TREE, hex, &tree, &cause))
    {
      sc_store_fail_damaged (error, g_steal_pointer (&cause));
      return NULL;
    }
  /* A flipped bit in a directory would otherwise make another tree out of an image. */
  if (!sc_object_has_checksum (tree, checksum) || !ostree_validate_structureof_dirtree (tree, NULL))
    {
      sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT,
                    "object %s.dirtree is damaged (remove the image and pull it again)", hex);
      return NULL;
    }
  return g_steal_pointer (&tree);
}

gboolean
sc_tree_visit (GVariant *tree, const ScTreeVisitor *visitor, gpointer user_data, GError **error)
{
  g_autoptr (GVariant) files = g_variant_get_child_value (tree, 0);
  g_autoptr (GVariant) directories = g_variant_get_child_value (tree, 1);
  gsize n_files = g_variant_n_children (files);
  gsize n_directories = g_variant_n_children (directories);

  for (gsize i = visitor->file != NULL ? 0 : n_files; i < n_files + n_directories; i++)
    {
      gboolean is_file = i < n_files;
      g_autoptr (GVariant) child = is_file ? g_variant_get_child_value (files, i)
                                           : g_variant_get_child_value (directories, i - n_files);
      ScTreeEntry entry = { 0 };

      g_variant_get_child (child, 0, "&s", &entry.name);
      if (!sc_tree_get_checksum (child, 1, &entry.contents)
          || (!is_file && !sc_tree_get_checksum (child, 2, &entry.meta)))
        continue;
      if (!(is_file ? visitor->file : visitor->directory) (user_data, &entry, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
sc_dirmeta_write (OstreeRepo *repo,
                  const ScFileMeta *meta,
                  ScChecksum *out,
                  GCancellable *cancellable,
                  GError **error)
{
  g_autoptr (GVariant) xattrs
      = meta->xattrs != NULL
            ? g_variant_ref (meta->xattrs)
            : g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE ("(ayay)"), NULL, 0));
  g_autoptr (GVariant) dirmeta = g_variant_ref_sink (
      g_variant_new ("(uuu@a(ayay))", GUINT32_TO_BE (meta->uid), GUINT32_TO_BE (meta->gid),
                     GUINT32_TO_BE (meta->mode), xattrs));

  return write_object (repo, OSTREE_OBJECT_TYPE_DIR_META, dirmeta, out, cancellable, error);
}

gboolean
sc_dirmeta_load (OstreeRepo *repo,
                 const ScChecksum *checksum,
                 ScFileMeta *meta,
                 GVariant **xattrs,
                 GError **error)
{
  g_autofree char *hex = ostree_checksum_from_bytes (checksum->bytes);
  g_autoptr (GVariant) dirmeta = NULL;
  g_autoptr (GError) cause = NULL;

  if (!ostree_repo_load_variant (repo, OSTREE_OBJECT_TYPE_DIR_META, hex, &dirmeta, &cause))
    return sc_store_fail_damaged (error, g_steal_pointer (&cause));
  if (!sc_object_has_checksum (dirmeta, checksum)
      || !ostree_validate_structureof_dirmeta (dirmeta, NULL))
    return sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT,
                         "object %s.dirmeta is damaged (remove the image and pull it again)", hex);

  g_variant_get (dirmeta, "(uuu@a(ayay))", &meta->uid, &meta->gid, &meta->mode, xattrs);
  meta->uid = GUINT32_FROM_BE (meta->uid);
  meta->gid = GUINT32_FROM_BE (meta->gid);
  meta->mode = GUINT32_FROM_BE (meta->mode);
  meta->xattrs = *xattrs;
  return TRUE;
}

char *
sc_commit_write (OstreeRepo *repo,
                 const ScCommit *commit,
                 GCancellable *cancellable,
                 GError **error)
{
  g_autoptr (GVariant) metadata
      = commit->metadata != NULL
            ? g_variant_ref (commit->metadata)
            : g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0));
  g_autoptr (GVariant) variant = g_variant_ref_sink (g_variant_new (
      "(@a{sv}@ay@a(say)sst@ay@ay)", metadata, g_variant_new_array (G_VARIANT_TYPE_BYTE, NULL, 0),
      g_variant_new_array (G_VARIANT_TYPE ("(say)"), NULL, 0), commit->subject, "",
      GUINT64_TO_BE (commit->timestamp_s), checksum_to_variant (&commit->tree),
      checksum_to_variant (&commit->meta)));
  ScChecksum checksum = { 0 };

  if (!write_object (repo, OSTREE_OBJECT_TYPE_COMMIT, variant, &checksum, cancellable, error))
    return NULL;

  /* The same commit may be there from before, found damaged; its tree is whole again. */
  g_autofree char *hex = ostree_checksum_from_bytes (checksum.bytes);
  g_autoptr (GError) cause = NULL;
  if (!ostree_repo_mark_commit_partial (repo, hex, FALSE, &cause))
    {
      sc_store_fail (error, g_steal_pointer (&cause));
      return NULL;
    }
  return g_steal_pointer (&hex);
}

GVariant *
sc_commit_load (OstreeRepo *repo, const char *checksum, GError **error)
{
  g_autoptr (GVariant) commit = NULL;
  g_autoptr (GError) cause = NULL;
  OstreeRepoCommitState state = OSTREE_REPO_COMMIT_STATE_NORMAL;

  if (!ostree_repo_load_commit (repo, checksum, &commit, &state, &cause))
    {
      sc_store_fail_damaged (error, g_steal_pointer (&cause));
      return NULL;
    }
  if ((state & OSTREE_REPO_COMMIT_STATE_PARTIAL) != 0)
    {
      sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT,
                    "commit %s lacks objects (remove the image and pull it again)", checksum);
      return NULL;
    }
  return g_steal_pointer (&commit);
}

gboolean
sc_commit_get_root (GVariant *commit, ScChecksum *tree, ScChecksum *meta, GError **error)
{
  if (!sc_tree_get_checksum (commit, COMMIT_TREE, tree)
      || !sc_tree_get_checksum (commit, COMMIT_META, meta))
    return sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT, "the commit has no root directory");
  return TRUE;
}

GHashTable *
sc_commit_dup_implicit (GVariant *commit)
{
  g_autoptr (GVariant) metadata = g_variant_get_child_value (commit, 0);
  g_autoptr (GVariant) value
      = g_variant_lookup_value (metadata, "syscont.implicit-dirs", G_VARIANT_TYPE_STRING_ARRAY);
  if (value == NULL)
    return NULL;

  g_autoptr (GHashTable) paths = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GVariantIter iter;
  char *path = NULL;

  g_variant_iter_init (&iter, value);
  while (g_variant_iter_next (&iter, "s", &path))
    g_hash_table_add (paths, path);
  return g_steal_pointer (&paths);
}

ScWhiteouts
sc_commit_find_whiteouts (GVariant *commit)
{
  g_autoptr (GVariant) metadata = g_variant_get_child_value (commit, 0);
  gboolean has_whiteouts = FALSE;

  if (!g_variant_lookup (metadata, "syscont.has-whiteouts", "b", &has_whiteouts))
    return SC_WHITEOUTS_UNKNOWN;
  return has_whiteouts ? SC_WHITEOUTS_SOME : SC_WHITEOUTS_NONE;
}
