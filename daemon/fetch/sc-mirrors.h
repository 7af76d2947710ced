/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The places where one image can be got from, and how a request goes from one to the next when it
 * fails: mirrors in their order, the registry itself last. One that cannot be reached at all, or
 * wants a login, is not asked again.
 */
#pragma once

#include "fetch/sc-registry.h"

typedef struct _ScMirrors ScMirrors;

/**
 * sc_mirrors_new:
 * @policy: lent; mirrors get less patience, as there is somebody else to ask
 * @proxy: for endpoints that have none of their own
 * @endpoints: of ScEndpoint, one or more
 *
 * What is wrong with an endpoint comes out as the error of a request.
 */
ScMirrors *
sc_mirrors_new (const ScRetryPolicy *policy, GProxyResolver *proxy, GPtrArray *endpoints);
void sc_mirrors_free (ScMirrors *self);

/** sc_mirrors_get_registry: (transfer none) (nullable): the registry itself, or what is wrong with its
 * endpoint */
ScRegistry *sc_mirrors_get_registry (const ScMirrors *self, GError **error);

/** ScRoute: where one request is on its way through the mirrors */
typedef struct
{
  ScMirrors *mirrors; /* lent */
  guint index;        /* of the endpoint that is asked now */
  gboolean is_tag;
  GError *failure; /* (owned) (nullable) of the last endpoint that was asked */
  GString *before; /* (owned) (nullable) what those before it said */
} ScRoute;

/**
 * sc_route_begin:
 * @self: zeroed
 * @request: a manifest by its tag is not asked of mirrors that are there for digests only
 *
 * Returns: FALSE with @error when there is nobody to ask
 */
gboolean sc_route_begin (ScRoute *self,
                         ScMirrors *mirrors,
                         const ScRegistryRequest *request,
                         GError **error);
void sc_route_clear (ScRoute *self);

/** sc_route_get_registry: (transfer none): whom to ask now */
ScRegistry *sc_route_get_registry (const ScRoute *self);

/**
 * sc_route_go_on:
 * @error: (inout): why the request failed there
 *
 * Returns: TRUE, with @error taken, when there is another one to ask; FALSE when that was the last,
 *   with @error telling what all of them said, or at once when it is CANCELLED
 */
gboolean sc_route_go_on (ScRoute *self, GError **error);

/** sc_route_describe: (transfer full): what is asked for, for a message */
char *sc_route_describe (const ScRoute *self, const ScRegistryRequest *request);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScMirrors, sc_mirrors_free)
