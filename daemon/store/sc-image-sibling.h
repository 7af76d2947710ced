/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The stored image that shares most layers with a new one. Private to store/.
 */
#pragma once

#include "image/sc-manifest.h"
#include "store/sc-merge.h"

/**
 * sc_image_sibling_find:
 * @digest: of the new image's manifest
 *
 * Returns: (transfer full) (nullable): NULL when none shares the lowest layer and has its merged tree,
 *   and for an image that has been here: what is stored of it may be why it is stored again
 */
ScMerged *sc_image_sibling_find (ScRepo *repo, const char *digest, const ScManifest *manifest);
