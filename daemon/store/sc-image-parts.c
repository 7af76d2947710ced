/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-image-parts.h"

#include "image/sc-reference.h"
#include "store/sc-layer-writer.h"
#include "store/sc-stored-manifest.h"
#include "store/sc-tree-object.h"

#define MANIFEST_FILE "manifest.json"

void
sc_blob_commit_free (ScBlobCommit *self)
{
  g_free (self->digest);
  g_free (self->commit);
  g_free (self);
}

void
sc_image_parts_free (ScImageParts *self)
{
  g_strfreev (self->names);
  g_ptr_array_unref (self->layers);
  g_clear_pointer (&self->config, sc_blob_commit_free);
  g_free (self->rootfs);
  g_free (self);
}

static ScBlobCommit *
find_blob (ScRepo *repo, const char *digest)
{
  ScBlobCommit *self = g_new0 (ScBlobCommit, 1);
  g_autofree char *ref = sc_reference_blob_ref (digest);

  self->digest = g_strdup (digest);
  self->commit = sc_repo_resolve (repo, ref, NULL);
  return self;
}

static char **
find_names (ScRepo *repo, const ScImage *image)
{
  g_autoptr (GHashTable) commits = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  g_hash_table_add (commits, g_strdup (image->commit));
  for (guint i = 0; image->references[i] != NULL; i++)
    {
      g_autofree char *ref = sc_reference_encode (image->references[i]);
      char *commit = sc_repo_resolve (repo, ref, NULL);
      if (commit != NULL)
        g_hash_table_add (commits, commit);
    }
  g_autofree char **keys = (char **)g_hash_table_get_keys_as_array (commits, NULL);
  return g_strdupv (keys);
}

ScImageParts *
sc_image_parts_load (ScRepo *repo, const ScImage *image, GError **error)
{
  g_autoptr (ScStoredManifest) manifest = NULL;
  g_autofree char *rootfs_ref = sc_rootfs_ref (image->digest);

  if (!sc_stored_manifest_load (repo, image->commit, &manifest, error))
    return NULL;

  ScImageParts *self = g_new0 (ScImageParts, 1);
  self->names = find_names (repo, image);
  self->layers = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_blob_commit_free);
  self->rootfs = sc_repo_resolve (repo, rootfs_ref, NULL);
  if (manifest == NULL)
    return self;

  for (guint i = 0; manifest->layers[i] != NULL; i++)
    g_ptr_array_add (self->layers, find_blob (repo, manifest->layers[i]));
  if (manifest->config_digest != NULL)
    self->config = find_blob (repo, manifest->config_digest);
  return self;
}

static gboolean
has_layers (ScRepo *repo, const ScImageParts *parts)
{
  for (guint i = 0; i < parts->layers->len; i++)
    {
      const ScBlobCommit *layer = parts->layers->pdata[i];
      g_autofree char *commit = sc_layer_find (repo, layer->digest, NULL);
      if (commit == NULL)
        return FALSE;
    }
  return TRUE;
}

/* What an image commit says of the image is in the commit itself. */
static gboolean
is_commit_whole (ScRepo *repo, const char *commit)
{
  g_autoptr (GVariant) variant = sc_commit_load (sc_repo_get_ostree (repo), commit, NULL);
  ScChecksum checksum;

  ostree_checksum_inplace_to_bytes (commit, checksum.bytes);
  return variant != NULL && sc_object_has_checksum (variant, &checksum);
}

static gboolean
has_manifest (ScRepo *repo, const ScImageParts *parts)
{
  for (guint i = 0; parts->names[i] != NULL; i++)
    {
      ScNodeType type = SC_NODE_NONE;
      if (!is_commit_whole (repo, parts->names[i])
          || !sc_repo_lookup (repo, parts->names[i], MANIFEST_FILE, &type, NULL)
          || type != SC_NODE_REGULAR)
        return FALSE;
    }
  return TRUE;
}

gboolean
sc_image_is_whole (ScRepo *repo, const ScImage *image)
{
  g_autoptr (ScImageParts) parts = sc_image_parts_load (repo, image, NULL);
  if (parts == NULL || !has_layers (repo, parts) || !has_manifest (repo, parts))
    return FALSE;

  g_autoptr (GBytes) config = sc_image_store_get_config (repo, image, NULL);
  return config != NULL && (parts->rootfs == NULL || is_commit_whole (repo, parts->rootfs));
}
