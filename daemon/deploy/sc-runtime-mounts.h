/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The mounts of a config.json: their spelling, where in the image they need a mount point, and
 * which of the host's paths they need.
 */
#pragma once

#include "base/sc-json.h"
#include "deploy/sc-rendering.h"

#define SC_RUNTIME_MAX_MOUNTS 1000

/**
 * sc_runtime_mounts_check:
 *
 * Destinations become clean paths. LIMIT_EXCEEDED; TEMPLATE_INVALID for a destination or bind
 * source that is not absolute; NOT_SUPPORTED for a writable bind of our own repository or
 * deployments, whose files are shared.
 */
gboolean sc_runtime_mounts_check (JsonObject *config, const ScPaths *paths, GError **error);

/**
 * sc_runtime_mounts_list_points:
 * @config: checked
 * @is_notify: with the directories that runc and crun bind for the notify socket
 *
 * Returns: (transfer full): of ScMountPoint, without what lies below another mount or below /proc,
 * /sys or /dev. A
 *   directory or a file after what the source on the host is now.
 */
GPtrArray *
sc_runtime_mounts_list_points (JsonObject *config, const ScPaths *paths, gboolean is_notify);

/** sc_runtime_mounts_list_missing: (transfer full): clean sources of bind mounts that do not exist
 * on the host */
char **sc_runtime_mounts_list_missing (JsonObject *config, const ScPaths *paths);
