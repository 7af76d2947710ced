/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-blob-list.h"

#include "image/sc-reference.h"
#include "store/sc-image-list.h"
#include "store/sc-tree-object.h"

#include <string.h>

#define CONFIG_FILE "content"

/* Who needs a blob, found before the blob itself. */
typedef struct
{
  GHashTable *images; /* (owned) set of char* */
  gboolean is_config;
} Use;

static Use *
use_new (void)
{
  Use *self = g_new0 (Use, 1);

  self->images = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  return self;
}

static void
use_free (gpointer data)
{
  Use *self = data;

  g_hash_table_unref (self->images);
  g_free (self);
}

void
sc_stored_blob_free (ScStoredBlob *self)
{
  g_free (self->digest);
  g_strfreev (self->images);
  g_free (self);
}

static void
add_use (GHashTable *uses, const char *blob, const char *image, gboolean is_config)
{
  g_autofree char *ref = sc_reference_blob_ref (blob);
  Use *use = g_hash_table_lookup (uses, ref);

  if (use == NULL)
    {
      use = use_new ();
      g_hash_table_insert (uses, g_steal_pointer (&ref), use);
    }
  use->is_config = is_config;
  g_hash_table_add (use->images, g_strdup (image));
}

/* (transfer full): ref of a blob to Use */
static GHashTable *
find_uses (ScRepo *repo, GHashTable *refs)
{
  GHashTable *uses = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, use_free);
  GHashTableIter iter;
  gpointer ref;
  gpointer commit;

  g_hash_table_iter_init (&iter, refs);
  while (g_hash_table_iter_next (&iter, &ref, &commit))
    {
      g_autoptr (ScStoredManifest) manifest = NULL;
      g_autoptr (ScImage) image
          = !sc_reference_is_blob_ref (ref) ? sc_image_load (repo, commit, &manifest, NULL) : NULL;
      if (image == NULL || manifest == NULL)
        continue;
      for (guint i = 0; manifest->layers[i] != NULL; i++)
        add_use (uses, manifest->layers[i], image->digest, FALSE);
      if (manifest->config_digest != NULL)
        add_use (uses, manifest->config_digest, image->digest, TRUE);
    }
  return uses;
}

static gboolean
read_size (GHashTable *strings, const char *key, guint64 *size_bytes)
{
  const char *text = g_hash_table_lookup (strings, key);

  return text != NULL && g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, size_bytes, NULL);
}

/* No image says what an unused blob is. Old layers have no unpacked size either. */
static gboolean
looks_like_config (ScRepo *repo, const char *commit)
{
  ScNodeType type = SC_NODE_NONE;

  return sc_repo_lookup (repo, commit, CONFIG_FILE, &type, NULL) && type == SC_NODE_REGULAR;
}

static char **
dup_sorted (GHashTable *set)
{
  GStrvBuilder *builder = g_strv_builder_new ();
  g_autoptr (GList) keys = g_list_sort (g_hash_table_get_keys (set), (GCompareFunc)strcmp);

  for (GList *l = keys; l != NULL; l = l->next)
    g_strv_builder_add (builder, l->data);
  char **strings = g_strv_builder_end (builder);
  g_strv_builder_unref (builder);
  return strings;
}

static ScStoredBlob *
load_blob (ScRepo *repo, const char *ref, const char *commit, const Use *use)
{
  g_autoptr (GVariant) variant = sc_commit_load (sc_repo_get_ostree (repo), commit, NULL);
  g_autoptr (GHashTable) strings
      = variant != NULL ? sc_repo_get_commit_strings (repo, commit, NULL) : NULL;
  if (strings == NULL)
    return NULL;

  ScStoredBlob *self = g_new0 (ScStoredBlob, 1);
  gboolean has_unpacked = read_size (strings, "docker.uncompressed_size", &self->size_bytes);
  self->digest = g_strconcat ("sha256:", strrchr (ref, '/') + 1, NULL);
  self->stored_usec = (gint64)ostree_commit_get_timestamp (variant) * G_USEC_PER_SEC;
  (void)read_size (strings, "docker.size", &self->compressed_bytes);
  if (!has_unpacked)
    self->size_bytes = self->compressed_bytes;
  self->is_config
      = use != NULL ? use->is_config : !has_unpacked && looks_like_config (repo, commit);
  self->images = use != NULL ? dup_sorted (use->images) : g_new0 (char *, 1);
  return self;
}

static int
compare_blobs (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(const ScStoredBlob *const *)a)->digest,
                 (*(const ScStoredBlob *const *)b)->digest);
}

GPtrArray *
sc_blob_list (ScRepo *repo, GError **error)
{
  g_autoptr (GHashTable) refs = sc_repo_list_refs (repo, "ociimage", error);
  if (refs == NULL)
    return NULL;

  g_autoptr (GHashTable) uses = find_uses (repo, refs);
  GPtrArray *blobs = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_stored_blob_free);
  GHashTableIter iter;
  gpointer ref;
  gpointer commit;

  g_hash_table_iter_init (&iter, refs);
  while (g_hash_table_iter_next (&iter, &ref, &commit))
    {
      ScStoredBlob *blob = sc_reference_is_blob_ref (ref)
                               ? load_blob (repo, ref, commit, g_hash_table_lookup (uses, ref))
                               : NULL;
      if (blob != NULL)
        g_ptr_array_add (blobs, blob);
    }
  g_ptr_array_sort (blobs, compare_blobs);
  return blobs;
}
