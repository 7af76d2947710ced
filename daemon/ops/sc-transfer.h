/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Moves blobs: from syscont-fetch into the spool, up to three at a time, hashing each; and from the
 * spool into syscont-unpack, one at a time, as far as it has come. One thread with one poll(2) loop
 * does all of it, beside the job's thread, which reads what unpack makes of it.
 *
 *     fetch ─pipe─▶ hash + spool ─pipe─▶ unpack
 */
#pragma once

#include "base/sc-progress.h"
#include "ops/sc-download.h"

typedef struct _ScTransfer ScTransfer;

typedef struct
{
  const ScPaths *paths;
  const ScConfig *config;
  GPtrArray *blobs; /* of ScBlob, in the order in which they are wanted, taken from the spool or
                     * complete; lent until sc_transfer_free() */
  ScChannel
      *fetch; /* (nullable) channel of an opened fetch worker; NULL when all blobs are complete */
  GPtrArray *endpoints; /* (nullable) of ScEndpoint: those that were opened, for the log */
  ScProgress *progress; /* its blobs, when it has any, are these */
} ScTransferSetup;

/** sc_transfer_new: starts the thread, and with it the downloads */
ScTransfer *sc_transfer_new (const ScTransferSetup *setup);

/**
 * sc_transfer_feed:
 * @index: of a blob
 * @fd: (transfer full): write end of a pipe, or -1 to only wait for the download
 *
 * Writes the blob into @fd and closes that at its end, or as soon as anything is wrong with the
 * blob. One at a time; the next call must come after sc_transfer_wait().
 */
void sc_transfer_feed (ScTransfer *self, guint index, int fd);

typedef enum
{
  SC_TRANSFER_FAILED,
  SC_TRANSFER_DONE,
  SC_TRANSFER_AGAIN, /* what was written was damaged, and the blob is brought once more: feed it to
                      * another pipe */
} ScTransferEnd;

/**
 * sc_transfer_wait:
 *
 * Blocks until the blob of the last sc_transfer_feed() was downloaded whole, checked, and written
 * into the pipe (or the pipe's reader had gone: that is for the reader's side to report).
 */
ScTransferEnd sc_transfer_wait (ScTransfer *self, GError **error);

/**
 * sc_transfer_has_failed:
 *
 * To be asked, instead of waiting, when the reader of the pipe could not go on: does not block.
 *
 * Returns: TRUE with @error when that is because something is wrong with the blob
 */
gboolean sc_transfer_has_failed (ScTransfer *self, GError **error);

typedef struct
{
  guint64 line_bytes;    /* that came from the registry, damaged and repeated ones included */
  guint64 spooled_bytes; /* of what is in the spool now: that this transfer brought */
} ScTransferCounts;

/** sc_transfer_end: ends the thread, whatever it is doing; the downloads so far stay in the spool */
void sc_transfer_end (ScTransfer *self, ScTransferCounts *counts);

/** sc_transfer_free: after sc_transfer_end(), or instead of it */
void sc_transfer_free (ScTransfer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScTransfer, sc_transfer_free)
