/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-access.h"

#include "ops/sc-credentials.h"

static ScEndpoint *
make_endpoint (const ScOpContext *context, const char *registry, const char *repository)
{
  ScEndpoint *endpoint = sc_endpoint_new (registry, repository);

  endpoint->insecure = sc_config_is_insecure (context->config, registry);
  return endpoint;
}

ScEndpoint *
sc_access_find_registry (const ScOpContext *context, const char *registry, GError **error)
{
  return make_endpoint (context, registry, "");
}

GPtrArray *
sc_access_find_endpoints (const ScOpContext *context, const ScReference *reference, GError **error)
{
  g_autoptr (GPtrArray) endpoints = sc_endpoint_list_new ();
  g_autoptr (ScCredentials) credentials
      = sc_credentials_load (context, context->auth, reference->registry, NULL, error);
  if (credentials == NULL)
    return NULL;

  g_ptr_array_add (endpoints, make_endpoint (context, reference->registry, reference->repository));
  for (guint i = 0; i < endpoints->len; i++)
    {
      ScEndpoint *endpoint = endpoints->pdata[i];
      endpoint->credential
          = sc_credentials_find (credentials, endpoint->registry, endpoint->repository);
    }
  return g_steal_pointer (&endpoints);
}
