/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-link-tree.h"

#include "base/sc-fd.h"
#include "store/sc-store-error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MAX_DEPTH 128

typedef struct
{
  OstreeRepo *repo;
  int objects_fd;
  int dir_fd; /* of the directory at hand */
  guint depth;
  gboolean is_link_limit;
  GCancellable *cancellable;
} Linking;

static gboolean
link_file (gpointer user_data, const ScTreeEntry *file, GError **error)
{
  Linking *self = user_data;
  char object[sizeof "xx/.file" + OSTREE_SHA256_STRING_LEN];
  char hex[OSTREE_SHA256_STRING_LEN + 1];

  ostree_checksum_inplace_from_bytes (file->contents.bytes, hex);
  g_snprintf (object, sizeof object, "%.2s/%s.file", hex, hex + 2);
  if (linkat (self->objects_fd, object, self->dir_fd, file->name, 0) == 0)
    return TRUE;
  if (errno == ENOENT)
    return sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT,
                         "object %s.file is missing (remove the image and pull it again)", hex);

  int saved_errno = errno;
  g_autofree char *shown = sc_text_escape (file->name);
  self->is_link_limit = saved_errno == EMLINK;
  return sc_error_set_errno (error, saved_errno, "linking \"%s\"", shown);
}

static gboolean
set_xattrs (int fd, GVariant *xattrs, GError **error)
{
  for (gsize i = 0; i < g_variant_n_children (xattrs); i++)
    {
      g_autoptr (GVariant) name = NULL;
      g_autoptr (GVariant) value = NULL;

      g_variant_get_child (xattrs, i, "(@ay@ay)", &name, &value);
      const char *key = g_variant_get_bytestring (name);
      if (fsetxattr (fd, key, g_variant_get_data (value), g_variant_get_size (value), 0) < 0)
        return sc_error_set_errno (error, errno, "setting the attribute %s", key);
    }
  return TRUE;
}

static gboolean
apply_meta (const Linking *self, int fd, const ScChecksum *checksum, GError **error)
{
  static const struct timespec times[2] = { { 0, 0 }, { 0, 0 } };
  ScFileMeta meta = { 0 };
  g_autoptr (GVariant) xattrs = NULL;

  if (!sc_dirmeta_load (self->repo, checksum, &meta, &xattrs, error)
      || !set_xattrs (fd, xattrs, error))
    return FALSE;
  /* The owner first: changing it may clear bits of the mode. */
  return (fchown (fd, meta.uid, meta.gid) == 0 && fchmod (fd, meta.mode & 07777) == 0
          && futimens (fd, times) == 0)
         || sc_error_set_errno (error, errno, "setting owner, mode and time");
}

static gboolean make_directory (gpointer user_data, const ScTreeEntry *directory, GError **error);

static gboolean
fill_directory (Linking *self, const ScTreeEntry *directory, GError **error)
{
  static const ScTreeVisitor visitor = { link_file, make_directory };
  g_autoptr (GVariant) tree = sc_tree_load (self->repo, &directory->contents, error);

  return tree != NULL && sc_tree_visit (tree, &visitor, self, error)
         && apply_meta (self, self->dir_fd, &directory->meta, error);
}

static gboolean
make_directory (gpointer user_data, const ScTreeEntry *directory, GError **error)
{
  Linking *self = user_data;
  int parent_fd = self->dir_fd;
  g_autoptr (GError) cause = NULL;

  if (g_cancellable_set_error_if_cancelled (self->cancellable, &cause))
    return sc_store_fail (error, g_steal_pointer (&cause));
  if (self->depth >= MAX_DEPTH)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "directories are nested deeper than %d", MAX_DEPTH);

  sc_autofd fd = -1;
  if (mkdirat (parent_fd, directory->name, 0700) == 0)
    fd = openat (parent_fd, directory->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    {
      int saved_errno = errno;
      g_autofree char *shown = sc_text_escape (directory->name);
      return sc_error_set_errno (error, saved_errno, "making the directory \"%s\"", shown);
    }

  self->depth++;
  self->dir_fd = fd;
  gboolean is_filled = fill_directory (self, directory, error);
  self->dir_fd = parent_fd;
  self->depth--;
  return is_filled;
}

gboolean
sc_link_tree (OstreeRepo *repo,
              const char *commit,
              int dir_fd,
              const char *name,
              gboolean *is_link_limit,
              GCancellable *cancellable,
              GError **error)
{
  ScTreeEntry root = { .name = name };
  g_autoptr (GVariant) variant = sc_commit_load (repo, commit, error);
  if (variant == NULL || !sc_commit_get_root (variant, &root.contents, &root.meta, error))
    return FALSE;

  sc_autofd objects_fd
      = openat (ostree_repo_get_dfd (repo), "objects", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (objects_fd < 0)
    return sc_error_set_errno (error, errno, "opening the objects of the repository");

  Linking linking
      = { .repo = repo, .objects_fd = objects_fd, .dir_fd = dir_fd, .cancellable = cancellable };
  gboolean is_linked = make_directory (&linking, &root, error);
  *is_link_limit = linking.is_link_limit;
  return is_linked;
}
