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

/* A command of the job's thread: write a blob into fd; index QUIT ends the thread. */
#define QUIT G_MAXUINT

typedef struct
{
  guint index;
  int fd;
} Command;

/* How a command ended. */
typedef struct
{
  ScTransferEnd end;
  GError *error; /* (owned) (nullable) set when it failed */
} Answer;

typedef struct
{
  ScDownload download;
  guint index; /* of its blob */
  gboolean is_active;
} Slot;

struct _ScTransfer
{
  ScTransferSetup setup;
  GThread *thread;       /* (nullable) after its end */
  GAsyncQueue *commands; /* (owned) of Command */
  GAsyncQueue *answers;  /* (owned) of Answer */
  int command_fd;        /* eventfd: a command is there */

  /* The members below belong to the thread. */
  ScDownloadLine line; /* its wake_fd: eventfd, a blob that another job writes has changed */
  Slot slots[MAX_DOWNLOADS];
  guint next_blob;
  guint64 *present_bytes; /* (owned) of each blob, as shown in the progress */
  GError *failure;        /* (owned) (nullable) the first one; everything ends with it */
  gboolean feed_active;
  gboolean feed_writes; /* there was somebody to write to */
  ScBlob *feed_blob;
  guint feed_generation; /* of the blob, when the feed began */
  int feed_fd;           /* -1: nothing to write, or no more */
  guint64 fed_bytes;
  guint8 *buffer; /* (owned) */
};

static void
show_progress (ScTransfer *self, guint index)
{
  ScBlobView view;

  sc_blob_look (self->setup.blobs->pdata[index], &view);
  if (view.present_bytes == self->present_bytes[index])
    return;
  self->present_bytes[index] = view.present_bytes;
  sc_progress_set_blob_bytes (self->setup.progress, index, view.present_bytes);
}

static gboolean
fill_slot (ScTransfer *self, Slot *slot)
{
  if (self->next_blob == self->setup.blobs->len)
    return FALSE;

  slot->index = self->next_blob++;
  slot->is_active = TRUE;
  sc_download_begin (&slot->download, self->setup.blobs->pdata[slot->index], slot->index + 1);
  return TRUE;
}

/* Does what needs no waiting, and begins the next blob where one is complete. */
static gboolean
advance (ScTransfer *self, Slot *slot, GError **error)
{
  while (slot->is_active || fill_slot (self, slot))
    {
      if (slot->download.blob != NULL && !sc_download_step (&slot->download, &self->line, error))
        return FALSE;
      show_progress (self, slot->index);
      slot->is_active = slot->download.blob != NULL;
      if (slot->is_active)
        return TRUE;
    }
  return TRUE;
}

static gboolean
advance_all (ScTransfer *self, GError **error)
{
  for (guint i = 0; i < MAX_DOWNLOADS; i++)
    if (!advance (self, &self->slots[i], error))
      return FALSE;
  return TRUE;
}

static void
drop_downloads (ScTransfer *self)
{
  for (guint i = 0; i < MAX_DOWNLOADS; i++)
    {
      sc_download_drop (&self->slots[i].download, &self->line);
      self->slots[i].is_active = FALSE;
    }
}

static ScDownload *
find_download (ScTransfer *self, guint32 request)
{
  for (guint i = 0; i < MAX_DOWNLOADS; i++)
    {
      ScDownload *download = &self->slots[i].download;

      if (download->blob != NULL && download->state == SC_DOWNLOAD_FETCHING
          && download->request == request)
        return download;
    }
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
  guint64 line_bytes = sc_record_get_u64 (&record);
  guint endpoint = sc_record_get_u32 (&record);
  if (record.type != SC_RECORD_FETCH_BLOB_DONE || !sc_record_finish (&record, error))
    return sc_error_set (error, SYSCONT_ERROR_FAILED,
                         "the syscont-fetch worker broke the protocol");

  ScDownload *download = find_download (self, request);
  if (download == NULL)
    return sc_error_set (error, SYSCONT_ERROR_FAILED,
                         "the syscont-fetch worker answered what was not asked");
  return sc_download_end (download, &self->line, line_bytes, endpoint, error);
}

static void
answer (ScTransfer *self, ScTransferEnd end, GError *error)
{
  Answer *message = g_new0 (Answer, 1);

  message->end = end;
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
  ScBlobView view;

  if (self->feed_fd < 0)
    return FALSE;
  sc_blob_look (self->feed_blob, &view);
  return self->fed_bytes < view.written_bytes && self->feed_generation == view.generation;
}

static gboolean
write_feed (ScTransfer *self, GError **error)
{
  ScBlobView view;

  sc_blob_look (self->feed_blob, &view);
  /* Another job may be writing it, and may throw it away at any time: settle_feed() sees to that. */
  if (view.written_bytes <= self->fed_bytes)
    return TRUE;
  gsize want = MIN (SC_DOWNLOAD_CHUNK_BYTES, view.written_bytes - self->fed_bytes);
  gssize got = pread (self->feed_blob->fd, self->buffer, want, (off_t)self->fed_bytes);
  if (got <= 0 && !feed_is_pending (self))
    return TRUE;
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
  ScBlobView view;

  if (!self->feed_active)
    return;
  sc_blob_look (self->feed_blob, &view);
  if (self->failure != NULL)
    answer (self, SC_TRANSFER_FAILED, g_error_copy (self->failure));
  else if (self->feed_writes && view.generation != self->feed_generation)
    answer (self, SC_TRANSFER_AGAIN, NULL);
  else if (view.is_complete && !feed_is_pending (self))
    answer (self, SC_TRANSFER_DONE, NULL);
}

static gboolean
take_command (ScTransfer *self)
{
  g_autofree Command *command = g_async_queue_try_pop (self->commands);

  if (command == NULL)
    return TRUE;
  if (command->index == QUIT)
    return FALSE;

  ScBlobView view;
  self->feed_active = TRUE;
  self->feed_blob = self->setup.blobs->pdata[command->index];
  sc_blob_look (self->feed_blob, &view);
  self->feed_generation = view.generation;
  self->feed_fd = command->fd;
  self->feed_writes = command->fd >= 0;
  self->fed_bytes = 0;
  if (self->feed_fd >= 0)
    (void)fcntl (self->feed_fd, F_SETFL, O_NONBLOCK);
  return TRUE;
}

enum
{
  POLL_COMMAND,
  POLL_OTHERS,
  POLL_FETCH,
  POLL_FEED,
  POLL_DOWNLOADS,
  N_POLL = POLL_DOWNLOADS + MAX_DOWNLOADS,
};

static void
wait_for_work (ScTransfer *self, struct pollfd fds[N_POLL])
{
  gboolean downloading = FALSE;
  gboolean has_work = FALSE;

  for (guint i = 0; i < MAX_DOWNLOADS; i++)
    {
      const ScDownload *download = &self->slots[i].download;
      int fd = download->blob != NULL ? download->fd : -1;

      fds[POLL_DOWNLOADS + i] = (struct pollfd){ .fd = fd, .events = POLLIN };
      downloading |= self->slots[i].is_active;
      has_work |= sc_download_has_work (download);
    }
  downloading &= self->setup.fetch != NULL;
  has_work |= downloading && sc_channel_has_buffered (self->setup.fetch);
  fds[POLL_COMMAND] = (struct pollfd){ .fd = self->command_fd, .events = POLLIN };
  fds[POLL_OTHERS] = (struct pollfd){ .fd = self->line.wake_fd, .events = POLLIN };
  fds[POLL_FETCH] = (struct pollfd){ .fd = downloading ? sc_channel_get_fd (self->setup.fetch) : -1,
                                     .events = POLLIN };
  fds[POLL_FEED]
      = (struct pollfd){ .fd = feed_is_pending (self) ? self->feed_fd : -1, .events = POLLOUT };
  while (poll (fds, N_POLL, has_work ? 0 : -1) < 0 && errno == EINTR)
    ;
}

static gboolean
do_work (ScTransfer *self, const struct pollfd fds[N_POLL], GError **error)
{
  for (guint i = 0; i < MAX_DOWNLOADS; i++)
    if (fds[POLL_DOWNLOADS + i].revents != 0
        && !sc_download_read (&self->slots[i].download, &self->line, error))
      return FALSE;
  if (fds[POLL_FEED].revents != 0 && !write_feed (self, error))
    return FALSE;
  if (fds[POLL_FETCH].fd >= 0
      && (fds[POLL_FETCH].revents != 0 || sc_channel_has_buffered (self->setup.fetch))
      && !read_answer (self, error))
    return FALSE;
  return advance_all (self, error);
}

static gpointer
transfer_in_thread (gpointer data)
{
  ScTransfer *self = data;
  struct pollfd fds[N_POLL];
  eventfd_t count;

  if (!advance_all (self, &self->failure))
    drop_downloads (self);

  for (;;)
    {
      settle_feed (self);
      wait_for_work (self, fds);
      if (fds[POLL_OTHERS].revents != 0)
        (void)eventfd_read (self->line.wake_fd, &count);
      if (fds[POLL_COMMAND].revents != 0)
        {
          (void)eventfd_read (self->command_fd, &count);
          if (!take_command (self))
            break;
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
  (void)eventfd_write (self->command_fd, 1);
}

static void
watch_blob (ScTransfer *self, guint index)
{
  ScBlob *blob = self->setup.blobs->pdata[index];
  ScBlobView view;

  sc_blob_watch (blob, self->line.wake_fd);
  sc_blob_look (blob, &view);
  self->present_bytes[index] = view.present_bytes;
}

ScTransfer *
sc_transfer_new (const ScTransferSetup *setup)
{
  ScTransfer *self = g_new0 (ScTransfer, 1);

  self->setup = *setup;
  self->commands = g_async_queue_new_full (g_free);
  self->answers = g_async_queue_new ();
  /* A semaphore: each command wakes the thread once, also when two come together. */
  self->command_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE);
  self->feed_fd = -1;
  self->buffer = g_malloc (SC_DOWNLOAD_CHUNK_BYTES);
  self->line = (ScDownloadLine){ .paths = setup->paths,
                                 .config = setup->config,
                                 .fetch = setup->fetch,
                                 .endpoints = setup->endpoints,
                                 .wake_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK),
                                 .buffer = self->buffer };
  self->present_bytes = g_new0 (guint64, setup->blobs->len);
  for (guint i = 0; i < setup->blobs->len; i++)
    watch_blob (self, i);
  self->thread = g_thread_new ("transfer", transfer_in_thread, self);
  return self;
}

void
sc_transfer_feed (ScTransfer *self, guint index, int fd)
{
  send_command (self, index, fd);
}

static ScTransferEnd
take_answer (Answer *taken, GError **error)
{
  g_autofree Answer *message = taken;

  if (message->error != NULL)
    g_propagate_error (error, message->error);
  return message->end;
}

ScTransferEnd
sc_transfer_wait (ScTransfer *self, GError **error)
{
  return take_answer (g_async_queue_pop (self->answers), error);
}

gboolean
sc_transfer_has_failed (ScTransfer *self, GError **error)
{
  Answer *message = g_async_queue_try_pop (self->answers);

  return message != NULL && take_answer (message, error) == SC_TRANSFER_FAILED;
}

void
sc_transfer_end (ScTransfer *self, ScTransferCounts *counts)
{
  send_command (self, QUIT, -1);
  g_thread_join (g_steal_pointer (&self->thread));
  for (guint i = 0; i < self->setup.blobs->len; i++)
    sc_blob_unwatch (self->setup.blobs->pdata[i], self->line.wake_fd);
  *counts = (ScTransferCounts){ self->line.line_bytes, self->line.spooled_bytes };
}

void
sc_transfer_free (ScTransfer *self)
{
  ScTransferCounts unused;

  if (self->thread != NULL)
    sc_transfer_end (self, &unused);

  g_async_queue_unref (self->commands);
  for (Answer *message; (message = g_async_queue_try_pop (self->answers)) != NULL; g_free (message))
    g_clear_error (&message->error);
  g_async_queue_unref (self->answers);
  g_clear_error (&self->failure);
  close (self->command_fd);
  close (self->line.wake_fd);
  g_free (self->present_bytes);
  g_free (self->buffer);
  g_free (self);
}
