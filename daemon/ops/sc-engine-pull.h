/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Images of the local engine, brought into the store.
 */
#pragma once

#include "ops/sc-op.h"
#include "store/sc-repo.h"

/**
 * sc_engine_refresh:
 * @fullname: as the engine knows the image, and as it is stored
 * @is_pulled: (out): whether the engine has another one, which sc_pull_take() gives
 *
 * Has the image exported again unless the engine's is the one that is stored; for a plan it gets no
 * name. Blocks. Errors:
 * MANIFEST_UNKNOWN, REGISTRY_UNREACHABLE, those of sc_docker_import().
 */
gboolean sc_engine_refresh (ScOpContext *context,
                            ScRepo *repo,
                            const char *fullname,
                            gboolean *is_pulled,
                            GCancellable *cancellable,
                            GError **error);
