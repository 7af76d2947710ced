/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Brings an image from a registry into the store: what the operation "pull" does, and "install" for
 * an image that is not there.
 */
#pragma once

#include "ops/sc-op.h"
#include "store/sc-repo.h"

/**
 * sc_pull:
 * @reference: with a registry
 * @platform: (nullable): NULL for this machine's
 *
 * Sets the context's result as sc_image_import() does.
 */
gboolean sc_pull (ScOpContext *context,
                  ScRepo *repo,
                  const ScReference *reference,
                  const ScPlatform *platform,
                  GCancellable *cancellable,
                  GError **error);
