/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who needs what of the store: containers and the images that they run.
 */
#pragma once

#include "base/sc-paths.h"
#include "store/sc-image-store.h"
#include "store/sc-prune.h"

/**
 * sc_usage_check_unused:
 * @fullname: (nullable): the name that would go; NULL for all of them
 *
 * BUSY naming the container when one runs @image by that name, or runs it at all and the name is
 * its last.
 */
gboolean sc_usage_check_unused (const ScPaths *paths,
                                const ScImage *image,
                                const char *fullname,
                                GError **error);

/** sc_usage_check_name_unused: BUSY naming the container that was installed from @fullname */
gboolean sc_usage_check_name_unused (const ScPaths *paths, const char *fullname, GError **error);

/** sc_usage_prune: sc_prune() with the deployments that exist */
gboolean sc_usage_prune (const ScPaths *paths,
                         ScRepo *repo,
                         gboolean dry_run,
                         ScPruneResult *result,
                         GCancellable *cancellable,
                         GError **error);

/** sc_usage_measure: sc_prune_measure() with the deployments that exist */
gboolean sc_usage_measure (const ScPaths *paths, ScRepo *repo, ScStorageSize *size, GError **error);
