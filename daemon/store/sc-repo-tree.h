/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where a path leads in a commit's tree. Private to store/.
 */
#pragma once

#include "store/sc-repo.h"
#include "store/sc-tree-object.h"

/** sc_repo_find_directory: the dirtree of the directory at @path; NOT_FOUND when there is none or a
 * parent is a symbolic link */
gboolean sc_repo_find_directory (
    OstreeRepo *repo, const char *commit, const char *path, ScChecksum *tree, GError **error);
