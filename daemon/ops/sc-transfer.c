/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-transfer.h"

#include "base/sc-fd.h"
#include "ops/sc-worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define MAX_DOWNLOADS 3
#define CHUNK_BYTES   (256 * 1024)

/* A command of the job's thread: write a blob into fd; index QUIT ends the thread. */
#define QUIT G_MAXUINT

typedef struct
{
  guint index;
  int fd;
} Command;

/* How a command ended; error is NULL when it ended well. */
typedef struct
{
  GError *error; /* (owned) (nullable) */
} Answer;

typedef struct
{
  ScBlob *blob; /* NULL: the slot is free */
  guint32 request;
  int fd;           /* read end of the pipe; -1 after its end of file */
  gboolean is_done; /* the worker said so */
} Download;

struct _ScTransfer
{
  ScTransferSetup setup;
  GThread *thread;
  GAsyncQueue *commands; /* (owned) of Command */
  GAsyncQueue *answers;  /* (owned) of Answer */
  int wake_fd;           /* eventfd: a command is there */

  /* The members below belong to the thread. */
  Download downloads[MAX_DOWNLOADS];
  guint next_blob;
  GError *failure; /* (owned) (nullable) the first one; everything ends with it */
  gboolean feed_active;
  ScBlob *feed_blob;
  int feed_fd; /* -1: nothing to write, or no more */
  guint64 fed_bytes;
  guint8 *buffer;
};

static gboolean
start_download (ScTransfer *self, Download *download, ScBlob *blob, guint32 request, GError **error)
{
  sc_autofd read_fd = -1;
  sc_autofd write_fd = -1;

  if (!sc_blob_open (blob, self->setup.paths, error)
      || !sc_worker_make_pipe (&read_fd, &write_fd, error))
    return FALSE;

  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_BLOB);
  sc_record_writer_put_u32 (writer, request);
  sc_record_writer_put_string (writer, blob->digest);
  sc_record_writer_put_u64 (writer, blob->size_bytes);
  if (!sc_channel_send (self->setup.fetch, writer, &write_fd, 1, error))
    return FALSE;

  (void)fcntl (read_fd, F_SETFL, O_NONBLOCK);
  *download = (Download){ .blob = blob, .request = request, .fd = sc_fd_steal (&read_fd) };
  return TRUE;
}

static gboolean
fill_slots (ScTransfer *self, GError **error)
{
  for (guint i = 0; i < MAX_DOWNLOADS && self->next_blob < self->setup.blobs->len; i++)
    {
      if (self->downloads[i].blob != NULL)
        continue;
      guint index = self->next_blob++;
      ScBlob *blob = self->setup.blobs->pdata[index];
      if (!blob->is_complete && !start_download (self, &self->downloads[i], blob, index + 1, error))
        return FALSE;
    }
  return TRUE;
}

/* A download is over when its pipe ended and the worker said how. */
static gboolean
settle_download (ScTransfer *self, Download *download, GError **error)
{
  if (download->fd >= 0 || !download->is_done)
    return TRUE;
  if (!sc_blob_finish (download->blob, error))
    return FALSE;
  download->blob = NULL;
  return fill_slots (self, error);
}

static gboolean
read_download (ScTransfer *self, Download *download, GError **error)
{
  gssize n = read (download->fd, self->buffer, CHUNK_BYTES);

  if (n < 0)
    return errno == EAGAIN || errno == EINTR
               ? TRUE
               : sc_error_set_errno (error, errno, "reading blob %s", download->blob->digest);
  if (n == 0)
    {
      close (sc_fd_steal (&download->fd));
      return settle_download (self, download, error);
    }

  sc_progress_add_bytes (self->setup.progress, (guint64)n);
  return sc_blob_append (download->blob, self->buffer, (gsize)n, error);
}

static Download *
find_download (ScTransfer *self, guint32 request)
{
  for (guint i = 0; i < MAX_DOWNLOADS; i++)
    if (self->downloads[i].blob != NULL && self->downloads[i].request == request)
      return &self->downloads[i];
  return NULL;
}

static gboolean
read_answer (ScTransfer *self, GError **error)
{
  ScRecord record;
  int n = sc_channel_receive (self->setup.fetch, &record, error);

  if (n < 0)
    return FALSE;
  if (n == 0)
    return sc_error_set (error, SYSCONT_ERROR_INTERRUPTED,
                         "the syscont-fetch worker ended in the middle of a download");
  if (record.type == SC_RECORD_ERROR)
    {
      ScRecord peek = record;
      return sc_worker_read_error (&record, sc_record_get_u32 (&peek), error);
    }

  guint32 request = sc_record_get_u32 (&record);
  (void)sc_record_get_u64 (&record);
  if (record.type != SC_RECORD_FETCH_BLOB_DONE || !sc_record_finish (&record, error))
    return sc_error_set (error, SYSCONT_ERROR_FAILED,
                         "the syscont-fetch worker broke the protocol");

  Download *download = find_download (self, request);
  if (download == NULL)
    return sc_error_set (error, SYSCONT_ERROR_FAILED,
                         "the syscont-fetch worker answered what was not asked");
  download->is_done = TRUE;
  return settle_download (self, download, error);
}

static void
answer (ScTransfer *self, GError *error)
{
  Answer *message = g_new0 (Answer, 1);

  message->error = error;
  self->feed_active = FALSE;
  /* The answer first: whoever sees the stream end early then finds out why. */
  g_async_queue_push (self->answers, message);
  if (self->feed_fd >= 0)
    close (sc_fd_steal (&self->feed_fd));
}

static gboolean
feed_is_pending (const ScTransfer *self)
{
  return self->feed_fd >= 0 && self->fed_bytes < self->feed_blob->written_bytes;
}

static gboolean
write_feed (ScTransfer *self, GError **error)
{
  gsize want = MIN (CHUNK_BYTES, self->feed_blob->written_bytes - self->fed_bytes);
  gssize got = pread (self->feed_blob->fd, self->buffer, want, (off_t)self->fed_bytes);

  if (got <= 0)
    return sc_error_set_errno (error, got < 0 ? errno : EIO, "reading spooled blob %s",
                               self->feed_blob->digest);

  gssize n = write (self->feed_fd, self->buffer, (gsize)got);
  if (n >= 0)
    self->fed_bytes += (guint64)n;
  else if (errno == EPIPE) /* the worker gave up on the stream and says why on its own pipe */
    close (sc_fd_steal (&self->feed_fd));
  else if (errno != EAGAIN && errno != EINTR)
    return sc_error_set_errno (error, errno, "writing blob %s to its reader",
                               self->feed_blob->digest);
  return TRUE;
}

static void
settle_feed (ScTransfer *self)
{
  if (!self->feed_active)
    return;
  if (self->failure != NULL)
    answer (self, g_error_copy (self->failure));
  else if (self->feed_blob->is_complete && !feed_is_pending (self))
    answer (self, NULL);
}

static gboolean
take_command (ScTransfer *self)
{
  g_autofree Command *command = g_async_queue_try_pop (self->commands);

  if (command == NULL)
    return TRUE;
  if (command->index == QUIT)
    return FALSE;
  self->feed_active = TRUE;
  self->feed_blob = self->setup.blobs->pdata[command->index];
  self->feed_fd = command->fd;
  self->fed_bytes = 0;
  if (self->feed_fd >= 0)
    (void)fcntl (self->feed_fd, F_SETFL, O_NONBLOCK);
  return TRUE;
}

static void
drop_downloads (ScTransfer *self)
{
  for (guint i = 0; i < MAX_DOWNLOADS; i++)
    {
      if (self->downloads[i].blob != NULL && self->downloads[i].fd >= 0)
        close (self->downloads[i].fd);
      self->downloads[i] = (Download){ .fd = -1 };
    }
}

static gboolean
is_downloading (const ScTransfer *self)
{
  for (guint i = 0; i < MAX_DOWNLOADS; i++)
    if (self->downloads[i].blob != NULL)
      return TRUE;
  return FALSE;
}

enum
{
  POLL_WAKE,
  POLL_FETCH,
  POLL_FEED,
  POLL_DOWNLOADS,
  N_POLL = POLL_DOWNLOADS + MAX_DOWNLOADS,
};

static void
wait_for_work (ScTransfer *self, struct pollfd fds[N_POLL])
{
  gboolean downloading = is_downloading (self);

  fds[POLL_WAKE] = (struct pollfd){ .fd = self->wake_fd, .events = POLLIN };
  fds[POLL_FETCH] = (struct pollfd){ .fd = downloading ? sc_channel_get_fd (self->setup.fetch) : -1,
                                     .events = POLLIN };
  fds[POLL_FEED]
      = (struct pollfd){ .fd = feed_is_pending (self) ? self->feed_fd : -1, .events = POLLOUT };
  for (guint i = 0; i < MAX_DOWNLOADS; i++)
    fds[POLL_DOWNLOADS + i]
        = (struct pollfd){ .fd = self->downloads[i].blob != NULL ? self->downloads[i].fd : -1,
                           .events = POLLIN };

  int timeout_ms = downloading && sc_channel_has_buffered (self->setup.fetch) ? 0 : -1;
  while (poll (fds, N_POLL, timeout_ms) < 0 && errno == EINTR)
    ;
}

static gboolean
do_work (ScTransfer *self, const struct pollfd fds[N_POLL], GError **error)
{
  for (guint i = 0; i < MAX_DOWNLOADS; i++)
    if (fds[POLL_DOWNLOADS + i].revents != 0 && !read_download (self, &self->downloads[i], error))
      return FALSE;
  if (fds[POLL_FEED].revents != 0 && !write_feed (self, error))
    return FALSE;
  if (fds[POLL_FETCH].fd >= 0
      && (fds[POLL_FETCH].revents != 0 || sc_channel_has_buffered (self->setup.fetch)))
    return read_answer (self, error);
  return TRUE;
}

static gpointer
transfer_in_thread (gpointer data)
{
  ScTransfer *self = data;
  struct pollfd fds[N_POLL];

  if (!fill_slots (self, &self->failure))
    drop_downloads (self);

  for (;;)
    {
      settle_feed (self);
      wait_for_work (self, fds);
      if (fds[POLL_WAKE].revents != 0)
        {
          eventfd_t count;
          (void)eventfd_read (self->wake_fd, &count);
          if (!take_command (self))
            break;
          continue;
        }
      if (self->failure == NULL && !do_work (self, fds, &self->failure))
        drop_downloads (self);
    }

  drop_downloads (self);
  if (self->feed_fd >= 0)
    close (self->feed_fd);
  return NULL;
}

static void
send_command (ScTransfer *self, guint index, int fd)
{
  Command *command = g_new0 (Command, 1);

  command->index = index;
  command->fd = fd;
  g_async_queue_push (self->commands, command);
  (void)eventfd_write (self->wake_fd, 1);
}

ScTransfer *
sc_transfer_new (const ScTransferSetup *setup)
{
  ScTransfer *self = g_new0 (ScTransfer, 1);

  self->setup = *setup;
  self->commands = g_async_queue_new_full (g_free);
  self->answers = g_async_queue_new ();
  /* A semaphore: each command wakes the thread once, also when two come together. */
  self->wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
  self->feed_fd = -1;
  self->buffer = g_malloc (CHUNK_BYTES);
  for (guint i = 0; i < MAX_DOWNLOADS; i++)
    self->downloads[i].fd = -1;
  self->thread = g_thread_new ("transfer", transfer_in_thread, self);
  return self;
}

void
sc_transfer_feed (ScTransfer *self, guint index, int fd)
{
  send_command (self, index, fd);
}

gboolean
sc_transfer_wait (ScTransfer *self, GError **error)
{
  g_autofree Answer *message = g_async_queue_pop (self->answers);

  if (message->error == NULL)
    return TRUE;
  g_propagate_error (error, message->error);
  return FALSE;
}

gboolean
sc_transfer_has_failed (ScTransfer *self, GError **error)
{
  g_autofree Answer *message = g_async_queue_try_pop (self->answers);

  if (message == NULL || message->error == NULL)
    return FALSE;
  g_propagate_error (error, message->error);
  return TRUE;
}

void
sc_transfer_free (ScTransfer *self)
{
  send_command (self, QUIT, -1);
  g_thread_join (self->thread);

  g_async_queue_unref (self->commands);
  for (Answer *message; (message = g_async_queue_try_pop (self->answers)) != NULL; g_free (message))
    g_clear_error (&message->error);
  g_async_queue_unref (self->answers);
  g_clear_error (&self->failure);
  close (self->wake_fd);
  g_free (self->buffer);
  g_free (self);
}
