/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-resolve.h"

#include "base/sc-digest.h"
#include "image/sc-endpoint.h"

#include <string.h>

#define MANIFEST_REQUEST 1

void
sc_resolved_clear (ScResolved *self)
{
  g_clear_pointer (&self->digest, g_free);
  g_clear_pointer (&self->bytes, g_bytes_unref);
  g_clear_pointer (&self->manifest, sc_manifest_free);
}

gboolean
sc_resolve_open (ScWorker *fetch, GPtrArray *endpoints, GError **error)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new_fetch_open (endpoints, error);

  return writer != NULL && sc_channel_send (sc_worker_get_channel (fetch), writer, NULL, 0, error);
}

static gboolean
read_document (ScWorker *fetch,
               char **content_type,
               ScResolved *resolved,
               GCancellable *cancellable,
               GError **error)
{
  ScRecord record;

  if (!sc_worker_receive (fetch, sc_worker_get_channel (fetch), &record, cancellable, error))
    return FALSE;
  if (record.type == SC_RECORD_ERROR)
    return sc_worker_read_error (&record, MANIFEST_REQUEST, error);

  guint32 request = sc_record_get_u32 (&record);
  resolved->endpoint = sc_record_get_u32 (&record);
  *content_type = sc_record_dup_string (&record);
  resolved->bytes = sc_record_dup_bytes (&record);
  if (record.type == SC_RECORD_FETCH_MANIFEST_BODY && request == MANIFEST_REQUEST
      && sc_record_finish (&record, NULL))
    return TRUE;

  sc_worker_kill (fetch);
  return sc_error_set (error, SYSCONT_ERROR_FAILED, "the syscont-fetch worker broke the protocol");
}

static gboolean
check_document (
    GBytes *body, const char *digest, guint64 size_bytes, char **real_digest, GError **error)
{
  g_autofree char *real
      = sc_digest_of_bytes (g_bytes_get_data (body, NULL), g_bytes_get_size (body));

  if (size_bytes != 0 && g_bytes_get_size (body) != size_bytes)
    return sc_error_set (error, SYSCONT_ERROR_DIGEST_MISMATCH,
                         "manifest %s has %" G_GSIZE_FORMAT
                         " bytes, but the index says %" G_GUINT64_FORMAT,
                         digest, g_bytes_get_size (body), size_bytes);
  if (digest != NULL && strcmp (real, digest) != 0)
    return sc_error_set (error, SYSCONT_ERROR_DIGEST_MISMATCH, "manifest %s has the digest %s",
                         digest, real);

  *real_digest = g_steal_pointer (&real);
  return TRUE;
}

/* @digest and @size_bytes: what the document must have; NULL and 0 for one that is got by @tag. */
static gboolean
get_manifest (ScWorker *fetch,
              const char *tag,
              const char *digest,
              guint64 size_bytes,
              ScResolved *resolved,
              GCancellable *cancellable,
              GError **error)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_MANIFEST);
  g_autofree char *content_type = NULL;

  sc_record_writer_put_u32 (writer, MANIFEST_REQUEST);
  sc_record_writer_put_string (writer, digest != NULL ? digest : tag);
  sc_record_writer_put_u32 (writer, SC_MANIFEST_MAX_BYTES);
  sc_resolved_clear (resolved);
  if (!sc_channel_send (sc_worker_get_channel (fetch), writer, NULL, 0, error)
      || !read_document (fetch, &content_type, resolved, cancellable, error)
      || !check_document (resolved->bytes, digest, size_bytes, &resolved->digest, error))
    return FALSE;

  resolved->manifest = sc_manifest_parse (resolved->bytes, content_type, error);
  return resolved->manifest != NULL ? TRUE
                                    : sc_prefix_error (error, "manifest %s: ", resolved->digest);
}

gboolean
sc_resolve (ScWorker *fetch,
            const ScReference *reference,
            const ScPlatform *platform,
            ScResolved *resolved,
            GCancellable *cancellable,
            GError **error)
{
  if (!get_manifest (fetch, reference->tag, reference->digest, 0, resolved, cancellable, error))
    return FALSE;
  if (!resolved->manifest->is_index)
    return TRUE;

  g_auto (ScResolved) index = *resolved;
  *resolved = (ScResolved){ 0 };
  const ScDescriptor *child = sc_manifest_choose (index.manifest, platform, error);
  if (child == NULL)
    return FALSE;
  if (!get_manifest (fetch, NULL, child->digest, child->size_bytes, resolved, cancellable, error))
    return FALSE;
  if (resolved->manifest->is_index)
    return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                         "manifest %s is an index within an index", child->digest);
  return TRUE;
}
