/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-deployment.h"

#include "base/sc-fd.h"
#include "base/sc-name.h"
#include "deploy/sc-deployment-files.h"
#include "deploy/sc-mount-point.h"
#include "store/sc-checkout-dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  const char *name;
  char *directory; /* (owned) NAME.<n> */
  char *partial;   /* (owned) .NAME.<n>.partial */
  char *ref;       /* (owned) */
  int checkout_fd; /* (owned) */
} Stage;

static void
stage_clear (Stage *self)
{
  g_free (self->directory);
  g_free (self->partial);
  g_free (self->ref);
  sc_fd_cleanup (&self->checkout_fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Stage, stage_clear)

static gboolean
stage_init (Stage *self, const ScPaths *paths, const char *name, guint64 n, GError **error)
{
  if (!sc_name_check (name, error))
    return FALSE;
  self->name = name;
  self->directory = g_strdup_printf ("%s.%" G_GUINT64_FORMAT, name, n);
  self->partial = g_strdup_printf (".%s.partial", self->directory);
  self->ref = g_strdup_printf ("syscont/deploy/%s/%" G_GUINT64_FORMAT, name, n);
  self->checkout_fd = sc_checkout_dir_open (paths, error);
  return self->checkout_fd >= 0;
}

static gboolean
set_ref (
    ScRepo *repo, const char *ref, const char *commit, GCancellable *cancellable, GError **error)
{
  const char *const refs[] = { ref, NULL };

  return sc_repo_change_refs (repo, refs, commit, cancellable, error);
}

static gboolean
make_mount_points (int dir_fd, const ScRendering *rendering, GError **error)
{
  sc_autofd root_fd = sc_fd_open_beneath (dir_fd, "rootfs", O_RDONLY | O_DIRECTORY, 0);
  if (root_fd < 0)
    return sc_error_set_errno (error, errno, "opening \"rootfs\"");
  for (guint i = 0; i < rendering->mount_points->len; i++)
    {
      const ScMountPoint *point = rendering->mount_points->pdata[i];
      if (!sc_mount_point_ensure (point, root_fd, error))
        return FALSE;
    }
  return TRUE;
}

static int
make_directory (int checkout_fd, const char *name, GError **error)
{
  if (!sc_fd_remove_tree (checkout_fd, name, error))
    return -1;
  if (mkdirat (checkout_fd, name, 0700) != 0)
    {
      sc_error_set_errno (error, errno, "creating \"%s\"", name);
      return -1;
    }
  int fd = sc_fd_open_beneath (checkout_fd, name, O_RDONLY | O_DIRECTORY, 0);
  if (fd < 0)
    sc_error_set_errno (error, errno, "opening \"%s\"", name);
  return fd;
}

static gboolean
fill_directory (int dir_fd,
                ScRepo *repo,
                const char *name,
                const char *commit,
                const ScRendering *rendering,
                GCancellable *cancellable,
                GError **error)
{
  if (!sc_repo_checkout (repo, commit, dir_fd, "rootfs", cancellable, error)
      || !make_mount_points (dir_fd, rendering, error)
      || !sc_deployment_write_files (dir_fd, name, rendering, error))
    return FALSE;
  if (g_cancellable_is_cancelled (cancellable))
    return sc_error_set (error, SYSCONT_ERROR_CANCELLED, "cancelled");
  return TRUE;
}

static gboolean
fill_partial (const Stage *self,
              ScRepo *repo,
              const char *commit,
              const ScRendering *rendering,
              GCancellable *cancellable,
              GError **error)
{
  if (!sc_fd_remove_tree (self->checkout_fd, self->directory, error))
    return FALSE;
  sc_autofd dir_fd = make_directory (self->checkout_fd, self->partial, error);
  if (dir_fd < 0
      || !fill_directory (dir_fd, repo, self->name, commit, rendering, cancellable, error))
    return FALSE;

  /* The checkout syncs nothing by itself; without this a power cut leaves empty files behind a name
   * that says that all is there. */
  if (syncfs (dir_fd) != 0)
    return sc_error_set_errno (error, errno, "writing to disk");
  if (renameat2 (self->checkout_fd, self->partial, self->checkout_fd, self->directory,
                 RENAME_NOREPLACE)
      != 0)
    return sc_error_set_errno (error, errno, "renaming \"%s\"", self->partial);
  return sc_fd_sync (self->checkout_fd, "the checkout directory", error);
}

int
sc_bundle_make_empty (const ScPaths *paths, const char *directory, GError **error)
{
  sc_autofd checkout_fd = sc_fd_ensure_dir (paths->checkout, 0700, error);

  return checkout_fd >= 0 ? make_directory (checkout_fd, directory, error) : -1;
}

gboolean
sc_bundle_make (const ScPaths *paths,
                ScRepo *repo,
                const char *directory,
                const char *name,
                const char *rootfs_commit,
                const ScRendering *rendering,
                GCancellable *cancellable,
                GError **error)
{
  sc_autofd dir_fd = sc_bundle_make_empty (paths, directory, error);

  return dir_fd >= 0
         && fill_directory (dir_fd, repo, name, rootfs_commit, rendering, cancellable, error);
}

gboolean
sc_bundle_remove (const ScPaths *paths, const char *directory, GError **error)
{
  sc_autofd checkout_fd = sc_fd_open_dir (paths->checkout, error);

  return checkout_fd >= 0 && sc_fd_remove_tree (checkout_fd, directory, error);
}

gboolean
sc_deployment_stage (const ScPaths *paths,
                     ScRepo *repo,
                     const char *name,
                     guint64 n,
                     const char *rootfs_commit,
                     const ScRendering *rendering,
                     GCancellable *cancellable,
                     GError **error)
{
  g_auto (Stage) stage = { .checkout_fd = -1 };
  if (!stage_init (&stage, paths, name, n, error))
    return FALSE;
  if (!set_ref (repo, stage.ref, rootfs_commit, cancellable, error))
    return sc_prefix_error (error, "deployment \"%s\": ", stage.directory);
  if (fill_partial (&stage, repo, rootfs_commit, rendering, cancellable, error))
    return TRUE;

  /* the error at hand says more than one of cleaning up; the next try removes what stays */
  sc_fd_remove_tree (stage.checkout_fd, stage.partial, NULL);
  set_ref (repo, stage.ref, NULL, NULL, NULL);
  return sc_prefix_error (error, "deployment \"%s\": ", stage.directory);
}

gboolean
sc_deployment_switch (const ScPaths *paths, const char *name, guint64 n, GError **error)
{
  g_auto (Stage) stage = { .checkout_fd = -1 };
  if (!stage_init (&stage, paths, name, n, error))
    return FALSE;
  struct stat st;
  if (fstatat (stage.checkout_fd, stage.directory, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return sc_error_set_errno (error, errno, "deployment \"%s\"", stage.directory);
  if (!S_ISDIR (st.st_mode))
    return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "deployment \"%s\": not a directory",
                         stage.directory);
  return sc_fd_symlink_atomic (stage.checkout_fd, stage.directory, name, error);
}

gboolean
sc_deployment_unlink (const ScPaths *paths, const char *name, GError **error)
{
  g_auto (Stage) stage = { .checkout_fd = -1 };
  if (!stage_init (&stage, paths, name, 0, error))
    return FALSE;
  struct stat st;
  if (fstatat (stage.checkout_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISLNK (st.st_mode))
    return sc_error_set (error, SYSCONT_ERROR_DAMAGED,
                         "\"%s/%s\" is not the symbolic link it should be", paths->checkout, name);
  return sc_fd_unlink (stage.checkout_fd, name, error);
}

/* NAME.<n>, with <n> as we write it */
static gboolean
parse_directory (const char *text, const char *name, guint64 *n)
{
  gsize length = strlen (name);
  if (strncmp (text, name, length) != 0 || text[length] != '.')
    return FALSE;
  const char *digits = text + length + 1;
  gboolean is_canonical = g_ascii_isdigit (digits[0]) && (digits[0] != '0' || digits[1] == '\0');
  return is_canonical && g_ascii_string_to_unsigned (digits, 10, 0, G_MAXINT64, n, NULL);
}

gboolean
sc_deployment_current (const ScPaths *paths, const char *name, guint64 *n)
{
  char target[PATH_MAX];
  if (!sc_name_check (name, NULL))
    return FALSE;
  g_autofree char *link = g_build_filename (paths->checkout, name, NULL);
  ssize_t length = readlink (link, target, sizeof target - 1);
  if (length < 0)
    return FALSE;
  target[length] = '\0';
  return parse_directory (target, name, n);
}

static int
compare_numbers (gconstpointer a, gconstpointer b)
{
  guint64 left = *(const guint64 *)a;
  guint64 right = *(const guint64 *)b;
  return left < right ? -1 : left > right;
}

GArray *
sc_deployment_list (const ScPaths *paths, const char *name, GError **error)
{
  g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (guint64));
  g_autoptr (GError) local = NULL;
  if (!sc_name_check (name, error))
    return NULL;
  g_autoptr (GDir) dir = g_dir_open (paths->checkout, 0, &local);
  if (g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return g_steal_pointer (&numbers);
  if (dir == NULL)
    {
      sc_error_set (error, SYSCONT_ERROR_FAILED, "%s", local->message);
      return NULL;
    }

  const char *entry = NULL;
  while ((entry = g_dir_read_name (dir)) != NULL)
    {
      guint64 n = 0;
      struct stat st;
      g_autofree char *full = g_build_filename (paths->checkout, entry, NULL);
      if (parse_directory (entry, name, &n) && lstat (full, &st) == 0 && S_ISDIR (st.st_mode))
        g_array_append_val (numbers, n);
    }
  g_array_sort (numbers, compare_numbers);
  return g_steal_pointer (&numbers);
}

static gboolean
check_files (const Stage *stage, GError **error)
{
  static const char *const needed[] = { "rootfs", "config.json", "info" };
  sc_autofd dir_fd
      = sc_fd_open_beneath (stage->checkout_fd, stage->directory, O_RDONLY | O_DIRECTORY, 0);
  struct stat st;

  if (dir_fd < 0)
    return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "deployment \"%s\" is missing",
                         stage->directory);
  for (gsize i = 0; i < G_N_ELEMENTS (needed); i++)
    if (fstatat (dir_fd, needed[i], &st, AT_SYMLINK_NOFOLLOW) != 0)
      return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "deployment \"%s\": \"%s\" is missing",
                           stage->directory, needed[i]);
  return TRUE;
}

gboolean
sc_deployment_check (
    const ScPaths *paths, ScRepo *repo, const char *name, guint64 n, GError **error)
{
  g_auto (Stage) stage = { .checkout_fd = -1 };
  if (!stage_init (&stage, paths, name, n, error) || !check_files (&stage, error))
    return FALSE;
  if (repo == NULL)
    return TRUE;

  g_autofree char *commit = sc_repo_resolve (repo, stage.ref, error);
  if (commit == NULL)
    return error == NULL || *error != NULL
               ? FALSE
               : sc_error_set (error, SYSCONT_ERROR_DAMAGED,
                               "deployment \"%s\": its tree is not in the repository",
                               stage.directory);
  return sc_repo_check_objects (repo, commit, error)
         || sc_prefix_error (error, "deployment \"%s\": ", stage.directory);
}

gboolean
sc_deployment_remove (const ScPaths *paths, const char *name, guint64 n, GError **error)
{
  g_auto (Stage) stage = { .checkout_fd = -1 };
  if (!stage_init (&stage, paths, name, n, error))
    return FALSE;
  if (!sc_fd_remove_tree (stage.checkout_fd, stage.partial, error))
    return sc_prefix_error (error, "deployment \"%s\": ", stage.directory);
  /* a removal that was interrupted must not look like a deployment */
  if (renameat (stage.checkout_fd, stage.directory, stage.checkout_fd, stage.partial) != 0)
    {
      if (errno == ENOENT)
        return TRUE;
      return sc_error_set_errno (error, errno, "deployment \"%s\": renaming it", stage.directory);
    }
  if (sc_fd_sync (stage.checkout_fd, "the checkout directory", error)
      && sc_fd_remove_tree (stage.checkout_fd, stage.partial, error))
    return TRUE;
  return sc_prefix_error (error, "deployment \"%s\": ", stage.directory);
}

gboolean
sc_deployment_drop_ref (
    ScRepo *repo, const char *name, guint64 n, GCancellable *cancellable, GError **error)
{
  g_autofree char *ref = g_strdup_printf ("syscont/deploy/%s/%" G_GUINT64_FORMAT, name, n);
  g_autoptr (GError) local = NULL;
  g_autofree char *commit = sc_repo_resolve (repo, ref, &local);
  if (local != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  return commit == NULL || set_ref (repo, ref, NULL, cancellable, error);
}
