/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is sent to one repository of a registry as "Authorization", and how it is come by when the
 * registry answers 401: a password (RFC 7617), or a bearer token from its token server, for a login
 * or for nobody. Which origin it is sent to is up to the caller.
 */
#pragma once

#include "fetch/sc-http.h"
#include "image/sc-credential.h"

typedef struct _ScAuthorization ScAuthorization;

/** ScAuthorizationSetup: everything is lent, and must live longer */
typedef struct
{
  ScHttp *http;
  const char *registry;           /* host[:port], for messages */
  const char *repository;         /* "" for the registry itself */
  const ScCredential *credential; /* (nullable) */
} ScAuthorizationSetup;

ScAuthorization *sc_authorization_new (const ScAuthorizationSetup *setup);
void sc_authorization_free (ScAuthorization *self);

/** sc_authorization_get_header: (nullable): the value to send now; NULL as long as nobody asked */
const char *sc_authorization_get_header (ScAuthorization *self);

/** sc_authorization_get_realm: (nullable): host[:port] of the token server that gave the last token */
const char *sc_authorization_get_realm (ScAuthorization *self);

/**
 * sc_authorization_renew_async:
 * @answer: of the status 401, from the registry's own origin; used before this returns only
 * @sent: (nullable): the header that was refused
 *
 * Asks for another one, unless a request beside this one already got it.
 */
void sc_authorization_renew_async (ScAuthorization *self,
                                   const ScHttpAnswer *answer,
                                   const char *sent,
                                   GCancellable *cancellable,
                                   GAsyncReadyCallback callback,
                                   gpointer user_data);

/** sc_authorization_renew_finish: FALSE when there is no more to be had: REGISTRY_AUTH_REQUIRED, or
 * what came of asking the token server */
gboolean sc_authorization_renew_finish (GAsyncResult *result, GError **error);

/** sc_authorization_refuse: sets REGISTRY_AUTH_REQUIRED: who was refused by whom, and what to do.
 * Returns: always FALSE */
gboolean sc_authorization_refuse (ScAuthorization *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScAuthorization, sc_authorization_free)
