/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-digest.h"
#include "base/sc-fd.h"
#include "base/sc-json.h"
#include "image/sc-image-config.h"
#include "image/sc-manifest-text.h"
#include "image/sc-tar-writer.h"
#include "ops/sc-export-target.h"
#include "ops/sc-op-private.h"
#include "store/sc-image-store.h"
#include "store/sc-layer-tar.h"

#include <string.h>
#include <syslog.h>
#include <unistd.h>

#define INDEX_TYPE    "application/vnd.oci.image.index.v1+json"
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define CONFIG_TYPE   "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE    "application/vnd.oci.image.layer.v1.tar"
#define LAYOUT        "{\"imageLayoutVersion\":\"1.0.0\"}"

typedef struct
{
  ScOp base;
  char *image;   /* (owned) */
  int target_fd; /* (owned) -1 once it is written to */
} ExportOp;

/* A blob of a layout must be announced with size and digest, before its first byte: each layer is
 * packed twice, once to know these. That costs less than a file to keep it in. */
typedef struct
{
  ScOpContext *context;
  GCancellable *cancellable;
  ScRepo *repo;           /* (owned) */
  ScImage *image;         /* (owned) */
  char **commits;         /* (owned) of the layers */
  GPtrArray *layers;      /* (owned) of ScDescriptor, for each of @commits */
  GBytes *config;         /* (owned) */
  GBytes *manifest;       /* (owned) */
  ScExportTarget *target; /* (owned) */
  ScHasher *hasher;       /* (owned) of the layer that is packed */
  guint64 size_bytes;     /* likewise */
  guint64 total_bytes;
} Run;

static void
run_clear (Run *run)
{
  g_clear_pointer (&run->target, sc_export_target_free);
  g_clear_pointer (&run->image, sc_image_free);
  g_clear_pointer (&run->repo, sc_repo_free);
  g_clear_pointer (&run->commits, g_strfreev);
  g_clear_pointer (&run->layers, g_ptr_array_unref);
  g_clear_pointer (&run->config, g_bytes_unref);
  g_clear_pointer (&run->manifest, g_bytes_unref);
  g_clear_pointer (&run->hasher, sc_hasher_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

/* --- what the layout will have --- */

static gboolean
measure (gpointer user_data, gconstpointer data, gsize size_bytes, GError **error)
{
  Run *run = user_data;

  sc_hasher_update (run->hasher, data, size_bytes);
  run->size_bytes += size_bytes;
  return !g_cancellable_set_error_if_cancelled (run->cancellable, error);
}

static char *
finish_digest (Run *run)
{
  g_autofree char *hex = sc_hasher_finish (run->hasher);

  return g_strconcat ("sha256:", hex, NULL);
}

/* The place of the first layer with the commit of layer @i: the same layer may be there twice. */
static guint
first_with_commit (const Run *run, guint i)
{
  guint first = 0;

  while (strcmp (run->commits[first], run->commits[i]) != 0)
    first++;
  return first;
}

static gboolean
measure_layers (Run *run, GError **error)
{
  for (guint i = 0; run->commits[i] != NULL; i++)
    {
      guint first = first_with_commit (run, i);
      if (first < i)
        {
          const ScDescriptor *twin = run->layers->pdata[first];
          g_ptr_array_add (run->layers,
                           sc_descriptor_new (LAYER_TYPE, twin->digest, twin->size_bytes));
          continue;
        }

      run->size_bytes = 0;
      if (!sc_layer_write_tar (run->repo, run->commits[i], measure, run, run->cancellable, error))
        return sc_prefix_error (error, "layer %u: ", i + 1);
      g_autofree char *digest = finish_digest (run);
      run->total_bytes += run->size_bytes;
      g_ptr_array_add (run->layers, sc_descriptor_new (LAYER_TYPE, digest, run->size_bytes));
    }
  return TRUE;
}

static ScDescriptor *
describe (const char *media_type, GBytes *bytes)
{
  gsize size_bytes = 0;
  gconstpointer data = g_bytes_get_data (bytes, &size_bytes);
  g_autofree char *digest = sc_digest_of_bytes (data, size_bytes);

  return sc_descriptor_new (media_type, digest, size_bytes);
}

/* The config as it is stored, but for the digests of its layers. */
static gboolean
make_config (Run *run, GError **error)
{
  g_autoptr (GBytes) stored = sc_image_store_get_config (run->repo, run->image, error);
  gsize size_bytes = 0;
  const char *data = stored != NULL ? g_bytes_get_data (stored, &size_bytes) : NULL;
  g_autoptr (JsonObject) config
      = stored != NULL ? sc_json_parse_object (data, size_bytes, &sc_image_config_limits, error)
                       : NULL;
  if (config == NULL)
    return FALSE;

  JsonObject *rootfs = json_object_new ();
  JsonArray *diff_ids = json_array_new ();
  for (guint i = 0; i < run->layers->len; i++)
    json_array_add_string_element (diff_ids, ((ScDescriptor *)run->layers->pdata[i])->digest);
  json_object_set_string_member (rootfs, "type", "layers");
  json_object_set_array_member (rootfs, "diff_ids", diff_ids);
  json_object_set_object_member (config, "rootfs", rootfs);

  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  json_node_set_object (node, config);
  char *text = sc_json_to_text (node, FALSE);
  run->config = g_bytes_new_take (text, strlen (text));
  return TRUE;
}

/* The name that was asked for, if it is one, or the first that a tag gives. */
static const char *
choose_name (const Run *run, const char *asked)
{
  g_autofree char *completed = g_strconcat (asked, ":latest", NULL);
  const char *chosen = NULL;

  for (gsize i = 0; run->image->references[i] != NULL; i++)
    {
      const char *name = run->image->references[i];
      if (strchr (name, '@') != NULL)
        continue;
      if (strcmp (name, asked) == 0 || strcmp (name, completed) == 0)
        return name;
      chosen = chosen != NULL ? chosen : name;
    }
  return chosen;
}

/* The grammar of a name has no character that JSON would escape. */
static GBytes *
make_index (const ScDescriptor *manifest, const char *name)
{
  GString *text
      = g_string_new ("{\"schemaVersion\":2,\"mediaType\":\"" INDEX_TYPE "\",\"manifests\":[");

  g_string_append_printf (text,
                          "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%" G_GUINT64_FORMAT,
                          manifest->media_type, manifest->digest, manifest->size_bytes);
  if (name != NULL)
    g_string_append_printf (text, ",\"annotations\":{\"org.opencontainers.image.ref.name\":\"%s\"}",
                            name);
  g_string_append (text, "}]}");
  return g_string_free_to_bytes (text);
}

/* --- writing it --- */

static gboolean
write_header (Run *run, ScEntryType type, const char *path, guint64 size_bytes, GError **error)
{
  g_autoptr (GByteArray) header = g_byte_array_new ();
  g_autoptr (ScEntry) entry = sc_entry_new (type, path);

  entry->mode = type == SC_ENTRY_DIRECTORY ? 0755 : 0644;
  entry->size_bytes = size_bytes;
  sc_tar_append_header (header, entry);
  return sc_export_target_write (run->target, header->data, header->len, error);
}

static gboolean
write_zeros (Run *run, gsize n, GError **error)
{
  static const guint8 zeros[SC_TAR_END_BYTES];

  return sc_export_target_write (run->target, zeros, n, error);
}

static gboolean
write_document (Run *run, const char *path, GBytes *bytes, GError **error)
{
  gsize size_bytes = 0;
  gconstpointer data = g_bytes_get_data (bytes, &size_bytes);

  return write_header (run, SC_ENTRY_REGULAR, path, size_bytes, error)
         && sc_export_target_write (run->target, data, size_bytes, error)
         && write_zeros (run, sc_tar_padding (size_bytes), error);
}

static char *
blob_path (const ScDescriptor *descriptor)
{
  return g_strconcat ("blobs/sha256/", sc_digest_hex (descriptor->digest), NULL);
}

static gboolean
write_blob (Run *run, const ScDescriptor *descriptor, GBytes *bytes, GError **error)
{
  g_autofree char *path = blob_path (descriptor);

  return write_document (run, path, bytes, error);
}

static gboolean
write_and_measure (gpointer user_data, gconstpointer data, gsize size_bytes, GError **error)
{
  Run *run = user_data;

  return measure (run, data, size_bytes, error)
         && sc_export_target_write (run->target, data, size_bytes, error);
}

static gboolean
write_layer (Run *run, guint i, GError **error)
{
  const ScDescriptor *layer = run->layers->pdata[i];
  g_autofree char *path = blob_path (layer);

  run->size_bytes = 0;
  if (!write_header (run, SC_ENTRY_REGULAR, path, layer->size_bytes, error)
      || !sc_layer_write_tar (run->repo, run->commits[i], write_and_measure, run, run->cancellable,
                              error))
    return FALSE;
  g_autofree char *digest = finish_digest (run);
  if (strcmp (digest, layer->digest) != 0 || run->size_bytes != layer->size_bytes)
    return sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT,
                         "an object changed while it was read");
  return write_zeros (run, sc_tar_padding (layer->size_bytes), error);
}

/* Layers that are the same under different commits have one blob. */
static gboolean
is_written (const Run *run, guint i)
{
  const ScDescriptor *layer = run->layers->pdata[i];

  for (guint j = 0; j < i; j++)
    if (strcmp (((ScDescriptor *)run->layers->pdata[j])->digest, layer->digest) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
write_layout (Run *run,
              const ScDescriptor *config,
              const ScDescriptor *manifest,
              GBytes *index,
              GError **error)
{
  g_autoptr (GBytes) layout = g_bytes_new_static (LAYOUT, strlen (LAYOUT));

  if (!write_document (run, "oci-layout", layout, error)
      || !write_document (run, "index.json", index, error)
      || !write_header (run, SC_ENTRY_DIRECTORY, "blobs", 0, error)
      || !write_header (run, SC_ENTRY_DIRECTORY, "blobs/sha256", 0, error)
      || !write_blob (run, manifest, run->manifest, error)
      || !write_blob (run, config, run->config, error))
    return FALSE;
  for (guint i = 0; i < run->layers->len; i++)
    if (!is_written (run, i) && !write_layer (run, i, error))
      return sc_prefix_error (error, "layer %u: ", i + 1);
  return write_zeros (run, SC_TAR_END_BYTES, error) && sc_export_target_flush (run->target, error);
}

static void
report (const Run *run, const char *digest, const char *name)
{
  GVariantDict *result = run->context->result;
  gboolean repacked = strcmp (digest, run->image->digest) != 0;

  g_variant_dict_insert (result, "digest", "s", digest);
  g_variant_dict_insert (result, "source-digest", "s", run->image->digest);
  g_variant_dict_insert (result, "reference", "s", name != NULL ? name : "");
  g_variant_dict_insert (result, "size", "t", run->total_bytes);
  g_variant_dict_insert (result, "repacked", "b", repacked);
  sc_op_set_changed (run->context, TRUE);
  if (repacked)
    sc_op_log (run->context, LOG_INFO, "the layers were packed again: as %s it becomes %s",
               run->image->digest, digest);
}

static gboolean
export_image (Run *run, ExportOp *self, GError **error)
{
  g_autoptr (ScRepoLock) lock G_GNUC_UNUSED = sc_repo_lock (run->repo, run->cancellable, error);
  if (lock == NULL)
    return FALSE;
  run->image = sc_image_store_lookup (run->repo, self->image, error);
  if (run->image == NULL)
    return FALSE;
  run->commits = sc_image_store_get_layers (run->repo, run->image, error);
  if (run->commits == NULL || !measure_layers (run, error) || !make_config (run, error))
    return FALSE;

  g_autoptr (ScDescriptor) config = describe (CONFIG_TYPE, run->config);
  run->manifest = sc_manifest_text_new (MANIFEST_TYPE, config, run->layers);
  g_autoptr (ScDescriptor) manifest = describe (MANIFEST_TYPE, run->manifest);
  const char *name = choose_name (run, self->image);
  g_autoptr (GBytes) index = make_index (manifest, name);

  sc_progress_set_phase (run->context->progress, "export");
  sc_progress_set_total (run->context->progress, run->total_bytes);
  if (!write_layout (run, config, manifest, index, error))
    return FALSE;
  report (run, manifest->digest, name);
  return TRUE;
}

static gboolean
export_run (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  ExportOp *self = (ExportOp *)op;
  g_auto (Run) run = {
    .context = context,
    .cancellable = cancellable,
    .layers = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_descriptor_free),
    .hasher = sc_hasher_new (),
  };

  sc_progress_set_phase (context->progress, "resolve");
  run.repo = sc_repo_open (context->paths, error);
  run.target = run.repo != NULL ? sc_export_target_new (sc_fd_steal (&self->target_fd),
                                                        context->progress, cancellable, error)
                                : NULL;
  return (run.target != NULL && export_image (&run, self, error))
         || sc_prefix_error (error, "exporting \"%s\": ", self->image);
}

static void
export_free (ScOp *op)
{
  ExportOp *self = (ExportOp *)op;

  sc_fd_cleanup (&self->target_fd);
  g_free (self->image);
  g_free (self);
}

static const ScOpClass export_class = { "export-image", export_run, export_free };

ScOp *
sc_op_new_export (const char *image, int target_fd)
{
  ExportOp *self = g_new0 (ExportOp, 1);
  const char *const targets[] = { image, NULL };

  sc_op_init (&self->base, &export_class, targets);
  sc_op_claim (&self->base, "repository", NULL, FALSE);
  self->image = g_strdup (image);
  self->target_fd = target_fd;
  return &self->base;
}
