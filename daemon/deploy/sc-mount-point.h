/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Makes mount points in a checked-out root file system: empty directories and files, each a new
 * inode, never a change of what the image has. Symbolic links of the image mean what they mean to
 * the container: they cannot lead out.
 */
#pragma once

#include "deploy/sc-rendering.h"

/** sc_mount_point_new: @path: relative to the root file system; @mode: of a directory, unused for a
 * file */
ScMountPoint *sc_mount_point_new (const char *path, gboolean is_directory, guint mode);
void sc_mount_point_free (ScMountPoint *self);

/**
 * sc_mount_point_ensure:
 * @root_fd: the root file system
 *
 * Missing parents become directories with mode 0755, a file gets mode 0644. What exists stays,
 * whatever it is.
 */
gboolean sc_mount_point_ensure (const ScMountPoint *self, int root_fd, GError **error);
