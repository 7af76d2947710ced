/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-secret-input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_BYTES (1024 * 1024)

static gboolean
fail (GError **error, SyscontError code, const char *what)
{
  g_set_error (error, SYSCONT_ERROR, code, "%s: %s", what, g_strerror (errno));
  return FALSE;
}

static gboolean
read_all (int fd, GString *text, GError **error)
{
  char chunk[4096];
  ssize_t n;

  while ((n = read (fd, chunk, sizeof chunk)) != 0)
    {
      if (n < 0 && errno != EINTR)
        return fail (error, SYSCONT_ERROR_FAILED, "reading");
      g_string_append_len (text, chunk, n > 0 ? n : 0);
      if (text->len > MAX_BYTES)
        {
          g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED,
                       "more than %d bytes, which is no login", MAX_BYTES);
          return FALSE;
        }
    }
  return TRUE;
}

char *
sc_secret_input_read (const char *path, GError **error)
{
  gboolean is_stdin = strcmp (path, "-") == 0;
  int fd = is_stdin ? STDIN_FILENO : open (path, O_RDONLY | O_CLOEXEC);
  GString *text = g_string_new (NULL);
  gboolean done
      = fd >= 0 ? read_all (fd, text, error)
                : fail (error, errno == ENOENT ? SYSCONT_ERROR_NOT_FOUND : SYSCONT_ERROR_FAILED,
                        "opening it");

  if (!done)
    g_prefix_error (error, "\"%s\": ", is_stdin ? "standard input" : path);
  if (fd >= 0 && !is_stdin)
    close (fd);
  return g_string_free (text, !done);
}

GUnixFDList *
sc_secret_input_to_fds (const char *text, GError **error)
{
  int fd = memfd_create ("syscont-login", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  gsize size_bytes = strlen (text);

  if (fd < 0 || write (fd, text, size_bytes) != (ssize_t)size_bytes)
    {
      fail (error, SYSCONT_ERROR_FAILED, "making a file in memory");
      if (fd >= 0)
        close (fd);
      return NULL;
    }
  return g_unix_fd_list_new_from_array (&fd, 1);
}
