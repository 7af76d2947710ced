/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files through directory file descriptors. Paths below a directory are opened with openat2(2) and
 * never leave it; whole files are replaced by write, fsync, rename and fsync of the directory.
 */
#pragma once

#include <gio/gio.h>
#include <sys/stat.h>

/** sc_autofd: an int that is closed at the end of its scope unless it is -1 */
#define sc_autofd __attribute__ ((cleanup (sc_fd_cleanup))) int
void sc_fd_cleanup (int *fd);

/** sc_fd_steal: takes the descriptor out of @fd, leaving -1 */
static inline int
sc_fd_steal (int *fd)
{
  int taken = *fd;
  *fd = -1;
  return taken;
}

/**
 * sc_fd_open_beneath:
 * @dir_fd: a directory
 * @path: relative path; no component may be a symbolic link or leave @dir_fd
 * @flags: as for open(2); O_CLOEXEC, O_NOFOLLOW, O_NOCTTY and O_NONBLOCK are added
 *
 * openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS.
 *
 * Returns: an fd, or -1 with errno set
 */
int sc_fd_open_beneath (int dir_fd, const char *path, int flags, mode_t mode);

/**
 * sc_fd_open_in_root:
 * @root_fd: what "/" means for @path and for the symbolic links on its way
 *
 * openat2(2) with RESOLVE_IN_ROOT and RESOLVE_NO_MAGICLINKS; otherwise as sc_fd_open_beneath().
 */
int sc_fd_open_in_root (int root_fd, const char *path, int flags);

/**
 * sc_fd_open_dir:
 * @path: absolute path of a directory, followed through symbolic links
 *
 * Returns: an fd, or -1 with @error
 */
int sc_fd_open_dir (const char *path, GError **error);

/**
 * sc_fd_ensure_dir:
 * @path: absolute path; missing parents are made too, with mode 0755
 * @mode: of the directory when it is made; an existing one is left as it is
 *
 * Returns: an fd of the directory, or -1 with @error
 */
int sc_fd_ensure_dir (const char *path, mode_t mode, GError **error);

/**
 * sc_fd_read_all:
 * @fd: a readable file
 * @max_bytes: LIMIT_EXCEEDED when there is more
 * @error:
 *
 * Blocks. Returns: (transfer full) (nullable): all bytes from the current position, NUL-terminated
 *   one byte after the end
 */
GBytes *sc_fd_read_all (int fd, gsize max_bytes, GError **error);

/**
 * sc_fd_read_file:
 * @dir_fd: a directory
 * @path: relative, opened as sc_fd_open_beneath() does; must be a regular file
 *
 * Returns: (transfer full) (nullable): as sc_fd_read_all(); NOT_FOUND when it does not exist
 */
GBytes *sc_fd_read_file (int dir_fd, const char *path, gsize max_bytes, GError **error);

/** sc_fd_write_all: writes everything, restarting after signals and short writes; blocks */
gboolean sc_fd_write_all (int fd, const void *data, gsize size_bytes, GError **error);

/**
 * sc_fd_write_atomic:
 * @dir_fd: a directory
 * @name: a file name in it, without "/"
 * @mode: exact permissions, whatever the umask is
 *
 * Replaces a file so that after a power cut either the old or the new content is there: temporary
 * name, write, fsync, rename, fsync of the directory.
 */
gboolean sc_fd_write_atomic (
    int dir_fd, const char *name, const void *data, gsize size_bytes, mode_t mode, GError **error);

/**
 * sc_fd_create:
 * @dir_fd: a directory
 * @name: a file name in it, without "/", that is not there yet
 * @mode: exact permissions, whatever the umask is
 *
 * Writes a file and syncs nothing: for a directory that nobody uses before all of it is there.
 *
 * Returns: (transfer full): the file, -1 when it fails
 */
int sc_fd_create (
    int dir_fd, const char *name, const void *data, gsize size_bytes, mode_t mode, GError **error);

/** sc_fd_sync: fsync(2) with an error that names @what; a failure is final (never retried) */
gboolean sc_fd_sync (int fd, const char *what, GError **error);

/**
 * sc_fd_remove_tree:
 * @dir_fd: a directory
 * @name: an entry of it
 *
 * Removes a file or a whole tree without following symbolic links and without recursion, so that
 * depth cannot exhaust the stack. Succeeds when there is nothing.
 */
gboolean sc_fd_remove_tree (int dir_fd, const char *name, GError **error);

/**
 * sc_fd_unlink:
 *
 * Removes a file or symbolic link and syncs the directory. Succeeds when there is nothing.
 */
gboolean sc_fd_unlink (int dir_fd, const char *name, GError **error);

/**
 * sc_fd_symlink_atomic:
 *
 * Makes or replaces the symbolic link @name in @dir_fd by symlinkat to a temporary name and
 * renameat, then syncs the directory.
 */
gboolean sc_fd_symlink_atomic (int dir_fd, const char *target, const char *name, GError **error);

/**
 * sc_fd_link_atomic:
 * @from: relative to @from_dir_fd; a symbolic link is linked itself
 *
 * Puts a hard link in the place of the file @name of @dir_fd, by linkat to a temporary name and
 * renameat, then syncs the directory. EMLINK and a directory in the place are errors.
 */
gboolean
sc_fd_link_atomic (int from_dir_fd, const char *from, int dir_fd, const char *name, GError **error);

/**
 * sc_fd_stage_file:
 * @name: the file that it is going to be
 * @content: read to its end
 * @mode: exact permissions
 *
 * Writes a file with a temporary name into @dir_fd and syncs it; the caller renames it.
 *
 * Returns: (transfer full) (nullable): the temporary name
 */
char *
sc_fd_stage_file (int dir_fd, const char *name, GInputStream *content, mode_t mode, GError **error);

/** sc_fd_stage_symlink: (transfer full) (nullable): the same for a symbolic link */
char *sc_fd_stage_symlink (int dir_fd, const char *name, const char *target, GError **error);

/** sc_fd_check_links: TRUE when a hard link from a file in @from_dir_fd into @to_dir_fd works
 * (link(2) is tried) */
gboolean sc_fd_check_links (int from_dir_fd, int to_dir_fd, GError **error);

/**
 * sc_fd_remove_temporaries:
 * @path: of a directory; one that does not exist is no error
 *
 * Removes what interrupted calls of the functions above left there, by their names. Must not run
 * beside such a call in the same directory.
 */
gboolean sc_fd_remove_temporaries (const char *path, GError **error);
