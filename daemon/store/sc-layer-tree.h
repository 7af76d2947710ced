/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The directories of one layer while its entries come in: names to checksums, nothing of the
 * content. A path is walked through real directories only; what is in its way is replaced. Private
 * to store/.
 */
#pragma once

#include "store/sc-tree-object.h"

#define SC_WHITEOUT_PREFIX ".wh."
#define SC_OPAQUE_NAME     ".wh..wh..opq"

/** sc_layer_is_reserved: whether a name begins as the whiteouts of any tool do */
gboolean sc_layer_is_reserved (const char *name);

typedef struct _ScLayerTree ScLayerTree;

/**
 * sc_layer_tree_new:
 * @implicit_meta: dirmeta of directories that are only implied
 * @max_implicit: number of them, LIMIT_EXCEEDED beyond
 */
ScLayerTree *sc_layer_tree_new (const ScChecksum *implicit_meta, guint max_implicit);
void sc_layer_tree_free (ScLayerTree *self);

/** sc_layer_tree_put_directory: @path: checked; "" for the root. Children of a directory that
 * exists stay. */
gboolean sc_layer_tree_put_directory (ScLayerTree *self,
                                      const char *path,
                                      const ScChecksum *meta,
                                      GError **error);

/** sc_layer_tree_put_file: @path: checked, not "". A directory in its place vanishes with all that
 * is in it. */
gboolean sc_layer_tree_put_file (ScLayerTree *self,
                                 const char *path,
                                 const ScChecksum *object,
                                 GError **error);

typedef enum
{
  SC_LAYER_NODE_NONE,
  SC_LAYER_NODE_DIRECTORY,
  SC_LAYER_NODE_FILE, /* or a symbolic link */
} ScLayerNodeType;

/** sc_layer_tree_find: @object: (out): of a file */
ScLayerNodeType sc_layer_tree_find (ScLayerTree *self, const char *path, ScChecksum *object);

/** sc_layer_tree_has_reserved: whether any name that ever came in is a reserved one */
gboolean sc_layer_tree_has_reserved (ScLayerTree *self);

/** sc_layer_tree_write: writes the dirtrees; @tree and @meta: (out): of the root */
gboolean sc_layer_tree_write (ScLayerTree *self,
                              OstreeRepo *repo,
                              ScChecksum *tree,
                              ScChecksum *meta,
                              GCancellable *cancellable,
                              GError **error);

/** sc_layer_tree_list_implicit: (transfer full): paths of the directories without an entry, sorted;
 * LIMIT_EXCEEDED when they are too many for a commit's metadata */
char **sc_layer_tree_list_implicit (ScLayerTree *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScLayerTree, sc_layer_tree_free)
