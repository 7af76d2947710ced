/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an operation is about to do to the host, written down before it does: intents/JOB.json below
 * the state directory. After a crash or a power cut an intent says what has to be undone or
 * completed. Names and numbers only, no values.
 */
#pragma once

#include "base/sc-error-util.h"
#include "base/sc-paths.h"

typedef enum
{
  SC_INTENT_INSTALL,
  SC_INTENT_UNINSTALL,
} ScIntentOperation;

typedef enum
{
  SC_INTENT_PREPARED,  /* recovery undoes */
  SC_INTENT_COMMITTED, /* recovery completes */
} ScIntentPhase;

typedef struct
{
  guint64 job;
  ScIntentOperation operation;
  ScIntentPhase phase;
  char *container;    /* (owned) */
  guint64 deployment; /* of an install: the one that is made */
  gint64 time_usec;   /* when it was written first, since the epoch */
} ScIntent;

ScIntent *sc_intent_new (guint64 job, ScIntentOperation operation, const char *container);
void sc_intent_free (ScIntent *self);

/** sc_intent_save: durable when it returns */
gboolean sc_intent_save (const ScIntent *self, const ScPaths *paths, GError **error);

/** sc_intent_commit: the point of no return: from now on recovery completes */
gboolean sc_intent_commit (ScIntent *self, const ScPaths *paths, GError **error);

/** sc_intent_delete: the operation is over, whichever way */
gboolean sc_intent_delete (const ScIntent *self, const ScPaths *paths, GError **error);

/** sc_intent_list: (transfer full): of ScIntent, by job; one that cannot be read, or is of a newer
 * version, is logged and left alone */
GPtrArray *sc_intent_list (const ScPaths *paths, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScIntent, sc_intent_free)
