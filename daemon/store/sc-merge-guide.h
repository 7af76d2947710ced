/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is known beforehand of a merge: the tree that other layers were merged into of which the
 * lower ones are the same. A directory in which the layers above those have nothing is the same in
 * both. Private to store/.
 */
#pragma once

#include "store/sc-tree-object.h"

/** ScMergeGuide: one directory */
typedef struct _ScMergeGuide ScMergeGuide;

/** sc_merge_guide_new: @tree: of the root that is known */
ScMergeGuide *sc_merge_guide_new (const ScChecksum *tree);
void sc_merge_guide_free (ScMergeGuide *self);

/** sc_merge_guide_touch: @layer_tree: of one that the two do not share; its depth must be bounded */
gboolean sc_merge_guide_touch (ScMergeGuide *self,
                               OstreeRepo *repo,
                               const ScChecksum *layer_tree,
                               GError **error);

/** sc_merge_guide_find: (transfer none) (nullable): what is known of a directory in @self
 * (nullable); NULL for nothing */
const ScMergeGuide *sc_merge_guide_find (const ScMergeGuide *self, const char *name);

/** sc_merge_guide_is_settled: FALSE when layers have to be merged for it; @tree, @meta: (out):
 * otherwise what it is in the end */
gboolean sc_merge_guide_is_settled (const ScMergeGuide *self, ScChecksum *tree, ScChecksum *meta);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScMergeGuide, sc_merge_guide_free)
