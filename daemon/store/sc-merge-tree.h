/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The tree that layers are merged into. A directory is a checksum as long as nothing in it differs
 * from a stored one, and only opened where a layer changes it. Private to store/.
 */
#pragma once

#include "store/sc-merge-guide.h"

#define SC_MERGE_MAX_DEPTH 128
#define SC_MERGE_MAX_ENTRIES                                                                       \
  4000000 /* visited; a dirtree that is its own grandchild's twin could be endless work */

typedef struct _ScMergeTree ScMergeTree;

/** sc_merge_tree_new: @guide: (nullable) (transfer full): what is known of all the layers together */
ScMergeTree *sc_merge_tree_new (OstreeRepo *repo, ScMergeGuide *guide);
void sc_merge_tree_free (ScMergeTree *self);

/** ScMergeLayer: one layer to apply */
typedef struct
{
  ScChecksum tree;
  ScChecksum meta;
  GHashTable
      *implicit; /* (nullable) set of the paths of directories without an entry of their own, "" for
                 * the root */
  gboolean has_whiteouts; /* or may have; FALSE lets whole directories be taken over unopened */
} ScMergeLayer;

/** sc_merge_tree_apply: lays @layer over what there is */
gboolean sc_merge_tree_apply (ScMergeTree *self,
                              const ScMergeLayer *layer,
                              GCancellable *cancellable,
                              GError **error);

/** sc_merge_tree_write: writes the directories that differ from all stored ones; @tree and @meta:
 * (out): of the root */
gboolean sc_merge_tree_write (ScMergeTree *self,
                              ScChecksum *tree,
                              ScChecksum *meta,
                              GCancellable *cancellable,
                              GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScMergeTree, sc_merge_tree_free)
