/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which image an update leads to: what the container's source has now, or what the request names.
 */
#pragma once

#include "deploy/sc-container.h"
#include "ops/sc-op.h"
#include "store/sc-image-store.h"

/** ScUpdateSource: everything is lent */
typedef struct
{
  ScOpContext *context;
  ScRepo *repo;
  const ScContainer *container; /* as it is */
  const ScUpdateRequest *request;
} ScUpdateSource;

typedef struct
{
  ScImage *image;       /* (owned) */
  gboolean is_deployed; /* it is what the current deployment has left of it */
  GBytes *config;       /* (owned) (nullable) then: its config */
} ScUpdateImage;

void sc_update_image_clear (ScUpdateImage *self);

/** sc_update_image_find: pulls it where it is not in the store; NOT_FOUND, and what a pull may end
 * with */
gboolean sc_update_image_find (ScUpdateImage *self,
                               const ScUpdateSource *source,
                               GCancellable *cancellable,
                               GError **error);

/** sc_update_image_find_digest: (out) (transfer full) *digest: the same without a download but of
 * documents; an engine is asked all the same */
gboolean sc_update_image_find_digest (const ScUpdateSource *source,
                                      char **digest,
                                      GCancellable *cancellable,
                                      GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScUpdateImage, sc_update_image_clear)
