/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The blobs that one import reads: the config, then each layer that is missing, once. They are lent
 * by a local source, or taken from the spool.
 */
#pragma once

#include "base/sc-progress.h"
#include "image/sc-manifest.h"
#include "ops/sc-spool.h"

#define SC_IMAGE_BLOBS_CONFIG 0 /* the config's place in @list, when it was added first */

typedef struct
{
  const ScPaths *paths;
  const ScConfig *config;
  GHashTable *local; /* (nullable) lent: digest (char*) to complete ScBlob; NULL: use the spool */

  GPtrArray *list;         /* (owned) of ScBlob, in the order in which they are wanted */
  GHashTable *index;       /* (owned) layer digest to index in @list + 1 */
  guint64 total_bytes;     /* of what is not local */
  guint64 present_bytes;   /* of these, in the spool already when they were added */
  guint64 estimated_bytes; /* of the layers, unpacked */
} ScImageBlobs;

/** sc_image_blobs_init: @local: lent, see there */
void sc_image_blobs_init (ScImageBlobs *self,
                          const ScPaths *paths,
                          const ScConfig *config,
                          GHashTable *local);

/** sc_image_blobs_add: IMAGE_INVALID when a local source lacks it, DIGEST_MISMATCH when its size is
 * another one */
gboolean sc_image_blobs_add (ScImageBlobs *self, const ScDescriptor *descriptor, GError **error);

/** sc_image_blobs_add_layer: nothing when it was added before; LIMIT_EXCEEDED when it is too large */
gboolean sc_image_blobs_add_layer (ScImageBlobs *self, const ScDescriptor *layer, GError **error);

/** sc_image_blobs_find_layer: index in @list of a layer that was added */
guint sc_image_blobs_find_layer (const ScImageBlobs *self, const char *digest);

/** sc_image_blobs_count_present: bytes of them that are in the spool now; 0 when they are local */
guint64 sc_image_blobs_count_present (const ScImageBlobs *self);

/** sc_image_blobs_list_progress: (transfer full): for sc_progress_begin_blobs(); empty when they are
 * local */
GPtrArray *sc_image_blobs_list_progress (const ScImageBlobs *self);

/** sc_image_blobs_give_back: @keep: what was downloaded is worth keeping; FALSE: local ones lose their
 * content, too. They are gone then. */
void sc_image_blobs_give_back (ScImageBlobs *self, gboolean keep);

/** sc_image_blobs_clear: keeps what was downloaded */
void sc_image_blobs_clear (ScImageBlobs *self);
