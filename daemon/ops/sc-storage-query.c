/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-storage-query.h"

#include "dbus/sc-bus-path.h"
#include "ops/sc-spool.h"
#include "ops/sc-usage.h"
#include "store/sc-blob-list.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

static void
add_size (GVariantBuilder *builder, const char *key, guint64 bytes)
{
  g_variant_builder_add (builder, "{sv}", key, g_variant_new_uint64 (bytes));
}

/* Of layers, unpacked. */
static gboolean
add_layers (GVariantBuilder *builder, ScRepo *repo, GError **error)
{
  g_autoptr (GPtrArray) blobs = sc_blob_list (repo, error);
  guint64 shared_bytes = 0;
  guint64 exclusive_bytes = 0;

  if (blobs == NULL)
    return FALSE;
  for (guint i = 0; i < blobs->len; i++)
    {
      const ScStoredBlob *blob = blobs->pdata[i];
      guint n_images = g_strv_length (blob->images);

      if (!blob->is_config && n_images > 1)
        shared_bytes += blob->size_bytes;
      else if (!blob->is_config && n_images == 1)
        exclusive_bytes += blob->size_bytes;
    }
  add_size (builder, "shared", shared_bytes);
  add_size (builder, "exclusive", exclusive_bytes);
  return TRUE;
}

static gboolean
add_file_system (GVariantBuilder *builder, const ScPaths *paths, GError **error)
{
  struct statvfs fs;

  if (statvfs (paths->repository, &fs) < 0)
    return sc_error_set_errno (error, errno, "looking at the file system of \"%s\"",
                               paths->repository);
  add_size (builder, "capacity", (guint64)fs.f_blocks * fs.f_frsize);
  add_size (builder, "available", (guint64)fs.f_bavail * fs.f_frsize);
  return TRUE;
}

GVariant *
sc_storage_query_sizes (const ScPaths *paths, GError **error)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_autoptr (ScRepo) repo = sc_repo_open (paths, error);
  ScStorageSize size = { 0 };
  ScSpoolUsage spool;

  if (repo == NULL || !sc_usage_measure (paths, repo, &size, error)
      || !add_layers (&builder, repo, error) || !add_file_system (&builder, paths, error))
    return NULL;
  sc_spool_measure (paths, &spool);
  add_size (&builder, "repository", size.needed_bytes + size.reclaimable_bytes);
  add_size (&builder, "reclaimable", size.reclaimable_bytes);
  add_size (&builder, "spool", spool.total_bytes);
  add_size (&builder, "spool-reclaimable", spool.reclaimable_bytes);
  return g_variant_builder_end (&builder);
}

static GVariant *
blob_to_variant (const ScStoredBlob *blob)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  GVariantBuilder users = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_OBJECT_PATH_ARRAY);

  for (guint i = 0; blob->images[i] != NULL; i++)
    {
      g_autofree char *path = sc_bus_path_image (blob->images[i]);
      g_variant_builder_add (&users, "o", path);
    }
  g_variant_builder_add (&builder, "{sv}", "kind",
                         g_variant_new_string (blob->is_config ? "config" : "layer"));
  g_variant_builder_add (&builder, "{sv}", "digest", g_variant_new_string (blob->digest));
  g_variant_builder_add (&builder, "{sv}", "references", g_variant_new_strv (NULL, 0));
  add_size (&builder, "size", blob->size_bytes);
  add_size (&builder, "compressed-size", blob->compressed_bytes);
  add_size (&builder, "pulled", (guint64)MAX (blob->stored_usec, 0));
  g_variant_builder_add (&builder, "{sv}", "used-by", g_variant_builder_end (&users));
  return g_variant_builder_end (&builder);
}

GVariant *
sc_storage_query_blobs (const ScPaths *paths, GError **error)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (ScRepo) repo = sc_repo_open (paths, error);
  g_autoptr (GPtrArray) blobs = repo != NULL ? sc_blob_list (repo, error) : NULL;

  for (guint i = 0; blobs != NULL && i < blobs->len; i++)
    g_variant_builder_add_value (&builder, blob_to_variant (blobs->pdata[i]));
  if (blobs != NULL)
    return g_variant_builder_end (&builder);
  g_variant_builder_clear (&builder);
  return NULL;
}
