/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The half of sc-fd.h that changes entries of a directory one at a time and durably.
 */
#include "base/sc-fd.h"

#include "base/sc-error-util.h"
#include "base/sc-fd-private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NAME_TRIES   100
#define INFIX        ".syscont-"
#define RANDOM_BYTES 6
#define CHUNK_BYTES  (128 * 1024)

static const char random_letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

/* Calls of the kernel that make the entry @name; what @data is depends on the function. */
typedef int (*MakeEntryFunc) (int dir_fd, const char *name, gconstpointer data);

/* A hidden name near @name: whoever finds one after a crash sees whose it was. The part that is
 * kept leaves room for the rest in NAME_MAX. */
static char *
temporary_name (const char *name)
{
  char suffix[RANDOM_BYTES + 1] = { 0 };

  for (gsize i = 0; i < RANDOM_BYTES; i++)
    suffix[i] = random_letters[g_random_int_range (0, (gint32)strlen (random_letters))];
  return g_strdup_printf (".%.200s" INFIX "%s", name, suffix);
}

static gboolean
is_temporary (const char *name)
{
  gsize tail = strlen (INFIX) + RANDOM_BYTES;
  gsize length = strlen (name);
  const char *end = length > tail ? name + length - tail : NULL;

  return name[0] == '.' && end != NULL && g_str_has_prefix (end, INFIX)
         && strspn (end + strlen (INFIX), random_letters) == RANDOM_BYTES;
}

/* Returns what @make returned, with the name in @out, or -1 with errno set. */
static int
make_temporary (int dir_fd, const char *name, MakeEntryFunc make, gconstpointer data, char **out)
{
  for (int tries = 1;; tries++)
    {
      g_autofree char *temporary = temporary_name (name);
      int result = make (dir_fd, temporary, data);

      if (result >= 0)
        {
          *out = g_steal_pointer (&temporary);
          return result;
        }
      if (errno != EEXIST || tries >= NAME_TRIES)
        return -1;
    }
}

static int
make_file (int dir_fd, const char *name, gconstpointer data)
{
  return openat (dir_fd, name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static int
make_symlink (int dir_fd, const char *name, gconstpointer data)
{
  return symlinkat (data, dir_fd, name);
}

typedef struct
{
  int dir_fd;
  const char *name;
} LinkSource;

static int
make_link (int dir_fd, const char *name, gconstpointer data)
{
  const LinkSource *source = data;

  return linkat (source->dir_fd, source->name, dir_fd, name, 0);
}

/* The commit of a replacement; the temporary name is gone in any case. */
static gboolean
rename_into_place (int dir_fd, const char *temporary, const char *name, GError **error)
{
  if (renameat (dir_fd, temporary, dir_fd, name) == 0)
    return sc_fd_sync (dir_fd, "directory", error);

  int saved_errno = errno;
  (void)unlinkat (dir_fd, temporary, 0);
  return sc_error_set_errno (error, saved_errno, "renaming into place");
}

static gboolean
fill_file (int fd, const void *data, gsize size_bytes, mode_t mode, GError **error)
{
  if (fchmod (fd, mode) < 0)
    return sc_error_set_errno (error, errno, "changing the mode");

  return sc_fd_write_all (fd, data, size_bytes, error);
}

static gboolean
write_temporary (int fd, const void *data, gsize size_bytes, mode_t mode, GError **error)
{
  return fill_file (fd, data, size_bytes, mode, error) && sc_fd_sync (fd, "new content", error);
}

static gboolean
replace_file (int dir_fd, const char *name, GBytes *content, mode_t mode, GError **error)
{
  g_autofree char *temporary = NULL;
  sc_autofd fd = make_temporary (dir_fd, name, make_file, NULL, &temporary);
  gsize size_bytes = 0;

  if (fd < 0)
    return sc_error_set_errno (error, errno, "creating a temporary file");

  const void *data = g_bytes_get_data (content, &size_bytes);
  if (!write_temporary (fd, data, size_bytes, mode, error))
    {
      (void)unlinkat (dir_fd, temporary, 0);
      return FALSE;
    }
  return rename_into_place (dir_fd, temporary, name, error);
}

gboolean
sc_fd_write_atomic (
    int dir_fd, const char *name, const void *data, gsize size_bytes, mode_t mode, GError **error)
{
  g_autofree char *shown = sc_text_escape (name);
  if (!sc_fd_check_file_name (name, error))
    return FALSE;

  g_autoptr (GBytes) content = g_bytes_new_static (data, size_bytes);
  return replace_file (dir_fd, name, content, mode, error)
         || sc_prefix_error (error, "writing \"%s\": ", shown);
}

int
sc_fd_create (
    int dir_fd, const char *name, const void *data, gsize size_bytes, mode_t mode, GError **error)
{
  g_autofree char *shown = sc_text_escape (name);
  if (!sc_fd_check_file_name (name, error))
    return -1;

  sc_autofd fd = make_file (dir_fd, name, NULL);
  if (fd < 0)
    sc_error_set_errno (error, errno, "creating \"%s\"", shown);
  else if (fill_file (fd, data, size_bytes, mode, error))
    return sc_fd_steal (&fd);
  else
    {
      (void)unlinkat (dir_fd, name, 0);
      sc_prefix_error (error, "writing \"%s\": ", shown);
    }
  return -1;
}

gboolean
sc_fd_symlink_atomic (int dir_fd, const char *target, const char *name, GError **error)
{
  g_autofree char *shown = sc_text_escape (name);
  g_autofree char *temporary = NULL;
  if (!sc_fd_check_file_name (name, error))
    return FALSE;

  if (make_temporary (dir_fd, name, make_symlink, target, &temporary) < 0)
    return sc_error_set_errno (error, errno, "linking \"%s\"", shown);

  return rename_into_place (dir_fd, temporary, name, error)
         || sc_prefix_error (error, "linking \"%s\": ", shown);
}

gboolean
sc_fd_link_atomic (int from_dir_fd, const char *from, int dir_fd, const char *name, GError **error)
{
  g_autofree char *shown = sc_text_escape (name);
  g_autofree char *temporary = NULL;
  const LinkSource source = { from_dir_fd, from };
  if (!sc_fd_check_file_name (name, error))
    return FALSE;

  if (make_temporary (dir_fd, name, make_link, &source, &temporary) < 0)
    return sc_error_set_errno (error, errno, "linking \"%s\"", shown);

  return rename_into_place (dir_fd, temporary, name, error)
         || sc_prefix_error (error, "linking \"%s\": ", shown);
}

gboolean
sc_fd_unlink (int dir_fd, const char *name, GError **error)
{
  g_autofree char *shown = sc_text_escape (name);
  if (!sc_fd_check_file_name (name, error))
    return FALSE;

  /* What is missing may be so only since a call that was interrupted before its sync. */
  if (unlinkat (dir_fd, name, 0) < 0 && errno != ENOENT)
    return sc_error_set_errno (error, errno, "removing \"%s\"", shown);

  return sc_fd_sync (dir_fd, "directory", error)
         || sc_prefix_error (error, "removing \"%s\": ", shown);
}

static gboolean
copy_stream (GInputStream *content, int fd, GError **error)
{
  g_autofree char *chunk = g_malloc (CHUNK_BYTES);

  for (;;)
    {
      gssize n = g_input_stream_read (content, chunk, CHUNK_BYTES, NULL, error);

      if (n < 0)
        return FALSE;
      if (n == 0)
        return TRUE;
      if (!sc_fd_write_all (fd, chunk, (gsize)n, error))
        return FALSE;
    }
}

char *
sc_fd_stage_file (int dir_fd, const char *name, GInputStream *content, mode_t mode, GError **error)
{
  g_autofree char *temporary = NULL;
  if (!sc_fd_check_file_name (name, error))
    return NULL;

  sc_autofd fd = make_temporary (dir_fd, name, make_file, NULL, &temporary);
  if (fd < 0)
    {
      sc_error_set_errno (error, errno, "creating a temporary file");
      return NULL;
    }
  if (copy_stream (content, fd, error) && write_temporary (fd, "", 0, mode, error))
    return g_steal_pointer (&temporary);

  (void)unlinkat (dir_fd, temporary, 0);
  return NULL;
}

char *
sc_fd_stage_symlink (int dir_fd, const char *name, const char *target, GError **error)
{
  g_autofree char *temporary = NULL;
  if (!sc_fd_check_file_name (name, error))
    return NULL;

  if (make_temporary (dir_fd, name, make_symlink, target, &temporary) >= 0)
    return g_steal_pointer (&temporary);
  sc_error_set_errno (error, errno, "creating a temporary link");
  return NULL;
}

gboolean
sc_fd_check_links (int from_dir_fd, int to_dir_fd, GError **error)
{
  g_autofree char *from = NULL;
  g_autofree char *to = NULL;
  sc_autofd fd = make_temporary (from_dir_fd, "link-check", make_file, NULL, &from);

  if (fd < 0)
    return sc_error_set_errno (error, errno, "creating a file to link");

  LinkSource source = { from_dir_fd, from };
  int linked = make_temporary (to_dir_fd, "link-check", make_link, &source, &to);
  int saved_errno = errno;

  (void)unlinkat (from_dir_fd, from, 0);
  if (linked < 0)
    return sc_error_set_errno (
        error, saved_errno,
        "no hard link can be made between the two directories, put them on one "
        "mount");
  (void)unlinkat (to_dir_fd, to, 0);
  return TRUE;
}

gboolean
sc_fd_remove_temporaries (const char *path, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  if (dir == NULL)
    return TRUE; /* nothing was ever written there */

  sc_autofd dir_fd = sc_fd_open_dir (path, error);
  if (dir_fd < 0)
    return FALSE;
  while ((name = g_dir_read_name (dir)) != NULL)
    if (is_temporary (name) && unlinkat (dir_fd, name, 0) < 0 && errno != ENOENT)
      return sc_error_set_errno (error, errno, "removing \"%s/%s\"", path, name);
  return TRUE;
}
