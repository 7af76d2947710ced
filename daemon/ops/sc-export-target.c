/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-export-target.h"

#include "base/sc-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define COLLECT_BYTES    (256 * 1024)
#define STALL_TIMEOUT_MS (10 * 60 * 1000)

struct _ScExportTarget
{
  int fd; /* (owned) */
  ScProgress *progress;
  GCancellable *cancellable; /* (owned) (nullable) */
  GByteArray *collected;     /* (owned) */
};

gboolean
sc_op_export_check_fd (int fd, GError **error)
{
  struct stat st;
  int flags = fcntl (fd, F_GETFL);

  if (flags < 0 || fstat (fd, &st) < 0)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "the file descriptor is not open");
  if (!S_ISREG (st.st_mode) && !S_ISFIFO (st.st_mode))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "the file descriptor is neither a regular file nor a pipe");
  if ((flags & O_PATH) != 0 || (flags & O_ACCMODE) == O_RDONLY)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "the file descriptor is not open for writing");
  return TRUE;
}

/* The caller's descriptor blocks, and whether it does is common to all who have it: a pipe is
 * opened once more, for us alone. */
static int
open_target (int fd, GError **error)
{
  sc_autofd given = fd;
  struct stat st;

  if (fstat (given, &st) < 0 || !S_ISFIFO (st.st_mode))
    return sc_fd_steal (&given);

  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", given);
  int own = open (path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (own < 0)
    sc_error_set_errno (error, errno, "opening the pipe");
  return own;
}

ScExportTarget *
sc_export_target_new (int fd, ScProgress *progress, GCancellable *cancellable, GError **error)
{
  int own = open_target (fd, error);
  if (own < 0)
    return NULL;

  ScExportTarget *self = g_new0 (ScExportTarget, 1);
  self->fd = own;
  self->progress = progress;
  self->cancellable = cancellable != NULL ? g_object_ref (cancellable) : NULL;
  self->collected = g_byte_array_new ();
  return self;
}

void
sc_export_target_free (ScExportTarget *self)
{
  close (self->fd);
  g_clear_object (&self->cancellable);
  g_byte_array_unref (self->collected);
  g_free (self);
}

static gboolean
wait_for_reader (ScExportTarget *self, GError **error)
{
  GPollFD fds[2] = { { .fd = self->fd, .events = G_IO_OUT }, { .fd = -1 } };
  gboolean can_cancel = g_cancellable_make_pollfd (self->cancellable, &fds[1]);
  int n;

  do
    n = g_poll (fds, can_cancel ? 2 : 1, STALL_TIMEOUT_MS);
  while (n < 0 && errno == EINTR);
  if (can_cancel)
    g_cancellable_release_fd (self->cancellable);
  if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
    return FALSE;
  return n > 0
         || sc_error_set (error, SYSCONT_ERROR_TIMED_OUT,
                          "nobody has read from the pipe for %d minutes",
                          STALL_TIMEOUT_MS / (60 * 1000));
}

static gboolean
write_all (ScExportTarget *self, const guint8 *data, gsize size_bytes, GError **error)
{
  while (size_bytes > 0)
    {
      if (g_cancellable_set_error_if_cancelled (self->cancellable, error))
        return FALSE;
      gssize n = write (self->fd, data, size_bytes);
      if (n < 0 && errno == EAGAIN)
        {
          if (!wait_for_reader (self, error))
            return FALSE;
          continue;
        }
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0 && errno == EPIPE)
        return sc_error_set (error, SYSCONT_ERROR_FAILED,
                             "the reader of the pipe has gone before the end");
      if (n < 0)
        return sc_error_set_errno (error, errno, "writing the archive");
      sc_progress_add_bytes (self->progress, (guint64)n);
      data += n;
      size_bytes -= (gsize)n;
    }
  return TRUE;
}

gboolean
sc_export_target_flush (ScExportTarget *self, GError **error)
{
  gboolean ok = write_all (self, self->collected->data, self->collected->len, error);

  g_byte_array_set_size (self->collected, 0);
  return ok;
}

gboolean
sc_export_target_write (ScExportTarget *self, gconstpointer data, gsize size_bytes, GError **error)
{
  g_byte_array_append (self->collected, data, (guint)size_bytes);
  return self->collected->len < COLLECT_BYTES || sc_export_target_flush (self, error);
}
