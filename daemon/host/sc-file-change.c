/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/sc-file-change.h"

#include "base/sc-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MAX_FILE_BYTES (64 * 1024 * 1024)

void
sc_file_change_free (ScFileChange *self)
{
  g_free (self->path);
  g_clear_pointer (&self->before, g_bytes_unref);
  g_clear_pointer (&self->after, g_bytes_unref);
  g_free (self);
}

GPtrArray *
sc_file_changes_new (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)sc_file_change_free);
}

static gboolean
read_before (ScFileChange *self, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (self->path);
  g_autofree char *name = g_path_get_basename (self->path);
  struct stat st;

  self->before_mode = self->after_mode;
  if (lstat (self->path, &st) != 0)
    return errno == ENOENT || errno == ENOTDIR
               ? TRUE
               : sc_error_set_errno (error, errno, "looking at \"%s\"", self->path);
  if (!S_ISREG (st.st_mode))
    return sc_error_set (error, SYSCONT_ERROR_HOST_FILE_CONFLICT, "\"%s\" is not a regular file",
                         self->path);

  self->before_mode = st.st_mode & 07777;
  sc_autofd dir_fd = sc_fd_open_dir (parent, error);
  if (dir_fd >= 0)
    self->before = sc_fd_read_file (dir_fd, name, MAX_FILE_BYTES, error);
  return self->before != NULL;
}

ScFileChange *
sc_file_change_new (const char *path, GBytes *after, guint after_mode, GError **error)
{
  g_autoptr (ScFileChange) self = g_new0 (ScFileChange, 1);

  self->path = g_strdup (path);
  self->after = after;
  self->after_mode = after_mode;
  return read_before (self, error) ? g_steal_pointer (&self) : NULL;
}

static gboolean
same_content (GBytes *a, GBytes *b)
{
  return a == NULL || b == NULL ? a == b : g_bytes_equal (a, b);
}

gboolean
sc_file_change_is_needed (const ScFileChange *self)
{
  return !same_content (self->before, self->after)
         || (self->after != NULL && self->before_mode != self->after_mode);
}

static gboolean
remove_file (const char *parent, const char *name, GError **error)
{
  sc_autofd dir_fd = open (parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

  if (dir_fd < 0)
    return errno == ENOENT || errno == ENOTDIR
               ? TRUE
               : sc_error_set_errno (error, errno, "opening \"%s\"", parent);
  if (!sc_fd_unlink (dir_fd, name, error))
    return FALSE;
  /* a directory for drop-ins of one unit goes with the last of them */
  if (g_str_has_suffix (parent, ".service.d") && rmdir (parent) < 0 && errno != ENOTEMPTY)
    return sc_error_set_errno (error, errno, "removing \"%s\"", parent);
  return TRUE;
}

gboolean
sc_file_change_apply (const ScFileChange *self, gboolean forward, GError **error)
{
  GBytes *content = forward ? self->after : self->before;
  guint mode = forward ? self->after_mode : self->before_mode;
  g_autofree char *parent = g_path_get_dirname (self->path);
  g_autofree char *name = g_path_get_basename (self->path);
  g_autoptr (ScFileChange) now = sc_file_change_new (self->path, NULL, mode, error);

  if (now == NULL)
    return FALSE;
  if (same_content (now->before, content) && (content == NULL || now->before_mode == mode))
    return TRUE;
  if (content == NULL)
    return remove_file (parent, name, error);

  gsize size_bytes;
  const void *data = g_bytes_get_data (content, &size_bytes);
  sc_autofd dir_fd = sc_fd_ensure_dir (parent, 0755, error);
  return dir_fd >= 0 && sc_fd_write_atomic (dir_fd, name, data, size_bytes, mode, error);
}
