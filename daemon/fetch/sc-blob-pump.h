/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Moves one blob, or the rest of one, from the places that have it into a pipe: as fast as the
 * pipe's reader takes it and no faster, with the exact number of bytes, over as many connections as
 * it takes (distribution-spec, "Pulling blobs"; Range, RFC 9110, 14). The digest is not checked here:
 * the reader does that, and must.
 */
#pragma once

#include "fetch/sc-mirrors.h"

#define SC_BLOB_PUMP_CHUNK_BYTES (256 * 1024)

/**
 * sc_blob_pump_async:
 * @request: of a blob, checked; lent until the end. Its range_start is the first byte that is
 *   wanted.
 * @size_bytes: of the whole blob; more than range_start
 * @fd: (transfer full): write end of a pipe; closed before the callback
 */
void sc_blob_pump_async (ScMirrors *mirrors,
                         const ScRegistryRequest *request,
                         guint64 size_bytes,
                         int fd,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data);

/**
 * sc_blob_pump_finish:
 * @line_bytes: (out): that came of the blob, those included that were there already and were dropped
 * @endpoint: (out): number of the one that was asked last
 *
 * Returns: TRUE when all bytes were written; IMAGE_INVALID when the blob has another size,
 * CANCELLED also when the
 *   pipe's reader is gone, and the errors of sc_registry_get_finish()
 */
gboolean
sc_blob_pump_finish (GAsyncResult *result, guint64 *line_bytes, guint *endpoint, GError **error);
