/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an operation is about to do to the host, written down before it does: intents/JOB-NAME.json
 * below the state directory. After a crash or a power cut an intent says what has to be undone or
 * completed. Names, numbers and checksums only; the contents of the files that change, old and new,
 * are in intents/JOB-NAME.d.
 */
#pragma once

#include "base/sc-error-util.h"
#include "base/sc-paths.h"
#include "host/sc-file-change.h"

typedef enum
{
  SC_INTENT_INSTALL,
  SC_INTENT_UNINSTALL,
  SC_INTENT_UPDATE,
  SC_INTENT_ROLLBACK,
  SC_INTENT_STAGE, /* makes a deployment that is not switched to yet */
  SC_INTENT_ADOPT,
} ScIntentOperation;

typedef enum
{
  SC_INTENT_PREPARED,  /* recovery undoes */
  SC_INTENT_COMMITTED, /* recovery completes */
  SC_INTENT_REVERTING, /* it was completed and did not work: recovery goes back */
  SC_INTENT_KEPT,      /* it works: only what is not needed any more is left to be removed */
} ScIntentPhase;

typedef struct
{
  guint64 job;
  ScIntentOperation operation;
  ScIntentPhase phase;
  char *container;    /* (owned) */
  guint64 deployment; /* that is current afterwards, or, of SC_INTENT_STAGE, that is made */
  gint64 from;        /* that is current before; SC_NO_DEPLOYMENT for none */
  gboolean made;      /* the deployment is made by this operation */
  gboolean was_active;
  char **dependants;   /* (owned) units that were active and end with this one */
  gint64 observe_usec; /* how long the new deployment is watched */
  char *reason;        /* (owned) (nullable) why it is reverted */
  char *quarantine;    /* (owned) (nullable) digest that is not tried again by itself when it is */
  char *adopted;       /* (owned) (nullable) where atomic has it, until it is kept here */
  guint caller_uid;
  gint64 time_usec;   /* when it was written first, since the epoch */
  GPtrArray *files;   /* (owned) of ScFileChange */
  gboolean is_read;   /* from the disk, by whoever cleans up; not stored */
  gboolean is_stored; /* the contents of the files are on disk */
} ScIntent;

ScIntent *sc_intent_new (guint64 job, ScIntentOperation operation, const char *container);
void sc_intent_free (ScIntent *self);

/** sc_intent_save: durable when it returns; the files are stored the first time only */
gboolean sc_intent_save (ScIntent *self, const ScPaths *paths, GError **error);

/** sc_intent_commit: the point of no return: from now on recovery completes */
gboolean sc_intent_commit (ScIntent *self, const ScPaths *paths, GError **error);

/** sc_intent_keep: nothing goes back any more */
gboolean sc_intent_keep (ScIntent *self, const ScPaths *paths, GError **error);

/** sc_intent_is_switch: whether it switches a container that may be running, which is watched then */
gboolean sc_intent_is_switch (const ScIntent *self);

/** sc_intent_delete: the operation is over, whichever way */
gboolean sc_intent_delete (const ScIntent *self, const ScPaths *paths, GError **error);

/** sc_intent_operation_name: "install", "uninstall", "update", "rollback", "stage" or "adopt" */
const char *sc_intent_operation_name (ScIntentOperation operation);

/** sc_intent_list: (transfer full): of ScIntent, by job; one that cannot be read, or is of a newer
 * version, is logged and left alone */
GPtrArray *sc_intent_list (const ScPaths *paths, GError **error);

/** sc_intent_sweep: contents without an intent, of one that was interrupted while it was saved or
 * deleted */
gboolean sc_intent_sweep (const ScPaths *paths, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScIntent, sc_intent_free)
