/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-mount-point.h"

#include "base/sc-error-util.h"
#include "base/sc-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#define MAX_LINKS 40

/* A walk through the tree. What is done is free of links, so that it can be opened beneath the root
 * as it is. */
typedef struct
{
  int root_fd;
  GString *done;   /* (owned) relative path, "" for the root */
  GQueue *pending; /* (owned) of char*: components to come */
  guint n_links;
} Walk;

ScMountPoint *
sc_mount_point_new (const char *path, gboolean is_directory, guint mode)
{
  ScMountPoint *self = g_new0 (ScMountPoint, 1);
  self->path = g_strdup (path);
  self->is_directory = is_directory;
  self->mode = mode;
  return self;
}

void
sc_mount_point_free (ScMountPoint *self)
{
  if (self == NULL)
    return;
  g_free (self->path);
  g_free (self);
}

static void
walk_clear (Walk *self)
{
  g_string_free (self->done, TRUE);
  g_queue_free_full (self->pending, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Walk, walk_clear)

static void
push_components (Walk *self, const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path, "/", -1);
  for (guint i = g_strv_length (parts); i > 0; i--)
    {
      const char *part = parts[i - 1];
      if (part[0] != '\0' && !g_str_equal (part, "."))
        g_queue_push_head (self->pending, g_strdup (part));
    }
}

static void
leave_directory (Walk *self)
{
  const char *slash = strrchr (self->done->str, '/');
  g_string_truncate (self->done, slash != NULL ? (gsize)(slash - self->done->str) : 0);
}

static gboolean
follow_link (Walk *self, int parent_fd, const char *name, GError **error)
{
  char target[PATH_MAX];
  ssize_t length = readlinkat (parent_fd, name, target, sizeof target - 1);
  if (length < 0)
    return sc_error_set_errno (error, errno, "reading the link \"%s\"", name);
  if (++self->n_links > MAX_LINKS)
    return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID, "too many symbolic links");
  target[length] = '\0';
  if (target[0] == '/')
    g_string_truncate (self->done, 0);
  push_components (self, target);
  return TRUE;
}

static gboolean
make_file (int parent_fd, const char *name, GError **error)
{
  sc_autofd fd = openat (parent_fd, name,
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0644);
  if (fd < 0)
    return sc_error_set_errno (error, errno, "creating \"%s\"", name);
  if (fchmod (fd, 0644) != 0)
    return sc_error_set_errno (error, errno, "changing the mode of \"%s\"", name);
  return TRUE;
}

static gboolean
make_directory (int parent_fd, const char *name, guint mode, GError **error)
{
  if (mkdirat (parent_fd, name, 0755) != 0)
    return sc_error_set_errno (error, errno, "creating \"%s\"", name);
  /* whatever the umask is; it is ours and brand new */
  if (fchmodat (parent_fd, name, mode, 0) != 0)
    return sc_error_set_errno (error, errno, "changing the mode of \"%s\"", name);
  return TRUE;
}

static gboolean
take_step (Walk *self, const char *name, const ScMountPoint *point, GError **error)
{
  if (g_str_equal (name, ".."))
    {
      leave_directory (self);
      return TRUE;
    }
  const char *parent = self->done->len > 0 ? self->done->str : ".";
  sc_autofd parent_fd = sc_fd_open_beneath (self->root_fd, parent, O_RDONLY | O_DIRECTORY, 0);
  if (parent_fd < 0)
    return sc_error_set_errno (error, errno, "opening \"%s\"", parent);

  struct stat st;
  gboolean is_last = g_queue_is_empty (self->pending);
  if (fstatat (parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
    {
      if (S_ISLNK (st.st_mode))
        return follow_link (self, parent_fd, name, error);
      if (!is_last && !S_ISDIR (st.st_mode))
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                             "\"%s\" is no directory in the image", name);
    }
  else if (errno != ENOENT)
    return sc_error_set_errno (error, errno, "looking for \"%s\"", name);
  else if (is_last && !point->is_directory)
    {
      if (!make_file (parent_fd, name, error))
        return FALSE;
    }
  else if (!make_directory (parent_fd, name, is_last ? point->mode : 0755, error))
    return FALSE;

  g_string_append_printf (self->done, "%s%s", self->done->len > 0 ? "/" : "", name);
  return TRUE;
}

gboolean
sc_mount_point_ensure (const ScMountPoint *self, int root_fd, GError **error)
{
  g_auto (Walk) walk
      = { .root_fd = root_fd, .done = g_string_new (NULL), .pending = g_queue_new () };
  push_components (&walk, self->path);
  while (!g_queue_is_empty (walk.pending))
    {
      g_autofree char *name = g_queue_pop_head (walk.pending);
      if (!take_step (&walk, name, self, error))
        {
          g_autofree char *shown = sc_text_escape (self->path);
          return sc_prefix_error (error, "mount point \"/%s\": ", shown);
        }
    }
  return TRUE;
}
