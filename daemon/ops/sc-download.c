/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-download.h"

#include "base/sc-fd.h"
#include "base/sc-log.h"
#include "image/sc-endpoint.h"
#include "ops/sc-worker.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

void
sc_download_begin (ScDownload *self, ScBlob *blob, guint32 request)
{
  *self = (ScDownload){ .state = SC_DOWNLOAD_LOOKING_ON,
                        .blob = blob,
                        .request = request,
                        .fd = -1,
                        .endpoint = -1,
                        .damaged_endpoint = -1 };
}

gboolean
sc_download_has_work (const ScDownload *self)
{
  return self->blob != NULL && self->state == SC_DOWNLOAD_HASHING;
}

static const char *
get_sender (const ScDownload *self, const ScDownloadLine *line)
{
  if (self->endpoint < 0 || line->endpoints == NULL
      || (guint)self->endpoint >= line->endpoints->len)
    return "the spool";
  return ((const ScEndpoint *)line->endpoints->pdata[self->endpoint])->registry;
}

/* Damage may be as old as the file, or new: either way one more try shows what the registry has. */
static gboolean
repeat (ScDownload *self, ScDownloadLine *line, GError *damage, GError **error)
{
  g_autoptr (GError) owned = damage;

  line->spooled_bytes -= self->own_bytes;
  self->own_bytes = 0;
  if (!sc_blob_restart (self->blob, error))
    return FALSE;
  if (self->is_repeated && self->endpoint <= self->damaged_endpoint)
    {
      g_propagate_error (error, g_steal_pointer (&owned));
      return FALSE;
    }
  sc_log (G_LOG_LEVEL_MESSAGE, NULL, "\"%s\": %s: getting it again", get_sender (self, line),
          owned->message);
  self->is_repeated = TRUE;
  self->damaged_endpoint = self->endpoint;
  self->state = SC_DOWNLOAD_HASHING;
  return TRUE;
}

static gboolean
finish (ScDownload *self, ScDownloadLine *line, GError **error)
{
  GError *damage = NULL;

  if (!sc_blob_finish (self->blob, &damage))
    return repeat (self, line, damage, error);
  self->blob = NULL;
  return TRUE;
}

static gboolean
ask (ScDownload *self, ScDownloadLine *line, GError **error)
{
  ScBlob *blob = self->blob;
  sc_autofd read_fd = -1;
  sc_autofd write_fd = -1;

  if (!sc_spool_check_space (line->paths, line->config, blob->size_bytes - blob->written_bytes,
                             error)
      || !sc_worker_make_pipe (&read_fd, &write_fd, error))
    return FALSE;

  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_BLOB);
  sc_record_writer_put_u32 (writer, self->request);
  sc_record_writer_put_string (writer, blob->digest);
  sc_record_writer_put_u64 (writer, blob->size_bytes);
  sc_record_writer_put_u64 (writer, blob->written_bytes);
  sc_record_writer_put_u32 (writer, (guint)(self->damaged_endpoint + 1));
  if (!sc_channel_send (line->fetch, writer, &write_fd, 1, error))
    return FALSE;

  (void)fcntl (read_fd, F_SETFL, O_NONBLOCK);
  self->state = SC_DOWNLOAD_FETCHING;
  self->fd = sc_fd_steal (&read_fd);
  self->is_done = FALSE;
  self->piped_bytes = 0;
  return TRUE;
}

static gboolean
hash_or_ask (ScDownload *self, ScDownloadLine *line, GError **error)
{
  GError *damage = NULL;

  if (sc_blob_has_prefix (self->blob))
    return sc_blob_hash_prefix (self->blob, line->buffer, SC_DOWNLOAD_CHUNK_BYTES, &damage)
           || repeat (self, line, damage, error);
  if (self->blob->written_bytes == self->blob->size_bytes)
    return finish (self, line, error);
  return ask (self, line, error);
}

static void
look (ScDownload *self, const ScDownloadLine *line)
{
  ScBlobView view;

  sc_blob_look (self->blob, &view);
  if (view.is_complete)
    self->blob = NULL;
  else if (sc_blob_claim (self->blob, line->wake_fd))
    self->state = SC_DOWNLOAD_HASHING;
}

gboolean
sc_download_step (ScDownload *self, ScDownloadLine *line, GError **error)
{
  if (self->state == SC_DOWNLOAD_LOOKING_ON)
    look (self, line);
  return !sc_download_has_work (self) || hash_or_ask (self, line, error);
}

/* A request is over when its pipe ended and the worker said how. */
static gboolean
settle (ScDownload *self, ScDownloadLine *line, GError **error)
{
  return self->fd >= 0 || !self->is_done || finish (self, line, error);
}

gboolean
sc_download_read (ScDownload *self, ScDownloadLine *line, GError **error)
{
  gssize n = read (self->fd, line->buffer, SC_DOWNLOAD_CHUNK_BYTES);

  if (n < 0)
    return errno == EAGAIN || errno == EINTR
               ? TRUE
               : sc_error_set_errno (error, errno, "reading blob %s", self->blob->digest);
  if (n == 0)
    {
      close (sc_fd_steal (&self->fd));
      return settle (self, line, error);
    }

  if (!sc_blob_append (self->blob, line->buffer, (gsize)n, error))
    {
      /* What follows has no place in the file. */
      close (sc_fd_steal (&self->fd));
      return FALSE;
    }
  self->piped_bytes += (guint64)n;
  self->own_bytes += (guint64)n;
  line->spooled_bytes += (guint64)n;
  return TRUE;
}

gboolean
sc_download_end (
    ScDownload *self, ScDownloadLine *line, guint64 line_bytes, guint endpoint, GError **error)
{
  line->line_bytes += MAX (line_bytes, self->piped_bytes);
  self->is_done = TRUE;
  self->endpoint = (gint)MIN (endpoint, G_MAXINT16);
  sc_log (G_LOG_LEVEL_DEBUG, NULL, "blob %s is from \"%s\"", self->blob->digest,
          get_sender (self, line));
  return settle (self, line, error);
}

/* A worker that goes on writing must not keep us. */
static void
keep_what_is_piped (ScDownload *self, ScDownloadLine *line)
{
  guint64 limit_bytes = self->piped_bytes + SC_WORKER_PIPE_BYTES;
  guint64 before;

  do
    before = self->piped_bytes;
  while (self->fd >= 0 && sc_download_read (self, line, NULL) && self->piped_bytes > before
         && self->piped_bytes < limit_bytes);
}

void
sc_download_drop (ScDownload *self, ScDownloadLine *line)
{
  ScBlob *blob = self->blob;

  if (blob == NULL)
    return;
  keep_what_is_piped (self, line);
  if (self->fd >= 0)
    close (sc_fd_steal (&self->fd));
  if (!self->is_done)
    line->line_bytes += self->piped_bytes;
  sc_blob_unwatch (blob, line->wake_fd);
  self->blob = NULL;
}
