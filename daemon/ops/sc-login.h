/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Logging in to a registry: the login that a caller sent is tried there, and stored when it works.
 */
#pragma once

#include "image/sc-credential.h"
#include "ops/sc-op.h"

/**
 * sc_login_read:
 * @prefix: passed sc_auth_prefix_check()
 *
 * What @secret says about @prefix: one entry of an auth.json, or a whole one. Blocks for a while at
 * most, see sc_secret_read().
 *
 * Returns: (transfer full) (nullable): INVALID_ARGUMENT otherwise
 */
ScCredential *
sc_login_read (ScSecret *secret, const char *prefix, GCancellable *cancellable, GError **error);

/** sc_login_log: who stored or removed a login, for the journal */
void sc_login_log (const char *prefix, guint caller_uid, gboolean stored);
