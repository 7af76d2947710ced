/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A snapshot of what is on disk: containers and images. Loaded on a job's thread after it ended, or
 * at start, and then handed to the main thread as a whole; never changed afterwards.
 */
#pragma once

#include "base/sc-config.h"
#include "deploy/sc-container.h"
#include "deploy/sc-privilege.h"
#include "store/sc-image-store.h"

typedef struct
{
  GPtrArray *containers; /* (owned) of ScContainerEntry, sorted by name */
  GPtrArray *images;     /* (owned) of ScImage */
  GHashTable *seen;      /* (owned) as of sc_seen_load() */
} ScInventory;

typedef struct
{
  ScContainer *container;  /* (owned) */
  GPtrArray *privileges;   /* (owned) (nullable) of ScPrivilege; NULL when they are not known */
  gboolean rollback_ready; /* the files of the previous deployment are there */
  char *damage; /* (owned) (nullable) what is wrong with its files; NULL when they are whole */
} ScContainerEntry;

/** sc_inventory_new: of nothing */
ScInventory *sc_inventory_new (void);

/**
 * sc_inventory_load:
 *
 * Blocks. One container or image that cannot be read is damaged or left out with a warning, never
 * an error.
 */
ScInventory *sc_inventory_load (const ScPaths *paths, GError **error);
void sc_inventory_free (ScInventory *self);

/** sc_inventory_find_container: (transfer none) (nullable) */
const ScContainerEntry *sc_inventory_find_container (const ScInventory *self, const char *name);

/** sc_inventory_find_damage: (transfer full) (nullable): what an administrator, or a fault, took
 * away of a container's files */
char *sc_inventory_find_damage (const ScPaths *paths, const ScContainer *container);

/** sc_inventory_find_image: (transfer none) (nullable): by digest */
const ScImage *sc_inventory_find_image (const ScInventory *self, const char *digest);

/** sc_inventory_first_seen: microseconds since the epoch; when nothing was noted, when it was pulled */
gint64 sc_inventory_first_seen (const ScInventory *self, const ScImage *image);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScInventory, sc_inventory_free)
