/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Bearer tokens (distribution "Token Authentication Specification" and its "OAuth2 Token
 * Authentication"): from a registry's challenge to a token for pulling, for nobody or for a login.
 */
#pragma once

#include "fetch/sc-challenge.h"
#include "fetch/sc-http.h"
#include "fetch/sc-realm.h"

#define SC_TOKEN_MAX_ANSWER_BYTES (256 * 1024)
#define SC_TOKEN_MAX_BYTES        (64 * 1024)

/** ScTokenRequest: one that can be sent */
typedef struct
{
  GUri *uri;           /* (owned) */
  char *authorization; /* (owned) (nullable) */
  char *form;          /* (owned) (nullable) NULL for GET */
  char *login;         /* (owned) (nullable) whose it is, for a message; NULL for nobody's */
} ScTokenRequest;

/**
 * sc_token_request_new:
 * @bearer: a challenge of the scheme "bearer"
 * @rules: where a token may be asked for, and with which login: a password goes into a GET with
 *   Basic authorization, an identity token into a POST
 * @repository: (nullable): for the scope when the challenge has none
 *
 * Returns: (transfer full) (nullable): REGISTRY_AUTH_REQUIRED for a realm that is refused
 */
ScTokenRequest *sc_token_request_new (const ScChallenge *bearer,
                                      const ScRealmRules *rules,
                                      const char *repository,
                                      GError **error);
void sc_token_request_free (ScTokenRequest *self);

/**
 * sc_token_parse:
 *
 * Returns: (transfer full) (nullable): the token of a token server's answer, visible ASCII only;
 * REGISTRY_AUTH_REQUIRED
 *   otherwise
 */
char *sc_token_parse (GBytes *answer, GError **error);

/** sc_token_get_async: @request: lent until the end */
void sc_token_get_async (ScHttp *http,
                         const ScTokenRequest *request,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data);
char *sc_token_get_finish (GAsyncResult *result, GError **error);

/** sc_token_make_basic: (transfer full): the value of an Authorization header (RFC 7617) */
char *sc_token_make_basic (const ScCredential *credential);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScTokenRequest, sc_token_request_free)
