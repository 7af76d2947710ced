/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A directory of its own for each test.
 */
#pragma once

#include "base/sc-fd.h"

#include <unistd.h>

/** scratch_new: (transfer full): absolute path of an empty directory */
static inline char *
scratch_new (void)
{
  char *path = g_dir_make_tmp ("syscont-test-XXXXXX", NULL);

  g_assert_nonnull (path);
  return path;
}

/** scratch_free: (transfer full) @path: removes it with all that is in it */
static inline void
scratch_free (char *path)
{
  g_autofree char *parent = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  g_autoptr (GError) error = NULL;
  sc_autofd parent_fd = sc_fd_open_dir (parent, &error);

  g_assert_no_error (error);
  sc_fd_remove_tree (parent_fd, name, &error);
  g_assert_no_error (error);
  g_free (path);
}
