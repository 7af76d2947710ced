/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is known of a container beside its files: /var/lib/syscont/containers/NAME.json. Unknown
 * keys are kept; a newer version than ours is refused.
 */
#pragma once

#include "base/sc-error-util.h"
#include "base/sc-paths.h"
#include "deploy/sc-deployment-record.h"
#include "deploy/sc-update-state.h"

#define SC_NO_DEPLOYMENT (-1)

typedef struct _ScContainer
{
  char *name;             /* (owned) */
  char *reference;        /* (owned) full name of the image in the store */
  char *source;           /* (owned) transport string as given */
  char *uuid;             /* (owned) */
  GHashTable *set_values; /* (owned) only what the caller set: char* to char* */
  guint64
      next_deployment; /* number of the next deployment, 0 for a new container; never used before */
  guint64 current;     /* deployment that is current */
  gint64 previous;     /* that was current before, for a rollback; or SC_NO_DEPLOYMENT */
  gint64 staged;       /* that is ready to become current; or SC_NO_DEPLOYMENT */
  GPtrArray *deployments; /* (owned) of ScDeploymentRecord */
  gboolean has_service;
  char **allow_host_paths; /* (owned) that its images may use on the host besides the configured */
  char **made_directories; /* (owned) (nullable) of the host, for it: sc-made-directories.h */
  ScHealth *health;        /* (owned) (nullable) what is checked instead of what an image says */
  gboolean is_volatile;    /* what it writes to its root is not kept for the next start */
  ScUpdateState update;
  struct _JsonObject *raw; /* (owned) (nullable) as it was read: keys of a later version survive */
} ScContainer;

ScContainer *sc_container_new (const char *name);
void sc_container_free (ScContainer *self);

/** sc_container_copy: (transfer full): all of it */
ScContainer *sc_container_copy (const ScContainer *self);

/** sc_container_find: (transfer none) (nullable): the record with this id */
ScDeploymentRecord *sc_container_find (const ScContainer *self, guint64 id);

/**
 * sc_container_add:
 * @digest: of the image
 * @installed_by: uid
 *
 * Adds the record of the next deployment, made now, with the container's reference, source,
 * values and health; these must not be changed afterwards, only replaced.
 *
 * Returns: (transfer none)
 */
ScDeploymentRecord *sc_container_add (ScContainer *self, const char *digest, guint installed_by);

/**
 * sc_container_set_current:
 * @id: of one of its deployments
 *
 * What was current is the previous one now, and what the state says about earlier updates does not
 * hold any more.
 */
void sc_container_set_current (ScContainer *self, guint64 id);

/** sc_container_same_values: whether two tables of char* to char* are equal */
gboolean sc_container_same_values (GHashTable *a, GHashTable *b);

/** sc_container_load: NOT_FOUND; DAMAGED when the file cannot be read; NOT_SUPPORTED for a newer
 * version */
ScContainer *sc_container_load (const ScPaths *paths, const char *name, GError **error);
gboolean sc_container_save (const ScContainer *self, const ScPaths *paths, GError **error);

/** sc_container_to_text: (transfer full): what sc_container_save() writes; sc_container_path:
 * (transfer full): where to */
char *sc_container_to_text (const ScContainer *self);
char *sc_container_path (const ScPaths *paths, const char *name);

gboolean sc_container_delete (const ScPaths *paths, const char *name, GError **error);

/** sc_container_list: (transfer full): sorted names of the state files */
char **sc_container_list (const ScPaths *paths, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScContainer, sc_container_free)
