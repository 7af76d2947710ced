/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which job may run: admission instead of mutexes. Jobs whose claims conflict run in the order in
 * which they came, and a waiting one is never overtaken by one that conflicts with it. Pure logic
 * on numbers and claims: no bus, no clock.
 */
#pragma once

#include "ops/sc-op.h"

#define SC_JOB_QUEUE_MAX_WAITING 8  /* of one uid */
#define SC_JOB_QUEUE_MAX_JOBS    64 /* waiting and running, of all */

/* of those that are counted apart: waiting and running */
#define SC_JOB_QUEUE_MAX_APART     64
#define SC_JOB_QUEUE_MAX_APART_UID 16 /* of one uid */

typedef struct _ScJobQueue ScJobQueue;

/** ScTicket: what a job asks for */
typedef struct
{
  guint64 id;
  guint uid;
  GPtrArray *claims; /* (lent) of ScClaim, until the job is removed */
  gboolean no_queue; /* refuse instead of waiting */
  gboolean is_apart; /* it may take as long as somebody works in it: needs none of the places, and
                      * counts to other limits */
} ScTicket;

ScJobQueue *sc_job_queue_new (guint max_running);
void sc_job_queue_free (ScJobQueue *self);

/**
 * sc_job_queue_add:
 *
 * The job waits until it is ready and its turn comes. BUSY when there are too many jobs, or, with
 * no_queue, when it would have to wait: the message has the number of the job in its way.
 */
gboolean sc_job_queue_add (ScJobQueue *self, const ScTicket *ticket, GError **error);

/** sc_job_queue_set_ready: it may be taken from now on; until then it only keeps its place */
void sc_job_queue_set_ready (ScJobQueue *self, guint64 id);

/** sc_job_queue_take: FALSE when none may start now; otherwise it counts as running */
gboolean sc_job_queue_take (ScJobQueue *self, guint64 *id);

/** sc_job_queue_remove: it ended, or was cancelled while it waited */
void sc_job_queue_remove (ScJobQueue *self, guint64 id);

/** sc_job_queue_get_length: jobs that wait or run */
guint sc_job_queue_get_length (const ScJobQueue *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScJobQueue, sc_job_queue_free)
