/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the files that implement sc-fd.h share; nobody else includes it.
 */
#pragma once

#include <glib.h>
#include <linux/openat2.h>

/** sc_fd_openat2: openat2(2), repeated after signals and while renames disturb it; -1 with errno
 * set */
int sc_fd_openat2 (int dir_fd, const char *path, const struct open_how *how);

/** sc_fd_check_file_name: whether @name names an entry of a directory and nothing else */
gboolean sc_fd_check_file_name (const char *name, GError **error);
