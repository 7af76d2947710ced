/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-update-image.h"

#include "deploy/sc-deployment-files.h"
#include "ops/sc-engine-pull.h"
#include "ops/sc-pull.h"

#include <string.h>

void
sc_update_image_clear (ScUpdateImage *self)
{
  g_clear_pointer (&self->image, sc_image_free);
  g_clear_pointer (&self->config, g_bytes_unref);
}

/* (transfer full) (nullable): what to ask the registry for; NULL without an error when the image
 * comes from somewhere else, or must not be asked for. */
static ScReference *
find_remote (const ScUpdateSource *self, GError **error)
{
  const ScUpdateRequest *request = self->request;
  const ScContainer *container = self->container;
  gboolean from_registry = g_str_has_prefix (container->source, SC_REGISTRY_PREFIX);
  const char *text = from_registry ? container->source + strlen (SC_REGISTRY_PREFIX) : NULL;

  if (request->same_image)
    return NULL;
  if (request->reference != NULL)
    {
      const ScConfig *config = self->context->config;
      g_autoptr (GPtrArray) candidates
          = sc_reference_list_candidates (request->reference, config->short_names,
                                          (const char *const *)config->unqualified_search, error);
      return candidates != NULL ? g_ptr_array_steal_index (candidates, 0) : NULL;
    }
  if (text == NULL)
    return NULL;
  g_autoptr (ScReference) tagged = sc_reference_parse (text, error);
  if (tagged == NULL || request->to_digest == NULL)
    return g_steal_pointer (&tagged);
  g_autofree char *pinned
      = g_strdup_printf ("%s/%s@%s", tagged->registry, tagged->repository, request->to_digest);
  return sc_reference_parse (pinned, error);
}

static ScImage *
lookup (const ScUpdateSource *self, GError **error)
{
  const ScUpdateRequest *request = self->request;
  const char *name = self->container->reference;

  if (request->to_digest != NULL)
    name = request->to_digest;
  else if (request->reference != NULL)
    name = request->reference->fullname;
  return sc_image_store_lookup (self->repo, name, error);
}

/* The image in use may have lost its name to a newer one: what it is made of is still here. */
static ScImage *
lookup_in_use (const ScUpdateSource *self, ScUpdateImage *found, GError **error)
{
  const ScContainer *container = self->container;
  const ScDeploymentRecord *current = sc_container_find (container, container->current);
  g_autoptr (GError) local_error = NULL;
  ScImage *image = sc_image_store_lookup (self->repo, current->digest, &local_error);

  if (image != NULL)
    return image;
  if (g_error_matches (local_error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND))
    {
      image = sc_deployment_load_image (self->context->paths, self->repo, container->name, current,
                                        &found->config, error);
      found->is_deployed = image != NULL;
    }
  if (image == NULL && (error == NULL || *error == NULL))
    g_propagate_error (error, g_steal_pointer (&local_error));
  return image;
}

static gboolean
is_local (const ScUpdateSource *self)
{
  g_autoptr (ScImage) image = lookup (self, NULL);

  return image != NULL;
}

/* What is not asked of a registry: what the local engine has under the name counts, when the image
 * came from there, and otherwise what the store has. */
static ScImage *
find_local (const ScUpdateSource *self,
            ScUpdateImage *found,
            GCancellable *cancellable,
            GError **error)
{
  const ScUpdateRequest *request = self->request;
  const char *source = self->container->source;
  gboolean is_asked_for = !request->no_pull && !request->same_image && request->to_digest == NULL
                          && request->reference == NULL;
  gboolean is_pulled = FALSE;

  if (!is_asked_for || g_str_has_prefix (source, SC_REGISTRY_PREFIX)
      || !g_str_has_prefix (source, SC_ENGINE_PREFIX))
    return request->same_image ? lookup_in_use (self, found, error) : lookup (self, error);
  const char *name = source + strlen (SC_ENGINE_PREFIX);
  if (!sc_engine_refresh (self->context, self->repo, name, &is_pulled, cancellable, error))
    return NULL;
  return is_pulled ? sc_pull_take (self->context, self->repo, name, error) : lookup (self, error);
}

/* An image that was chosen by its digest need not be asked for when it is here; everything else is.
 */
gboolean
sc_update_image_find (ScUpdateImage *self,
                      const ScUpdateSource *source,
                      GCancellable *cancellable,
                      GError **error)
{
  const ScUpdateRequest *request = source->request;
  g_autoptr (GError) local_error = NULL;
  g_autoptr (ScReference) remote = NULL;

  if (!request->no_pull
      && !((request->to_digest != NULL || request->reference != NULL) && is_local (source)))
    {
      remote = find_remote (source, &local_error);
      if (local_error != NULL)
        {
          g_propagate_error (error, g_steal_pointer (&local_error));
          return FALSE;
        }
    }
  if (remote != NULL
      && !sc_pull (source->context, source->repo, &(ScPullSource){ .reference = remote },
                   cancellable, error))
    return FALSE;
  gboolean is_taken
      = remote != NULL && (remote->digest == NULL || source->context->terms->plan_only);
  self->image = remote == NULL ? find_local (source, self, cancellable, error)
                : is_taken ? sc_pull_take (source->context, source->repo, remote->fullname, error)
                           : lookup (source, error);
  return self->image != NULL;
}

gboolean
sc_update_image_find_digest (const ScUpdateSource *source,
                             char **digest,
                             GCancellable *cancellable,
                             GError **error)
{
  g_auto (ScUpdateImage) found = { 0 };
  g_autoptr (GError) local_error = NULL;
  g_autoptr (ScReference) remote
      = source->request->no_pull ? NULL : find_remote (source, &local_error);

  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (remote != NULL)
    return sc_pull_find_digest (source->context, remote, digest, cancellable, error);
  found.image = find_local (source, &found, cancellable, error);
  *digest = found.image != NULL ? g_strdup (found.image->digest) : NULL;
  return *digest != NULL;
}
