/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-checkout-check.h"

#include "base/sc-fd.h"
#include "store/sc-tree-object.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

typedef struct
{
  OstreeRepo *ostree;
  ScCheckoutFaults *faults;
  gboolean repair;
  int dir_fd;       /* of the directory that is compared */
  const char *path; /* of it, "" for the root */
} Directory;

void
sc_checkout_faults_clear (ScCheckoutFaults *self)
{
  g_clear_pointer (&self->wrong, g_ptr_array_unref);
}

static char *
child_path (const Directory *self, const char *name)
{
  return *self->path != '\0' ? g_strconcat (self->path, "/", name, NULL) : g_strdup (name);
}

static char *
object_path (const char *hex)
{
  return g_strdup_printf ("objects/%.2s/%s.file", hex, hex + 2);
}

/* By owner, mode, extended attributes and content. */
static gboolean
has_checksum (const Directory *self, const char *name, struct stat *st, const char *hex)
{
  OstreeChecksumFlags flags
      = ostree_repo_get_mode (self->ostree) == OSTREE_REPO_MODE_BARE
            ? OSTREE_CHECKSUM_FLAGS_NONE
            : OSTREE_CHECKSUM_FLAGS_IGNORE_XATTRS | OSTREE_CHECKSUM_FLAGS_CANONICAL_PERMISSIONS;
  g_autofree char *actual = NULL;

  return (S_ISREG (st->st_mode) || S_ISLNK (st->st_mode))
         && ostree_checksum_file_at (self->dir_fd, name, st, OSTREE_OBJECT_TYPE_FILE, flags,
                                     &actual, NULL, NULL)
         && strcmp (actual, hex) == 0;
}

static gboolean
check_file (gpointer user_data, const ScTreeEntry *entry, GError **error)
{
  Directory *self = user_data;
  g_autofree char *hex = ostree_checksum_from_bytes (entry->contents.bytes);
  g_autofree char *object = object_path (hex);
  struct stat here;
  struct stat stored;
  gboolean is_here = fstatat (self->dir_fd, entry->name, &here, AT_SYMLINK_NOFOLLOW) == 0;
  int repo_fd = ostree_repo_get_dfd (self->ostree);
  gboolean is_stored = fstatat (repo_fd, object, &stored, AT_SYMLINK_NOFOLLOW) == 0;

  if (is_here && is_stored && here.st_dev == stored.st_dev && here.st_ino == stored.st_ino)
    return TRUE;
  if (is_here && has_checksum (self, entry->name, &here, hex))
    return TRUE;
  if (self->repair && is_stored
      && sc_fd_link_atomic (repo_fd, object, self->dir_fd, entry->name, NULL))
    self->faults->n_replaced++;
  else
    g_ptr_array_add (self->faults->wrong, child_path (self, entry->name));
  return TRUE;
}

static gboolean check_tree (Directory *self, const ScChecksum *checksum, GError **error);

static gboolean
check_directory (gpointer user_data, const ScTreeEntry *entry, GError **error)
{
  const Directory *parent = user_data;
  g_autofree char *path = child_path (parent, entry->name);
  sc_autofd fd
      = openat (parent->dir_fd, entry->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

  if (fd < 0 && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
    return sc_error_set_errno (error, errno, "opening \"%s\"", path);
  if (fd < 0)
    {
      g_ptr_array_add (parent->faults->wrong, g_steal_pointer (&path));
      return TRUE;
    }

  Directory self = *parent;
  self.dir_fd = fd;
  self.path = path;
  return check_tree (&self, &entry->contents, error);
}

static gboolean
check_tree (Directory *self, const ScChecksum *checksum, GError **error)
{
  static const ScTreeVisitor visitor = { check_file, check_directory };
  g_autoptr (GVariant) tree = sc_tree_load (self->ostree, checksum, error);

  return tree != NULL && sc_tree_visit (tree, &visitor, self, error);
}

gboolean
sc_checkout_check (ScRepo *repo,
                   const char *commit,
                   int dir_fd,
                   gboolean repair,
                   ScCheckoutFaults *faults,
                   GError **error)
{
  Directory self = {
    .ostree = sc_repo_get_ostree (repo),
    .faults = faults,
    .repair = repair,
    .dir_fd = dir_fd,
    .path = "",
  };
  ScChecksum tree;
  ScChecksum meta;

  faults->wrong = g_ptr_array_new_with_free_func (g_free);
  faults->n_replaced = 0;
  g_autoptr (GVariant) variant = sc_commit_load (self.ostree, commit, error);
  return variant != NULL && sc_commit_get_root (variant, &tree, &meta, error)
         && check_tree (&self, &tree, error);
}
