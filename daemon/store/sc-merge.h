/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Merges layer commits in memory, over their dirtrees, into one tree (image-spec layer.md,
 * "Applying Changesets"): whiteouts and opaque markers hide only lower layers, types replace each
 * other, a directory's metadata comes from the topmost layer that has a real entry for it. Only
 * changed directories are written. libostree's whiteout code is not used.
 */
#pragma once

#include "store/sc-repo.h"

/** ScMerged: layers that were merged already */
typedef struct
{
  char *commit;  /* (owned) of the merged tree */
  char **layers; /* (owned) commits, base first */
} ScMerged;

void sc_merged_free (ScMerged *self);

/**
 * sc_merge_layers:
 * @repo: with an open transaction
 * @layers: commits, base first, NULL-terminated, at least one
 * @sibling: (nullable): where its lowest layers are among the lowest of @layers, directories in
 *   which the others have nothing are taken from it
 *
 * Returns: (transfer full) (nullable): checksum of the merged commit (same layers and same
 * @timestamp give the same one);
 *   no ref is set. IMAGE_INVALID for a name that begins with ".wh." or ".ostree-wh." but is no
 *   whiteout.
 */
char *sc_merge_layers (ScRepo *repo,
                       const char *const *layers,
                       const ScMerged *sibling,
                       guint64 timestamp_s,
                       GCancellable *cancellable,
                       GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScMerged, sc_merged_free)
