/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-access.h"

GPtrArray *
sc_access_find_endpoints (const ScOpContext *context, const ScReference *reference, GError **error)
{
  g_autoptr (GPtrArray) endpoints = sc_endpoint_list_new ();
  ScEndpoint *endpoint = sc_endpoint_new (reference->registry, reference->repository);

  endpoint->insecure = sc_config_is_insecure (context->config, reference->registry);
  g_ptr_array_add (endpoints, endpoint);
  return g_steal_pointer (&endpoints);
}
