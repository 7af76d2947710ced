/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One job: queued, running, maybe cancelling, and at last done, failed or cancelled. It owns the
 * operation, runs it on a thread, and shows itself as org.syscont.Job. Only the main thread touches
 * it; the thread works on a closed set of inputs and hands back an outcome.
 */
#pragma once

#include "ops/sc-inventory.h"
#include "ops/sc-op.h"
#include "sc-bus-generated.h"
#include "service/sc-caller.h"
#include "service/sc-job-record.h"

typedef struct _ScJob ScJob;

/** ScJobEnvironment: what all jobs work with; lent, must outlive them */
typedef struct
{
  const ScPaths *paths;
  const ScConfig *config;
  GDBusConnection *bus;
} ScJobEnvironment;

/** ScJobOutcome: what the thread hands back */
typedef struct
{
  GVariant *result;       /* (owned) a{sv} */
  char **objects;         /* (owned) */
  GError *error;          /* (owned) (nullable) */
  ScInventory *inventory; /* (owned) (nullable) what is on disk now; NULL when that failed */
  guint inventory_serial; /* of two inventories the one with the higher number is newer */
} ScJobOutcome;

void sc_job_outcome_free (ScJobOutcome *self);

/** sc_job_new: @op: (transfer full): */
ScJob *sc_job_new (guint64 id, ScOp *op, const ScCaller *owner);

/** sc_job_new_ended: @record: (transfer full): of an earlier run of the service */
ScJob *sc_job_new_ended (ScJobRecord *record);
void sc_job_free (ScJob *self);

const ScJobRecord *sc_job_get_record (const ScJob *self);
SyscontJob *sc_job_get_object (ScJob *self);
const char *sc_job_get_path (const ScJob *self);

/** sc_job_get_claims: (transfer none): of ScClaim; valid until sc_job_drop_op() */
GPtrArray *sc_job_get_claims (const ScJob *self);

/** sc_job_get_program: (transfer none) (nullable): what it runs for its owner; valid until
 * sc_job_drop_op(). NULL for a job that runs none, and for one that has ended */
ScProgram *sc_job_get_program (const ScJob *self);

/** sc_job_drop_op: frees the operation, and what it holds open, of a job that has ended */
void sc_job_drop_op (ScJob *self);

/** ScJobFunc: the thread has ended; @outcome: (transfer full): */
typedef void (*ScJobFunc) (ScJob *job, ScJobOutcome *outcome, gpointer user_data);

/**
 * sc_job_start:
 *
 * a queued job runs from now on, until @done is called in the main context; then sc_job_end() is
 * due
 */
void
sc_job_start (ScJob *self, const ScJobEnvironment *environment, ScJobFunc done, gpointer user_data);

/**
 * sc_job_end:
 *
 * (transfer full) @outcome: takes the result over and announces the end on the job's own object
 */
void sc_job_end (ScJob *self, ScJobOutcome *outcome);

/**
 * sc_job_cancel:
 * @interrupted: whether it is because the service ends: the job then fails with INTERRUPTED
 *
 * A queued job ends at once. BUSY when it is past the point of no return; a job that has ended is
 * left as it is.
 */
gboolean sc_job_cancel (ScJob *self, gboolean interrupted, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScJob, sc_job_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScJobOutcome, sc_job_outcome_free)
