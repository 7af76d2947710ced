/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-image-store.h"

#include "base/sc-digest.h"
#include "image/sc-reference.h"
#include "store/sc-image-list.h"
#include "store/sc-image-sibling.h"
#include "store/sc-merge.h"
#include "store/sc-object-writer.h"

#include <string.h>
#include <sys/stat.h>

#define CONFIG_FILE   "content"
#define MANIFEST_FILE "manifest.json"
#define MAX_REF_NAME  240 /* of a file name's 255 bytes; libostree appends to it while writing */

char *
sc_rootfs_ref (const char *manifest_digest)
{
  return g_strconcat ("syscont/rootfs/", sc_digest_hex (manifest_digest), NULL);
}

char *
sc_unnamed_ref (const char *manifest_digest)
{
  return g_strconcat ("syscont/unnamed/", sc_digest_hex (manifest_digest), NULL);
}

char *
sc_deploy_ref (const char *name, guint64 deployment)
{
  return g_strdup_printf ("syscont/deploy/%s/%" G_GUINT64_FORMAT, name, deployment);
}

/* A commit whose tree is one file. */
static char *
write_file_commit (OstreeRepo *ostree,
                   const char *name,
                   GBytes *content,
                   GVariant *metadata,
                   GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (ScObjectWriter) objects = sc_object_writer_new (ostree);
  g_autoptr (GArray) files = g_array_new (FALSE, FALSE, sizeof (ScTreeEntry));
  g_autoptr (GArray) dirs = g_array_new (FALSE, FALSE, sizeof (ScTreeEntry));
  ScFileMeta file_meta = { .mode = S_IFREG | 0644 };
  ScFileMeta dir_meta = { .mode = S_IFDIR | 0755 };
  ScTreeEntry entry = { .name = name };
  ScCommit commit = {
    .subject = name,
    .timestamp_s = (guint64)(g_get_real_time () / G_USEC_PER_SEC),
    .metadata = metadata,
  };

  sc_file_meta_normalize (&file_meta, ostree);
  sc_file_meta_normalize (&dir_meta, ostree);
  if (!sc_object_writer_put (objects, &file_meta, content, &entry.contents, cancellable, error)
      || !sc_object_writer_finish (objects, error))
    return NULL;
  g_array_append_val (files, entry);
  if (!sc_tree_write (ostree, files, dirs, &commit.tree, cancellable, error)
      || !sc_dirmeta_write (ostree, &dir_meta, &commit.meta, cancellable, error))
    return NULL;
  return sc_commit_write (ostree, &commit, cancellable, error);
}

static void
add_string (GVariantBuilder *builder, const char *key, const char *value)
{
  g_variant_builder_add (builder, "{sv}", key, g_variant_new_string (value));
}

static char *
write_config (ScRepo *repo, const ScNewImage *image, GCancellable *cancellable, GError **error)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_autofree char *size
      = g_strdup_printf ("%" G_GSIZE_FORMAT, g_bytes_get_size (image->config_bytes));

  add_string (&builder, "docker.size", size);
  g_autoptr (GVariant) metadata = g_variant_ref_sink (g_variant_builder_end (&builder));
  return write_file_commit (sc_repo_get_ostree (repo), CONFIG_FILE, image->config_bytes, metadata,
                            cancellable, error);
}

static char *
write_image (ScRepo *repo, const ScNewImage *image, GCancellable *cancellable, GError **error)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  gsize size_bytes = 0;
  const char *data = g_bytes_get_data (image->manifest_bytes, &size_bytes);

  if (!g_utf8_validate_len (data, size_bytes, NULL))
    {
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "the manifest is not UTF-8");
      return NULL;
    }

  g_autofree char *text = g_strndup (data, size_bytes);
  add_string (&builder, "docker.manifest", text);
  add_string (&builder, "docker.digest", image->manifest_digest);
  add_string (&builder, "signatures", "0");
  add_string (&builder, "syscont.source", image->source);
  g_autoptr (GVariant) metadata = g_variant_ref_sink (g_variant_builder_end (&builder));
  return write_file_commit (sc_repo_get_ostree (repo), MANIFEST_FILE, image->manifest_bytes,
                            metadata, cancellable, error);
}

/* The time of the merged commit, so that one image gives one commit wherever it is pulled. */
static guint64
read_created (GBytes *config_bytes, guint n_layers)
{
  g_autoptr (ScImageConfig) config
      = config_bytes != NULL ? sc_image_config_parse (config_bytes, n_layers, NULL) : NULL;

  return config != NULL && config->created_usec > 0 ? (guint64)config->created_usec / G_USEC_PER_SEC
                                                    : 0;
}

static gboolean
check_name (const char *fullname, GError **error)
{
  g_autofree char *ref = sc_reference_encode (fullname);

  return strlen (strchr (ref, '/') + 1) <= MAX_REF_NAME
         || sc_error_set (error, SYSCONT_ERROR_INVALID_REFERENCE,
                          "the name is too long to be stored");
}

static gboolean
check_new_image (const ScNewImage *image, GError **error)
{
  if (image->manifest->is_index || image->manifest->config == NULL
      || image->manifest->layers->len == 0)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "the image has no layers");
  if (g_strv_length (image->layer_commits) != image->manifest->layers->len)
    return sc_error_set (error, SYSCONT_ERROR_FAILED, "the manifest has %u layers, %u are stored",
                         image->manifest->layers->len, g_strv_length (image->layer_commits));
  return check_name (image->fullname, error);
}

static void
set_blob_ref (ScRepo *repo, const char *digest, const char *commit)
{
  g_autofree char *ref = sc_reference_blob_ref (digest);
  sc_repo_set_ref (repo, ref, commit);
}

/* The name comes last: with it everything else is there. */
static void
set_refs (ScRepo *repo,
          const ScNewImage *image,
          const char *config,
          const char *rootfs,
          const char *commit)
{
  g_autofree char *rootfs_ref = sc_rootfs_ref (image->manifest_digest);
  g_autofree char *image_ref = image->is_unnamed ? sc_unnamed_ref (image->manifest_digest)
                                                 : sc_reference_encode (image->fullname);

  for (guint i = 0; i < image->manifest->layers->len; i++)
    {
      const ScDescriptor *layer = image->manifest->layers->pdata[i];
      set_blob_ref (repo, layer->digest, image->layer_commits[i]);
    }
  set_blob_ref (repo, image->manifest->config->digest, config);
  sc_repo_set_ref (repo, rootfs_ref, rootfs);
  sc_repo_set_ref (repo, image_ref, commit);
}

gboolean
sc_image_store_add (ScRepo *repo,
                    const ScNewImage *image,
                    GCancellable *cancellable,
                    GError **error)
{
  g_autofree char *shown = sc_text_escape (image->fullname);

  if (!check_new_image (image, error))
    return sc_prefix_error (error, "storing \"%s\": ", shown);

  guint64 created_s = read_created (image->config_bytes, image->manifest->layers->len);
  g_autoptr (ScMerged) sibling
      = sc_image_sibling_find (repo, image->manifest_digest, image->manifest);
  g_autofree char *rootfs = sc_merge_layers (repo, (const char *const *)image->layer_commits,
                                             sibling, created_s, cancellable, error);
  g_autofree char *config = rootfs != NULL ? write_config (repo, image, cancellable, error) : NULL;
  g_autofree char *commit = config != NULL ? write_image (repo, image, cancellable, error) : NULL;
  if (commit == NULL)
    return sc_prefix_error (error, "storing \"%s\": ", shown);

  set_refs (repo, image, config, rootfs, commit);
  return TRUE;
}

gboolean
sc_image_store_set_name (ScRepo *repo, const ScImage *image, const char *fullname, GError **error)
{
  g_autofree char *ref = sc_reference_encode (fullname);

  if (!check_name (fullname, error))
    return FALSE;
  sc_repo_set_ref (repo, ref, image->commit);
  return TRUE;
}

void
sc_image_store_remove_name (ScRepo *repo, const char *fullname)
{
  g_autofree char *ref = sc_reference_encode (fullname);
  sc_repo_set_ref (repo, ref, NULL);
}

static ScStoredManifest *
load_manifest (ScRepo *repo, const ScImage *image, GError **error)
{
  g_autoptr (ScStoredManifest) manifest = NULL;

  if (!sc_stored_manifest_load (repo, image->commit, &manifest, error))
    sc_prefix_error (error, "image %s: ", image->digest);
  else if (manifest == NULL)
    sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                  "image %s: it was made in OSTree and has no manifest", image->digest);
  return g_steal_pointer (&manifest);
}

/* What was stored under a digest is checked against it when it is read back. */
static gboolean
check_digest (GBytes *bytes, const char *digest, GError **error)
{
  gsize size_bytes = 0;
  gconstpointer data = g_bytes_get_data (bytes, &size_bytes);
  g_autofree char *actual = sc_digest_of_bytes (data, size_bytes);

  return strcmp (actual, digest) == 0
         || sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT,
                          "it has the digest %s (remove the image and pull it again)", actual);
}

GBytes *
sc_image_store_get_manifest (ScRepo *repo, const ScImage *image, GError **error)
{
  g_autoptr (ScStoredManifest) manifest = load_manifest (repo, image, error);
  if (manifest == NULL)
    return NULL;

  g_autoptr (GBytes) bytes = g_bytes_new (manifest->text, strlen (manifest->text));
  /* The digest of a signed schema 1 manifest is that of a part of it. */
  if (!manifest->is_schema1 && !check_digest (bytes, image->digest, error))
    {
      sc_prefix_error (error, "manifest of image %s: ", image->digest);
      return NULL;
    }
  return g_steal_pointer (&bytes);
}

static GBytes *
read_config (ScRepo *repo, const char *digest, GError **error)
{
  g_autofree char *ref = sc_reference_blob_ref (digest);
  g_autofree char *commit = sc_repo_resolve (repo, ref, error);
  if (commit == NULL)
    {
      if (error == NULL || *error == NULL)
        sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "it is not stored, pull the image again");
      return NULL;
    }

  g_autoptr (GBytes) bytes
      = sc_repo_read_file (repo, commit, CONFIG_FILE, SC_IMAGE_CONFIG_MAX_BYTES, error);
  return bytes != NULL && check_digest (bytes, digest, error) ? g_steal_pointer (&bytes) : NULL;
}

GBytes *
sc_image_store_get_config (ScRepo *repo, const ScImage *image, GError **error)
{
  g_autoptr (ScStoredManifest) manifest = load_manifest (repo, image, error);
  if (manifest == NULL)
    return NULL;
  if (manifest->config_digest == NULL)
    {
      sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "image %s: its manifest names no config",
                    image->digest);
      return NULL;
    }

  g_autoptr (GError) local_error = NULL;
  GBytes *bytes = read_config (repo, manifest->config_digest, &local_error);
  if (bytes == NULL)
    g_propagate_prefixed_error (error, g_steal_pointer (&local_error),
                                "config %s of image %s: ", manifest->config_digest, image->digest);
  return bytes;
}

/* NULL without @error: there is none, or one that has to be made again. */
static char *
find_rootfs (ScRepo *repo, const char *ref, GError **error)
{
  g_autofree char *commit = sc_repo_resolve (repo, ref, error);
  if (commit == NULL)
    return NULL;

  g_autoptr (GVariant) variant = sc_commit_load (sc_repo_get_ostree (repo), commit, NULL);
  return variant != NULL ? g_steal_pointer (&commit) : NULL;
}

static char **
resolve_layers (ScRepo *repo, const ScStoredManifest *manifest, GError **error)
{
  g_autoptr (GStrvBuilder) commits = g_strv_builder_new ();

  if (manifest->layers[0] == NULL)
    {
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "it has no layers");
      return NULL;
    }
  for (guint i = 0; manifest->layers[i] != NULL; i++)
    {
      g_autofree char *ref = sc_reference_blob_ref (manifest->layers[i]);
      g_autoptr (GError) local_error = NULL;
      g_autofree char *commit = sc_repo_resolve (repo, ref, &local_error);

      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return NULL;
        }
      if (commit == NULL)
        {
          sc_error_set (error, SYSCONT_ERROR_NOT_FOUND,
                        "its layer %s is not stored, pull the image again", manifest->layers[i]);
          return NULL;
        }
      g_strv_builder_add (commits, commit);
    }
  return g_strv_builder_end (commits);
}

char **
sc_image_store_get_layers (ScRepo *repo, const ScImage *image, GError **error)
{
  g_autoptr (ScStoredManifest) manifest = load_manifest (repo, image, error);
  char **layers = manifest != NULL ? resolve_layers (repo, manifest, error) : NULL;

  if (manifest != NULL && layers == NULL)
    sc_prefix_error (error, "image %s: ", image->digest);
  return layers;
}

static char *
make_rootfs (ScRepo *repo,
             const ScImage *image,
             const ScStoredManifest *manifest,
             GCancellable *cancellable,
             GError **error)
{
  g_auto (GStrv) layers = resolve_layers (repo, manifest, error);
  g_autofree char *ref = sc_rootfs_ref (image->digest);
  g_autoptr (GBytes) config = sc_image_store_get_config (repo, image, NULL);
  guint64 created_s = read_created (config, g_strv_length (manifest->layers));

  if (layers == NULL || !sc_repo_begin (repo, cancellable, error))
    return NULL;
  g_autoptr (ScRepoTransaction) transaction = repo;
  g_autofree char *commit
      = sc_merge_layers (repo, (const char *const *)layers, NULL, created_s, cancellable, error);
  if (commit == NULL)
    return NULL;
  sc_repo_set_ref (transaction, ref, commit);
  return sc_repo_commit (repo, cancellable, error) ? g_steal_pointer (&commit) : NULL;
}

char *
sc_image_store_ensure_rootfs (ScRepo *repo,
                              const ScImage *image,
                              GCancellable *cancellable,
                              GError **error)
{
  g_autofree char *ref = sc_rootfs_ref (image->digest);
  g_autoptr (ScStoredManifest) manifest = NULL;
  g_autoptr (GError) local_error = NULL;
  g_autofree char *commit = find_rootfs (repo, ref, &local_error);

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (commit != NULL)
    return g_steal_pointer (&commit);
  if (!sc_stored_manifest_load (repo, image->commit, &manifest, error))
    {
      sc_prefix_error (error, "image %s: ", image->digest);
      return NULL;
    }
  if (manifest == NULL)
    return g_strdup (image->commit); /* made in OSTree: its tree is the root file system */

  commit = make_rootfs (repo, image, manifest, cancellable, error);
  if (commit == NULL)
    sc_prefix_error (error, "root file system of image %s: ", image->digest);
  return g_steal_pointer (&commit);
}
