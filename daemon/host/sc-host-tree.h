/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files that images bring to the host, one at a time: looks, writes, removes. Every path is walked
 * from a directory that the administrator named, below which no symbolic link is followed; a file
 * appears complete or not at all, and what is replaced or removed is what the caller expects, or it
 * stays. What may be where is for others to decide.
 */
#pragma once

#include "base/sc-error-util.h"
#include "base/sc-host-entry.h"
#include "base/sc-paths.h"

#include <gio/gio.h>

typedef struct _ScHostTree ScHostTree;

/**
 * sc_host_tree_open:
 * @prefixes: directories whose own path may lead over symbolic links, as /usr/local does where
 *   /usr is read-only; every other path may not
 */
ScHostTree *sc_host_tree_open (const ScPaths *paths, const char *const *prefixes, GError **error);
void sc_host_tree_free (ScHostTree *self);

/**
 * sc_host_tree_look:
 * @obstacle: (out) (transfer full) (nullable): the first part of @path that is there and is no
 *   directory; then nothing can be at @path
 *
 * Returns: (transfer full) (nullable): what is at @path, of type SC_HOST_NONE for nothing
 */
ScHostEntry *
sc_host_tree_look (ScHostTree *self, const char *path, char **obstacle, GError **error);

/**
 * sc_host_tree_put:
 * @old: (nullable): what is there now; NULL for nothing
 * @new: what shall be there; a directory only where there is nothing
 * @content: (nullable): of a file: bytes with the checksum of @new
 *
 * Durable when it returns. Succeeds when @new is there already. HOST_FILE_CONFLICT when something
 * else than @old is there, which is left as it is.
 */
gboolean sc_host_tree_put (ScHostTree *self,
                           const ScHostEntry *old,
                           const ScHostEntry *new,
                           GInputStream *content,
                           GError **error);

/**
 * sc_host_tree_remove:
 * @old: what is there; a directory is removed only when it is empty
 * @is_gone: (out): FALSE when something else is there, or a directory with something in it, which
 *   stays
 *
 * Succeeds when there is nothing.
 */
gboolean
sc_host_tree_remove (ScHostTree *self, const ScHostEntry *old, gboolean *is_gone, GError **error);

/** sc_host_tree_open_file: (transfer full): the content of the regular file at @path */
GInputStream *sc_host_tree_open_file (ScHostTree *self, const char *path, GError **error);

/** sc_host_tree_clean: removes what interrupted writes left beside @path */
gboolean sc_host_tree_clean (ScHostTree *self, const char *path, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScHostTree, sc_host_tree_free)
