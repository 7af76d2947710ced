/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The logins that were given to syscontd: auth.json in its state directory, which only root can read.
 */
#pragma once

#include "base/sc-paths.h"
#include "image/sc-auth-file.h"

/** sc_login_store_get_path: (transfer full) */
char *sc_login_store_get_path (const ScPaths *paths);

/**
 * sc_login_store_set:
 * @prefix: passed sc_auth_prefix_check()
 *
 * Stores a login in place of an earlier one for @prefix, durably. Any thread. DAMAGED when the file
 * cannot be understood.
 */
gboolean sc_login_store_set (const ScPaths *paths,
                             const char *prefix,
                             const ScCredential *credential,
                             GError **error);

/** sc_login_store_remove: NOT_FOUND when there is no login for exactly @prefix. Any thread. */
gboolean sc_login_store_remove (const ScPaths *paths, const char *prefix, GError **error);
