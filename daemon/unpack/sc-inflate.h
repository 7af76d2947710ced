/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The uncompressed bytes of a stream, decoded ahead in a thread of its own: reading, decompression
 * and the limits on both are here, so that the parser only ever sees memory. What the bytes mean is
 * not known here.
 */
#pragma once

#include "image/sc-manifest.h"

#define SC_INFLATE_CHUNK_BYTES (256 * 1024) /* fits into the second level cache */

/* What a small stream may become is limited by its absolute size only. */
#define SC_INFLATE_RATIO_FREE_BYTES (64 * 1024 * 1024)
#define SC_INFLATE_MAX_RATIO        200

typedef struct _ScInflate ScInflate;

/** sc_inflate_check_limits: LIMIT_EXCEEDED when @out_bytes are too many, or too many for @in_bytes
 */
gboolean
sc_inflate_check_limits (guint64 in_bytes, guint64 out_bytes, guint64 max_bytes, GError **error);

/**
 * sc_inflate_new:
 * @fd: (transfer full): read to its end; a pipe, a socket or a regular file from its current
 * position on
 * @max_bytes: LIMIT_EXCEEDED when there are more after decompression
 */
ScInflate *sc_inflate_new (int fd, ScCompression compression, guint64 max_bytes, GError **error);

/** sc_inflate_new_archive: the same for a file that may be compressed, which its first bytes tell */
ScInflate *sc_inflate_new_archive (int fd, guint64 max_bytes, GError **error);

/** sc_inflate_new_answer: the same for the body of an HTTP answer (sc-http-answer.h), which is not
 * compressed; nothing behind the answer is waited for */
ScInflate *sc_inflate_new_answer (int fd, guint64 max_bytes, GError **error);

/** sc_inflate_free: ends the thread, also in the middle of the stream, and closes the fd */
void sc_inflate_free (ScInflate *self);

/**
 * sc_inflate_next:
 * @data: (out): lent until the next call; all but the last piece have SC_INFLATE_CHUNK_BYTES
 *
 * Waits for the next piece. After the end and after an error every further call says the same
 * again.
 *
 * Returns: 1 and the piece; 0 at the end of the stream; -1 with @error
 */
int sc_inflate_next (ScInflate *self, const guint8 **data, gsize *size_bytes, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScInflate, sc_inflate_free)
