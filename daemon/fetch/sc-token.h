/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bearer tokens (distribution "Token Authentication Specification"): from a registry's challenge to
 * a token for anonymous pulling. What the challenge says about where to go is an outsider's word
 * and checked here.
 */
#pragma once

#include "fetch/sc-challenge.h"
#include "fetch/sc-http.h"

#define SC_TOKEN_MAX_ANSWER_BYTES (256 * 1024)
#define SC_TOKEN_MAX_BYTES        (64 * 1024)

/**
 * sc_token_make_uri:
 * @bearer: a challenge of the scheme "bearer"
 * @registry: URI of what was asked: another host than that one must not be on this machine or link
 * @repository: for the scope when the challenge has none
 * @insecure: a realm with http is accepted
 *
 * Returns: (transfer full) (nullable): where to ask; REGISTRY_AUTH_REQUIRED for a realm that is
 * refused
 */
GUri *sc_token_make_uri (const ScChallenge *bearer,
                         GUri *registry,
                         const char *repository,
                         gboolean insecure,
                         GError **error);

/**
 * sc_token_parse:
 *
 * Returns: (transfer full) (nullable): the token of a token server's answer, visible ASCII only;
 * REGISTRY_AUTH_REQUIRED
 *   otherwise
 */
char *sc_token_parse (GBytes *answer, GError **error);

void sc_token_get_async (ScHttp *http,
                         GUri *uri,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
char *sc_token_get_finish (GAsyncResult *result, GError **error);
