/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where images of which names are got from, as root says in /etc/syscont/registries.d/….conf: other
 * locations, mirrors, proxies, and registries that are not to be used at all
 * (syscont-registries.d(5)). Read anew for each job. Nothing is asked of the network here.
 */
#pragma once

#include "base/sc-paths.h"

typedef struct _ScRegistries ScRegistries;

/** ScRegistryPlace: where an image can be got from */
typedef struct
{
  char *name;           /* (owned) HOST[:PORT]/PATH, without tag and digest */
  gboolean insecure;    /* Insecure= */
  gboolean digest_only; /* DigestOnly=, of a mirror */
  char *proxy;          /* (owned) (nullable) URI, "direct://" for Proxy=none */
  char *origin;         /* (owned) (nullable) group and file that say so, for a message */
} ScRegistryPlace;

/**
 * sc_registries_load:
 *
 * No directory is an empty configuration. Whatever is unknown, doubtful or there twice is
 * INVALID_ARGUMENT with file, group and key: a misspelt Blocked= must not allow anything.
 */
ScRegistries *sc_registries_load (const ScPaths *paths, GError **error);
void sc_registries_free (ScRegistries *self);

/**
 * sc_registries_find:
 * @name: HOST[:PORT]/PATH, without tag and digest
 *
 * Returns: (transfer full) (nullable): of ScRegistryPlace: the mirrors in their order, the registry
 *   itself last; POLICY_REJECTED when it is blocked
 */
GPtrArray *sc_registries_find (const ScRegistries *self, const char *name, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScRegistries, sc_registries_free)
