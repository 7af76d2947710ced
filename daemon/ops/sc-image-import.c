/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-image-import.h"

#include "dbus/sc-bus-path.h"
#include "ops/sc-image-blobs.h"
#include "ops/sc-layer-reader.h"
#include "ops/sc-op-private.h"
#include "ops/sc-seen.h"
#include "store/sc-image-parts.h"

#include <string.h>
#include <syslog.h>

/* What an import has in its hands while it runs. */
typedef struct
{
  const ScImageImport *import;
  ScImageBlobs blobs;      /* (owned) */
  GHashTable *commits;     /* (owned) layer digest to commit */
  ScTransfer *transfer;    /* (owned) (nullable) while blobs are downloaded or read */
  ScTransferCounts counts; /* at its end */
  guint64 resumed_bytes;   /* of what was wanted, brought by other jobs */
  guint64 unpacked_bytes;  /* of the layers read so far */
  guint dropped;
} Run;

static void
run_clear (Run *run)
{
  g_clear_pointer (&run->transfer, sc_transfer_free);
  sc_image_blobs_clear (&run->blobs);
  g_hash_table_unref (run->commits);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

static gboolean
list_blobs (Run *run, GError **error)
{
  const ScManifest *manifest = run->import->resolved->manifest;

  if (!sc_image_blobs_add (&run->blobs, manifest->config, error))
    return FALSE;
  for (guint i = 0; i < manifest->layers->len; i++)
    {
      const ScDescriptor *layer = manifest->layers->pdata[i];
      g_autoptr (GError) local_error = NULL;
      g_autofree char *commit = sc_layer_find (run->import->repo, layer->digest, &local_error);
      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
      if (commit != NULL)
        g_hash_table_insert (run->commits, g_strdup (layer->digest), g_steal_pointer (&commit));
      else if (!sc_image_blobs_add_layer (&run->blobs, layer, error))
        return FALSE;
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
  sc_transfer_feed (run->transfer, SC_IMAGE_BLOBS_CONFIG, -1);
  if (sc_transfer_wait (run->transfer, error) != SC_TRANSFER_DONE)
    return NULL;

  g_autoptr (GBytes) bytes = sc_blob_read_all (run->blobs.list->pdata[SC_IMAGE_BLOBS_CONFIG],
                                               SC_IMAGE_CONFIG_MAX_BYTES, error);
  if (bytes == NULL)
    return NULL;
  *config = sc_image_import_parse_config (bytes, run->import->resolved->manifest,
                                          run->import->platform, error);
  return *config != NULL ? g_steal_pointer (&bytes) : NULL;
}

static gboolean
import_layer (Run *run,
              const ScDescriptor *layer,
              const char *expected_diff_id,
              GCancellable *cancellable,
              GError **error)
{
  const ScConfig *config = run->import->context->config;
  const ScLayerSource source = {
    .repo = run->import->repo,
    .config = config,
    .unpack = run->import->unpack,
    .transfer = run->transfer,
    .blob = sc_image_blobs_find_layer (&run->blobs, layer->digest),
    .compression = layer->compression,
    .max_bytes = MIN (config->max_layer_bytes, config->max_image_bytes - run->unpacked_bytes),
  };
  g_auto (ScLayerReading) reading = { 0 };

  if (!sc_layer_read (&source, &reading, cancellable, error))
    return FALSE;
  if (strcmp (reading.diff_id, expected_diff_id) != 0)
    return sc_error_set (error, SYSCONT_ERROR_DIGEST_MISMATCH,
                         "unpacked it has the digest %s, but the image config says %s",
                         reading.diff_id, expected_diff_id);

  ScLayerInfo info = { .diff_id = reading.diff_id,
                       .size_bytes = layer->size_bytes,
                       .unpacked_bytes = reading.unpacked_bytes };
  g_autofree char *commit = sc_layer_writer_finish (reading.writer, &info, cancellable, error);
  if (commit == NULL)
    return FALSE;

  run->unpacked_bytes += reading.unpacked_bytes;
  run->dropped += sc_layer_writer_get_dropped (reading.writer);
  g_hash_table_insert (run->commits, g_strdup (layer->digest), g_steal_pointer (&commit));
  return TRUE;
}

static void
tell_layer (const Run *run, guint index)
{
  const GPtrArray *layers = run->import->resolved->manifest->layers;
  const ScDescriptor *layer = layers->pdata[index];
  g_autofree char *size = g_format_size (layer->size_bytes);

  sc_op_log (run->import->context, LOG_INFO, "layer %u of %u: %s, %s", index + 1, layers->len,
             layer->digest, size);
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
      tell_layer (run, i);
    }
  return g_strv_builder_end (commits);
}

static void
report_download (ScOpContext *context, guint64 downloaded_bytes, guint64 resumed_bytes)
{
  g_variant_dict_insert (context->result, "downloaded-bytes", "t", downloaded_bytes);
  g_variant_dict_insert (context->result, "resumed-bytes", "t", resumed_bytes);
}

/* Tells the figures also of a job that fails: this is what happened. */
static void
end_download (Run *run)
{
  sc_transfer_end (run->transfer, &run->counts);
  g_clear_pointer (&run->transfer, sc_transfer_free);
  guint64 present_bytes = sc_image_blobs_count_present (&run->blobs);
  run->resumed_bytes = present_bytes - MIN (present_bytes, run->counts.spooled_bytes);
  report_download (run->import->context, run->counts.line_bytes, run->resumed_bytes);
}

/* The commit syncs the whole file system. Blobs that have served and are removed before it are never
 * written to the disk; the price is that whoever is killed in the commit downloads them again. */
static gboolean
commit_without_blobs (Run *run, GCancellable *cancellable, GError **error)
{
  sc_progress_set_cancellable (run->import->context->progress, FALSE);
  end_download (run);
  sc_image_blobs_give_back (&run->blobs, FALSE);
  return sc_repo_commit (run->import->repo, cancellable, error);
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
    .is_unnamed = import->context->terms->plan_only,
  };
  return sc_image_store_add (import->repo, &image, cancellable, error)
         && !g_cancellable_set_error_if_cancelled (cancellable, error)
         && commit_without_blobs (run, cancellable, error);
}

void
sc_image_import_report (ScOpContext *context, const ScImportOutcome *outcome)
{
  GVariantDict *result = context->result;
  g_autoptr (GError) error = NULL;

  g_variant_dict_insert (result, "digest", "s", outcome->digest);
  g_variant_dict_insert (result, "reference", "s", outcome->fullname);
  report_download (context, outcome->downloaded_bytes, outcome->resumed_bytes);
  g_variant_dict_insert (result, "dropped-nodes", "u", outcome->dropped);
  sc_op_set_changed (context, outcome->changed);
  if (!sc_seen_add (context->paths, outcome->digest, NULL, &error))
    sc_op_log (context, LOG_WARNING, "%s", error->message);
  sc_op_log (context, LOG_INFO, "\"%s\" is %s", outcome->fullname, outcome->digest);
  if (outcome->dropped > 0)
    sc_op_log (context, LOG_NOTICE, "%u device nodes, fifos or sockets of the image were left out",
               outcome->dropped);
  g_ptr_array_add (context->objects, sc_bus_path_image (outcome->digest));
}

static void
report_image (const Run *run, gboolean changed)
{
  const ScImageImport *import = run->import;
  ScImportOutcome outcome = {
    .digest = import->resolved->digest,
    .fullname = import->fullname,
    .downloaded_bytes = run->counts.line_bytes,
    .resumed_bytes = run->resumed_bytes,
    .dropped = run->dropped,
    .changed = changed,
  };

  sc_image_import_report (import->context, &outcome);
}

/* Pulled with another --platform, it may be here and yet not be what is asked for. An image of another
 * tool may have no config here. */
static gboolean
check_stored (const ScImageImport *import, const ScImage *stored, GError **error)
{
  g_autoptr (GBytes) bytes = sc_image_store_get_config (import->repo, stored, NULL);
  if (bytes == NULL)
    return TRUE;

  g_autoptr (ScImageConfig) config
      = sc_image_import_parse_config (bytes, import->resolved->manifest, import->platform, error);
  return config != NULL;
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
  if (!check_stored (import, stored, error))
    return FALSE;
  if (import->context->terms->plan_only
      || g_strv_contains ((const char *const *)stored->references, import->fullname))
    {
      report_image (run, FALSE);
      return TRUE;
    }

  if (!sc_repo_begin (import->repo, cancellable, error))
    return FALSE;
  g_autoptr (ScRepoTransaction) transaction G_GNUC_UNUSED = import->repo;
  if (!sc_image_store_set_name (import->repo, stored, import->fullname, error)
      || !sc_repo_commit (import->repo, cancellable, error))
    return FALSE;
  report_image (run, TRUE);
  return TRUE;
}

static gboolean
download_and_store (Run *run, GCancellable *cancellable, GError **error)
{
  const ScImageImport *import = run->import;

  sc_progress_begin_blobs (import->context->progress, "download",
                           sc_image_blobs_list_progress (&run->blobs));
  if (run->blobs.present_bytes > 0)
    {
      g_autofree char *present = g_format_size (run->blobs.present_bytes);
      g_autofree char *all = g_format_size (run->blobs.total_bytes);
      sc_op_log (import->context, LOG_INFO, "%s of %s were downloaded before", present, all);
    }
  run->transfer = sc_transfer_new (&(ScTransferSetup){
      .paths = import->context->paths,
      .config = import->context->config,
      .blobs = run->blobs.list,
      .fetch = import->fetch != NULL ? sc_worker_get_channel (import->fetch) : NULL,
      .endpoints = import->endpoints,
      .progress = import->context->progress,
  });

  gboolean ok = store_image (run, cancellable, error);
  if (run->transfer != NULL)
    end_download (run);
  return ok;
}

/* @error: one that ended the download */
static void
explain_failure (const Run *run, GCancellable *cancellable, GError **error)
{
  if (run->import->fetch == NULL
      || !g_error_matches (*error, SYSCONT_ERROR, SYSCONT_ERROR_INTERRUPTED))
    return;
  g_clear_error (error);
  sc_worker_set_death (run->import->fetch, cancellable, error);
}

static gboolean
import_missing (Run *run, GCancellable *cancellable, GError **error)
{
  const ScImageImport *import = run->import;
  GError *local_error = NULL;

  if (!list_blobs (run, error)
      || !sc_spool_check_space (
          import->context->paths, import->context->config,
          run->blobs.total_bytes - run->blobs.present_bytes + run->blobs.estimated_bytes, error))
    return FALSE;
  if (download_and_store (run, cancellable, &local_error))
    {
      sc_progress_set_cancellable (import->context->progress, TRUE);
      report_image (run, TRUE);
      return TRUE;
    }

  /* A full disk must not stay full because of a cache. */
  if (g_error_matches (local_error, SYSCONT_ERROR, SYSCONT_ERROR_NO_SPACE))
    sc_image_blobs_give_back (&run->blobs, FALSE);
  explain_failure (run, cancellable, &local_error);
  g_propagate_error (error, local_error);
  return FALSE;
}

static gboolean
import_image (const ScImageImport *self, GCancellable *cancellable, GError **error)
{
  g_auto (Run) run = {
    .import = self,
    .commits = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free),
  };
  gboolean done = FALSE;

  sc_image_blobs_init (&run.blobs, self->context->paths, self->context->config, self->local_blobs);
  report_download (self->context, 0, 0);
  if (!reuse_stored (&run, &done, cancellable, error))
    return FALSE;
  return done || import_missing (&run, cancellable, error);
}

gboolean
sc_image_import (const ScImageImport *self, GCancellable *cancellable, GError **error)
{
  const ScOpContext *context = self->context;
  g_autoptr (GError) clean_error = NULL;

  gboolean ok = import_image (self, cancellable, error);
  if (!sc_spool_clean (context->paths, context->config, g_get_real_time () / G_USEC_PER_SEC,
                       &clean_error))
    sc_op_log (context, LOG_WARNING, "%s", clean_error->message);
  return ok;
}
