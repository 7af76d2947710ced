/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which image somebody means: one of the store by exactly that name, or by what a short name means;
 * then what the registries have.
 */
#pragma once

#include "ops/sc-op.h"
#include "store/sc-image-store.h"

/** ScImageSearch: everything is lent */
typedef struct
{
  ScOpContext *context;
  ScRepo *repo;
  const ScReference *reference; /* as it was given */
  const ScPlatform *platform;   /* (nullable) to pull; NULL for this machine's */
} ScImageSearch;

/**
 * sc_image_search:
 * @fullname: (out) (transfer full) (optional): under which it was found
 *
 * Returns: (transfer full) (nullable): NOT_FOUND, and what a pull may end with
 */
ScImage *sc_image_search (const ScImageSearch *self,
                          char **fullname,
                          GCancellable *cancellable,
                          GError **error);
