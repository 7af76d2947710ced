/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An oci-archive: the tar of an OCI image layout (image-spec image-layout.md). syscont-unpack reads
 * the tar; members come back and go to the spool, where each blob is checked against the digest
 * that it is named after.
 */
#pragma once

#include "ops/sc-op.h"
#include "ops/sc-resolve.h"
#include "ops/sc-spool.h"

typedef struct
{
  GBytes *index;     /* (owned) index.json */
  GHashTable *blobs; /* (owned) digest (char*) to complete ScBlob */
} ScArchive;

void sc_archive_clear (ScArchive *self);

/**
 * sc_archive_read:
 * @source_fd: (transfer full): regular file or pipe
 *
 * Errors: IMAGE_INVALID, DIGEST_MISMATCH, LIMIT_EXCEEDED, NO_SPACE
 */
gboolean sc_archive_read (ScArchive *self,
                          ScOpContext *context,
                          ScWorker *unpack,
                          int source_fd,
                          GCancellable *cancellable,
                          GError **error);

/**
 * sc_archive_resolve:
 * @tag: (nullable): the org.opencontainers.image.ref.name of an entry of index.json; NULL when
 * there is one for the
 *   platform only
 * @ref_name: (out) (nullable): that of the chosen entry
 *
 * As sc_resolve(), from what was read.
 */
gboolean sc_archive_resolve (const ScArchive *self,
                             const char *tag,
                             const ScPlatform *platform,
                             ScResolved *resolved,
                             char **ref_name,
                             GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScArchive, sc_archive_clear)
