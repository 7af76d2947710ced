/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * All jobs that there are: takes new ones in, starts each when its turn comes, swaps in what is on
 * disk when one ends, tells of the end, and forgets it ten minutes later. Main thread only.
 */
#pragma once

#include "service/sc-authority.h"
#include "service/sc-idle.h"
#include "service/sc-job.h"
#include "service/sc-objects.h"

typedef struct _ScJobRegistry ScJobRegistry;

/** ScJobRegistryParts: lent, must live longer */
typedef struct
{
  const ScJobEnvironment *environment;
  ScObjects *objects;
  ScAuthority *authority;
  ScIdle *idle;
} ScJobRegistryParts;

/** ScJobListener: who tells the bus; @count: jobs that wait or run */
typedef struct
{
  void (*added) (ScJob *job, gpointer user_data);
  void (*ended) (ScJob *job, gpointer user_data);
  void (*counted) (guint count, gpointer user_data);
} ScJobListener;

/** sc_job_registry_new: blocks: reads the records of an earlier run */
ScJobRegistry *sc_job_registry_new (const ScJobRegistryParts *parts, GError **error);

/** sc_job_registry_free: waits until all records are written; no job may run */
void sc_job_registry_free (ScJobRegistry *self);

/** sc_job_registry_set_listener: @listener: static */
void sc_job_registry_set_listener (ScJobRegistry *self,
                                   const ScJobListener *listener,
                                   gpointer user_data);

/** ScSubmittedFunc: the job has its number, its record and its object; it has not started yet */
typedef void (*ScSubmittedFunc) (ScJob *job, gpointer user_data);

typedef struct
{
  ScRequest *request; /* of an authorized call; its operation is taken */
  const ScCaller *caller;
  ScSubmittedFunc func; /* called once from the main context, unless it fails */
  gpointer user_data;
} ScSubmission;

/** sc_job_registry_submit: errors: BUSY */
gboolean
sc_job_registry_submit (ScJobRegistry *self, const ScSubmission *submission, GError **error);

/** sc_job_registry_find: (transfer none) (nullable) */
ScJob *sc_job_registry_find (ScJobRegistry *self, guint64 id);

/** sc_job_registry_cancel: asks a job to end; one that is forgotten has. BUSY */
gboolean sc_job_registry_cancel (ScJobRegistry *self, guint64 id, GError **error);

/** sc_job_registry_list: (transfer none): of ScJob, by rising number */
GPtrArray *sc_job_registry_list (ScJobRegistry *self);

/**
 * sc_job_registry_stop:
 * @done: called once when no job runs any more, maybe before this returns
 *
 * Takes no job any more and asks those that are there to end.
 */
void sc_job_registry_stop (ScJobRegistry *self, ScIdleFunc done, gpointer user_data);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScJobRegistry, sc_job_registry_free)
