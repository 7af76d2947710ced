/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The half of sc-fd.h that removes whole trees. A tree may be an image's, so that neither its depth
 * nor its width, modes or symbolic links may matter.
 */
#include "base/sc-fd.h"

#include "base/sc-error-util.h"
#include "base/sc-fd-private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* A tree in which so many directories were not empty after all is being filled by somebody. */
#define MAX_RETRIES 64

/* One directory on the way down. Only the deepest one is open: the way up is "..", and that it
 * leads to where we came from is checked by device and inode. */
typedef struct
{
  char *name;       /* (owned) in the directory above */
  GPtrArray *names; /* (owned) directories that are left in it */
  dev_t dev;
  ino_t ino;
} Frame;

typedef struct
{
  int top_fd;     /* the directory that holds the tree; not owned */
  int fd;         /* (owned) the deepest frame's directory, -1 at the top */
  GArray *frames; /* (owned) of Frame */
  guint n_retries;
} Removal;

static void
frame_clear (gpointer data)
{
  Frame *frame = data;

  g_free (frame->name);
  g_ptr_array_unref (frame->names);
}

static void
removal_clear (Removal *self)
{
  sc_fd_cleanup (&self->fd);
  g_array_unref (self->frames);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Removal, removal_clear)

static Frame *
deepest_frame (Removal *self)
{
  return &g_array_index (self->frames, Frame, self->frames->len - 1);
}

static int
current_fd (const Removal *self)
{
  return self->frames->len > 0 ? self->fd : self->top_fd;
}

/* Never into another mount, also not into a bind mount of the same file system: what is mounted in
 * a tree is not part of it. */
static int
open_entry (int dir_fd, const char *name, int flags)
{
  struct open_how how = {
    .flags = (guint64)(unsigned int)(flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
    .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
  };

  return sc_fd_openat2 (dir_fd, name, &how);
}

/* An owner without CAP_DAC_OVERRIDE needs the permissions to read, search and change a directory.
 */
static gboolean
make_accessible (int dir_fd, const char *name)
{
  struct stat st;
  sc_autofd fd = open_entry (dir_fd, name, O_PATH);
  if (fd < 0 || fstat (fd, &st) < 0)
    return FALSE;
  if ((st.st_mode & 0700) == 0700)
    return TRUE;

  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d", fd);
  return chmod (path, (st.st_mode & 07777) | 0700) == 0;
}

/* FALSE with errno set; EISDIR for a directory. */
static gboolean
unlink_file (int dir_fd, const struct dirent *entry)
{
  if (entry->d_type == DT_DIR)
    {
      errno = EISDIR;
      return FALSE;
    }
  return unlinkat (dir_fd, entry->d_name, 0) == 0 || errno == ENOENT;
}

/* Unlinks everything but directories, whose names are put into @names. 0 or an errno. */
static int
unlink_files (DIR *dir, GPtrArray *names)
{
  for (;;)
    {
      errno = 0;
      const struct dirent *entry = readdir (dir);

      if (entry == NULL)
        return errno;
      if (g_str_equal (entry->d_name, ".") || g_str_equal (entry->d_name, "..")
          || unlink_file (dirfd (dir), entry))
        continue;
      if (errno != EISDIR)
        return errno;
      g_ptr_array_add (names, g_strdup (entry->d_name));
    }
}

static gboolean
scan (int dir_fd, GPtrArray *names)
{
  /* closedir(3) closes the descriptor that fdopendir(3) was given. */
  sc_autofd scan_fd = openat (dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *dir = scan_fd >= 0 ? fdopendir (scan_fd) : NULL;
  if (dir == NULL)
    return FALSE;
  scan_fd = -1;

  int saved_errno = unlink_files (dir, names);
  closedir (dir);
  errno = saved_errno;
  return saved_errno == 0;
}

static gboolean
descend (Removal *self, const char *name)
{
  if (geteuid () != 0 && !make_accessible (current_fd (self), name))
    return FALSE;

  struct stat st;
  sc_autofd fd = open_entry (current_fd (self), name, O_RDONLY);
  if (fd < 0 || fstat (fd, &st) < 0)
    return FALSE;

  Frame frame = {
    .name = g_strdup (name),
    .names = g_ptr_array_new_with_free_func (g_free),
    .dev = st.st_dev,
    .ino = st.st_ino,
  };
  g_array_append_val (self->frames, frame);
  sc_fd_cleanup (&self->fd);
  self->fd = sc_fd_steal (&fd);
  return scan (self->fd, frame.names);
}

/* Back to the directory that the deepest frame is now about. */
static gboolean
go_up (Removal *self)
{
  const Frame *frame = deepest_frame (self);
  struct stat st;
  sc_autofd fd = open_entry (self->fd, "..", O_RDONLY);

  if (fd < 0 || fstat (fd, &st) < 0)
    return FALSE;
  if (st.st_dev != frame->dev || st.st_ino != frame->ino)
    {
      errno = ESTALE;
      return FALSE;
    }
  sc_fd_cleanup (&self->fd);
  self->fd = sc_fd_steal (&fd);
  return TRUE;
}

/* Leaves the deepest directory and removes it. */
static gboolean
ascend (Removal *self)
{
  g_autofree char *name = g_steal_pointer (&deepest_frame (self)->name);

  g_array_set_size (self->frames, self->frames->len - 1);
  if (self->frames->len > 0 && !go_up (self))
    return FALSE;

  if (unlinkat (current_fd (self), name, AT_REMOVEDIR) == 0 || errno == ENOENT)
    return TRUE;

  /* Some file systems skip entries when others are removed while the directory is read. */
  gboolean is_filled = errno == ENOTEMPTY || errno == EEXIST;
  return is_filled && self->n_retries++ < MAX_RETRIES && descend (self, name);
}

static gboolean
remove_directory (Removal *self, const char *name)
{
  if (!descend (self, name))
    return FALSE;

  while (self->frames->len > 0)
    {
      GPtrArray *names = deepest_frame (self)->names;

      if (names->len == 0)
        {
          if (!ascend (self))
            return FALSE;
          continue;
        }
      g_autofree char *next = g_ptr_array_steal_index (names, names->len - 1);
      if (!descend (self, next) && errno != ENOENT)
        return FALSE;
    }
  return TRUE;
}

/* 0 or an errno. */
static int
remove_entry (int dir_fd, const char *name)
{
  if (unlinkat (dir_fd, name, 0) == 0 || errno == ENOENT)
    return 0;
  if (errno != EISDIR)
    return errno;

  g_auto (Removal) removal = {
    .top_fd = dir_fd,
    .fd = -1,
    .frames = g_array_new (FALSE, FALSE, sizeof (Frame)),
  };
  g_array_set_clear_func (removal.frames, frame_clear);
  return remove_directory (&removal, name) ? 0 : errno;
}

gboolean
sc_fd_remove_tree (int dir_fd, const char *name, GError **error)
{
  if (!sc_fd_check_file_name (name, error))
    return FALSE;

  int result = remove_entry (dir_fd, name);
  if (result == 0)
    return TRUE;

  g_autofree char *shown = sc_text_escape (name);
  if (result == EXDEV || result == EBUSY)
    return sc_error_set (error, SYSCONT_ERROR_FAILED,
                         "removing \"%s\": something is mounted in it, unmount that first", shown);
  return sc_error_set_errno (error, result, "removing \"%s\"", shown);
}
