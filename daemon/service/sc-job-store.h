/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Jobs on disk, below the state directory: jobs/N.json for each, from when it is made until ten
 * minutes after its end, and `next`, so that a number is never used twice. Records are read at
 * start; later all is written on one thread of its own, in order, because a sync may take long.
 */
#pragma once

#include "base/sc-paths.h"
#include "service/sc-job-record.h"

#include <gio/gio.h>

#define SC_JOB_RETENTION_S 600

typedef struct _ScJobStore ScJobStore;

/**
 * sc_job_store_open:
 * @records: (out) (transfer full): of ScJobRecord, by rising number, without those whose time is
 *   over; a job that had not ended has failed with INTERRUPTED now, and its record is written again
 * @now_usec: since the epoch
 *
 * Blocks. A record that cannot be read is logged and left alone.
 */
ScJobStore *
sc_job_store_open (const ScPaths *paths, gint64 now_usec, GPtrArray **records, GError **error);

/** sc_job_store_close: waits until everything is written */
void sc_job_store_close (ScJobStore *self);

/** sc_job_store_next_id: rises for ever, from 1 */
guint64 sc_job_store_next_id (ScJobStore *self);

/**
 * sc_job_store_save:
 * @callback: (nullable): called when the record is on disk; a failure is logged, and is no reason
 * not to go on
 */
void sc_job_store_save (ScJobStore *self,
                        const ScJobRecord *record,
                        GAsyncReadyCallback callback,
                        gpointer user_data);

/** sc_job_store_delete: in the background */
void sc_job_store_delete (ScJobStore *self, guint64 id);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScJobStore, sc_job_store_close)
