/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One auth.json (containers-auth.json(5)): logins by registry, or by a prefix of what is on it. Pure:
 * which files there are, and whose they must be, is not decided here.
 */
#pragma once

#include "image/sc-credential.h"

#define SC_AUTH_FILE_MAX_BYTES (1024 * 1024)

typedef struct _ScAuthFile ScAuthFile;

/** sc_auth_file_new: one without a login */
ScAuthFile *sc_auth_file_new (void);

/**
 * sc_auth_file_parse:
 *
 * Strict JSON; members that are not known are kept.
 *
 * Returns: (transfer full) (nullable): INVALID_ARGUMENT otherwise
 */
ScAuthFile *sc_auth_file_parse (const char *data, gsize size_bytes, GError **error);

/**
 * sc_auth_file_parse_fragment:
 * @prefix: what an entry on its own is for
 *
 * sc_auth_file_parse(), or of one entry of such a file, {"auth": …} or {"identitytoken": …}.
 */
ScAuthFile *sc_auth_file_parse_fragment (const char *data,
                                         gsize size_bytes,
                                         const char *prefix,
                                         GError **error);
void sc_auth_file_free (ScAuthFile *self);

/**
 * sc_auth_file_find:
 * @registry: host[:port], as in a reference
 * @repository: (nullable): path on it; NULL for the registry itself
 * @credential: (out) (transfer full) (nullable): NULL when there is none
 *
 * The login with the longest of the keys that are REGISTRY/REPOSITORY or a prefix of that which ends
 * where a component does. A key that is a URL, as Docker writes for its own registry, means its host;
 * index.docker.io and registry-1.docker.io mean docker.io.
 *
 * Returns: FALSE with INVALID_ARGUMENT when that login is broken
 */
gboolean sc_auth_file_find (ScAuthFile *self,
                            const char *registry,
                            const char *repository,
                            ScCredential **credential,
                            GError **error);

/** sc_auth_file_has_helper: whether the file leaves the login of @registry to a program, which is
 * never run */
gboolean sc_auth_file_has_helper (ScAuthFile *self, const char *registry);

/** sc_auth_file_set: @prefix: passed sc_auth_prefix_check() */
void sc_auth_file_set (ScAuthFile *self, const char *prefix, const ScCredential *credential);

/** sc_auth_file_remove: FALSE when there is no such key */
gboolean sc_auth_file_remove (ScAuthFile *self, const char *prefix);

/** sc_auth_file_to_text: (transfer full) */
char *sc_auth_file_to_text (ScAuthFile *self);

/** sc_auth_prefix_check: INVALID_ARGUMENT unless it is HOST[:PORT][/PATH], lower case */
gboolean sc_auth_prefix_check (const char *prefix, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScAuthFile, sc_auth_file_free)
