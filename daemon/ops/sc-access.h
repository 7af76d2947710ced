/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How a registry is reached: what root's configuration says about an image's name becomes the list
 * of places that syscont-fetch may ask for it.
 */
#pragma once

#include "image/sc-endpoint.h"
#include "ops/sc-op.h"

/** sc_access_find_registry: (transfer full) (nullable): the registry itself, whatever location or
 * mirrors it has, without a login; errors as below */
ScEndpoint *
sc_access_find_registry (const ScOpContext *context, const char *registry, GError **error);

/**
 * sc_access_find_endpoints:
 * @reference: with a registry
 *
 * Reads registries.d and certs.d. Returns: (transfer full) (nullable): of ScEndpoint, in the order in
 * which they are to be asked; POLICY_REJECTED when the registry is blocked, INVALID_ARGUMENT and
 * TLS_FAILED name the file that is wrong
 */
GPtrArray *
sc_access_find_endpoints (const ScOpContext *context, const ScReference *reference, GError **error);
