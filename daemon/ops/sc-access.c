/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-access.h"

#include "base/sc-registries.h"
#include "ops/sc-certificates.h"
#include "ops/sc-credentials.h"

static gboolean
set_up_endpoint (const ScOpContext *context,
                 const ScRegistryPlace *place,
                 ScEndpoint *endpoint,
                 GError **error)
{
  endpoint->insecure
      = place->insecure || sc_config_is_insecure (context->config, endpoint->registry);
  endpoint->digest_only = place->digest_only;
  endpoint->proxy = g_strdup (place->proxy);
  return sc_certificates_read (context->paths, endpoint, error);
}

static GPtrArray *
find_places (const ScOpContext *context, const char *name, GError **error)
{
  g_autoptr (ScRegistries) registries = sc_registries_load (context->paths, error);

  return registries != NULL ? sc_registries_find (registries, name, error) : NULL;
}

ScEndpoint *
sc_access_find_registry (const ScOpContext *context, const char *registry, GError **error)
{
  g_autoptr (ScEndpoint) endpoint = sc_endpoint_new (registry, "");
  g_autoptr (GPtrArray) places = find_places (context, registry, error);

  if (places == NULL || !set_up_endpoint (context, places->pdata[places->len - 1], endpoint, error))
    return NULL;
  return g_steal_pointer (&endpoint);
}

static ScEndpoint *
make_endpoint (const ScOpContext *context, const ScRegistryPlace *place, GError **error)
{
  g_autoptr (ScReference) at = sc_reference_parse (place->name, error);
  if (at == NULL)
    {
      sc_prefix_error (error, "%s: ", place->origin);
      return NULL;
    }

  g_autoptr (ScEndpoint) endpoint = sc_endpoint_new (at->registry, at->repository);
  return set_up_endpoint (context, place, endpoint, error) ? g_steal_pointer (&endpoint) : NULL;
}

GPtrArray *
sc_access_find_endpoints (const ScOpContext *context, const ScReference *reference, GError **error)
{
  g_autofree char *name = g_strconcat (reference->registry, "/", reference->repository, NULL);
  g_autoptr (GPtrArray) endpoints = sc_endpoint_list_new ();
  g_autoptr (GPtrArray) places = find_places (context, name, error);
  g_autoptr (ScCredentials) credentials
      = places != NULL
            ? sc_credentials_load (context, context->auth, reference->registry, NULL, error)
            : NULL;
  if (credentials == NULL)
    return NULL;

  for (guint i = 0; i < places->len; i++)
    {
      ScEndpoint *endpoint = make_endpoint (context, places->pdata[i], error);
      if (endpoint == NULL)
        return NULL;
      g_ptr_array_add (endpoints, endpoint);
      endpoint->credential
          = sc_credentials_find (credentials, endpoint->registry, endpoint->repository);
    }
  return g_steal_pointer (&endpoints);
}
