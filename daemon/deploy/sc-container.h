/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is known of a container beside its files: /var/lib/syscont/containers/NAME.json. Unknown
 * keys are kept; a newer version than ours is refused.
 */
#pragma once

#include "base/sc-error-util.h"
#include "base/sc-paths.h"

typedef struct
{
  guint64 id;      /* n of NAME.<n> */
  char *digest;    /* (owned) of the manifest */
  char *reference; /* (owned) full name in the store */
  gint64 created_usec;
  guint installed_by; /* uid */
} ScDeploymentRecord;

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
  GPtrArray *deployments; /* (owned) of ScDeploymentRecord */
  gboolean has_service;
  struct _JsonObject *raw; /* (owned) (nullable) as it was read: keys of a later version survive */
} ScContainer;

ScContainer *sc_container_new (const char *name);
void sc_container_free (ScContainer *self);
void sc_deployment_record_free (ScDeploymentRecord *self);

/** sc_container_find: (transfer none) (nullable): the record with this id */
ScDeploymentRecord *sc_container_find (const ScContainer *self, guint64 id);

/** sc_container_load: NOT_FOUND; DAMAGED when the file cannot be read; NOT_SUPPORTED for a newer
 * version */
ScContainer *sc_container_load (const ScPaths *paths, const char *name, GError **error);
gboolean sc_container_save (const ScContainer *self, const ScPaths *paths, GError **error);
gboolean sc_container_delete (const ScPaths *paths, const char *name, GError **error);

/** sc_container_list: (transfer full): sorted names of the state files */
char **sc_container_list (const ScPaths *paths, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScContainer, sc_container_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScDeploymentRecord, sc_deployment_record_free)
