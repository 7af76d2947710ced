/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Undoes the compression of a stream, piece by piece: none, gzip (by ISA-L, or by zlib when built
 * without it) or zstd. Exactly the compression that was named is accepted. Several gzip members or
 * zstd frames one after another are one stream (RFC 1952 section 2.2, RFC 8878 section 3); anything
 * else behind the first one is refused. Reads no fd.
 */
#pragma once

#include "image/sc-manifest.h"

#define SC_DECODER_MAX_MEMBERS (1024 * 1024) /* some writers end a member after each file */
#define SC_DECODER_MAX_EMPTY_MEMBERS                                                               \
  1000                               /* without a byte of content: work that produces nothing */
#define SC_DECODER_MAX_WINDOW_LOG 27 /* of zstd: a frame may ask for as much memory */

typedef struct _ScDecoder ScDecoder;

/** ScDecoderBuffers: moved on by what was used of them */
typedef struct
{
  const guint8 *in;
  gsize in_bytes;
  guint8 *out;
  gsize out_bytes;
} ScDecoderBuffers;

#define SC_DECODER_MAGIC_BYTES 4 /* as many tell how a stream is compressed */

/** sc_decoder_recognize: by the first bytes of a stream */
ScCompression sc_decoder_recognize (const guint8 *data, gsize size_bytes);

/** sc_decoder_new: NOT_SUPPORTED when the libraries refuse, which they do without memory */
ScDecoder *sc_decoder_new (ScCompression compression, GError **error);
void sc_decoder_free (ScDecoder *self);

/**
 * sc_decoder_run:
 *
 * Decodes until the input is used up and all that it gives was put out, or until there is no room
 * left. IMAGE_INVALID for a stream that is broken or compressed otherwise, LIMIT_EXCEEDED for too
 * many members or a window that is too large.
 */
gboolean sc_decoder_run (ScDecoder *self, ScDecoderBuffers *buffers, GError **error);

/** sc_decoder_finish: to be called at the end of the input: IMAGE_INVALID when the stream was cut
 * off */
gboolean sc_decoder_finish (const ScDecoder *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScDecoder, sc_decoder_free)
