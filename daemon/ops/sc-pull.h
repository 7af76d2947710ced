/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Brings an image from a registry into the store: what the operation "pull" does, and "install" for
 * an image that is not there.
 */
#pragma once

#include "ops/sc-op.h"
#include "store/sc-image-store.h"

typedef struct
{
  const ScReference *reference; /* with a registry */
  const ScPlatform *platform;   /* (nullable) NULL for this machine's */
  const char *fullname;         /* (nullable) to store it under, NULL for the reference's */
  const char *source;           /* (nullable) to record, NULL for the reference */
} ScPullSource;

/**
 * sc_pull:
 *
 * Sets the context's result as sc_image_import() does. Of a plan the image gets no name.
 */
gboolean sc_pull (ScOpContext *context,
                  ScRepo *repo,
                  const ScPullSource *pull,
                  GCancellable *cancellable,
                  GError **error);

/**
 * sc_pull_first:
 * @candidates: of ScReference with a registry, one or more
 * @pulled: (out) (transfer none): which of them it was
 *
 * Pulls the first of them that there is. Whatever else is wrong with one than that it has no such
 * image ends it: the next registry may have something else of that name.
 */
gboolean sc_pull_first (ScOpContext *context,
                        ScRepo *repo,
                        GPtrArray *candidates,
                        const ScPlatform *platform,
                        const ScReference **pulled,
                        GCancellable *cancellable,
                        GError **error);

/**
 * sc_pull_take:
 * @fullname: that was pulled
 *
 * Of a plan, an image has no name yet, and how much room it takes is put into the result.
 *
 * Returns: (transfer full) (nullable): what the pull before this has brought; NOT_FOUND
 */
ScImage *sc_pull_take (ScOpContext *context, ScRepo *repo, const char *fullname, GError **error);

/**
 * sc_pull_find_digest:
 * @digest: (out) (transfer full): of the manifest for this machine
 *
 * What sc_pull() would bring, without bringing it.
 */
gboolean sc_pull_find_digest (ScOpContext *context,
                              const ScReference *reference,
                              char **digest,
                              GCancellable *cancellable,
                              GError **error);
