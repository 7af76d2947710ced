/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unpack/sc-decoder.h"

#include "base/sc-error-util.h"

#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>
#ifdef HAVE_ISAL
#include <isa-l/igzip_lib.h>
#else
#include <zlib.h>
#endif

#define MAX_MAGIC_BYTES     4
#define ZSTD_SKIPPABLE_MASK 0xfffffff0u

typedef enum
{
  STEP_MORE,
  STEP_MEMBER_END,
  STEP_FAILED,
} Step;

typedef struct
{
  const char *name;
  gsize magic_bytes;
  gboolean (*has_magic) (const guint8 *magic);
  gboolean (*begin_member) (ScDecoder *self);
  Step (*step) (ScDecoder *self, ScDecoderBuffers *buffers, GError **error);
} Codec;

struct _ScDecoder
{
  const Codec *codec; /* NULL: the bytes are copied */
#ifdef HAVE_ISAL
  struct inflate_state *gzip; /* (owned) (nullable) */
#else
  z_stream *gzip; /* (owned) (nullable) */
#endif
  ZSTD_DCtx *zstd; /* (owned) (nullable) */

  gboolean in_member;
  gboolean member_has_content;
  guint n_members;
  guint n_empty_members;
  guint8 magic[MAX_MAGIC_BYTES]; /* first bytes of the next member, until they are complete */
  gsize magic_bytes;
};

static gboolean
gzip_has_magic (const guint8 *magic)
{
  return magic[0] == 0x1f && magic[1] == 0x8b;
}

#ifdef HAVE_ISAL

static gboolean
gzip_begin_member (ScDecoder *self)
{
  isal_inflate_reset (self->gzip);
  self->gzip->crc_flag = ISAL_GZIP;
  return TRUE;
}

static Step
gzip_step (ScDecoder *self, ScDecoderBuffers *buffers, GError **error)
{
  struct inflate_state *state = self->gzip;
  guint32 in_bytes = (guint32)MIN (buffers->in_bytes, G_MAXINT32);
  guint32 out_bytes = (guint32)MIN (buffers->out_bytes, G_MAXINT32);

  /* ISA-L does not write to its input, its declaration just does not say so. */
  state->next_in = (guint8 *)(gsize)buffers->in;
  state->avail_in = in_bytes;
  state->next_out = buffers->out;
  state->avail_out = out_bytes;

  int status = isal_inflate (state);
  buffers->in += in_bytes - state->avail_in;
  buffers->in_bytes -= in_bytes - state->avail_in;
  buffers->out += out_bytes - state->avail_out;
  buffers->out_bytes -= out_bytes - state->avail_out;

  if (status < 0)
    {
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                    status == ISAL_INCORRECT_CHECKSUM
                        ? "the gzip stream is damaged: its checksum is wrong"
                        : "the gzip stream is damaged");
      return STEP_FAILED;
    }
  return state->block_state == ISAL_BLOCK_FINISH ? STEP_MEMBER_END : STEP_MORE;
}

static gboolean
gzip_open (ScDecoder *self)
{
  self->gzip = g_new0 (struct inflate_state, 1);
  isal_inflate_init (self->gzip);
  return TRUE;
}

static void
gzip_close (ScDecoder *self)
{
  g_free (self->gzip);
}

#else

static gboolean
gzip_begin_member (ScDecoder *self)
{
  return inflateReset (self->gzip) == Z_OK;
}

static Step
gzip_step (ScDecoder *self, ScDecoderBuffers *buffers, GError **error)
{
  z_stream *stream = self->gzip;
  guint in_bytes = (guint)MIN (buffers->in_bytes, G_MAXINT32);
  guint out_bytes = (guint)MIN (buffers->out_bytes, G_MAXINT32);

  stream->next_in = (guint8 *)(gsize)buffers->in;
  stream->avail_in = in_bytes;
  stream->next_out = buffers->out;
  stream->avail_out = out_bytes;

  int status = inflate (stream, Z_NO_FLUSH);
  buffers->in += in_bytes - stream->avail_in;
  buffers->in_bytes -= in_bytes - stream->avail_in;
  buffers->out += out_bytes - stream->avail_out;
  buffers->out_bytes -= out_bytes - stream->avail_out;

  /* Z_BUF_ERROR: nothing could be done without more input or room. */
  if (status == Z_STREAM_END)
    return STEP_MEMBER_END;
  if (status == Z_OK || status == Z_BUF_ERROR)
    return STEP_MORE;
  gboolean is_checksum = stream->msg != NULL && strcmp (stream->msg, "incorrect data check") == 0;
  sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                is_checksum ? "the gzip stream is damaged: its checksum is wrong"
                            : "the gzip stream is damaged");
  return STEP_FAILED;
}

static gboolean
gzip_open (ScDecoder *self)
{
  self->gzip = g_new0 (z_stream, 1);
  return inflateInit2 (self->gzip, 16 + MAX_WBITS)
         == Z_OK; /* 16: with a gzip header, and nothing else */
}

static void
gzip_close (ScDecoder *self)
{
  if (self->gzip != NULL)
    (void)inflateEnd (self->gzip);
  g_free (self->gzip);
}

#endif

/* Checked by hand, so that a libzstd that was built to read the formats before 0.8 does not get to
 * see them. */
static gboolean
zstd_has_magic (const guint8 *magic)
{
  guint32 value
      = magic[0] | (guint32)magic[1] << 8 | (guint32)magic[2] << 16 | (guint32)magic[3] << 24;

  return value == ZSTD_MAGICNUMBER || (value & ZSTD_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

static gboolean
zstd_begin_member (ScDecoder *self)
{
  return !ZSTD_isError (ZSTD_DCtx_reset (self->zstd, ZSTD_reset_session_only));
}

static Step
zstd_step (ScDecoder *self, ScDecoderBuffers *buffers, GError **error)
{
  ZSTD_inBuffer in = { buffers->in, buffers->in_bytes, 0 };
  ZSTD_outBuffer out = { buffers->out, buffers->out_bytes, 0 };
  gsize status = ZSTD_decompressStream (self->zstd, &out, &in);

  buffers->in += in.pos;
  buffers->in_bytes -= in.pos;
  buffers->out += out.pos;
  buffers->out_bytes -= out.pos;

  if (!ZSTD_isError (status))
    return status == 0 ? STEP_MEMBER_END : STEP_MORE;
  if (ZSTD_getErrorCode (status) == ZSTD_error_frameParameter_windowTooLarge)
    sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                  "the zstd stream needs a window of more than %d MiB",
                  1 << (SC_DECODER_MAX_WINDOW_LOG - 20));
  else
    sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "the zstd stream is damaged: %s",
                  ZSTD_getErrorName (status));
  return STEP_FAILED;
}

static gboolean
zstd_open (ScDecoder *self)
{
  self->zstd = ZSTD_createDCtx ();
  return self->zstd != NULL
         && !ZSTD_isError (
             ZSTD_DCtx_setParameter (self->zstd, ZSTD_d_windowLogMax, SC_DECODER_MAX_WINDOW_LOG));
}

static const Codec gzip_codec = { "gzip", 2, gzip_has_magic, gzip_begin_member, gzip_step };
static const Codec zstd_codec = { "zstd", 4, zstd_has_magic, zstd_begin_member, zstd_step };

ScCompression
sc_decoder_recognize (const guint8 *data, gsize size_bytes)
{
  if (size_bytes >= 2 && memcmp (data, "\x1f\x8b", 2) == 0)
    return SC_COMPRESSION_GZIP;
  if (size_bytes >= 4 && memcmp (data, "\x28\xb5\x2f\xfd", 4) == 0)
    return SC_COMPRESSION_ZSTD;
  return SC_COMPRESSION_NONE;
}

ScDecoder *
sc_decoder_new (ScCompression compression, GError **error)
{
  g_autoptr (ScDecoder) self = g_new0 (ScDecoder, 1);
  gboolean ok = TRUE;

  if (compression == SC_COMPRESSION_GZIP)
    {
      self->codec = &gzip_codec;
      ok = gzip_open (self);
    }
  else if (compression == SC_COMPRESSION_ZSTD)
    {
      self->codec = &zstd_codec;
      ok = zstd_open (self);
    }

  if (ok)
    return g_steal_pointer (&self);
  sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED, "no decoder for %s can be made",
                self->codec->name);
  return NULL;
}

void
sc_decoder_free (ScDecoder *self)
{
  gzip_close (self);
  (void)ZSTD_freeDCtx (self->zstd);
  g_free (self);
}

static void
copy_plain (ScDecoderBuffers *buffers)
{
  gsize n = MIN (buffers->in_bytes, buffers->out_bytes);

  if (n == 0) /* before the first read there is no input to point to */
    return;
  memcpy (buffers->out, buffers->in, n);
  buffers->in += n;
  buffers->in_bytes -= n;
  buffers->out += n;
  buffers->out_bytes -= n;
}

/* The decoder gets the bytes that were held back to look at them; no codec puts anything out for so
 * few. */
static gboolean
begin_member (ScDecoder *self, GError **error)
{
  const Codec *codec = self->codec;
  guint8 room[1];
  ScDecoderBuffers head = { self->magic, codec->magic_bytes, room, sizeof room };

  if (!codec->has_magic (self->magic))
    return self->n_members == 0
               ? sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                               "the stream is not compressed with %s as declared", codec->name)
               : sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                               "something follows the %s stream", codec->name);
  if (++self->n_members > SC_DECODER_MAX_MEMBERS)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "the %s stream has more than %d members", codec->name,
                         SC_DECODER_MAX_MEMBERS);
  if (!codec->begin_member (self))
    return sc_error_set (error, SYSCONT_ERROR_FAILED, "the %s decoder cannot be reset",
                         codec->name);

  self->in_member = TRUE;
  self->member_has_content = FALSE;
  self->magic_bytes = 0;
  return codec->step (self, &head, error) != STEP_FAILED;
}

static gboolean
end_member (ScDecoder *self, GError **error)
{
  self->in_member = FALSE;
  if (self->member_has_content || ++self->n_empty_members <= SC_DECODER_MAX_EMPTY_MEMBERS)
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                       "the %s stream has more than %d empty members", self->codec->name,
                       SC_DECODER_MAX_EMPTY_MEMBERS);
}

static gboolean
run_member (ScDecoder *self, ScDecoderBuffers *buffers, gboolean *progress, GError **error)
{
  gsize in_bytes = buffers->in_bytes;
  gsize out_bytes = buffers->out_bytes;
  Step step = self->codec->step (self, buffers, error);

  self->member_has_content |= buffers->out_bytes < out_bytes;
  *progress = buffers->in_bytes < in_bytes || buffers->out_bytes < out_bytes;
  if (step == STEP_MEMBER_END)
    return end_member (self, error);
  if (step == STEP_MORE && !*progress && in_bytes > 0)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "the %s stream is damaged",
                         self->codec->name);
  return step == STEP_MORE;
}

gboolean
sc_decoder_run (ScDecoder *self, ScDecoderBuffers *buffers, GError **error)
{
  gboolean progress = TRUE;

  if (self->codec == NULL)
    {
      copy_plain (buffers);
      return TRUE;
    }

  while (progress && buffers->out_bytes > 0)
    {
      if (self->in_member)
        {
          if (!run_member (self, buffers, &progress, error))
            return FALSE;
          continue;
        }

      while (self->magic_bytes < self->codec->magic_bytes && buffers->in_bytes > 0)
        {
          self->magic[self->magic_bytes++] = *buffers->in++;
          buffers->in_bytes--;
        }
      if (self->magic_bytes < self->codec->magic_bytes)
        return TRUE;
      if (!begin_member (self, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
sc_decoder_finish (const ScDecoder *self, GError **error)
{
  if (self->codec == NULL)
    return TRUE;
  if (self->in_member)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "the %s stream is cut off",
                         self->codec->name);
  if (self->n_members == 0)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "the stream is not compressed with %s as declared", self->codec->name);
  return self->magic_bytes == 0
             ? TRUE
             : sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "something follows the %s stream",
                             self->codec->name);
}
