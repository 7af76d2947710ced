/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-image-search.h"

#include "ops/sc-pull.h"

/* What the name of an image that is not in the store means; the message says what could be
 * written. */
static GPtrArray *
list_candidates (const ScImageSearch *self, GError **error)
{
  const ScConfig *config = self->context->config;
  g_autoptr (GError) cause = NULL;
  GPtrArray *candidates
      = sc_reference_list_candidates (self->reference, config->short_names,
                                      (const char *const *)config->unqualified_search, &cause);

  if (candidates == NULL)
    sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "there is no such image in the store: %s",
                  cause->message);
  return candidates;
}

/* Returns NULL without @error when there is none of that name. */
static ScImage *
look_up (const ScImageSearch *self,
         const ScReference *reference,
         const ScReference **found,
         GError **error)
{
  g_autoptr (GError) cause = NULL;
  ScImage *image = sc_image_store_lookup (self->repo, reference->fullname, &cause);

  *found = reference;
  if (image == NULL && !g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND))
    g_propagate_error (error, g_steal_pointer (&cause));
  return image;
}

static ScImage *
pull (const ScImageSearch *self,
      GPtrArray *candidates,
      const ScReference **found,
      GCancellable *cancellable,
      GError **error)
{
  if (!sc_pull_first (self->context, self->repo, candidates, self->platform, found, cancellable,
                      error))
    return NULL;
  return sc_pull_take (self->context, self->repo, (*found)->fullname, error);
}

ScImage *
sc_image_search (const ScImageSearch *self,
                 char **fullname,
                 GCancellable *cancellable,
                 GError **error)
{
  g_autoptr (GError) cause = NULL;
  const ScReference *found = NULL;
  ScImage *image = look_up (self, self->reference, &found, &cause);
  g_autoptr (GPtrArray) candidates
      = image == NULL && cause == NULL ? list_candidates (self, &cause) : NULL;

  for (guint i = 0; image == NULL && cause == NULL && i < candidates->len; i++)
    image = look_up (self, candidates->pdata[i], &found, &cause);
  if (image == NULL && cause == NULL)
    image = pull (self, candidates, &found, cancellable, &cause);
  if (image == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return NULL;
    }
  if (fullname != NULL)
    *fullname = g_strdup (found->fullname);
  return image;
}
