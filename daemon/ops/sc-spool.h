/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The spool: <checkout>/.spool/<64 hex of the digest>, one file for each blob that is downloaded or
 * was begun to be. It is a cache that all jobs share and that outlives them and the daemon: a pull
 * goes on where an earlier one ended, whatever ended it and whichever image it was for. Nothing in
 * it is believed: before a file is used, all of it is hashed, which is also why none is ever synced.
 *
 * A blob is known by its digest alone, so that a job may be given bytes that another one's
 * credentials have fetched. It asked for them by a manifest that its own credentials must have got
 * it; layers that are stored already are shared the same way, and only root reads either.
 */
#pragma once

#include "base/sc-config.h"
#include "ops/sc-blob.h"

/**
 * sc_spool_take:
 *
 * The blob's file, made when it is not there; what is in it counts as a prefix that is not hashed
 * yet. Two jobs that want one blob get the same object, see sc_blob_watch().
 *
 * Returns: (transfer full): to be given back with sc_spool_give_back()
 */
ScBlob *
sc_spool_take (const ScPaths *paths, const char *digest, guint64 size_bytes, GError **error);

/**
 * sc_spool_give_back:
 * @keep: FALSE: this job has no more use for the file; it is removed unless another one works with
 * it
 */
void sc_spool_give_back (ScBlob *blob, gboolean keep);

typedef struct
{
  guint64 total_bytes;
  guint64 reclaimable_bytes; /* of files that no job works with */
} ScSpoolUsage;

/** sc_spool_measure: (thread: any): all of it is 0 when there is no spool */
void sc_spool_measure (const ScPaths *paths, ScSpoolUsage *usage);

/**
 * sc_spool_clean:
 * @now_s: seconds since the epoch
 *
 * Keeps to [Spool] MaxBytes= and RetentionSec=, the oldest files first. Files that a job works with
 * are neither counted nor removed.
 */
gboolean
sc_spool_clean (const ScPaths *paths, const ScConfig *config, gint64 now_s, GError **error);

/** sc_spool_clear: removes every file that no job works with; @freed_bytes: (out): also with a dry
 * run */
gboolean
sc_spool_clear (const ScPaths *paths, gboolean dry_run, guint64 *freed_bytes, GError **error);

/**
 * sc_spool_check_space:
 *
 * NO_SPACE unless @needed_bytes and what the configuration keeps free are there. When removing
 * files that no job works with makes them fit, they are removed.
 */
gboolean sc_spool_check_space (const ScPaths *paths,
                               const ScConfig *config,
                               guint64 needed_bytes,
                               GError **error);
