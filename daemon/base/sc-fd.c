/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-fd.h"

#include "base/sc-error-util.h"
#include "base/sc-fd-private.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A rename anywhere in the system while a path is resolved can make openat2(2) answer EAGAIN. */
#define OPEN_TRIES       64
#define READ_CHUNK_BYTES (64 * 1024)
#define READ_MAX_BYTES   (G_MAXUINT / 4) /* GByteArray counts with a guint */

void
sc_fd_cleanup (int *fd)
{
  if (*fd < 0)
    return;

  int saved_errno = errno;
  close (*fd);
  errno = saved_errno;
}

int
sc_fd_openat2 (int dir_fd, const char *path, const struct open_how *how)
{
  for (int tries = 1;; tries++)
    {
      long fd = syscall (SYS_openat2, dir_fd, path, how, sizeof *how);

      if (fd >= 0)
        return (int)fd;
      if (errno != EINTR && (errno != EAGAIN || tries >= OPEN_TRIES))
        return -1;
    }
}

int
sc_fd_open_beneath (int dir_fd, const char *path, int flags, mode_t mode)
{
  /* openat2(2) refuses what open(2) ignores: other flags with O_PATH, a mode without a file to
   * make. */
  int added = O_CLOEXEC | O_NOFOLLOW;
  if ((flags & O_PATH) == 0)
    added |= O_NOCTTY | O_NONBLOCK;
  gboolean creates = (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  struct open_how how = {
    .flags = (guint64)(unsigned int)(flags | added),
    .mode = creates ? mode & 07777 : 0,
    .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
  };

  return sc_fd_openat2 (dir_fd, path, &how);
}

int
sc_fd_open_in_root (int root_fd, const char *path, int flags)
{
  struct open_how how = {
    .flags = (guint64)(unsigned int)(flags | O_CLOEXEC),
    .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
  };

  return sc_fd_openat2 (root_fd, path, &how);
}

gboolean
sc_fd_check_file_name (const char *name, GError **error)
{
  if (name[0] != '\0' && !g_str_equal (name, ".") && !g_str_equal (name, "..")
      && strchr (name, '/') == NULL)
    return TRUE;

  g_autofree char *shown = sc_text_escape (name);
  return sc_error_set (error, SYSCONT_ERROR_FAILED, "\"%s\" is not a file name", shown);
}

int
sc_fd_open_dir (const char *path, GError **error)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  if (fd < 0)
    {
      int saved_errno = errno;
      g_autofree char *shown = sc_text_escape (path);
      sc_error_set_errno (error, saved_errno, "opening directory \"%s\"", shown);
    }
  return fd;
}

/* Gives a directory that was just made its exact mode and makes it durable. FALSE with errno set.
 */
static gboolean
finish_new_dir (int parent_fd, const char *name, mode_t mode)
{
  sc_autofd fd = openat (parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0 || fchmod (fd, mode) < 0)
    return FALSE;

  /* The parent may be open for its path only, which cannot be synced. */
  sc_autofd sync_fd = openat (parent_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return sync_fd >= 0 && fsync (sync_fd) == 0;
}

/* Opens @name in @parent_fd, making it if needed. -1 with errno set. */
static int
enter_dir (int parent_fd, const char *name, gboolean is_last, mode_t mode)
{
  /* A parent may be searchable without being readable. */
  int flags = (is_last ? O_RDONLY : O_PATH) | O_DIRECTORY | O_CLOEXEC;
  int fd = openat (parent_fd, name, flags);

  if (fd >= 0 || errno != ENOENT)
    return fd;
  if (mkdirat (parent_fd, name, 0700) == 0)
    {
      if (!finish_new_dir (parent_fd, name, is_last ? mode : 0755))
        return -1;
    }
  else if (errno != EEXIST)
    return -1;
  return openat (parent_fd, name, flags);
}

int
sc_fd_ensure_dir (const char *path, mode_t mode, GError **error)
{
  g_autofree char *shown = sc_text_escape (path);
  if (!g_path_is_absolute (path))
    {
      sc_error_set (error, SYSCONT_ERROR_FAILED, "\"%s\" is not an absolute path", shown);
      return -1;
    }

  g_auto (GStrv) names = g_strsplit (path, "/", -1);
  gsize n_names = 0;
  for (gsize i = 0; names[i] != NULL; i++)
    {
      if (names[i][0] == '\0')
        g_free (names[i]);
      else
        names[n_names++] = names[i];
    }
  names[n_names] = NULL;

  sc_autofd fd = open ("/", (n_names == 0 ? O_RDONLY : O_PATH) | O_DIRECTORY | O_CLOEXEC);
  for (gsize i = 0; i < n_names && fd >= 0; i++)
    {
      int next_fd = enter_dir (fd, names[i], i + 1 == n_names, mode);

      sc_fd_cleanup (&fd);
      fd = next_fd;
    }
  if (fd < 0)
    sc_error_set_errno (error, errno, "making directory \"%s\"", shown);
  return sc_fd_steal (&fd);
}

/* Waits for an fd that somebody opened with O_NONBLOCK. */
static void
wait_for (int fd, short events)
{
  struct pollfd poll_fd = { .fd = fd, .events = events };

  /* An error shows again, and better, in the next read or write. */
  (void)poll (&poll_fd, 1, -1);
}

/* Reads at least one byte unless the end is reached. -1 with errno set. */
static gssize
read_some (int fd, void *buffer, gsize size_bytes)
{
  for (;;)
    {
      gssize n = read (fd, buffer, size_bytes);

      if (n >= 0)
        return n;
      if (errno == EAGAIN)
        wait_for (fd, POLLIN);
      else if (errno != EINTR)
        return -1;
    }
}

GBytes *
sc_fd_read_all (int fd, gsize max_bytes, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autofree guint8 *chunk = g_malloc (READ_CHUNK_BYTES);

  max_bytes = MIN (max_bytes, READ_MAX_BYTES);
  for (;;)
    {
      gssize n = read_some (fd, chunk, READ_CHUNK_BYTES);

      if (n < 0)
        {
          sc_error_set_errno (error, errno, "reading");
          return NULL;
        }
      if (n == 0)
        break;
      if ((gsize)n > max_bytes - bytes->len)
        {
          sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                        "larger than the %" G_GSIZE_FORMAT " bytes that are allowed", max_bytes);
          return NULL;
        }
      g_byte_array_append (bytes, chunk, (guint)n);
    }

  gsize size_bytes = bytes->len;
  g_byte_array_append (bytes, (const guint8 *)"", 1);
  return g_bytes_new_take (g_byte_array_free (g_steal_pointer (&bytes), FALSE), size_bytes);
}

static GBytes *
read_regular (int dir_fd, const char *path, gsize max_bytes, GError **error)
{
  struct stat st;
  sc_autofd fd = sc_fd_open_beneath (dir_fd, path, O_RDONLY, 0);

  if (fd < 0 && errno == ENOENT)
    {
      sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "no such file");
      return NULL;
    }
  if (fd < 0 && errno == ELOOP)
    {
      sc_error_set (error, SYSCONT_ERROR_FAILED, "a symbolic link, which is not followed here");
      return NULL;
    }
  if (fd < 0 || fstat (fd, &st) < 0)
    {
      sc_error_set_errno (error, errno, "opening");
      return NULL;
    }
  if (!S_ISREG (st.st_mode))
    {
      sc_error_set (error, SYSCONT_ERROR_FAILED, "not a regular file");
      return NULL;
    }
  return sc_fd_read_all (fd, max_bytes, error);
}

GBytes *
sc_fd_read_file (int dir_fd, const char *path, gsize max_bytes, GError **error)
{
  GBytes *bytes = read_regular (dir_fd, path, max_bytes, error);

  if (bytes == NULL)
    {
      g_autofree char *shown = sc_text_escape (path);
      sc_prefix_error (error, "\"%s\": ", shown);
    }
  return bytes;
}

gboolean
sc_fd_write_all (int fd, const void *data, gsize size_bytes, GError **error)
{
  const char *bytes = data;

  while (size_bytes > 0)
    {
      gssize n = write (fd, bytes, size_bytes);

      if (n >= 0)
        {
          bytes += n;
          size_bytes -= (gsize)n;
        }
      else if (errno == EAGAIN)
        wait_for (fd, POLLOUT);
      else if (errno != EINTR)
        return sc_error_set_errno (error, errno, "writing");
    }
  return TRUE;
}

gboolean
sc_fd_sync (int fd, const char *what, GError **error)
{
  /* After a failure the kernel has dropped the dirty pages: a second call would lie (fsync(2)). */
  if (fsync (fd) == 0)
    return TRUE;

  int saved_errno = errno;
  g_autofree char *shown = sc_text_escape (what);
  return sc_error_set_errno (error, saved_errno, "syncing \"%s\"", shown);
}
