/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Compressed blobs on their way: unlinked files on the repository's file system, so that nothing is
 * left of them however the daemon ends. What is in a spooled blob was written by us alone.
 */
#pragma once

#include "base/sc-config.h"
#include "base/sc-digest.h"
#include "base/sc-error-util.h"

typedef struct
{
  char *digest;       /* (owned) "sha256:…", as some manifest or file name claims it */
  guint64 size_bytes; /* as claimed */
  guint64 written_bytes;
  gboolean is_complete; /* size and digest were found to be as claimed */
  int fd;               /* (owned) -1 before the first byte */
  ScHasher *hasher;     /* (owned) (nullable) NULL once it is complete */
} ScBlob;

ScBlob *sc_blob_new (const char *digest, guint64 size_bytes);
void sc_blob_free (ScBlob *self);

/** sc_blob_open: makes the file below @paths->spool */
gboolean sc_blob_open (ScBlob *self, const ScPaths *paths, GError **error);

/** sc_blob_append: hashes and writes; DIGEST_MISMATCH at the first byte too many */
gboolean sc_blob_append (ScBlob *self, gconstpointer data, gsize size_bytes, GError **error);

/** sc_blob_finish: DIGEST_MISMATCH unless size and digest are as claimed */
gboolean sc_blob_finish (ScBlob *self, GError **error);

/** sc_blob_read_all: (transfer full): content of a complete blob; LIMIT_EXCEEDED when it is larger
 * than @max_bytes */
GBytes *sc_blob_read_all (ScBlob *self, gsize max_bytes, GError **error);

/** sc_spool_check_space: NO_SPACE unless @needed_bytes and what the configuration keeps free are
 * there */
gboolean sc_spool_check_space (const ScPaths *paths,
                               const ScConfig *config,
                               guint64 needed_bytes,
                               GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScBlob, sc_blob_free)
