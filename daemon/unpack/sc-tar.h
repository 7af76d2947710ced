/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The members of one tar stream, in order, as checked entries; and the digest of the whole stream,
 * with what follows the end of the archive, which is hashed and never parsed. libarchive reads tar
 * here and nothing else.
 */
#pragma once

#include "image/sc-record.h"
#include "unpack/sc-inflate.h"

typedef struct _ScTar ScTar;

typedef struct
{
  guint64 unpacked_bytes; /* of the whole stream */
  char *digest;           /* (owned) "sha256:…" of these: the diff_id */
} ScTarSummary;

/** sc_tar_new: @stream: (transfer full) */
ScTar *sc_tar_new (ScInflate *stream, ScUnpackKind kind, guint32 max_entries);
void sc_tar_free (ScTar *self);

/**
 * sc_tar_next:
 * @entry: (out) (transfer full):
 *
 * The next member that is worth telling; content of the last one that was not read is skipped.
 *
 * Returns: 1 and @entry; 0 when the whole stream was read; -1 with @error, which quotes the
 * member's name
 */
int sc_tar_next (ScTar *self, ScEntry **entry, GError **error);

/**
 * sc_tar_read:
 * @data: (out): lent until the next call for this tar, at most SC_RECORD_DATA_BYTES
 *
 * The next piece of the content of the last entry, which must be an SC_ENTRY_REGULAR.
 *
 * Returns: 1 and the piece; 0 when all size_bytes of the entry were given; -1 with @error
 */
int sc_tar_read (ScTar *self, gconstpointer *data, gsize *size_bytes, GError **error);

/** sc_tar_summarize: to be called once, after sc_tar_next() gave 0 */
void sc_tar_summarize (ScTar *self, ScTarSummary *summary);
void sc_tar_summary_clear (ScTarSummary *summary);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScTar, sc_tar_free)
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScTarSummary, sc_tar_summary_clear)
