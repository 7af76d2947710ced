/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A stream of entries becomes the objects of one layer commit. Entries are not trusted: each is
 * checked, hard links resolve within the layer, a parent that is not a directory is replaced by
 * one, the last of two entries with one path wins. Objects are written in the open transaction;
 * nothing is reachable before a ref is set.
 */
#pragma once

#include "image/sc-entry.h"
#include "image/sc-manifest.h"
#include "store/sc-repo.h"

typedef struct _ScLayerWriter ScLayerWriter;

/**
 * sc_layer_writer_new:
 * @repo: (transfer none): with an open transaction
 * @max_bytes: unpacked content, LIMIT_EXCEEDED beyond
 * @max_entries: LIMIT_EXCEEDED beyond
 */
ScLayerWriter *sc_layer_writer_new (ScRepo *repo, guint64 max_bytes, guint max_entries);
void sc_layer_writer_free (ScLayerWriter *self);

/**
 * sc_layer_writer_add:
 *
 * Takes the next entry. After one of a regular file with a size, sc_layer_writer_write() must bring
 * exactly so many bytes. Whiteouts and opaque markers are kept as empty regular files named
 * .wh.NAME and .wh..wh..opq, as in every repository of this layout. Blocks. Errors: IMAGE_INVALID,
 * LIMIT_EXCEEDED, NO_SPACE.
 */
gboolean sc_layer_writer_add (ScLayerWriter *self,
                              const ScEntry *entry,
                              GCancellable *cancellable,
                              GError **error);
gboolean sc_layer_writer_write (ScLayerWriter *self,
                                gconstpointer data,
                                gsize size_bytes,
                                GCancellable *cancellable,
                                GError **error);

typedef struct
{
  const char *diff_id;    /* digest of the uncompressed tar */
  guint64 size_bytes;     /* compressed */
  guint64 unpacked_bytes; /* of the uncompressed tar */
} ScLayerInfo;

/**
 * sc_layer_writer_finish:
 *
 * Writes trees and the commit with the metadata docker.size, docker.uncompressed_size,
 * docker.uncompressed_digest, syscont.implicit-dirs (directories that the tar implied without an
 * entry, an array of strings) and syscont.has-whiteouts (a boolean).
 *
 * Returns: (transfer full) (nullable): checksum of the commit; no ref is set
 */
char *sc_layer_writer_finish (ScLayerWriter *self,
                              const ScLayerInfo *info,
                              GCancellable *cancellable,
                              GError **error);

/** sc_layer_writer_get_dropped: number of entries that cannot be stored (device nodes, fifos,
 * sockets) */
guint sc_layer_writer_get_dropped (ScLayerWriter *self);

/**
 * sc_layer_find:
 * @digest: of the compressed blob
 *
 * Returns: (transfer full) (nullable): commit of a layer that is stored with all of its metadata;
 * NULL without @error otherwise
 */
char *sc_layer_find (ScRepo *repo, const char *digest, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScLayerWriter, sc_layer_writer_free)
