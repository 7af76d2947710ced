/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One repository of one registry (distribution-spec, "Pull"): addresses, anonymous and bearer
 * access, and what its statuses mean. Bodies are not read here.
 */
#pragma once

#include "fetch/sc-authorization.h"

typedef struct _ScRegistry ScRegistry;

/**
 * sc_registry_new:
 * @http: lent; insecure: https without verification is tried first, and http when nothing answers
 * to that
 * @endpoint: lent; INVALID_REFERENCE unless its registry and repository are as in a reference
 */
ScRegistry *sc_registry_new (ScHttp *http, const ScEndpoint *endpoint, GError **error);
void sc_registry_free (ScRegistry *self);
ScAuthorization *sc_registry_get_authorization (ScRegistry *self);

/** sc_registry_is_answered: whether somebody was there, ever */
gboolean sc_registry_is_answered (const ScRegistry *self);

/** sc_registry_make_retry: for a new request to it */
ScRetry sc_registry_make_retry (ScRegistry *self);

typedef struct
{
  gboolean is_manifest;  /* FALSE: a blob */
  const char *reference; /* (nullable) tag or digest; NULL: the registry itself, at "/v2/" */
  guint64 range_start;   /* of a blob */
  guint first_endpoint;  /* those before it are not asked, but the last always is */
} ScRegistryRequest;

/** sc_registry_check: INVALID_REFERENCE for a tag or digest that is none; a blob needs a digest */
gboolean sc_registry_check (const ScRegistryRequest *request, GError **error);

/** sc_registry_describe: (transfer full): what is asked for, for a message */
char *sc_registry_describe (const ScEndpoint *endpoint, const ScRegistryRequest *request);

/**
 * sc_registry_get_async:
 * @request: checked; copied, but its strings are lent until the end
 * @retry: lent until the end
 *
 * What is sent as Authorization is renewed once for each call, at most.
 */
void sc_registry_get_async (ScRegistry *self,
                            const ScRegistryRequest *request,
                            ScRetry *retry,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data);

/**
 * sc_registry_get_finish:
 *
 * Returns: (transfer full) (nullable): an answer with status 200, 206, or 416 when there was a range
 *   to ask for; MANIFEST_UNKNOWN, REGISTRY_UNREACHABLE, REGISTRY_AUTH_REQUIRED,
 *   REGISTRY_RATE_LIMITED, TLS_FAILED, CANCELLED otherwise
 */
ScHttpAnswer *sc_registry_get_finish (GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScRegistry, sc_registry_free)
