/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads image refs back into ScImage. Private to store/.
 */
#pragma once

#include "store/sc-image-store.h"
#include "store/sc-stored-manifest.h"

/**
 * sc_image_load:
 * @manifest: (out) (transfer full) (nullable): NULL for a tree made in OSTree itself
 *
 * Returns: (transfer full) (nullable): digest, commit, source and times of one image commit;
 * nothing else is filled in
 */
ScImage *
sc_image_load (ScRepo *repo, const char *commit, ScStoredManifest **manifest, GError **error);
