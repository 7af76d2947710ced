/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/sc-host-tree.h"

#include "base/sc-digest.h"
#include "base/sc-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <gio/gunixinputstream.h>
#include <unistd.h>

#define MAX_FILE_BYTES (G_GUINT64_CONSTANT (1) << 30) /* no file of ours is larger */
#define CHUNK_BYTES    (128 * 1024)

struct _ScHostTree
{
  char *root;      /* (owned) what the paths are below, for messages */
  int root_fd;     /* (owned) */
  char **prefixes; /* (owned) */
};

ScHostTree *
sc_host_tree_open (const ScPaths *paths, const char *const *prefixes, GError **error)
{
  sc_autofd root_fd = sc_fd_open_dir (paths->root[0] != '\0' ? paths->root : "/", error);
  if (root_fd < 0)
    return NULL;

  ScHostTree *self = g_new0 (ScHostTree, 1);
  self->root = g_strdup (paths->root);
  self->root_fd = sc_fd_steal (&root_fd);
  self->prefixes = g_strdupv ((char **)prefixes);
  return self;
}

void
sc_host_tree_free (ScHostTree *self)
{
  sc_fd_cleanup (&self->root_fd);
  g_strfreev (self->prefixes);
  g_free (self->root);
  g_free (self);
}

/* FALSE, after saying that something is not as it was when the caller looked. */
static gboolean
conflict (const char *path, GError **error)
{
  g_autofree char *shown = sc_text_escape (path);
  return sc_error_set (error, SYSCONT_ERROR_HOST_FILE_CONFLICT,
                       "\"%s\" is not what it was a moment ago", shown);
}

static gboolean
fail (const char *what, const char *path, GError **error)
{
  int saved_errno = errno;
  g_autofree char *shown = sc_text_escape (path);
  return sc_error_set_errno (error, saved_errno, "%s \"%s\"", what, shown);
}

/* The longest prefix that @path is below, or "". */
static const char *
find_prefix (const ScHostTree *self, const char *path)
{
  const char *found = "";

  for (char **prefix = self->prefixes; *prefix != NULL; prefix++)
    {
      gsize length = strlen (*prefix);
      if (length > strlen (found) && strncmp (path, *prefix, length) == 0 && path[length] == '/')
        found = *prefix;
    }
  return found;
}

/* Opens the directory that has @path. -1 with errno set. */
static int
open_parent (const ScHostTree *self, const char *path, char **name)
{
  const char *prefix = find_prefix (self, path);
  const char *rest = path + strlen (prefix) + 1;
  const char *slash = strrchr (rest, '/');
  g_autofree char *parent
      = slash != NULL ? g_strndup (rest, (gsize)(slash - rest)) : g_strdup (".");

  *name = g_strdup (slash != NULL ? slash + 1 : rest);
  sc_autofd base_fd = prefix[0] != '\0'
                          ? sc_fd_open_in_root (self->root_fd, prefix, O_PATH | O_DIRECTORY)
                          : sc_fd_open_beneath (self->root_fd, ".", O_PATH | O_DIRECTORY, 0);
  return base_fd >= 0 ? sc_fd_open_beneath (base_fd, parent, O_RDONLY | O_DIRECTORY, 0) : -1;
}

/* The shortest part of @path that cannot be entered. */
static char *
find_obstacle (const ScHostTree *self, const char *path)
{
  for (const char *end = strchr (path + 1, '/'); end != NULL; end = strchr (end + 1, '/'))
    {
      g_autofree char *probe = g_strdup_printf ("%.*s/x", (int)(end - path), path);
      g_autofree char *name = NULL;
      sc_autofd fd = open_parent (self, probe, &name);
      if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
        return g_strndup (path, (gsize)(end - path));
    }
  return g_path_get_dirname (path);
}

static char *
hash_file (int fd, GError **error)
{
  g_autoptr (ScHasher) hasher = sc_hasher_new ();
  g_autofree char *chunk = g_malloc (CHUNK_BYTES);

  for (;;)
    {
      gssize n = read (fd, chunk, CHUNK_BYTES);

      if (n > 0)
        sc_hasher_update (hasher, chunk, (gsize)n);
      else if (n == 0)
        return sc_hasher_finish (hasher);
      else if (errno != EINTR)
        {
          sc_error_set_errno (error, errno, "reading");
          return NULL;
        }
    }
}

static gboolean
look_at_file (int parent_fd, const char *name, ScHostEntry *entry, GError **error)
{
  struct stat st;
  sc_autofd fd = sc_fd_open_beneath (parent_fd, name, O_RDONLY, 0);

  if (fd < 0 || fstat (fd, &st) < 0)
    return fail ("opening", entry->path, error);
  if (!S_ISREG (st.st_mode) || (guint64)st.st_size > MAX_FILE_BYTES)
    {
      entry->type = SC_HOST_OTHER;
      return TRUE;
    }
  entry->type = SC_HOST_FILE;
  entry->mode = st.st_mode & 07777;
  entry->checksum = hash_file (fd, error);
  return entry->checksum != NULL;
}

static gboolean
look_at_link (int parent_fd, const char *name, ScHostEntry *entry, GError **error)
{
  char target[PATH_MAX];
  ssize_t length = readlinkat (parent_fd, name, target, sizeof target);

  if (length < 0)
    return fail ("reading the link", entry->path, error);
  entry->type = SC_HOST_SYMLINK;
  entry->target = g_strndup (target, (gsize)length);
  return TRUE;
}

/* What is at @name; @path is what it is called. */
static ScHostEntry *
look_at (int parent_fd, const char *name, const char *path, GError **error)
{
  g_autoptr (ScHostEntry) entry = sc_host_entry_new (path, SC_HOST_NONE);
  struct stat st;

  if (fstatat (parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
    {
      if (errno == ENOENT)
        return g_steal_pointer (&entry);
      fail ("looking at", path, error);
      return NULL;
    }
  if (S_ISREG (st.st_mode) && !look_at_file (parent_fd, name, entry, error))
    return NULL;
  if (S_ISLNK (st.st_mode) && !look_at_link (parent_fd, name, entry, error))
    return NULL;
  if (S_ISDIR (st.st_mode))
    {
      entry->type = SC_HOST_DIRECTORY;
      entry->mode = st.st_mode & 07777;
    }
  else if (entry->type == SC_HOST_NONE)
    entry->type = SC_HOST_OTHER;
  return g_steal_pointer (&entry);
}

/* A prefix, and what is above one, may be reached over links. */
static gboolean
leads_to_prefix (const ScHostTree *self, const char *path)
{
  gsize length = strlen (path);

  for (char **prefix = self->prefixes; *prefix != NULL; prefix++)
    if (strncmp (*prefix, path, length) == 0
        && ((*prefix)[length] == '/' || (*prefix)[length] == '\0'))
      return TRUE;
  return FALSE;
}

ScHostEntry *
sc_host_tree_look (ScHostTree *self, const char *path, char **obstacle, GError **error)
{
  g_autofree char *name = NULL;

  *obstacle = NULL;
  if (leads_to_prefix (self, path))
    {
      sc_autofd fd = sc_fd_open_in_root (self->root_fd, path, O_PATH | O_DIRECTORY);
      if (fd >= 0)
        return sc_host_entry_new (path, SC_HOST_DIRECTORY);
    }
  sc_autofd parent_fd = open_parent (self, path, &name);
  if (parent_fd >= 0)
    return look_at (parent_fd, name, path, error);
  if (errno == ELOOP || errno == ENOTDIR)
    *obstacle = find_obstacle (self, path);
  else if (errno != ENOENT)
    {
      fail ("opening the directory of", path, error);
      return NULL;
    }
  return sc_host_entry_new (path, SC_HOST_NONE);
}

static gboolean
make_directory (int parent_fd, const char *name, const ScHostEntry *new, GError **error)
{
  if (mkdirat (parent_fd, name, 0700) < 0)
    return errno == EEXIST ? conflict (new->path, error) : fail ("making", new->path, error);

  sc_autofd fd = sc_fd_open_beneath (parent_fd, name, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0 || fchmod (fd, new->mode) < 0)
    return fail ("making", new->path, error);
  return sc_fd_sync (parent_fd, new->path, error);
}

/* Gives @temporary its name where there is nothing. */
static gboolean
rename_new (
    int parent_fd, const char *temporary, const char *name, const char *path, GError **error)
{
  if (renameat2 (parent_fd, temporary, parent_fd, name, RENAME_NOREPLACE) == 0)
    return sc_fd_sync (parent_fd, path, error);

  int saved_errno = errno;
  (void)unlinkat (parent_fd, temporary, 0);
  errno = saved_errno;
  return errno == EEXIST ? conflict (path, error) : fail ("renaming into", path, error);
}

/* Changes places with what is there, and changes back when that is not @old: what somebody else
 * wrote in this moment is not lost. */
static gboolean
rename_over (
    int parent_fd, const char *temporary, const char *name, const ScHostEntry *old, GError **error)
{
  if (renameat2 (parent_fd, temporary, parent_fd, name, RENAME_EXCHANGE) < 0)
    {
      fail ("replacing", old->path, error);
      (void)unlinkat (parent_fd, temporary, 0);
      return FALSE;
    }

  g_autoptr (ScHostEntry) taken = look_at (parent_fd, temporary, old->path, NULL);
  gboolean is_old = taken != NULL && sc_host_entry_is_same (taken, old);
  if (!is_old)
    (void)renameat2 (parent_fd, temporary, parent_fd, name, RENAME_EXCHANGE);
  (void)unlinkat (parent_fd, temporary, 0);
  return is_old ? sc_fd_sync (parent_fd, old->path, error) : conflict (old->path, error);
}

static char *
stage (
    int parent_fd, const char *name, const ScHostEntry *new, GInputStream *content, GError **error)
{
  g_autofree char *temporary = new->type == SC_HOST_SYMLINK
                                   ? sc_fd_stage_symlink (parent_fd, name, new->target, error)
                                   : sc_fd_stage_file (parent_fd, name, content, new->mode, error);
  if (temporary == NULL)
    return NULL;

  g_autoptr (ScHostEntry) staged = look_at (parent_fd, temporary, new->path, error);
  if (staged != NULL && sc_host_entry_is_same (staged, new))
    return g_steal_pointer (&temporary);
  if (staged != NULL)
    sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT, "what is stored is not what was planned");
  (void)unlinkat (parent_fd, temporary, 0);
  return NULL;
}

static gboolean
set_mode (int parent_fd, const char *name, const ScHostEntry *new, GError **error)
{
  sc_autofd fd = sc_fd_open_beneath (parent_fd, name, O_RDONLY, 0);

  if (fd < 0 || fchmod (fd, new->mode) < 0 || fsync (fd) < 0)
    return fail ("changing the mode of", new->path, error);
  return TRUE;
}

static gboolean
put_below (int parent_fd,
           const char *name,
           const ScHostEntry *old,
           const ScHostEntry *new,
           GInputStream *content,
           GError **error)
{
  g_autoptr (ScHostEntry) found = look_at (parent_fd, name, new->path, error);
  if (found == NULL)
    return FALSE;
  if (sc_host_entry_is_same (found, new))
    return new->type != SC_HOST_FILE || old == NULL || found->mode == new->mode
           || set_mode (parent_fd, name, new, error);
  if (!sc_host_entry_is_same (found, old))
    return conflict (new->path, error);

  gboolean is_new = old == NULL;
  if (!is_new && (old->type == SC_HOST_DIRECTORY || new->type == SC_HOST_DIRECTORY))
    {
      if (unlinkat (parent_fd, name, old->type == SC_HOST_DIRECTORY ? AT_REMOVEDIR : 0) < 0)
        return fail ("replacing", new->path, error);
      is_new = TRUE;
    }
  if (new->type == SC_HOST_DIRECTORY)
    return make_directory (parent_fd, name, new, error);

  g_autofree char *temporary = stage (parent_fd, name, new, content, error);
  if (temporary == NULL)
    {
      g_autofree char *shown = sc_text_escape (new->path);
      return sc_prefix_error (error, "writing \"%s\": ", shown);
    }
  return is_new ? rename_new (parent_fd, temporary, name, new->path, error)
                : rename_over (parent_fd, temporary, name, old, error);
}

gboolean
sc_host_tree_put (ScHostTree *self,
                  const ScHostEntry *old,
                  const ScHostEntry *new,
                  GInputStream *content,
                  GError **error)
{
  g_autofree char *name = NULL;
  sc_autofd parent_fd = open_parent (self, new->path, &name);

  if (parent_fd < 0)
    return fail ("opening the directory of", new->path, error);
  return put_below (parent_fd, name, old, new, content, error);
}

gboolean
sc_host_tree_remove (ScHostTree *self, const ScHostEntry *old, gboolean *is_gone, GError **error)
{
  g_autofree char *name = NULL;
  sc_autofd parent_fd = open_parent (self, old->path, &name);

  *is_gone = TRUE;
  if (parent_fd < 0 && errno == ENOENT)
    return TRUE;
  if (parent_fd < 0 && (errno == ELOOP || errno == ENOTDIR))
    {
      *is_gone = FALSE;
      return TRUE;
    }
  if (parent_fd < 0)
    return fail ("opening the directory of", old->path, error);

  g_autoptr (ScHostEntry) found = look_at (parent_fd, name, old->path, error);
  if (found == NULL)
    return FALSE;
  if (found->type == SC_HOST_NONE)
    return TRUE;
  *is_gone = sc_host_entry_is_same (found, old);
  if (!*is_gone)
    return TRUE;

  if (unlinkat (parent_fd, name, old->type == SC_HOST_DIRECTORY ? AT_REMOVEDIR : 0) < 0)
    {
      if (errno != ENOTEMPTY && errno != EEXIST && errno != EBUSY)
        return fail ("removing", old->path, error);
      *is_gone = FALSE;
      return TRUE;
    }
  return sc_fd_sync (parent_fd, old->path, error);
}

GInputStream *
sc_host_tree_open_file (ScHostTree *self, const char *path, GError **error)
{
  g_autofree char *name = NULL;
  sc_autofd parent_fd = open_parent (self, path, &name);
  sc_autofd fd = parent_fd >= 0 ? sc_fd_open_beneath (parent_fd, name, O_RDONLY, 0) : -1;

  if (fd < 0)
    {
      fail ("opening", path, error);
      return NULL;
    }
  return g_unix_input_stream_new (sc_fd_steal (&fd), TRUE);
}

gboolean
sc_host_tree_clean (ScHostTree *self, const char *path, GError **error)
{
  g_autofree char *name = NULL;
  sc_autofd parent_fd = open_parent (self, path, &name);
  g_autofree char *directory = g_strdup_printf ("/proc/self/fd/%d", parent_fd);

  return parent_fd < 0 || sc_fd_remove_temporaries (directory, error);
}
