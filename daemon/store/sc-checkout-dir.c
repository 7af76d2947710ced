/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-checkout-dir.h"

#include "base/sc-fd.h"

#include <fcntl.h>
#include <string.h>

static gboolean
is_same_directory (int fd, int other_fd)
{
  struct stat a;
  struct stat b;

  return fstat (fd, &a) == 0 && fstat (other_fd, &b) == 0 && a.st_dev == b.st_dev
         && a.st_ino == b.st_ino;
}

/* The same directory by another path; -1 when there is none. */
static int
find_deployed (const ScPaths *paths, int checkout_fd)
{
  g_autofree char *above = g_path_get_dirname (paths->repository);
  g_autofree char *deploy = g_build_filename (above, "deploy", NULL);
  g_autoptr (GDir) dir = g_dir_open (deploy, 0, NULL);
  const char *inside = paths->checkout + strlen (paths->root);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (deploy, name, inside, NULL);
      sc_autofd fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      if (fd >= 0 && is_same_directory (fd, checkout_fd))
        return sc_fd_steal (&fd);
    }
  return -1;
}

int
sc_checkout_dir_open (const ScPaths *paths, GError **error)
{
  sc_autofd fd = sc_fd_ensure_dir (paths->checkout, 0700, error);
  if (fd < 0)
    return -1;

  int deployed_fd = find_deployed (paths, fd);
  return deployed_fd >= 0 ? deployed_fd : sc_fd_steal (&fd);
}
