/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The objects below /org/syscont: what the inventory has, as containers and images, with the states
 * of the units. A new inventory is compared with the old one, so that only what differs is
 * announced. Main thread only.
 */
#pragma once

#include "ops/sc-inventory.h"
#include "sc-bus-generated.h"

typedef struct _ScObjects ScObjects;

/** sc_objects_new: nothing is on the bus before sc_objects_publish() */
ScObjects *sc_objects_new (GDBusConnection *bus, const ScPaths *paths);
void sc_objects_free (ScObjects *self);

/** sc_objects_publish: puts the object manager and everything below it on the bus */
void sc_objects_publish (ScObjects *self);

/**
 * sc_objects_add:
 *
 * an interface of others, e.g. a job, under its path; sc_objects_remove takes it away
 */
void sc_objects_add (ScObjects *self, const char *path, GDBusInterfaceSkeleton *interface);
void sc_objects_remove (ScObjects *self, const char *path);

typedef void (*ScObjectsReadyFunc) (gpointer user_data);

/**
 * sc_objects_set_inventory:
 * @inventory: (transfer full):
 * @ready: called once, when the states of new units are known too and all changes are with the bus;
 *   maybe before this returns
 */
void sc_objects_set_inventory (ScObjects *self,
                               ScInventory *inventory,
                               ScObjectsReadyFunc ready,
                               gpointer user_data);

/** sc_objects_get_inventory: (transfer none): never NULL */
const ScInventory *sc_objects_get_inventory (ScObjects *self);

/** sc_objects_find_container: (transfer none) (nullable) */
SyscontContainer *sc_objects_find_container (ScObjects *self, const char *name);

/** sc_objects_find_image: (transfer none) (nullable): @digest: "sha256:…" */
SyscontImage *sc_objects_find_image (ScObjects *self, const char *digest);

/**
 * sc_objects_set_last_job:
 * @name: of a container, which may come later
 * @job: path
 */
void sc_objects_set_last_job (ScObjects *self, const char *name, const char *job);

/**
 * sc_objects_set_activity:
 * @state: (nullable): static: "switching" or "observing" as long as a job does that to the
 * container; NULL: as its unit is
 */
void sc_objects_set_activity (ScObjects *self, const char *name, const char *state);

/** sc_objects_forget_job: containers whose last job this was have none now */
void sc_objects_forget_job (ScObjects *self, const char *job);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScObjects, sc_objects_free)
