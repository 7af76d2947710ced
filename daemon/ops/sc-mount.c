/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tree of an image or of a container, to be looked at: a checkout of its own, bound read-only by
 * a mount unit, so that no update or removal takes anything of it away. What somebody else unmounted,
 * or a reboot, leaves is removed with the next mount.
 */
#include "base/sc-digest.h"
#include "base/sc-fd.h"
#include "base/sc-log.h"
#include "deploy/sc-deployment.h"
#include "deploy/sc-host-path.h"
#include "host/sc-systemd-mount.h"
#include "ops/sc-op-private.h"
#include "store/sc-checkout-dir.h"
#include "store/sc-image-store.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DESCRIPTION       "Files of " /* and what */
#define PREFIX            ".mount-"
#define ID_DIGITS         16
#define CHECK_TIMEOUT_S   30
#define UNMOUNT_TIMEOUT_S 60
#define MAX_PATH_BYTES    4096
#define MAX_UNIT_BYTES    255

typedef struct
{
  ScOp base;
  char *what;  /* (owned) (nullable) NULL to unmount */
  char *where; /* (owned) */
} MountOp;

typedef struct
{
  const MountOp *op;
  ScOpContext *context;
  ScSystemd *systemd; /* (owned) */
  int checkout_fd;    /* (owned) */
} Mount;

static void
mount_clear (Mount *self)
{
  g_clear_pointer (&self->systemd, sc_systemd_free);
  sc_fd_cleanup (&self->checkout_fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Mount, mount_clear)

/* Where a tree might be taken for the host's own; what else is critical for it is known already. */
static const char *const refused[]
    = { "/bin", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/sbin", "/usr" };

static gboolean
check_place (const Mount *self, GError **error)
{
  const char *where = self->op->where;
  g_autofree char *unit = sc_systemd_mount_unit (where);
  gboolean is_refused = sc_host_path_is_critical (self->context->paths, where);

  for (gsize i = 0; i < G_N_ELEMENTS (refused); i++)
    is_refused = is_refused || sc_host_path_is_below (where, refused[i]);
  if (is_refused)
    return sc_error_set (error, SYSCONT_ERROR_HOST_PATH_REFUSED,
                         "the host itself depends on what is there");
  return strlen (unit) <= MAX_UNIT_BYTES
         || sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                          "the path is too long for a mount unit");
}

/* In a unit of its own: the daemon sees neither /home nor the /tmp of others. */
static gboolean
check_directory (const Mount *self, GCancellable *cancellable, GError **error)
{
  const char *const argv[]
      = { "/usr/bin/find", self->op->where, "-maxdepth", "0", "-type", "d", "-empty", NULL };
  sc_autofd null_fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  sc_autofd output_fd = memfd_create ("syscont-mount", MFD_CLOEXEC);
  const int stdio[] = { null_fd, output_fd, null_fd };
  const ScCommand command = { .argv = argv,
                              .description = "Look at a directory to mount on",
                              .stdio = stdio,
                              .timeout_s = CHECK_TIMEOUT_S,
                              .is_quiet = TRUE };
  struct stat st;
  int exit_status = 0;

  if (null_fd < 0 || output_fd < 0)
    return sc_error_set (error, SYSCONT_ERROR_FAILED, "preparing to look at the directory");
  if (!sc_systemd_run_command (self->systemd, &command, &exit_status, cancellable, error))
    return FALSE;
  if (exit_status != 0)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "there is no such directory");
  return (fstat (output_fd, &st) == 0 && st.st_size > 0)
         || sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                          "it is not an empty directory; make one to mount on");
}

static char *
entry_of (const char *where)
{
  g_autofree char *digits = g_compute_checksum_for_string (G_CHECKSUM_SHA256, where, -1);

  digits[ID_DIGITS] = '\0';
  return g_strconcat (PREFIX, digits, NULL);
}

/* Whether one of our trees is mounted at @where; also when that cannot be told. */
static gboolean
is_mounted (const Mount *self, const char *where, GCancellable *cancellable)
{
  g_autofree char *description = sc_systemd_find_mount (self->systemd, where, cancellable, NULL);

  return description == NULL || g_str_has_prefix (description, DESCRIPTION);
}

static gboolean
is_in_use (const Mount *self, const char *entry, GCancellable *cancellable)
{
  g_autofree char *file = g_build_filename (entry, "where", NULL);
  g_autoptr (GBytes) bytes = sc_fd_read_file (self->checkout_fd, file, MAX_PATH_BYTES, NULL);

  return bytes != NULL && g_bytes_get_size (bytes) > 0
         && is_mounted (self, g_bytes_get_data (bytes, NULL), cancellable);
}

static gboolean
sweep (const Mount *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (self->context->paths->checkout, 0, NULL);
  const char *entry;

  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL)
    if (g_str_has_prefix (entry, PREFIX) && !is_in_use (self, entry, cancellable)
        && !sc_fd_remove_tree (self->checkout_fd, entry, error))
      return FALSE;
  return TRUE;
}

/* (transfer full) (nullable): of a container by that name, otherwise of an image */
static char *
find_commit (const Mount *self, ScRepo *repo, GCancellable *cancellable, GError **error)
{
  guint64 n = 0;

  if (sc_deployment_current (self->context->paths, self->op->what, &n))
    {
      g_autofree char *ref
          = g_strdup_printf ("syscont/deploy/%s/%" G_GUINT64_FORMAT, self->op->what, n);
      char *commit = sc_repo_resolve (repo, ref, error);
      if (commit == NULL && (error == NULL || *error == NULL))
        sc_error_set (error, SYSCONT_ERROR_DAMAGED, "its tree is not in the repository");
      return commit;
    }
  g_autoptr (ScImage) image = sc_image_store_lookup (repo, self->op->what, error);
  return image != NULL ? sc_image_store_ensure_rootfs (repo, image, cancellable, error) : NULL;
}

static gboolean
check_out (const Mount *self, const char *entry, GCancellable *cancellable, GError **error)
{
  const char *where = self->op->where;
  g_autoptr (ScRepo) repo = sc_repo_open (self->context->paths, error);
  g_autofree char *commit = repo != NULL ? find_commit (self, repo, cancellable, error) : NULL;
  sc_autofd dir_fd
      = commit != NULL ? sc_bundle_make_empty (self->context->paths, entry, error) : -1;

  return dir_fd >= 0 && sc_fd_write_atomic (dir_fd, "where", where, strlen (where), 0600, error)
         && sc_repo_checkout (repo, commit, dir_fd, "rootfs", cancellable, error);
}

static gboolean
mount_tree (const Mount *self, GCancellable *cancellable, GError **error)
{
  g_autofree char *entry = entry_of (self->op->where);
  g_autofree char *tree = g_build_filename (self->context->paths->checkout, entry, "rootfs", NULL);
  g_autofree char *description = g_strconcat (DESCRIPTION, self->op->what, NULL);
  const ScMount mount = { .what = tree, .where = self->op->where, .description = description };

  if (!check_place (self, error) || !sweep (self, cancellable, error)
      || !check_directory (self, cancellable, error))
    return FALSE;
  sc_progress_set_phase (self->context->progress, "stage");
  if (check_out (self, entry, cancellable, error)
      && sc_systemd_mount (self->systemd, &mount, cancellable, error))
    return TRUE;
  (void)sc_fd_remove_tree (self->checkout_fd, entry, NULL);
  return FALSE;
}

static gboolean
unmount_tree (const Mount *self, GCancellable *cancellable, GError **error)
{
  const char *where = self->op->where;
  g_autofree char *entry = entry_of (where);
  g_autofree char *unit = sc_systemd_mount_unit (where);
  struct stat st;

  if (fstatat (self->checkout_fd, entry, &st, AT_SYMLINK_NOFOLLOW) != 0
      || !is_mounted (self, where, cancellable))
    return sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "no image or container is mounted there");
  if (!sc_systemd_stop (self->systemd, unit, UNMOUNT_TIMEOUT_S, cancellable, NULL)
      || is_mounted (self, where, cancellable))
    return sc_error_set (error, SYSCONT_ERROR_BUSY,
                         "something there is in use, or see \"journalctl -u %s\"", unit);
  return sweep (self, cancellable, error);
}

static gboolean
mount_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  const MountOp *op = (const MountOp *)base;
  g_auto (Mount) self = { .op = op, .context = context, .checkout_fd = -1 };

  self.checkout_fd = sc_checkout_dir_open (context->paths, error);
  self.systemd = self.checkout_fd >= 0 ? sc_systemd_new (context->bus, error) : NULL;
  if (self.systemd != NULL
      && (op->what != NULL ? mount_tree (&self, cancellable, error)
                           : unmount_tree (&self, cancellable, error)))
    {
      sc_op_set_changed (context, TRUE);
      return TRUE;
    }
  return op->what != NULL
             ? sc_prefix_error (error, "mounting \"%s\" at \"%s\": ", op->what, op->where)
             : sc_prefix_error (error, "unmounting \"%s\": ", op->where);
}

static void
mount_free (ScOp *base)
{
  MountOp *op = (MountOp *)base;

  g_free (op->what);
  g_free (op->where);
  g_free (op);
}

static const ScOpClass mount_class
    = { .type = "mount", .run = mount_run, .free = mount_free, .leaves_state = TRUE };
static const ScOpClass unmount_class
    = { .type = "unmount", .run = mount_run, .free = mount_free, .leaves_state = TRUE };

static ScOp *
new_op (const ScOpClass *op_class, const char *what, const char *where)
{
  const char *const targets[] = { what != NULL ? what : where, NULL };
  MountOp *op = g_new0 (MountOp, 1);

  sc_op_init (&op->base, op_class, targets);
  sc_op_claim (&op->base, "mounts", NULL, TRUE);
  if (what != NULL)
    sc_op_claim (&op->base, "repository", NULL, FALSE);
  op->what = g_strdup (what);
  op->where = g_strdup (where);
  return &op->base;
}

ScOp *
sc_op_new_mount (const char *what, const char *where)
{
  return new_op (&mount_class, what, where);
}

ScOp *
sc_op_new_unmount (const char *where)
{
  return new_op (&unmount_class, NULL, where);
}
