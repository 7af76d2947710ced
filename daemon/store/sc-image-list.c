/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-image-list.h"

#include "base/sc-digest.h"
#include "base/sc-log.h"
#include "image/sc-reference.h"
#include "store/sc-tree-object.h"

#include <string.h>

#define CONFIG_FILE "content"

/* All images while a list is made. Each layer commit is read once. */
typedef struct
{
  guint64 unpacked_bytes;   /* compressed where that is not known */
  guint64 compressed_bytes; /* 0 = not known */
} LayerSize;

typedef struct
{
  ScRepo *repo;
  GHashTable *refs;        /* (owned) "ociimage/…" to commit */
  GHashTable *groups;      /* (owned) digest to Group* */
  GHashTable *layer_sizes; /* (owned) digest to LayerSize */
  GHashTable *layer_users; /* (owned) digest to number of groups */
} Listing;

/* One image: all names with one manifest digest. */
typedef struct
{
  ScImage *image;             /* (owned) */
  ScStoredManifest *manifest; /* (owned) (nullable) */
  GPtrArray *names;           /* (owned) */
  GHashTable *layers; /* (owned) set of digests: a layer that is listed twice is stored once */
} Group;

void
sc_image_free (ScImage *self)
{
  g_free (self->digest);
  g_free (self->commit);
  g_strfreev (self->references);
  g_free (self->source);
  g_free (self->platform);
  g_clear_pointer (&self->labels, g_hash_table_unref);
  g_free (self);
}

static void
group_free (Group *self)
{
  g_clear_pointer (&self->image, sc_image_free);
  g_clear_pointer (&self->manifest, sc_stored_manifest_free);
  g_clear_pointer (&self->names, g_ptr_array_unref);
  g_clear_pointer (&self->layers, g_hash_table_unref);
  g_free (self);
}

static void
listing_clear (Listing *self)
{
  g_clear_pointer (&self->refs, g_hash_table_unref);
  g_clear_pointer (&self->groups, g_hash_table_unref);
  g_clear_pointer (&self->layer_sizes, g_hash_table_unref);
  g_clear_pointer (&self->layer_users, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Listing, listing_clear)

/* Old versions of atomic stored no digest. */
static char *
dup_digest (GHashTable *strings, const char *commit, const char *manifest_text)
{
  const char *digest = g_hash_table_lookup (strings, "docker.digest");

  if (digest != NULL && sc_digest_is_valid (digest))
    return g_strdup (digest);
  if (manifest_text != NULL)
    return sc_digest_of_bytes (manifest_text, strlen (manifest_text));
  return g_strconcat ("sha256:", commit, NULL);
}

ScImage *
sc_image_load (ScRepo *repo, const char *commit, ScStoredManifest **manifest, GError **error)
{
  g_autoptr (GVariant) variant = sc_commit_load (sc_repo_get_ostree (repo), commit, error);
  g_autoptr (GHashTable) strings
      = variant != NULL ? sc_repo_get_commit_strings (repo, commit, error) : NULL;
  if (strings == NULL)
    return NULL;

  const char *text = g_hash_table_lookup (strings, "docker.manifest");
  *manifest = text != NULL ? sc_stored_manifest_parse (text, error) : NULL;
  if (text != NULL && *manifest == NULL)
    {
      sc_prefix_error (error, "stored manifest: ");
      return NULL;
    }

  const char *source = g_hash_table_lookup (strings, "syscont.source");
  ScImage *image = g_new0 (ScImage, 1);
  image->digest = dup_digest (strings, commit, text);
  image->commit = g_strdup (commit);
  image->source = g_strdup (source != NULL ? source : "");
  image->pulled_usec = (gint64)ostree_commit_get_timestamp (variant) * G_USEC_PER_SEC;
  return image;
}

static Group *
group_new (ScImage *image, ScStoredManifest *manifest)
{
  Group *self = g_new0 (Group, 1);

  self->image = image;
  self->manifest = manifest;
  self->names = g_ptr_array_new_with_free_func (g_free);
  self->layers = g_hash_table_new (g_str_hash, g_str_equal);
  for (guint i = 0; manifest != NULL && manifest->layers[i] != NULL; i++)
    g_hash_table_add (self->layers, manifest->layers[i]);
  return self;
}

/* Of several commits of one image the newest says where it came from. */
static void
group_take_newer (Group *self, ScImage *image)
{
  ScImage *present = self->image;

  if (image->pulled_usec < present->pulled_usec
      || (image->pulled_usec == present->pulled_usec
          && strcmp (image->commit, present->commit) <= 0))
    return;
  present->pulled_usec = image->pulled_usec;
  g_free (present->commit);
  present->commit = g_steal_pointer (&image->commit);
  g_free (present->source);
  present->source = g_steal_pointer (&image->source);
}

static void
add_name (Listing *self, const char *name, const char *commit)
{
  g_autoptr (ScStoredManifest) manifest = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (ScImage) image = sc_image_load (self->repo, commit, &manifest, &error);

  if (image == NULL)
    {
      g_autofree char *shown = sc_text_escape (name);
      ScLogFields fields = { .image = shown };
      sc_log (G_LOG_LEVEL_WARNING, &fields, "image \"%s\" cannot be read: %s", shown,
              error->message);
      return;
    }

  Group *group = g_hash_table_lookup (self->groups, image->digest);
  if (group != NULL)
    group_take_newer (group, image);
  else
    {
      group = group_new (g_steal_pointer (&image), g_steal_pointer (&manifest));
      g_hash_table_insert (self->groups, group->image->digest, group);
    }
  g_ptr_array_add (group->names, g_strdup (name));
}

static void
collect_groups (Listing *self)
{
  GHashTableIter iter;
  gpointer ref = NULL;
  gpointer commit = NULL;

  g_hash_table_iter_init (&iter, self->refs);
  while (g_hash_table_iter_next (&iter, &ref, &commit))
    {
      g_autofree char *name = sc_reference_decode (ref);
      if (name != NULL)
        add_name (self, name, commit);
    }
}

static void
count_layer_users (Listing *self)
{
  GHashTableIter iter;
  GHashTableIter layer_iter;
  gpointer group = NULL;
  gpointer layer = NULL;

  g_hash_table_iter_init (&iter, self->groups);
  while (g_hash_table_iter_next (&iter, NULL, &group))
    {
      g_hash_table_iter_init (&layer_iter, ((Group *)group)->layers);
      while (g_hash_table_iter_next (&layer_iter, &layer, NULL))
        {
          guint n = GPOINTER_TO_UINT (g_hash_table_lookup (self->layer_users, layer));
          g_hash_table_insert (self->layer_users, layer, GUINT_TO_POINTER (n + 1));
        }
    }
}

static void
read_size (GHashTable *strings, const char *key, guint64 *size_bytes)
{
  const char *text = g_hash_table_lookup (strings, key);

  if (text != NULL)
    (void)g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, size_bytes, NULL);
}

/* As its commit says, else as the manifest does. */
static const LayerSize *
get_layer_size (Listing *self, const char *digest, guint64 manifest_bytes)
{
  LayerSize *size = g_hash_table_lookup (self->layer_sizes, digest);
  if (size != NULL)
    return size;

  g_autofree char *ref = sc_reference_blob_ref (digest);
  const char *commit = g_hash_table_lookup (self->refs, ref);
  g_autoptr (GHashTable) strings
      = commit != NULL ? sc_repo_get_commit_strings (self->repo, commit, NULL) : NULL;
  size = g_new0 (LayerSize, 1);
  size->compressed_bytes = manifest_bytes;
  if (strings != NULL)
    {
      read_size (strings, "docker.size", &size->compressed_bytes);
      read_size (strings, "docker.uncompressed_size", &size->unpacked_bytes);
    }
  if (size->unpacked_bytes == 0)
    size->unpacked_bytes = size->compressed_bytes;
  g_hash_table_insert (self->layer_sizes, g_strdup (digest), size);
  return size;
}

static void
add_sizes (Listing *self, Group *group)
{
  ScImage *image = group->image;
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; group->manifest != NULL && group->manifest->layers[i] != NULL; i++)
    {
      const char *digest = group->manifest->layers[i];
      if (!g_hash_table_add (seen, (gpointer)digest))
        continue;

      const LayerSize *size = get_layer_size (self, digest, group->manifest->layer_sizes[i]);
      image->size_bytes += size->unpacked_bytes;
      image->compressed_bytes += size->compressed_bytes;
      if (GPOINTER_TO_UINT (g_hash_table_lookup (self->layer_users, digest)) == 1)
        image->exclusive_bytes += size->unpacked_bytes;
    }
}

static ScImageConfig *
read_config (Listing *self, const ScStoredManifest *manifest)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *ref = sc_reference_blob_ref (manifest->config_digest);
  const char *commit = g_hash_table_lookup (self->refs, ref);
  if (commit == NULL)
    return NULL;

  g_autoptr (GBytes) bytes
      = sc_repo_read_file (self->repo, commit, CONFIG_FILE, SC_IMAGE_CONFIG_MAX_BYTES, &error);
  ScImageConfig *config
      = bytes != NULL ? sc_image_config_parse (bytes, g_strv_length (manifest->layers), &error)
                      : NULL;
  if (config == NULL)
    sc_log (G_LOG_LEVEL_DEBUG, NULL, "image config %s cannot be read: %s", manifest->config_digest,
            error->message);
  return config;
}

static void
add_config (Listing *self, Group *group)
{
  const ScStoredManifest *manifest = group->manifest;
  ScImage *image = group->image;
  g_autoptr (ScImageConfig) config
      = manifest != NULL && manifest->config_digest != NULL ? read_config (self, manifest) : NULL;

  if (config != NULL)
    {
      image->platform = sc_platform_to_text (config->platform);
      image->created_usec = config->created_usec;
      image->labels = g_hash_table_ref (config->labels);
      return;
    }
  image->platform
      = g_strdup (manifest != NULL && manifest->platform != NULL ? manifest->platform : "");
  image->labels = manifest != NULL
                      ? g_hash_table_ref (manifest->labels)
                      : g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static int
compare_images (gconstpointer a, gconstpointer b)
{
  const ScImage *first = *(const ScImage *const *)a;
  const ScImage *second = *(const ScImage *const *)b;

  return strcmp (first->references[0], second->references[0]);
}

static ScImage *
finish_group (Listing *self, Group *group)
{
  add_sizes (self, group);
  add_config (self, group);
  g_ptr_array_sort (group->names, compare_strings);
  g_ptr_array_add (group->names, NULL);
  group->image->references = (char **)g_ptr_array_free (g_steal_pointer (&group->names), FALSE);
  return g_steal_pointer (&group->image);
}

/* @more: (nullable): a name, and the commit of the image that is to be seen under it too */
static GPtrArray *
list (ScRepo *repo, const char *more, const char *commit, GError **error)
{
  g_auto (Listing) listing = {
    .repo = repo,
    .refs = sc_repo_list_refs (repo, "ociimage", error),
    .groups = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)group_free),
    .layer_sizes = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
    .layer_users = g_hash_table_new (g_str_hash, g_str_equal),
  };
  if (listing.refs == NULL)
    return NULL;

  GPtrArray *images = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_image_free);
  GHashTableIter iter;
  gpointer group = NULL;
  collect_groups (&listing);
  if (more != NULL)
    add_name (&listing, more, commit);
  count_layer_users (&listing);
  g_hash_table_iter_init (&iter, listing.groups);
  while (g_hash_table_iter_next (&iter, NULL, &group))
    g_ptr_array_add (images, finish_group (&listing, group));
  g_ptr_array_sort (images, compare_images);
  return images;
}

GPtrArray *
sc_image_store_list (ScRepo *repo, GError **error)
{
  return list (repo, NULL, NULL, error);
}

ScImage *
sc_image_store_lookup_unnamed (
    ScRepo *repo, const char *digest, const char *fullname, gboolean *is_new, GError **error)
{
  g_autoptr (ScImage) named = sc_image_store_lookup (repo, digest, NULL);
  g_autofree char *ref = sc_unnamed_ref (digest);
  g_autofree char *commit
      = named != NULL ? g_strdup (named->commit) : sc_repo_resolve (repo, ref, error);
  g_autoptr (GPtrArray) images = commit != NULL ? list (repo, fullname, commit, error) : NULL;

  *is_new = named == NULL;
  for (guint i = 0; images != NULL && i < images->len; i++)
    if (strcmp (((ScImage *)images->pdata[i])->digest, digest) == 0)
      return g_ptr_array_steal_index_fast (images, i);
  if (error != NULL && *error == NULL)
    sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "the image %s was removed in the meantime",
                  digest);
  return NULL;
}
