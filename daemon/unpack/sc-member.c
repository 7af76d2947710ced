/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unpack/sc-member.h"

#include "unpack/sc-decoder.h"

#include <string.h>

struct _ScMember
{
  ScTar *tar;
  ScDecoder *decoder; /* (owned) (nullable) NULL: not compressed */
  ScDecoderBuffers buffers;
  guint8 *out; /* (owned) (nullable) SC_INFLATE_CHUNK_BYTES, of a compressed member */
  guint64 max_bytes;
  guint64 in_bytes;
  guint64 out_bytes;
  gboolean at_end; /* of the member */
};

static gboolean
read_input (ScMember *self, GError **error)
{
  gconstpointer data = NULL;
  gsize size_bytes = 0;
  int n = sc_tar_read (self->tar, &data, &size_bytes, error);

  if (n < 0)
    return FALSE;
  self->at_end = n == 0;
  self->buffers.in = data;
  self->buffers.in_bytes = size_bytes;
  self->in_bytes += size_bytes;
  return TRUE;
}

ScMember *
sc_member_open (ScTar *tar, guint64 max_bytes, GError **error)
{
  g_autoptr (ScMember) self = g_new0 (ScMember, 1);

  self->tar = tar;
  self->max_bytes = max_bytes;
  if (!read_input (self, error))
    return NULL;

  ScCompression compression = sc_decoder_recognize (self->buffers.in, self->buffers.in_bytes);
  if (compression == SC_COMPRESSION_NONE)
    return g_steal_pointer (&self);
  self->decoder = sc_decoder_new (compression, error);
  if (self->decoder == NULL)
    return NULL;
  self->out = g_malloc (SC_INFLATE_CHUNK_BYTES);
  return g_steal_pointer (&self);
}

void
sc_member_free (ScMember *self)
{
  g_clear_pointer (&self->decoder, sc_decoder_free);
  g_free (self->out);
  g_free (self);
}

gboolean
sc_member_is_packed (const ScMember *self)
{
  return self->decoder != NULL;
}

/* The first piece was read to look at it. */
static int
read_plain (ScMember *self, gconstpointer *data, gsize *size_bytes, GError **error)
{
  if (self->buffers.in_bytes == 0 && !self->at_end && !read_input (self, error))
    return -1;
  *data = self->buffers.in;
  *size_bytes = self->buffers.in_bytes;
  self->buffers.in_bytes = 0;
  return *size_bytes > 0 ? 1 : 0;
}

/* The decoder is asked before more is read: it may still hold output of what it has got. */
static int
read_packed (ScMember *self, gconstpointer *data, gsize *size_bytes, GError **error)
{
  self->buffers.out = self->out;
  self->buffers.out_bytes = SC_INFLATE_CHUNK_BYTES;

  for (;;)
    {
      if (!sc_decoder_run (self->decoder, &self->buffers, error))
        return -1;
      if (self->buffers.out_bytes == 0 || self->at_end)
        break;
      if (!read_input (self, error))
        return -1;
      if (self->at_end && !sc_decoder_finish (self->decoder, error))
        return -1;
    }

  *data = self->out;
  *size_bytes = SC_INFLATE_CHUNK_BYTES - self->buffers.out_bytes;
  self->out_bytes += *size_bytes;
  if (!sc_inflate_check_limits (self->in_bytes, self->out_bytes, self->max_bytes, error))
    return -1;
  return *size_bytes > 0 ? 1 : 0;
}

int
sc_member_read (ScMember *self, gconstpointer *data, gsize *size_bytes, GError **error)
{
  return self->decoder != NULL ? read_packed (self, data, size_bytes, error)
                               : read_plain (self, data, size_bytes, error);
}

guint64
sc_member_get_unpacked (const ScMember *self)
{
  return self->out_bytes;
}
