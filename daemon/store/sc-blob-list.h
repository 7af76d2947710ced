/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The blobs of the store: layers and image configs, also those that no image needs any more.
 */
#pragma once

#include "store/sc-repo.h"

typedef struct
{
  char *digest; /* (owned) of the blob */
  gboolean is_config;
  guint64 size_bytes;       /* unpacked; as compressed where that is not known */
  guint64 compressed_bytes; /* as it was downloaded, 0 when that is not known */
  gint64 stored_usec;
  char **images; /* (owned) digests of the images that have it, each once */
} ScStoredBlob;

void sc_stored_blob_free (ScStoredBlob *self);

/** sc_blob_list: (transfer full): of ScStoredBlob, sorted by digest; images and blobs that cannot be
 * read are left out */
GPtrArray *sc_blob_list (ScRepo *repo, GError **error);
