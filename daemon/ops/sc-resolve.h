/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a reference to the one manifest that is meant (distribution-spec, "Pulling manifests"):
 * syscont-fetch brings documents, everything about them is decided and checked here.
 */
#pragma once

#include "image/sc-manifest.h"
#include "image/sc-reference.h"
#include "ops/sc-worker.h"

typedef struct
{
  char *digest;         /* (owned) of the manifest */
  guint endpoint;       /* number of the endpoint that sent it */
  GBytes *bytes;        /* (owned) its bytes */
  ScManifest *manifest; /* (owned) */
} ScResolved;

void sc_resolved_clear (ScResolved *self);

/**
 * sc_resolve_open:
 * @endpoints: of ScEndpoint (sc_access_find_endpoints())
 *
 * Tells a greeted fetch worker where the image is.
 */
gboolean sc_resolve_open (ScWorker *fetch, GPtrArray *endpoints, GError **error);

/**
 * sc_resolve:
 * @reference: with a registry; its digest decides when it has one
 *
 * Gets the manifest, and for an index the one of the child for @platform, whose size and digest
 * must be as the index says.
 */
gboolean sc_resolve (ScWorker *fetch,
                     const ScReference *reference,
                     const ScPlatform *platform,
                     ScResolved *resolved,
                     GCancellable *cancellable,
                     GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScResolved, sc_resolved_clear)
