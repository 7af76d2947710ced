/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files through directory descriptors: what is never followed, what is replaced whole, what is
 * gone.
 */
#include "base/sc-error-util.h"
#include "base/sc-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define DEEP 10000

typedef struct
{
  char *path; /* (owned) an empty directory */
  int fd;     /* (owned) of it */
} Fixture;

static void
set_up (Fixture *self, gconstpointer data)
{
  self->path = g_dir_make_tmp ("syscont-fd-XXXXXX", NULL);
  g_assert_nonnull (self->path);
  self->fd = open (self->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_assert_cmpint (self->fd, >=, 0);
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  g_autofree char *name = g_path_get_basename (self->path);
  g_autofree char *parent = g_path_get_dirname (self->path);
  g_autoptr (GError) error = NULL;
  sc_autofd parent_fd = sc_fd_open_dir (parent, &error);

  g_assert_no_error (error);
  g_assert_true (sc_fd_remove_tree (parent_fd, name, &error));
  g_assert_no_error (error);
  close (self->fd);
  g_free (self->path);
}

static void
write_file (int dir_fd, const char *name, const char *text)
{
  sc_autofd fd = openat (dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, (gssize)strlen (text));
}

static void
assert_content (int dir_fd, const char *name, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) bytes = sc_fd_read_file (dir_fd, name, 1000, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), text, strlen (text));
}

static gboolean
has_entry (int dir_fd, const char *name)
{
  struct stat st;

  return fstatat (dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static guint
count_entries (const Fixture *self)
{
  g_autoptr (GDir) dir = g_dir_open (self->path, 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static mode_t
mode_of (int dir_fd, const char *name)
{
  struct stat st;

  g_assert_cmpint (fstatat (dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), ==, 0);
  return st.st_mode & 07777;
}

/* Descriptors */

static void
test_cleanup_keeps_errno (void)
{
  errno = ENOSPC;
  {
    sc_autofd fd = -1;
    int other = 12345; /* no open descriptor: close fails */
    sc_fd_cleanup (&other);
    (void)fd;
  }
  g_assert_cmpint (errno, ==, ENOSPC);
}

static void
test_steal (void)
{
  int fd = 5;

  g_assert_cmpint (sc_fd_steal (&fd), ==, 5);
  g_assert_cmpint (fd, ==, -1);
}

/* Opening */

typedef struct
{
  const char *name;
  const char *path;
  int error; /* 0 = opens */
} OpenRow;

static const OpenRow open_rows[] = {
  { "file", "file", 0 },
  { "file-below", "dir/file", 0 },
  { "parent-within", "dir/../file", 0 },
  { "directory", "dir", 0 },
  { "missing", "none", ENOENT },
  { "empty", "", ENOENT },
  { "absolute", "/etc/passwd", EXDEV },
  { "parent", "..", EXDEV },
  { "parent-below", "dir/../../x", EXDEV },
  { "symlink", "link", ELOOP },
  { "symlink-to-directory", "dirlink", ELOOP },
  { "below-symlink", "dirlink/file", ELOOP },
  { "absolute-symlink", "abslink", ELOOP },
  { "below-file", "file/x", ENOTDIR },
};

static void
test_open_beneath (Fixture *self, gconstpointer data)
{
  const OpenRow *row = data;
  g_assert_cmpint (mkdirat (self->fd, "dir", 0755), ==, 0);
  write_file (self->fd, "file", "x");
  write_file (self->fd, "dir/file", "x");
  g_assert_cmpint (symlinkat ("file", self->fd, "link"), ==, 0);
  g_assert_cmpint (symlinkat ("dir", self->fd, "dirlink"), ==, 0);
  g_assert_cmpint (symlinkat ("/etc/passwd", self->fd, "abslink"), ==, 0);

  errno = 0;
  sc_autofd fd = sc_fd_open_beneath (self->fd, row->path, O_RDONLY, 0);

  g_assert_cmpint (fd < 0 ? errno : 0, ==, row->error);
}

static void
test_open_beneath_adds_flags (Fixture *self, gconstpointer data)
{
  write_file (self->fd, "file", "x");

  sc_autofd fd = sc_fd_open_beneath (self->fd, "file", O_RDONLY, 0);

  g_assert_cmpint (fcntl (fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
  g_assert_cmpint (fcntl (fd, F_GETFL) & O_NONBLOCK, ==, O_NONBLOCK);
}

/* A fifo must not stop the caller. */
static void
test_open_beneath_fifo_does_not_block (Fixture *self, gconstpointer data)
{
  g_assert_cmpint (mkfifoat (self->fd, "fifo", 0600), ==, 0);

  sc_autofd fd = sc_fd_open_beneath (self->fd, "fifo", O_RDONLY, 0);

  g_assert_cmpint (fd, >=, 0);
}

static void
test_open_beneath_creates (Fixture *self, gconstpointer data)
{
  mode_t old_mask = umask (0);
  sc_autofd fd = sc_fd_open_beneath (self->fd, "new", O_WRONLY | O_CREAT | O_EXCL, S_IFREG | 0640);
  umask (old_mask);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmphex (mode_of (self->fd, "new"), ==, 0640);
}

static void
test_open_beneath_path_only (Fixture *self, gconstpointer data)
{
  write_file (self->fd, "file", "x");

  sc_autofd fd = sc_fd_open_beneath (self->fd, "file", O_PATH, 0644);

  g_assert_cmpint (fd, >=, 0);
}

static void
test_open_dir_names_path (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (sc_fd_open_dir ("/nowhere/at\nall", &error), ==, -1);

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "\"/nowhere/at\\x0aall\""));
}

static void
test_ensure_dir_makes_parents (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_strconcat (self->path, "/a//b/c/", NULL);

  mode_t old_mask = umask (0077);
  sc_autofd fd = sc_fd_ensure_dir (path, 0711, &error);
  umask (old_mask);

  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  write_file (fd, "file", "x");
  g_assert_true (has_entry (self->fd, "a/b/c/file"));
  g_assert_cmphex (mode_of (self->fd, "a"), ==, 0755);
  g_assert_cmphex (mode_of (self->fd, "a/b"), ==, 0755);
  g_assert_cmphex (mode_of (self->fd, "a/b/c"), ==, 0711);
}

static void
test_ensure_dir_leaves_existing (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_strconcat (self->path, "/a", NULL);
  g_assert_cmpint (mkdirat (self->fd, "a", 0750), ==, 0);
  g_assert_cmpint (fchmodat (self->fd, "a", 0750, 0), ==, 0);

  sc_autofd fd = sc_fd_ensure_dir (path, 0700, &error);

  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmphex (mode_of (self->fd, "a"), ==, 0750);
}

static void
test_ensure_dir_file_in_the_way (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *path = g_strconcat (self->path, "/file/a", NULL);
  write_file (self->fd, "file", "x");

  g_assert_cmpint (sc_fd_ensure_dir (path, 0700, &error), ==, -1);

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, path));
}

static void
test_ensure_dir_relative (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (sc_fd_ensure_dir ("a/b", 0700, &error), ==, -1);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED);
}

/* Reading */

static void
test_read_all_limit (Fixture *self, gconstpointer data)
{
  write_file (self->fd, "file", "12345");
  for (gsize max_bytes = 4; max_bytes <= 6; max_bytes++)
    {
      g_autoptr (GError) error = NULL;
      sc_autofd fd = openat (self->fd, "file", O_RDONLY | O_CLOEXEC);

      g_autoptr (GBytes) bytes = sc_fd_read_all (fd, max_bytes, &error);

      g_assert_cmpint (bytes != NULL, ==, max_bytes >= 5);
      if (bytes == NULL)
        g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
    }
}

static void
test_read_all_terminates (Fixture *self, gconstpointer data)
{
  const char *const texts[] = { "", "12345" };

  for (gsize i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      write_file (self->fd, "file", texts[i]);
      sc_autofd fd = openat (self->fd, "file", O_RDONLY | O_CLOEXEC);

      g_autoptr (GBytes) bytes = sc_fd_read_all (fd, G_MAXSIZE, NULL);

      g_assert_cmpuint (g_bytes_get_size (bytes), ==, strlen (texts[i]));
      g_assert_cmpstr (g_bytes_get_data (bytes, NULL), ==, texts[i]);
    }
}

static gpointer
write_late (gpointer data)
{
  int fd = GPOINTER_TO_INT (data);

  /* More than a pipe holds, so that both sides have to wait. */
  g_autofree char *text = g_strnfill (300000, 'x');
  g_assert_true (sc_fd_write_all (fd, text, 300000, NULL));
  close (fd);
  return NULL;
}

static void
test_read_and_write_wait_for_each_other (void)
{
  int fds[2];
  g_assert_cmpint (pipe2 (fds, O_CLOEXEC | O_NONBLOCK), ==, 0);
  sc_autofd read_fd = fds[0];
  GThread *thread = g_thread_new ("writer", write_late, GINT_TO_POINTER (fds[1]));

  g_autoptr (GBytes) bytes = sc_fd_read_all (read_fd, 1000000, NULL);

  g_thread_join (thread);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 300000);
}

static void
test_read_file_missing (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sc_fd_read_file (self->fd, "none", 10, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND);
  g_assert_cmpstr (error->message, ==, "\"none\": no such file");
}

typedef struct
{
  const char *name;
  const char *path;
  const char *fault;
} ReadRow;

static const ReadRow read_rows[] = {
  { "directory", "dir", "not a regular file" },
  { "fifo", "fifo", "not a regular file" },
  { "symlink", "link", "symbolic link" },
  { "outside", "../x", "opening" },
};

static void
test_read_file_refuses (Fixture *self, gconstpointer data)
{
  const ReadRow *row = data;
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (mkdirat (self->fd, "dir", 0755), ==, 0);
  g_assert_cmpint (mkfifoat (self->fd, "fifo", 0600), ==, 0);
  g_assert_cmpint (symlinkat ("/etc/passwd", self->fd, "link"), ==, 0);

  g_assert_null (sc_fd_read_file (self->fd, row->path, 1000, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, row->path));
  g_assert_nonnull (strstr (error->message, row->fault));
}

/* Replacing */

static void
test_write_atomic_makes_and_replaces (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (sc_fd_write_atomic (self->fd, "file", "old", 3, 0600, &error));
  assert_content (self->fd, "file", "old");
  g_assert_true (sc_fd_write_atomic (self->fd, "file", "", 0, 0600, &error));

  g_assert_no_error (error);
  assert_content (self->fd, "file", "");
  g_assert_cmpuint (count_entries (self), ==, 1);
}

static void
test_write_atomic_exact_mode (Fixture *self, gconstpointer data)
{
  mode_t old_mask = umask (0077);
  gboolean done = sc_fd_write_atomic (self->fd, "file", "x", 1, 0664, NULL);
  umask (old_mask);

  g_assert_true (done);
  g_assert_cmphex (mode_of (self->fd, "file"), ==, 0664);
}

static void
test_write_atomic_replaces_symlink_itself (Fixture *self, gconstpointer data)
{
  write_file (self->fd, "target", "untouched");
  g_assert_cmpint (symlinkat ("target", self->fd, "file"), ==, 0);

  g_assert_true (sc_fd_write_atomic (self->fd, "file", "new", 3, 0600, NULL));

  assert_content (self->fd, "target", "untouched");
  assert_content (self->fd, "file", "new");
}

static void
test_write_atomic_failure_leaves_nothing (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (mkdirat (self->fd, "file", 0755), ==, 0);

  g_assert_false (sc_fd_write_atomic (self->fd, "file", "new", 3, 0600, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED);
  g_assert_true (g_str_has_prefix (error->message, "writing \"file\": "));
  g_assert_cmpuint (count_entries (self), ==, 1);
}

static void
test_write_atomic_longest_name (Fixture *self, gconstpointer data)
{
  g_autofree char *name = g_strnfill (255, 'n');
  g_autoptr (GError) error = NULL;

  g_assert_true (sc_fd_write_atomic (self->fd, name, "x", 1, 0600, &error));

  g_assert_no_error (error);
  assert_content (self->fd, name, "x");
}

static void
test_create_makes_only_new_files (Fixture *self, gconstpointer data)
{
  mode_t old_mask = umask (0077);
  g_autoptr (GError) error = NULL;
  sc_autofd fd = sc_fd_create (self->fd, "file", "new", 3, 0664, &error);
  umask (old_mask);

  g_assert_no_error (error);
  g_assert_cmpint (fd, >=, 0);
  assert_content (self->fd, "file", "new");
  g_assert_cmphex (mode_of (self->fd, "file"), ==, 0664);
  g_assert_cmpint (sc_fd_create (self->fd, "file", "other", 5, 0600, &error), ==, -1);
  g_assert_true (g_str_has_prefix (error->message, "creating \"file\": "));
  assert_content (self->fd, "file", "new");
}

static void
test_names_are_checked (Fixture *self, gconstpointer data)
{
  const char *const names[] = { "", ".", "..", "a/b", "/a", "a/" };

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (sc_fd_write_atomic (self->fd, names[i], "x", 1, 0600, NULL));
      g_assert_cmpint (sc_fd_create (self->fd, names[i], "x", 1, 0600, NULL), ==, -1);
      g_assert_false (sc_fd_symlink_atomic (self->fd, "x", names[i], NULL));
      g_assert_false (sc_fd_unlink (self->fd, names[i], NULL));
      g_assert_false (sc_fd_remove_tree (self->fd, names[i], &error));
      g_assert_nonnull (strstr (error->message, "is not a file name"));
    }
}

static void
test_symlink_atomic (Fixture *self, gconstpointer data)
{
  char target[64] = { 0 };

  g_assert_true (sc_fd_symlink_atomic (self->fd, "etcd.0", "etcd", NULL));
  g_assert_true (sc_fd_symlink_atomic (self->fd, "etcd.1", "etcd", NULL));

  g_assert_cmpint (readlinkat (self->fd, "etcd", target, sizeof target - 1), ==, 6);
  g_assert_cmpstr (target, ==, "etcd.1");
  g_assert_cmpuint (count_entries (self), ==, 1);
}

static void
test_symlink_atomic_failure_leaves_nothing (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (mkdirat (self->fd, "etcd", 0755), ==, 0);

  g_assert_false (sc_fd_symlink_atomic (self->fd, "etcd.1", "etcd", &error));

  g_assert_nonnull (strstr (error->message, "\"etcd\""));
  g_assert_cmpuint (count_entries (self), ==, 1);
}

static void
test_unlink (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  write_file (self->fd, "target", "x");
  g_assert_cmpint (symlinkat ("target", self->fd, "link"), ==, 0);
  g_assert_cmpint (mkdirat (self->fd, "dir", 0755), ==, 0);

  g_assert_true (sc_fd_unlink (self->fd, "link", &error));
  g_assert_true (sc_fd_unlink (self->fd, "link", &error));
  g_assert_no_error (error);
  g_assert_false (has_entry (self->fd, "link"));
  g_assert_true (has_entry (self->fd, "target"));

  g_assert_false (sc_fd_unlink (self->fd, "dir", &error));
  g_assert_nonnull (strstr (error->message, "\"dir\""));
}

static void
test_check_links_same_mount (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (mkdirat (self->fd, "from", 0755), ==, 0);
  g_assert_cmpint (mkdirat (self->fd, "to", 0755), ==, 0);
  sc_autofd from_fd = sc_fd_open_beneath (self->fd, "from", O_RDONLY | O_DIRECTORY, 0);
  sc_autofd to_fd = sc_fd_open_beneath (self->fd, "to", O_RDONLY | O_DIRECTORY, 0);

  g_assert_true (sc_fd_check_links (from_fd, to_fd, &error));
  g_assert_no_error (error);
  g_assert_cmpint (unlinkat (self->fd, "from", AT_REMOVEDIR), ==, 0);
  g_assert_cmpint (unlinkat (self->fd, "to", AT_REMOVEDIR), ==, 0);
}

static void
test_check_links_other_mount (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  struct stat here, there;
  sc_autofd shm_fd = open ("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (shm_fd < 0 || fstat (shm_fd, &there) < 0 || fstat (self->fd, &here) < 0
      || here.st_dev == there.st_dev)
    {
      g_test_skip ("no second file system that can be written to");
      return;
    }

  g_assert_false (sc_fd_check_links (self->fd, shm_fd, &error));

  g_assert_nonnull (strstr (error->message, "put them on one mount"));
  g_assert_cmpuint (count_entries (self), ==, 0);
}

/* Removing */

static void
test_remove_tree_missing (Fixture *self, gconstpointer data)
{
  g_assert_true (sc_fd_remove_tree (self->fd, "none", NULL));
}

static void
test_remove_tree_all_types (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (mkdirat (self->fd, "tree", 0755), ==, 0);
  g_assert_cmpint (mkdirat (self->fd, "tree/a", 0755), ==, 0);
  g_assert_cmpint (mkdirat (self->fd, "tree/a/b", 0755), ==, 0);
  g_assert_cmpint (mkdirat (self->fd, "tree/c", 0755), ==, 0);
  g_assert_cmpint (mkfifoat (self->fd, "tree/a/fifo", 0600), ==, 0);
  write_file (self->fd, "tree/a/b/file", "x");
  write_file (self->fd, "tree/.hidden", "x");
  write_file (self->fd, "tree/caf\xe9\n", "x");

  g_assert_true (sc_fd_remove_tree (self->fd, "tree", &error));

  g_assert_no_error (error);
  g_assert_cmpuint (count_entries (self), ==, 0);
}

static void
test_remove_tree_single_file (Fixture *self, gconstpointer data)
{
  write_file (self->fd, "file", "x");

  g_assert_true (sc_fd_remove_tree (self->fd, "file", NULL));
  g_assert_cmpuint (count_entries (self), ==, 0);
}

static void
test_remove_tree_does_not_follow (Fixture *self, gconstpointer data)
{
  g_assert_cmpint (mkdirat (self->fd, "outside", 0755), ==, 0);
  write_file (self->fd, "outside/file", "x");
  g_assert_cmpint (mkdirat (self->fd, "tree", 0755), ==, 0);
  g_assert_cmpint (symlinkat ("../outside", self->fd, "tree/link"), ==, 0);
  g_assert_cmpint (symlinkat ("outside", self->fd, "link"), ==, 0);

  g_assert_true (sc_fd_remove_tree (self->fd, "tree", NULL));
  g_assert_true (sc_fd_remove_tree (self->fd, "link", NULL));

  g_assert_true (has_entry (self->fd, "outside/file"));
  g_assert_cmpuint (count_entries (self), ==, 1);
}

static void
test_remove_tree_without_permissions (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (mkdirat (self->fd, "tree", 0755), ==, 0);
  g_assert_cmpint (mkdirat (self->fd, "tree/none", 0755), ==, 0);
  g_assert_cmpint (mkdirat (self->fd, "tree/read-only", 0755), ==, 0);
  write_file (self->fd, "tree/none/file", "x");
  write_file (self->fd, "tree/read-only/file", "x");
  g_assert_cmpint (fchmodat (self->fd, "tree/none", 0, 0), ==, 0);
  g_assert_cmpint (fchmodat (self->fd, "tree/read-only", 0555, 0), ==, 0);
  g_assert_cmpint (fchmodat (self->fd, "tree", 0, 0), ==, 0);

  g_assert_true (sc_fd_remove_tree (self->fd, "tree", &error));

  g_assert_no_error (error);
  g_assert_cmpuint (count_entries (self), ==, 0);
}

/* A directory in memory where there is one: the deep tree costs a disk half a minute. */
static int
open_fast_dir (const Fixture *self)
{
  int fd = access ("/dev/shm", R_OK | W_OK | X_OK) == 0
               ? open ("/dev/shm", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
               : -1;

  return fd >= 0 ? fd : fcntl (self->fd, F_DUPFD_CLOEXEC, 0);
}

/* AR25 */
static void
test_remove_tree_deep (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *top_name = g_path_get_basename (self->path);
  g_autofree char *long_name = g_strnfill (100, 'd');
  sc_autofd top_fd = open_fast_dir (self);
  sc_autofd fd = fcntl (top_fd, F_DUPFD_CLOEXEC, 0);
  for (int i = 0; i < DEEP; i++)
    {
      const char *name = i == 0 ? top_name : long_name;
      g_assert_cmpint (mkdirat (fd, name, 0755), ==, 0);
      int next_fd = openat (fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

      close (fd);
      fd = next_fd;
      write_file (fd, "file", "x");
    }

  g_assert_true (sc_fd_remove_tree (top_fd, top_name, &error));

  g_assert_no_error (error);
  g_assert_false (has_entry (top_fd, top_name));
}

static void
test_remove_tree_wide (Fixture *self, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (mkdirat (self->fd, "tree", 0755), ==, 0);
  for (int i = 0; i < 1000; i++)
    {
      g_autofree char *dir = g_strdup_printf ("tree/dir-%d", i);
      g_autofree char *file = g_strdup_printf ("tree/file-%d", i);

      g_assert_cmpint (mkdirat (self->fd, dir, 0755), ==, 0);
      write_file (self->fd, file, "x");
    }

  g_assert_true (sc_fd_remove_tree (self->fd, "tree", &error));

  g_assert_no_error (error);
  g_assert_cmpuint (count_entries (self), ==, 0);
}

/* A mount namespace belongs to a thread, and what is mounted in it is gone with the thread. */
static gpointer
remove_over_mount_in_thread (gpointer data)
{
  const Fixture *self = data;
  g_autoptr (GError) error = NULL;
  if (unshare (CLONE_NEWNS) < 0 || mount (NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
    return GINT_TO_POINTER (FALSE);

  g_autofree char *outside = g_strconcat (self->path, "/outside", NULL);
  g_autofree char *inside = g_strconcat (self->path, "/tree/a/b", NULL);
  g_assert_cmpint (mount (outside, inside, NULL, MS_BIND, NULL), ==, 0);
  /* self->fd leads to the directory of the other namespace, where nothing is mounted. */
  sc_autofd fd = sc_fd_open_dir (self->path, NULL);

  g_assert_true (has_entry (fd, "tree/a/b/file"));
  g_assert_false (sc_fd_remove_tree (fd, "tree", &error));
  g_assert_nonnull (strstr (error->message, "something is mounted in it"));
  g_assert_true (has_entry (fd, "outside/file"));
  return GINT_TO_POINTER (TRUE);
}

static void
test_remove_tree_stops_at_mounts (Fixture *self, gconstpointer data)
{
  g_assert_cmpint (mkdirat (self->fd, "outside", 0755), ==, 0);
  g_assert_cmpint (mkdirat (self->fd, "tree", 0755), ==, 0);
  g_assert_cmpint (mkdirat (self->fd, "tree/a", 0755), ==, 0);
  g_assert_cmpint (mkdirat (self->fd, "tree/a/b", 0755), ==, 0);
  write_file (self->fd, "outside/file", "x");

  if (!GPOINTER_TO_INT (
          g_thread_join (g_thread_new ("mounter", remove_over_mount_in_thread, self))))
    g_test_skip ("no mount namespace can be made");
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)

static void
add_reading_tests (void)
{
  g_test_add_func ("/fd/cleanup/keeps-errno", test_cleanup_keeps_errno);
  g_test_add_func ("/fd/steal/leaves-nothing", test_steal);
  for (gsize i = 0; i < G_N_ELEMENTS (open_rows); i++)
    {
      g_autofree char *path = g_strconcat ("/fd/open-beneath/", open_rows[i].name, NULL);
      g_test_add (path, Fixture, &open_rows[i], set_up, test_open_beneath, tear_down);
    }
  ADD ("/fd/open-beneath/adds-flags", test_open_beneath_adds_flags);
  ADD ("/fd/open-beneath/fifo-does-not-block", test_open_beneath_fifo_does_not_block);
  ADD ("/fd/open-beneath/creates", test_open_beneath_creates);
  ADD ("/fd/open-beneath/path-only", test_open_beneath_path_only);
  g_test_add_func ("/fd/open-dir/names-path", test_open_dir_names_path);
  ADD ("/fd/ensure-dir/makes-parents", test_ensure_dir_makes_parents);
  ADD ("/fd/ensure-dir/leaves-existing", test_ensure_dir_leaves_existing);
  ADD ("/fd/ensure-dir/file-in-the-way", test_ensure_dir_file_in_the_way);
  g_test_add_func ("/fd/ensure-dir/relative", test_ensure_dir_relative);
  ADD ("/fd/read-all/limit", test_read_all_limit);
  ADD ("/fd/read-all/terminates", test_read_all_terminates);
  g_test_add_func ("/fd/read-all/waits", test_read_and_write_wait_for_each_other);
  ADD ("/fd/read-file/missing", test_read_file_missing);
  for (gsize i = 0; i < G_N_ELEMENTS (read_rows); i++)
    {
      g_autofree char *path = g_strconcat ("/fd/read-file/refuses-", read_rows[i].name, NULL);
      g_test_add (path, Fixture, &read_rows[i], set_up, test_read_file_refuses, tear_down);
    }
}

static void
add_changing_tests (void)
{
  ADD ("/fd/write-atomic/makes-and-replaces", test_write_atomic_makes_and_replaces);
  ADD ("/fd/write-atomic/exact-mode", test_write_atomic_exact_mode);
  ADD ("/fd/write-atomic/replaces-symlink-itself", test_write_atomic_replaces_symlink_itself);
  ADD ("/fd/write-atomic/failure-leaves-nothing", test_write_atomic_failure_leaves_nothing);
  ADD ("/fd/write-atomic/longest-name", test_write_atomic_longest_name);
  ADD ("/fd/create/makes-only-new-files", test_create_makes_only_new_files);
  ADD ("/fd/names/are-checked", test_names_are_checked);
  ADD ("/fd/symlink-atomic/makes-and-replaces", test_symlink_atomic);
  ADD ("/fd/symlink-atomic/failure-leaves-nothing", test_symlink_atomic_failure_leaves_nothing);
  ADD ("/fd/unlink/only-the-entry", test_unlink);
  ADD ("/fd/check-links/same-mount", test_check_links_same_mount);
  ADD ("/fd/check-links/other-mount", test_check_links_other_mount);
  ADD ("/fd/remove-tree/missing", test_remove_tree_missing);
  ADD ("/fd/remove-tree/all-types", test_remove_tree_all_types);
  ADD ("/fd/remove-tree/single-file", test_remove_tree_single_file);
  ADD ("/fd/remove-tree/does-not-follow", test_remove_tree_does_not_follow);
  ADD ("/fd/remove-tree/without-permissions", test_remove_tree_without_permissions);
  ADD ("/fd/remove-tree/deep", test_remove_tree_deep);
  ADD ("/fd/remove-tree/wide", test_remove_tree_wide);
  ADD ("/fd/remove-tree/stops-at-mounts", test_remove_tree_stops_at_mounts);
}

static void
test_remove_temporaries (void)
{
  g_autofree char *path = g_dir_make_tmp ("syscont-test-XXXXXX", NULL);
  static const char *const names[] = { ".web.service.syscont-ab12cd", ".web.service.syscont-ab12c",
                                       "web.syscont-ab12cd", ".web.service.ab12cd", "web.service" };
  g_autoptr (GError) error = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *file = g_build_filename (path, names[i], NULL);
      g_assert_true (g_file_set_contents (file, "", 0, NULL));
    }
  sc_fd_remove_temporaries (path, &error);

  g_assert_no_error (error);
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *file = g_build_filename (path, names[i], NULL);
      g_assert_true (g_file_test (file, G_FILE_TEST_EXISTS) == (i > 0));
      (void)g_unlink (file);
    }
  g_assert_cmpint (g_rmdir (path), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/fd/remove-temporaries/only-those", test_remove_temporaries);

  add_reading_tests ();
  add_changing_tests ();
  return g_test_run ();
}
