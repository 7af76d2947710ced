/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is known of one deployment of a container, beside its directory NAME.<n>: an entry of the
 * container's state file. But for the pin it never changes.
 */
#pragma once

#include "base/sc-error-util.h"
#include "deploy/sc-health.h"

struct _JsonObject;

typedef struct
{
  guint64 id;           /* n of NAME.<n> */
  char *digest;         /* (owned) of the manifest */
  char *reference;      /* (owned) full name in the store */
  char *source;         /* (owned) (nullable) where the image came from, with its transport */
  GHashTable *values;   /* (owned) what the caller had set: char* to char* */
  ScHealth *health;     /* (owned) (nullable) complete; NULL when nothing is checked */
  ScHealth *set_health; /* (owned) (nullable) what the caller had said of it */
  gint64 created_usec;
  guint installed_by; /* uid */
  gboolean pinned;    /* kept until it is unpinned */
} ScDeploymentRecord;

ScDeploymentRecord *sc_deployment_record_new (guint64 id);
void sc_deployment_record_free (ScDeploymentRecord *self);

/** sc_deployment_record_read: (transfer full) (nullable): DAMAGED, or what the JSON functions say */
ScDeploymentRecord *sc_deployment_record_read (struct _JsonObject *object, GError **error);
void sc_deployment_record_write (const ScDeploymentRecord *self, struct _JsonObject *object);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScDeploymentRecord, sc_deployment_record_free)
