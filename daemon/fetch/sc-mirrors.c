/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-mirrors.h"

#include "base/sc-error-util.h"

#include <string.h>

typedef struct
{
  const ScEndpoint *endpoint;
  ScHttp *http;         /* (owned) (nullable) */
  ScRegistry *registry; /* (owned) (nullable) */
  GError *error;        /* (owned) (nullable) why it is not asked, or not any more */
} Place;

struct _ScMirrors
{
  ScRetryPolicy impatient; /* of all but the last */
  GPtrArray *endpoints;    /* (owned) */
  GPtrArray *places;       /* (owned) of Place */
};

static void
place_free (Place *self)
{
  g_clear_pointer (&self->registry, sc_registry_free);
  g_clear_pointer (&self->http, sc_http_free);
  g_clear_error (&self->error);
  g_free (self);
}

static Place *
place_new (const ScRetryPolicy *policy, GProxyResolver *proxy, const ScEndpoint *endpoint)
{
  Place *self = g_new0 (Place, 1);

  self->endpoint = endpoint;
  self->http = sc_http_new (policy, proxy, endpoint, &self->error);
  if (self->http != NULL)
    self->registry = sc_registry_new (self->http, endpoint, &self->error);
  return self;
}

ScMirrors *
sc_mirrors_new (const ScRetryPolicy *policy, GProxyResolver *proxy, GPtrArray *endpoints)
{
  ScMirrors *self = g_new0 (ScMirrors, 1);

  self->impatient = *policy;
  self->impatient.retries = MIN (policy->retries, 1);
  self->impatient.max_wait_s = 0;
  self->endpoints = g_ptr_array_ref (endpoints);
  self->places = g_ptr_array_new_with_free_func ((GDestroyNotify)place_free);
  for (guint i = 0; i < endpoints->len; i++)
    g_ptr_array_add (self->places, place_new (i + 1 < endpoints->len ? &self->impatient : policy,
                                              proxy, endpoints->pdata[i]));
  return self;
}

void
sc_mirrors_free (ScMirrors *self)
{
  g_ptr_array_unref (self->places);
  g_ptr_array_unref (self->endpoints);
  g_free (self);
}

ScRegistry *
sc_mirrors_get_registry (const ScMirrors *self, GError **error)
{
  const Place *last = self->places->pdata[self->places->len - 1];

  if (last->registry == NULL)
    g_propagate_error (error, g_error_copy (last->error));
  return last->registry;
}

static Place *
get_place (const ScRoute *self)
{
  return self->mirrors->places->pdata[self->index];
}

static gboolean
is_last (const ScRoute *self)
{
  return self->index + 1 == self->mirrors->places->len;
}

/* @failure: (transfer full): of the current place */
static void
remember (ScRoute *self, GError *failure)
{
  if (self->failure != NULL)
    {
      if (self->before == NULL)
        self->before = g_string_new (NULL);
      g_string_append_printf (self->before, "%s%s", self->before->len > 0 ? "; " : "",
                              self->failure->message);
    }
  if (!is_last (self))
    sc_prefix_error (&failure, "mirror \"%s\": ", get_place (self)->endpoint->registry);
  g_clear_error (&self->failure);
  self->failure = failure;
}

/* From the current index on. */
static gboolean
find_place (ScRoute *self, GError **error)
{
  for (; self->index < self->mirrors->places->len; self->index++)
    {
      const Place *place = get_place (self);
      if (self->is_tag && place->endpoint->digest_only)
        continue;
      if (place->error == NULL)
        return TRUE;
      remember (self, g_error_copy (place->error));
    }

  g_autoptr (GError) failure = g_steal_pointer (&self->failure);
  if (self->before != NULL)
    return sc_error_set (error, (SyscontError)failure->code, "%s (before that: %s)",
                         failure->message, self->before->str);
  g_propagate_error (error, g_steal_pointer (&failure));
  return FALSE;
}

gboolean
sc_route_begin (ScRoute *self, ScMirrors *mirrors, const ScRegistryRequest *request, GError **error)
{
  self->mirrors = mirrors;
  self->index = MIN (request->first_endpoint, mirrors->places->len - 1);
  self->is_tag = request->is_manifest && strchr (request->reference, ':') == NULL;
  return find_place (self, error);
}

void
sc_route_clear (ScRoute *self)
{
  g_clear_error (&self->failure);
  if (self->before != NULL)
    g_string_free (self->before, TRUE);
  self->before = NULL;
}

ScRegistry *
sc_route_get_registry (const ScRoute *self)
{
  return get_place (self)->registry;
}

/* Whether whatever else is asked there would end in the same way. */
static gboolean
is_hopeless (const Place *place, const GError *error)
{
  switch (error->code)
    {
    case SYSCONT_ERROR_TLS_FAILED:
    case SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED:
    case SYSCONT_ERROR_REGISTRY_RATE_LIMITED:
      return TRUE;
    default:
      return !sc_registry_is_answered (place->registry);
    }
}

gboolean
sc_route_go_on (ScRoute *self, GError **error)
{
  Place *place = get_place (self);
  GError *failure = g_steal_pointer (error);

  if (failure->code == SYSCONT_ERROR_CANCELLED)
    {
      g_propagate_error (error, failure);
      return FALSE;
    }
  g_debug ("\"%s\": %s", place->endpoint->registry, failure->message);
  if (!is_last (self) && place->error == NULL && is_hopeless (place, failure))
    place->error = g_error_copy (failure);
  remember (self, failure);
  self->index++;
  return find_place (self, error);
}

char *
sc_route_describe (const ScRoute *self, const ScRegistryRequest *request)
{
  GPtrArray *endpoints = self->mirrors->endpoints;

  return sc_registry_describe (endpoints->pdata[endpoints->len - 1], request);
}
