/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What counts here of /etc/atomic.conf, which is YAML: one line of it.
 */
#pragma once

#include "base/sc-error-util.h"
#include "base/sc-paths.h"

/**
 * sc_atomic_config_find_checkout:
 *
 * Returns: (transfer full) (nullable): where atomic has its containers, a clean path that is not
 *   below the root of @paths; what atomic does without a configuration when there is none.
 *   NOT_SUPPORTED for a value that is no absolute path on one line
 */
char *sc_atomic_config_find_checkout (const ScPaths *paths, GError **error);
