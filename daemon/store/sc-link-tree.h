/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Checks a tree out with a hard link for each file. libostree's own checkout opens each file to
 * learn what it is, which a link need not know: it takes twice as long, and it believes directories
 * without comparing them with their checksums. Private to store/.
 */
#pragma once

#include "store/sc-tree-object.h"

/**
 * sc_link_tree:
 * @repo: of mode bare
 * @name: of a directory that is made in @dir_fd, on the file system of @repo
 * @is_link_limit: (out): whether it failed because a file has as many links as it can have
 *
 * Directories get owner, mode, extended attributes and, as from libostree, the time 0. Syncs
 * nothing; leaves what it has made when it fails. Blocks. Errors: STORAGE_CORRUPT, NO_SPACE.
 */
gboolean sc_link_tree (OstreeRepo *repo,
                       const char *commit,
                       int dir_fd,
                       const char *name,
                       gboolean *is_link_limit,
                       GCancellable *cancellable,
                       GError **error);
