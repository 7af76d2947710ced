/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which login a registry gets: from what came with the call, then from the files that root keeps, in
 * the order that podman looks in: the first that has any login for the image decides, by its longest
 * key.
 *
 *   1. what came with the call
 *   2. /var/lib/syscont/auth.json, of "syscontctl login"
 *   3. /run/containers/0/auth.json, of "podman login" and its like as root
 *   4. /etc/containers/auth.json
 */
#pragma once

#include "image/sc-auth-file.h"
#include "ops/sc-op.h"
#include "ops/sc-secret.h"

typedef struct _ScCredentials ScCredentials;

/**
 * sc_credentials_load:
 * @context: lent; a file that is left out is told through sc_op_log(), and to the journal
 * @given: (nullable): what came with the call: an auth.json, or one entry of such a file
 * @prefix: what an entry is for
 *
 * Reads all of them. Blocks. A file that is not a regular one, not root's own, that others may read
 * or change, or that cannot be understood, is left out; @given that is none of these is an error.
 *
 * Returns: (transfer full) (nullable): INVALID_ARGUMENT for @given
 */
ScCredentials *sc_credentials_load (const ScOpContext *context,
                                    ScSecret *given,
                                    const char *prefix,
                                    GCancellable *cancellable,
                                    GError **error);
void sc_credentials_free (ScCredentials *self);

/**
 * sc_credentials_find:
 * @repository: (nullable): as of sc_auth_file_find()
 *
 * Returns: (transfer full) (nullable): NULL without a login: then nothing is sent
 */
ScCredential *
sc_credentials_find (ScCredentials *self, const char *registry, const char *repository);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScCredentials, sc_credentials_free)
