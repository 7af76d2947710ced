/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Our side of syscont-unpack: asks for a stream to be taken apart and reads the entries that come
 * back. What comes is checked like anything else from outside.
 */
#pragma once

#include "image/sc-manifest.h"
#include "ops/sc-worker.h"

typedef struct
{
  ScUnpackKind kind;
  ScCompression compression;
  guint64 max_bytes; /* unpacked */
  guint max_entries;
} ScUnpackRequest;

/** ScUnpackSink: where entries go; both functions block and may fail */
typedef struct
{
  gboolean (*add) (gpointer user_data,
                   const ScEntry *entry,
                   GCancellable *cancellable,
                   GError **error);
  gboolean (*write) (gpointer user_data,
                     gconstpointer data,
                     gsize size_bytes,
                     GCancellable *cancellable,
                     GError **error);
  gpointer user_data;
} ScUnpackSink;

typedef struct _ScUnpacker ScUnpacker;

/**
 * sc_unpacker_start:
 * @unpack: greeted; lent until sc_unpacker_free()
 * @input_fd: (transfer full): the stream
 */
ScUnpacker *
sc_unpacker_start (ScWorker *unpack, const ScUnpackRequest *request, int input_fd, GError **error);

/**
 * sc_unpacker_run:
 * @unpacked_bytes: (out): of the uncompressed stream
 * @diff_id: (out) (transfer full): its digest as the worker claims it: it catches honest faults
 * only
 *
 * Reads to the end of the stream.
 */
gboolean sc_unpacker_run (ScUnpacker *self,
                          const ScUnpackSink *sink,
                          guint64 *unpacked_bytes,
                          char **diff_id,
                          GCancellable *cancellable,
                          GError **error);
void sc_unpacker_free (ScUnpacker *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScUnpacker, sc_unpacker_free)
