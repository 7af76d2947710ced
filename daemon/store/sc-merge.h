/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Merges layer commits in memory, over their dirtrees, into one tree (image-spec layer.md,
 * "Applying Changesets"): whiteouts and opaque markers hide only lower layers, types replace each
 * other, a directory's metadata comes from the topmost layer that has a real entry for it. Only
 * changed directories are written. libostree's whiteout code is not used.
 */
#pragma once

#include "store/sc-repo.h"

/**
 * sc_merge_layers:
 * @repo: with an open transaction
 * @layers: commits, base first, NULL-terminated, at least one
 *
 * Returns: (transfer full) (nullable): checksum of the merged commit (same layers and same
 * @timestamp give the same one);
 *   no ref is set. IMAGE_INVALID for a name that begins with ".wh." or ".ostree-wh." but is no
 *   whiteout.
 */
char *sc_merge_layers (ScRepo *repo,
                       const char *const *layers,
                       guint64 timestamp_s,
                       GCancellable *cancellable,
                       GError **error);
