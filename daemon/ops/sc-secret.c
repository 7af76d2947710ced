/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-secret.h"

#include "base/sc-error-util.h"
#include "base/sc-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define TIMEOUT_MS (10 * 1000)

struct _ScSecret
{
  int fd; /* owned */
};

static gboolean
refuse (GError **error, const char *why)
{
  return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                       "the file descriptor with the secret %s", why);
}

static gboolean
check (int fd, GError **error)
{
  struct stat st;
  int flags = fcntl (fd, F_GETFL);

  if (flags < 0 || fstat (fd, &st) < 0)
    return sc_error_set_errno (error, errno, "looking at a file descriptor");
  if ((flags & O_ACCMODE) == O_WRONLY || (flags & O_PATH) != 0)
    return refuse (error, "is not open for reading");
  /* Only files in memory have seals: a read of them waits for no disk, server or other process. */
  if (S_ISFIFO (st.st_mode) || (S_ISREG (st.st_mode) && fcntl (fd, F_GET_SEALS) >= 0))
    return TRUE;
  return refuse (error, "must be a pipe or a memfd");
}

ScSecret *
sc_secret_new (int fd, GError **error)
{
  sc_autofd owned = fd;

  if (!check (fd, error))
    return NULL;

  ScSecret *self = g_new0 (ScSecret, 1);
  self->fd = sc_fd_steal (&owned);
  return self;
}

void
sc_secret_free (ScSecret *self)
{
  close (self->fd);
  g_free (self);
}

/* O_NONBLOCK belongs to the open file, which the caller shares and could change under us: this is one
 * of our own. */
static int
reopen (ScSecret *self, GError **error)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", self->fd);
  int fd = open (path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);

  if (fd < 0)
    sc_error_set_errno (error, errno, "opening a secret");
  return fd;
}

static gboolean
wait_for_more (int fd, gint64 deadline_usec, GCancellable *cancellable, GError **error)
{
  gint64 left_usec = deadline_usec - g_get_monotonic_time ();
  GPollFD fds[2] = { { .fd = fd, .events = G_IO_IN } };
  gboolean has_cancellable = g_cancellable_make_pollfd (cancellable, &fds[1]);

  int n = left_usec > 0 ? g_poll (fds, has_cancellable ? 2 : 1, (int)(left_usec / 1000) + 1) : 0;
  if (has_cancellable)
    g_cancellable_release_fd (cancellable);

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (n > 0 || (n < 0 && errno == EINTR))
    return TRUE;
  return refuse (error, "does not come to its end");
}

/* Returns: TRUE at the end */
static gboolean
read_some (int fd, GByteArray *bytes, gsize max_bytes, gboolean *at_end, GError **error)
{
  guint8 chunk[4096];
  gssize n = read (fd, chunk, sizeof chunk);

  *at_end = n == 0;
  if (n > 0)
    g_byte_array_append (bytes, chunk, (guint)n);
  explicit_bzero (chunk, sizeof chunk);
  if (n < 0 && errno != EAGAIN && errno != EINTR)
    return sc_error_set_errno (error, errno, "reading a secret");
  return bytes->len <= max_bytes || refuse (error, "holds too much");
}

GBytes *
sc_secret_read (ScSecret *self, gsize max_bytes, GCancellable *cancellable, GError **error)
{
  gint64 deadline_usec = g_get_monotonic_time () + TIMEOUT_MS * G_GINT64_CONSTANT (1000);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  gboolean at_end = FALSE;
  sc_autofd fd = reopen (self, error);

  if (fd < 0)
    return NULL;
  while (!at_end)
    if (!wait_for_more (fd, deadline_usec, cancellable, error)
        || !read_some (fd, bytes, max_bytes, &at_end, error))
      return NULL;
  return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
}
