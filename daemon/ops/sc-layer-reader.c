/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-layer-reader.h"

#include "base/sc-fd.h"
#include "ops/sc-unpacker.h"

void
sc_layer_reading_clear (ScLayerReading *self)
{
  g_clear_pointer (&self->writer, sc_layer_writer_free);
  g_clear_pointer (&self->diff_id, g_free);
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

/* Whether the bytes of the blob are to blame, and not what happened around them. */
static gboolean
is_about_content (const GError *error)
{
  return g_error_matches (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID)
         || g_error_matches (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
}

/* A stream is taken apart before its digest is known. When nothing can be made of it, the digest
 * tells whether the image is like that, or the blob damaged. */
static ScTransferEnd
blame (const ScLayerSource *source, GError *stream_error, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) owned = stream_error;
  ScTransferEnd end = SC_TRANSFER_DONE;

  if (!g_cancellable_is_cancelled (cancellable) && is_about_content (stream_error))
    end = sc_transfer_wait (source->transfer, error);
  else if (!g_cancellable_is_cancelled (cancellable)
           && sc_transfer_has_failed (source->transfer, error))
    end = SC_TRANSFER_FAILED;
  if (end != SC_TRANSFER_DONE)
    return end;
  g_propagate_error (error, g_steal_pointer (&owned));
  return SC_TRANSFER_FAILED;
}

static ScTransferEnd
read_once (const ScLayerSource *source,
           ScLayerReading *reading,
           GCancellable *cancellable,
           GError **error)
{
  const ScConfig *config = source->config;
  ScUnpackRequest request = {
    .kind = SC_UNPACK_LAYER,
    .compression = source->compression,
    .max_bytes = source->max_bytes,
    .max_entries = config->max_layer_entries,
  };
  sc_autofd read_fd = -1;
  sc_autofd write_fd = -1;

  sc_layer_reading_clear (reading);
  reading->writer
      = sc_layer_writer_new (source->repo, config->max_layer_bytes, config->max_layer_entries);
  ScUnpackSink sink = { add_entry, write_data, reading->writer };
  if (!sc_worker_make_pipe (&read_fd, &write_fd, error))
    return SC_TRANSFER_FAILED;
  g_autoptr (ScUnpacker) unpacker
      = sc_unpacker_start (source->unpack, &request, sc_fd_steal (&read_fd), error);
  if (unpacker == NULL)
    return SC_TRANSFER_FAILED;

  GError *stream_error = NULL;
  sc_transfer_feed (source->transfer, source->blob, sc_fd_steal (&write_fd));
  if (sc_unpacker_run (unpacker, &sink, &reading->unpacked_bytes, &reading->diff_id, cancellable,
                       &stream_error))
    return sc_transfer_wait (source->transfer, error);
  /* Whoever waits to write entries to us does not read the blob. */
  g_clear_pointer (&unpacker, sc_unpacker_free);
  return blame (source, stream_error, cancellable, error);
}

gboolean
sc_layer_read (const ScLayerSource *source,
               ScLayerReading *reading,
               GCancellable *cancellable,
               GError **error)
{
  ScTransferEnd end;

  do
    end = read_once (source, reading, cancellable, error);
  while (end == SC_TRANSFER_AGAIN);
  return end == SC_TRANSFER_DONE;
}
