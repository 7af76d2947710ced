/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is set for a container after an update: what was set before, and what the request says.
 */
#pragma once

#include "deploy/sc-container.h"
#include "ops/sc-op.h"

/** sc_update_merge_values: (transfer full): the values, char* to char*. @secrets: (nullable): that come
 * with the request: a name is a value or a secret, and what was said last counts */
GHashTable *sc_update_merge_values (const ScContainer *before,
                                    const ScUpdateRequest *request,
                                    GHashTable *secrets);

/** sc_update_merge_secrets: (transfer full) (nullable): the same for secrets; @current: those of the
 * deployment that is current */
GHashTable *
sc_update_merge_secrets (GHashTable *current, const ScUpdateRequest *request, GHashTable *secrets);

/** sc_update_merge_health: (transfer full) (nullable): what is checked instead of what the image says */
ScHealth *sc_update_merge_health (const ScContainer *before, const ScUpdateRequest *request);
