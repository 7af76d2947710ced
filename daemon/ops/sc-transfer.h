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
#include "image/sc-record.h"
#include "ops/sc-spool.h"

typedef struct _ScTransfer ScTransfer;

typedef struct
{
  const ScPaths *paths;
  GPtrArray
      *blobs; /* of ScBlob, in the order in which they are wanted; lent until sc_transfer_free() */
  ScChannel
      *fetch; /* (nullable) channel of an opened fetch worker; NULL when all blobs are complete */
  ScProgress *progress;
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

/**
 * sc_transfer_wait:
 *
 * Blocks until the blob of the last sc_transfer_feed() was downloaded whole, checked, and written
 * into the pipe (or the pipe's reader had gone: that is for the reader's side to report).
 */
gboolean sc_transfer_wait (ScTransfer *self, GError **error);

/**
 * sc_transfer_has_failed:
 *
 * To be asked, instead of waiting, when the reader of the pipe reported that the stream is broken:
 * does not block.
 *
 * Returns: TRUE with @error when the stream is broken because the blob is
 */
gboolean sc_transfer_has_failed (ScTransfer *self, GError **error);

/** sc_transfer_free: ends the thread, whatever it is doing */
void sc_transfer_free (ScTransfer *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScTransfer, sc_transfer_free)
