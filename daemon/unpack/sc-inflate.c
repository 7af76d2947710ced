/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unpack/sc-inflate.h"

#include "base/sc-error-util.h"
#include "base/sc-fd.h"
#include "unpack/sc-decoder.h"
#include "unpack/sc-http-answer.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define N_CHUNKS 4

typedef struct
{
  guint8 *data; /* (owned) SC_INFLATE_CHUNK_BYTES */
  gsize size_bytes;
  gboolean is_last; /* nothing follows: end of the stream, or error */
  GError *error;    /* (owned) (nullable) */
} Chunk;

struct _ScInflate
{
  GThread *thread;
  GAsyncQueue *free_chunks;   /* (owned) of Chunk: to the thread */
  GAsyncQueue *filled_chunks; /* (owned) of Chunk: from the thread */
  Chunk chunks[N_CHUNKS];
  Chunk *current; /* what sc_inflate_next() lent; the last one is kept */
  int stop_fd;    /* eventfd: readable when the thread must end */

  /* The members below belong to the thread. */
  int fd;
  ScHttpAnswer *answer; /* (owned) (nullable) NULL: the fd is the stream itself */
  ScHttpInput received; /* from @fd and not given to @answer yet */
  ScDecoder *decoder;   /* (owned) */
  gboolean is_unknown;  /* how it is compressed, until something was read */
  guint64 max_bytes;
  guint64 in_bytes;
  guint64 out_bytes;
  guint8 *input; /* (owned) SC_INFLATE_CHUNK_BYTES */
  ScDecoderBuffers buffers;
  gboolean at_end;
};

gboolean
sc_inflate_check_limits (guint64 in_bytes, guint64 out_bytes, guint64 max_bytes, GError **error)
{
  if (out_bytes > max_bytes)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "the stream has more than %" G_GUINT64_FORMAT " bytes when it is unpacked",
                         max_bytes);
  if (out_bytes > SC_INFLATE_RATIO_FREE_BYTES && out_bytes / SC_INFLATE_MAX_RATIO > in_bytes)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "the stream unpacks to more than %d times its size", SC_INFLATE_MAX_RATIO);
  return TRUE;
}

/* Returns: FALSE when the thread must end */
static gboolean
wait_for_input (ScInflate *self)
{
  struct pollfd fds[]
      = { { .fd = self->stop_fd, .events = POLLIN }, { .fd = self->fd, .events = POLLIN } };

  while (poll (fds, G_N_ELEMENTS (fds), -1) < 0 && errno == EINTR)
    ;
  return fds[0].revents == 0;
}

/* Adds to the first @kept_bytes of what was received; nothing at the end of the fd. */
static gboolean
receive (ScInflate *self, gsize kept_bytes, GError **error)
{
  gssize n;

  do
    {
      if (!wait_for_input (self))
        return sc_error_set (error, SYSCONT_ERROR_CANCELLED, "reading was stopped");
      n = read (self->fd, self->input + kept_bytes, SC_INFLATE_CHUNK_BYTES - kept_bytes);
    }
  while (n < 0 && (errno == EINTR || errno == EAGAIN));

  if (n < 0)
    return sc_error_set_errno (error, errno, "reading the stream");
  self->received = (ScHttpInput){ self->input, kept_bytes + (gsize)n };
  return TRUE;
}

/* Sets the next piece of the body, nothing at its end. */
static gboolean
receive_body (ScInflate *self, GError **error)
{
  const guint8 *body = NULL;
  gsize body_bytes = 0;

  while (body == NULL)
    {
      if (self->received.size_bytes == 0)
        {
          if (sc_http_answer_is_complete (self->answer))
            break;
          if (!receive (self, 0, error))
            return FALSE;
          if (self->received.size_bytes == 0)
            return sc_http_answer_finish (self->answer, error);
        }
      if (!sc_http_answer_take (self->answer, &self->received, &body, &body_bytes, error))
        return FALSE;
    }
  self->buffers.in = body;
  self->buffers.in_bytes = body_bytes;
  return TRUE;
}

/* Receives enough to tell how the stream is compressed. */
static gboolean
recognize (ScInflate *self, GError **error)
{
  gsize kept_bytes;

  do
    {
      kept_bytes = self->received.size_bytes;
      if (!receive (self, kept_bytes, error))
        return FALSE;
    }
  while (self->received.size_bytes > kept_bytes
         && self->received.size_bytes < SC_DECODER_MAGIC_BYTES);

  ScDecoder *decoder = sc_decoder_new (
      sc_decoder_recognize (self->received.data, self->received.size_bytes), error);
  if (decoder == NULL)
    return FALSE;
  sc_decoder_free (self->decoder);
  self->decoder = decoder;
  self->is_unknown = FALSE;
  return TRUE;
}

static gboolean
read_input (ScInflate *self, GError **error)
{
  if (self->answer != NULL)
    {
      if (!receive_body (self, error))
        return FALSE;
    }
  else
    {
      if (!(self->is_unknown ? recognize (self, error) : receive (self, 0, error)))
        return FALSE;
      self->buffers.in = self->received.data;
      self->buffers.in_bytes = self->received.size_bytes;
    }

  self->at_end = self->buffers.in_bytes == 0;
  self->in_bytes += self->buffers.in_bytes;
  return !self->at_end || sc_decoder_finish (self->decoder, error);
}

/* The decoder is asked before more is read: it may still hold output of what it has got. */
static gboolean
fill_chunk (ScInflate *self, Chunk *chunk, GError **error)
{
  self->buffers.out = chunk->data;
  self->buffers.out_bytes = SC_INFLATE_CHUNK_BYTES;

  for (;;)
    {
      gsize room = self->buffers.out_bytes;
      gboolean ok = sc_decoder_run (self->decoder, &self->buffers, error);

      self->out_bytes += room - self->buffers.out_bytes;
      chunk->size_bytes = SC_INFLATE_CHUNK_BYTES - self->buffers.out_bytes;
      if (!ok || !sc_inflate_check_limits (self->in_bytes, self->out_bytes, self->max_bytes, error))
        return FALSE;
      if (self->buffers.out_bytes == 0)
        return TRUE;
      if (!read_input (self, error))
        return FALSE;
      if (self->at_end)
        return TRUE;
    }
}

static gpointer
inflate_in_thread (gpointer data)
{
  ScInflate *self = data;
  gboolean is_last = FALSE;

  while (!is_last)
    {
      Chunk *chunk = g_async_queue_pop (self->free_chunks);

      /* A chunk without memory is how sc_inflate_free() wakes a thread that waits for one. */
      if (chunk->data == NULL)
        break;
      is_last = !fill_chunk (self, chunk, &chunk->error) || self->at_end;
      chunk->is_last = is_last;
      g_async_queue_push (self->filled_chunks, chunk);
    }
  return NULL;
}

/* What is around the bytes. */
typedef struct
{
  ScHttpAnswer *answer; /* (transfer full) (nullable) */
  ScCompression compression;
  gboolean is_unknown; /* the compression */
} Encoding;

static ScInflate *
start (int fd, Encoding encoding, guint64 max_bytes, GError **error)
{
  sc_autofd input_fd = fd;
  g_autoptr (ScHttpAnswer) answer = encoding.answer;
  g_autoptr (ScDecoder) decoder = sc_decoder_new (encoding.compression, error);
  if (decoder == NULL)
    return NULL;

  sc_autofd stop_fd = eventfd (0, EFD_CLOEXEC);
  if (stop_fd < 0)
    {
      sc_error_set_errno (error, errno, "making an eventfd");
      return NULL;
    }

  g_autoptr (ScInflate) self = g_new0 (ScInflate, 1);
  self->fd = sc_fd_steal (&input_fd);
  self->stop_fd = sc_fd_steal (&stop_fd);
  self->answer = g_steal_pointer (&answer);
  self->is_unknown = encoding.is_unknown;
  self->decoder = g_steal_pointer (&decoder);
  self->max_bytes = max_bytes;
  self->input = g_malloc (SC_INFLATE_CHUNK_BYTES);
  self->free_chunks = g_async_queue_new ();
  self->filled_chunks = g_async_queue_new ();
  for (guint i = 0; i < N_CHUNKS; i++)
    {
      self->chunks[i].data = g_malloc (SC_INFLATE_CHUNK_BYTES);
      g_async_queue_push (self->free_chunks, &self->chunks[i]);
    }

  self->thread = g_thread_try_new ("inflate", inflate_in_thread, self, error);
  return self->thread != NULL ? g_steal_pointer (&self) : NULL;
}

ScInflate *
sc_inflate_new (int fd, ScCompression compression, guint64 max_bytes, GError **error)
{
  return start (fd, (Encoding){ .compression = compression }, max_bytes, error);
}

ScInflate *
sc_inflate_new_archive (int fd, guint64 max_bytes, GError **error)
{
  return start (fd, (Encoding){ .is_unknown = TRUE }, max_bytes, error);
}

ScInflate *
sc_inflate_new_answer (int fd, guint64 max_bytes, GError **error)
{
  return start (fd, (Encoding){ .answer = sc_http_answer_new () }, max_bytes, error);
}

void
sc_inflate_free (ScInflate *self)
{
  Chunk stop = { 0 };

  if (self->thread != NULL)
    {
      (void)eventfd_write (self->stop_fd, 1);
      g_async_queue_push_front (self->free_chunks, &stop);
      g_thread_join (self->thread);
    }
  g_async_queue_unref (self->free_chunks);
  g_async_queue_unref (self->filled_chunks);
  for (guint i = 0; i < N_CHUNKS; i++)
    {
      g_clear_error (&self->chunks[i].error);
      g_free (self->chunks[i].data);
    }
  g_clear_pointer (&self->answer, sc_http_answer_free);
  sc_decoder_free (self->decoder);
  close (self->fd);
  close (self->stop_fd);
  g_free (self->input);
  g_free (self);
}

int
sc_inflate_next (ScInflate *self, const guint8 **data, gsize *size_bytes, GError **error)
{
  gboolean is_over = self->current != NULL && self->current->is_last;

  if (!is_over)
    {
      if (self->current != NULL)
        g_async_queue_push (self->free_chunks, self->current);
      self->current = g_async_queue_pop (self->filled_chunks);
    }

  if (self->current->error != NULL)
    {
      g_propagate_error (error, g_error_copy (self->current->error));
      return -1;
    }
  if (is_over || self->current->size_bytes == 0)
    return 0;
  *data = self->current->data;
  *size_bytes = self->current->size_bytes;
  return 1;
}
