/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-archive.h"

#include "base/sc-fd.h"
#include "ops/sc-unpacker.h"

#include <string.h>
#include <sys/stat.h>

#define BLOBS_PREFIX "blobs/sha256/"

typedef struct
{
  ScArchive *archive;
  ScOpContext *context;
  GByteArray *index; /* (owned) (nullable) */
  ScBlob *blob;      /* (nullable) the member that data belongs to */
  gboolean is_index; /* data belongs to index.json */
} Reader;

void
sc_archive_clear (ScArchive *self)
{
  g_clear_pointer (&self->index, g_bytes_unref);
  g_clear_pointer (&self->blobs, g_hash_table_unref);
}

static gboolean
finish_member (Reader *reader, GError **error)
{
  ScBlob *blob = reader->blob;

  reader->blob = NULL;
  reader->is_index = FALSE;
  return blob == NULL || sc_blob_finish (blob, error);
}

static gboolean
begin_blob (Reader *reader, const ScEntry *entry, GError **error)
{
  const ScConfig *config = reader->context->config;
  const char *hex = entry->path + strlen (BLOBS_PREFIX);

  if (!sc_hex_is_valid (hex))
    {
      g_autofree char *shown = sc_text_escape (entry->path);
      return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                           "member \"%s\" is not named after a digest", shown);
    }
  if (entry->size_bytes > config->max_blob_bytes)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "member \"%s\" has more than %" G_GUINT64_FORMAT
                         " bytes (BlobBytes= in [Limits])",
                         entry->path, config->max_blob_bytes);

  g_autofree char *digest = g_strconcat ("sha256:", hex, NULL);
  if (g_hash_table_contains (reader->archive->blobs, digest))
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "member \"%s\" is there twice",
                         entry->path);
  if (!sc_spool_check_space (reader->context->paths, config, entry->size_bytes, error))
    return FALSE;

  reader->blob = sc_blob_new (digest, entry->size_bytes);
  g_hash_table_insert (reader->archive->blobs, g_steal_pointer (&digest), reader->blob);
  return sc_blob_open (reader->blob, reader->context->paths, error);
}

static gboolean
begin_index (Reader *reader, const ScEntry *entry, GError **error)
{
  if (reader->index != NULL)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "index.json is there twice");
  if (entry->size_bytes > SC_MANIFEST_MAX_BYTES)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED, "index.json has more than %d bytes",
                         SC_MANIFEST_MAX_BYTES);

  reader->index = g_byte_array_new ();
  reader->is_index = TRUE;
  return TRUE;
}

static gboolean
add_member (gpointer user_data, const ScEntry *entry, GCancellable *cancellable, GError **error)
{
  Reader *reader = user_data;

  if (!finish_member (reader, error))
    return FALSE;
  if (entry->type != SC_ENTRY_REGULAR)
    return TRUE;
  if (g_str_has_prefix (entry->path, BLOBS_PREFIX))
    return begin_blob (reader, entry, error);
  return strcmp (entry->path, "index.json") != 0 || begin_index (reader, entry, error);
}

static gboolean
write_member (gpointer user_data,
              gconstpointer data,
              gsize size_bytes,
              GCancellable *cancellable,
              GError **error)
{
  Reader *reader = user_data;

  sc_progress_add_bytes (reader->context->progress, size_bytes);
  if (reader->is_index)
    g_byte_array_append (reader->index, data, (guint)size_bytes);
  return reader->blob == NULL || sc_blob_append (reader->blob, data, size_bytes, error);
}

static guint64
size_of_source (int fd)
{
  struct stat st;

  return fstat (fd, &st) == 0 && S_ISREG (st.st_mode) ? (guint64)st.st_size : 0;
}

gboolean
sc_archive_read (ScArchive *self,
                 ScOpContext *context,
                 ScWorker *unpack,
                 int source_fd,
                 GCancellable *cancellable,
                 GError **error)
{
  const ScConfig *config = context->config;
  Reader reader = { .archive = self, .context = context };
  ScUnpackSink sink = { add_member, write_member, &reader };
  ScUnpackRequest request = {
    .kind = SC_UNPACK_ARCHIVE,
    .compression = SC_COMPRESSION_NONE,
    .max_bytes = config->max_image_bytes,
    .max_entries = config->max_layer_entries,
  };
  g_autofree char *digest = NULL;
  guint64 size_bytes = 0;

  self->blobs
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)sc_blob_free);
  sc_progress_set_phase (context->progress, "download");
  sc_progress_set_total (context->progress, size_of_source (source_fd));

  g_autoptr (ScUnpacker) unpacker = sc_unpacker_start (unpack, &request, source_fd, error);
  gboolean ok = unpacker != NULL
                && sc_unpacker_run (unpacker, &sink, &size_bytes, &digest, cancellable, error)
                && finish_member (&reader, error);
  if (reader.index != NULL)
    self->index = g_byte_array_free_to_bytes (reader.index);
  if (!ok)
    return sc_prefix_error (error, "reading the archive: ");
  if (self->index == NULL)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "the archive has no index.json: it is no OCI image layout");
  return TRUE;
}

static gboolean
read_manifest (const ScArchive *self,
               const ScDescriptor *descriptor,
               ScResolved *resolved,
               GError **error)
{
  ScBlob *blob = g_hash_table_lookup (self->blobs, descriptor->digest);

  if (blob == NULL)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "the archive lacks blob %s",
                         descriptor->digest);
  if (blob->size_bytes != descriptor->size_bytes)
    return sc_error_set (error, SYSCONT_ERROR_DIGEST_MISMATCH,
                         "manifest %s has %" G_GUINT64_FORMAT
                         " bytes, but the index says %" G_GUINT64_FORMAT,
                         descriptor->digest, blob->size_bytes, descriptor->size_bytes);

  sc_resolved_clear (resolved);
  resolved->digest = g_strdup (descriptor->digest);
  resolved->bytes = sc_blob_read_all (blob, SC_MANIFEST_MAX_BYTES, error);
  if (resolved->bytes != NULL)
    resolved->manifest = sc_manifest_parse (resolved->bytes, descriptor->media_type, error);
  return resolved->manifest != NULL ? TRUE
                                    : sc_prefix_error (error, "manifest %s: ", descriptor->digest);
}

static const ScDescriptor *
find_tag (const ScManifest *index, const char *tag, GError **error)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (guint i = 0; i < index->children->len; i++)
    {
      const ScDescriptor *child = index->children->pdata[i];
      if (child->ref_name == NULL)
        continue;
      if (strcmp (child->ref_name, tag) == 0)
        return child;
      g_autofree char *escaped = sc_text_escape (child->ref_name);
      g_string_append_printf (names, "%s\"%s\"", names->len > 0 ? ", " : "", escaped);
    }

  sc_error_set (error, SYSCONT_ERROR_MANIFEST_UNKNOWN,
                "the image layout has no entry \"%s\"; it has %s", tag,
                names->len > 0 ? names->str : "none with a name");
  return NULL;
}

static const ScDescriptor *
choose_entry (const ScManifest *index, const char *tag, const ScPlatform *platform, GError **error)
{
  if (tag != NULL)
    return find_tag (index, tag, error);
  if (index->children->len == 1)
    return index->children->pdata[0];

  const ScDescriptor *chosen = sc_manifest_choose (index, platform, error);
  if (chosen == NULL)
    sc_prefix_error (error, "the image layout has several entries, say which one by its tag: ");
  return chosen;
}

gboolean
sc_archive_resolve (const ScArchive *self,
                    const char *tag,
                    const ScPlatform *platform,
                    ScResolved *resolved,
                    char **ref_name,
                    GError **error)
{
  g_autoptr (ScManifest) index
      = sc_manifest_parse (self->index, "application/vnd.oci.image.index.v1+json", error);
  if (index == NULL)
    return sc_prefix_error (error, "index.json: ");

  const ScDescriptor *entry = choose_entry (index, tag, platform, error);
  if (entry == NULL || !read_manifest (self, entry, resolved, error))
    return FALSE;
  *ref_name = g_strdup (entry->ref_name);
  if (!resolved->manifest->is_index)
    return TRUE;

  g_auto (ScResolved) nested = *resolved;
  *resolved = (ScResolved){ 0 };
  const ScDescriptor *child = sc_manifest_choose (nested.manifest, platform, error);
  if (child == NULL || !read_manifest (self, child, resolved, error))
    return FALSE;
  return resolved->manifest->is_index
             ? sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                             "manifest %s is an index within an index", child->digest)
             : TRUE;
}
