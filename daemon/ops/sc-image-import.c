/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-image-import.h"

#include "base/sc-fd.h"
#include "dbus/sc-bus-path.h"
#include "ops/sc-op-private.h"
#include "ops/sc-transfer.h"
#include "ops/sc-unpacker.h"
#include "store/sc-image-parts.h"
#include "store/sc-layer-writer.h"

#include <string.h>
#include <syslog.h>

#define CONFIG_BLOB 0 /* its place among the blobs */

/* What an import has in its hands while it runs. */
typedef struct
{
  const ScImageImport *import;
  GPtrArray
      *blobs; /* (owned) of ScBlob, lent when they are local: the config, then each layer that is
              * missing, once */
  GHashTable *blob_of_layer; /* (owned) digest to index in blobs + 1 */
  GHashTable *commits;       /* (owned) layer digest to commit */
  ScTransfer *transfer;      /* (owned) (nullable) */
  guint64 download_bytes;
  guint64 layer_bytes; /* compressed, of the layers that are missing: unpacked they take at least as
                    * much */
  guint64 unpacked_bytes; /* of the layers read so far */
  guint dropped;
} Run;

static void
run_clear (Run *run)
{
  g_clear_pointer (&run->transfer, sc_transfer_free);
  g_ptr_array_unref (run->blobs);
  g_hash_table_unref (run->blob_of_layer);
  g_hash_table_unref (run->commits);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

static gboolean
add_blob (Run *run, const ScDescriptor *descriptor, GError **error)
{
  GHashTable *local = run->import->local_blobs;
  ScBlob *blob = local != NULL ? g_hash_table_lookup (local, descriptor->digest) : NULL;

  if (local != NULL && blob == NULL)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "the archive lacks blob %s",
                         descriptor->digest);
  if (blob != NULL && blob->size_bytes != descriptor->size_bytes)
    return sc_error_set (error, SYSCONT_ERROR_DIGEST_MISMATCH,
                         "blob %s has %" G_GUINT64_FORMAT
                         " bytes, but its descriptor says %" G_GUINT64_FORMAT,
                         descriptor->digest, blob->size_bytes, descriptor->size_bytes);
  if (blob == NULL)
    {
      blob = sc_blob_new (descriptor->digest, descriptor->size_bytes);
      run->download_bytes += descriptor->size_bytes;
    }
  g_ptr_array_add (run->blobs, blob);
  return TRUE;
}

static gboolean
list_blobs (Run *run, GError **error)
{
  const ScManifest *manifest = run->import->resolved->manifest;

  if (!add_blob (run, manifest->config, error))
    return FALSE;
  for (guint i = 0; i < manifest->layers->len; i++)
    {
      const ScDescriptor *layer = manifest->layers->pdata[i];
      if (g_hash_table_contains (run->commits, layer->digest)
          || g_hash_table_contains (run->blob_of_layer, layer->digest))
        continue;

      g_autoptr (GError) local_error = NULL;
      g_autofree char *commit = sc_layer_find (run->import->repo, layer->digest, &local_error);
      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      if (commit != NULL)
        {
          g_hash_table_insert (run->commits, g_strdup (layer->digest), g_steal_pointer (&commit));
          continue;
        }
      if (layer->size_bytes > run->import->context->config->max_blob_bytes)
        return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                             "layer %s has more than %" G_GUINT64_FORMAT
                             " bytes (BlobBytes= in [Limits])",
                             layer->digest, run->import->context->config->max_blob_bytes);
      g_hash_table_insert (run->blob_of_layer, g_strdup (layer->digest),
                           GUINT_TO_POINTER (run->blobs->len + 1));
      if (!add_blob (run, layer, error))
        return FALSE;
      run->layer_bytes += layer->size_bytes;
    }
  return TRUE;
}

ScImageConfig *
sc_image_import_parse_config (GBytes *bytes,
                              const ScManifest *manifest,
                              const ScPlatform *platform,
                              GError **error)
{
  g_autoptr (ScImageConfig) config = sc_image_config_parse (bytes, manifest->layers->len, error);
  if (config == NULL)
    {
      sc_prefix_error (error, "image config %s: ", manifest->config->digest);
      return NULL;
    }
  if (sc_platform_rank (platform, config->platform) > 0)
    return g_steal_pointer (&config);

  g_autofree char *want = sc_platform_to_text (platform);
  g_autofree char *have = sc_platform_to_text (config->platform);
  sc_error_set (error, SYSCONT_ERROR_PLATFORM_MISMATCH, "the image is for %s, not for %s", have,
                want);
  return NULL;
}

static GBytes *
read_config (Run *run, ScImageConfig **config, GError **error)
{
  sc_transfer_feed (run->transfer, CONFIG_BLOB, -1);
  if (!sc_transfer_wait (run->transfer, error))
    return NULL;

  g_autoptr (GBytes) bytes
      = sc_blob_read_all (run->blobs->pdata[CONFIG_BLOB], SC_IMAGE_CONFIG_MAX_BYTES, error);
  if (bytes == NULL)
    return NULL;
  *config = sc_image_import_parse_config (bytes, run->import->resolved->manifest,
                                          run->import->platform, error);
  return *config != NULL ? g_steal_pointer (&bytes) : NULL;
}

static gboolean
add_entry (gpointer user_data, const ScEntry *entry, GCancellable *cancellable, GError **error)
{
  return sc_layer_writer_add (user_data, entry, cancellable, error);
}

static gboolean
write_data (gpointer user_data,
            gconstpointer data,
            gsize size_bytes,
            GCancellable *cancellable,
            GError **error)
{
  return sc_layer_writer_write (user_data, data, size_bytes, cancellable, error);
}

/* Feeds one blob through the worker into @writer, from which the entries become objects. */
static gboolean
read_layer (Run *run,
            const ScDescriptor *layer,
            ScLayerWriter *writer,
            guint64 *unpacked_bytes,
            char **diff_id,
            GCancellable *cancellable,
            GError **error)
{
  const ScConfig *config = run->import->context->config;
  guint index = GPOINTER_TO_UINT (g_hash_table_lookup (run->blob_of_layer, layer->digest)) - 1;
  ScUnpackRequest request = {
    .kind = SC_UNPACK_LAYER,
    .compression = layer->compression,
    .max_bytes = MIN (config->max_layer_bytes, config->max_image_bytes - run->unpacked_bytes),
    .max_entries = config->max_layer_entries,
  };
  ScUnpackSink sink = { add_entry, write_data, writer };
  sc_autofd read_fd = -1;
  sc_autofd write_fd = -1;

  if (!sc_worker_make_pipe (&read_fd, &write_fd, error))
    return FALSE;
  g_autoptr (ScUnpacker) unpacker
      = sc_unpacker_start (run->import->unpack, &request, sc_fd_steal (&read_fd), error);
  if (unpacker == NULL)
    return FALSE;

  g_autoptr (GError) stream_error = NULL;
  sc_transfer_feed (run->transfer, index, sc_fd_steal (&write_fd));
  if (sc_unpacker_run (unpacker, &sink, unpacked_bytes, diff_id, cancellable, &stream_error))
    return sc_transfer_wait (run->transfer, error);
  if (!g_cancellable_is_cancelled (cancellable) && sc_transfer_has_failed (run->transfer, error))
    return FALSE;
  g_propagate_error (error, g_steal_pointer (&stream_error));
  return FALSE;
}

static gboolean
import_layer (Run *run,
              const ScDescriptor *layer,
              const char *expected_diff_id,
              GCancellable *cancellable,
              GError **error)
{
  const ScConfig *config = run->import->context->config;
  g_autoptr (ScLayerWriter) writer
      = sc_layer_writer_new (run->import->repo, config->max_layer_bytes, config->max_layer_entries);
  g_autofree char *diff_id = NULL;
  guint64 unpacked_bytes = 0;

  if (!read_layer (run, layer, writer, &unpacked_bytes, &diff_id, cancellable, error))
    return FALSE;
  if (strcmp (diff_id, expected_diff_id) != 0)
    return sc_error_set (error, SYSCONT_ERROR_DIGEST_MISMATCH,
                         "unpacked it has the digest %s, but the image config says %s", diff_id,
                         expected_diff_id);

  ScLayerInfo info
      = { .diff_id = diff_id, .size_bytes = layer->size_bytes, .unpacked_bytes = unpacked_bytes };
  g_autofree char *commit = sc_layer_writer_finish (writer, &info, cancellable, error);
  if (commit == NULL)
    return FALSE;

  run->unpacked_bytes += unpacked_bytes;
  run->dropped += sc_layer_writer_get_dropped (writer);
  g_hash_table_insert (run->commits, g_strdup (layer->digest), g_steal_pointer (&commit));
  return TRUE;
}

static char **
import_layers (Run *run, const ScImageConfig *config, GCancellable *cancellable, GError **error)
{
  const ScManifest *manifest = run->import->resolved->manifest;
  g_autoptr (GStrvBuilder) commits = g_strv_builder_new ();

  for (guint i = 0; i < manifest->layers->len; i++)
    {
      const ScDescriptor *layer = manifest->layers->pdata[i];

      if (!g_hash_table_contains (run->commits, layer->digest)
          && !import_layer (run, layer, config->diff_ids[i], cancellable, error))
        {
          sc_prefix_error (error, "layer %s: ", layer->digest);
          return NULL;
        }
      g_strv_builder_add (commits, g_hash_table_lookup (run->commits, layer->digest));
    }
  return g_strv_builder_end (commits);
}

static gboolean
store_image (Run *run, GCancellable *cancellable, GError **error)
{
  const ScImageImport *import = run->import;
  g_autoptr (ScImageConfig) config = NULL;
  g_autoptr (GBytes) config_bytes = read_config (run, &config, error);
  if (config_bytes == NULL || !sc_repo_begin (import->repo, cancellable, error))
    return FALSE;

  g_autoptr (ScRepoTransaction) transaction G_GNUC_UNUSED = import->repo;
  g_auto (GStrv) commits = import_layers (run, config, cancellable, error);
  if (commits == NULL)
    return FALSE;

  sc_progress_set_phase (import->context->progress, "import");
  ScNewImage image = {
    .fullname = import->fullname,
    .source = import->source,
    .manifest_digest = import->resolved->digest,
    .manifest_bytes = import->resolved->bytes,
    .manifest = import->resolved->manifest,
    .config_bytes = config_bytes,
    .layer_commits = commits,
  };
  if (!sc_image_store_add (import->repo, &image, cancellable, error)
      || g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  sc_progress_set_cancellable (import->context->progress, FALSE);
  return sc_repo_commit (import->repo, cancellable, error);
}

void
sc_image_import_report (ScOpContext *context, const ScImportOutcome *outcome)
{
  GVariantDict *result = context->result;

  g_variant_dict_insert (result, "digest", "s", outcome->digest);
  g_variant_dict_insert (result, "reference", "s", outcome->fullname);
  g_variant_dict_insert (result, "downloaded-bytes", "t", outcome->downloaded_bytes);
  g_variant_dict_insert (result, "dropped-nodes", "u", outcome->dropped);
  sc_op_set_changed (context, outcome->changed);
  sc_op_log (context, LOG_INFO, "\"%s\" is %s", outcome->fullname, outcome->digest);
  if (outcome->dropped > 0)
    sc_op_log (context, LOG_NOTICE, "%u device nodes, fifos or sockets of the image were left out",
               outcome->dropped);
  g_ptr_array_add (context->objects, sc_bus_path_image (outcome->digest));
}

static void
report (const Run *run, gboolean changed)
{
  const ScImageImport *import = run->import;
  ScImportOutcome outcome = {
    .digest = import->resolved->digest,
    .fullname = import->fullname,
    .downloaded_bytes = changed ? run->download_bytes : 0,
    .dropped = run->dropped,
    .changed = changed,
  };

  sc_image_import_report (import->context, &outcome);
}

/* TRUE in *done when the image is stored already, perhaps under another name, which is then given
 * this one too. */
static gboolean
reuse_stored (Run *run, gboolean *done, GCancellable *cancellable, GError **error)
{
  const ScImageImport *import = run->import;
  g_autoptr (ScImage) stored = sc_image_store_lookup (import->repo, import->resolved->digest, NULL);

  *done = stored != NULL && sc_image_is_whole (import->repo, stored);
  if (!*done)
    return import->unpack != NULL
           || sc_error_set (error, SYSCONT_ERROR_INTERRUPTED,
                            "the image was removed in the meantime; pull it again");
  if (g_strv_contains ((const char *const *)stored->references, import->fullname))
    {
      report (run, FALSE);
      return TRUE;
    }

  if (!sc_repo_begin (import->repo, cancellable, error))
    return FALSE;
  g_autoptr (ScRepoTransaction) transaction G_GNUC_UNUSED = import->repo;
  if (!sc_image_store_set_name (import->repo, stored, import->fullname, error)
      || !sc_repo_commit (import->repo, cancellable, error))
    return FALSE;
  report (run, TRUE);
  return TRUE;
}

gboolean
sc_image_import (const ScImageImport *self, GCancellable *cancellable, GError **error)
{
  g_auto (Run) run = {
    .import = self,
    .blobs = g_ptr_array_new_with_free_func (
        self->local_blobs == NULL ? (GDestroyNotify)sc_blob_free : NULL),
    .blob_of_layer = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
    .commits = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
  };
  gboolean done = FALSE;

  if (!reuse_stored (&run, &done, cancellable, error))
    return FALSE;
  if (done)
    return TRUE;
  if (!list_blobs (&run, error)
      || !sc_spool_check_space (self->context->paths, self->context->config,
                                run.download_bytes + run.layer_bytes, error))
    return FALSE;

  sc_progress_set_phase (self->context->progress, "download");
  sc_progress_set_total (self->context->progress, run.download_bytes);
  run.transfer = sc_transfer_new (&(ScTransferSetup){
      .paths = self->context->paths,
      .blobs = run.blobs,
      .fetch = self->fetch != NULL ? sc_worker_get_channel (self->fetch) : NULL,
      .progress = self->context->progress,
  });
  if (!store_image (&run, cancellable, error))
    return FALSE;
  sc_progress_set_cancellable (self->context->progress, TRUE);
  report (&run, TRUE);
  return TRUE;
}
