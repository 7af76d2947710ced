/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One layer out of its blob: fed through syscont-unpack as it arrives, its entries become objects.
 */
#pragma once

#include "image/sc-manifest.h"
#include "ops/sc-transfer.h"
#include "ops/sc-worker.h"
#include "store/sc-layer-writer.h"

typedef struct
{
  ScRepo *repo; /* in a transaction */
  const ScConfig *config;
  ScWorker *unpack; /* greeted */
  ScTransfer *transfer;
  guint blob; /* which one of @transfer's */
  ScCompression compression;
  guint64 max_bytes; /* unpacked */
} ScLayerSource;

/** ScLayerReading: what comes of it */
typedef struct
{
  ScLayerWriter *writer; /* (owned) to be finished */
  char *diff_id;         /* (owned) */
  guint64 unpacked_bytes;
} ScLayerReading;

void sc_layer_reading_clear (ScLayerReading *self);

/**
 * sc_layer_read:
 *
 * Returns when the blob was checked, and its whole content is written; a blob that turned out
 * damaged and was brought once more has then been read from its beginning, too.
 */
gboolean sc_layer_read (const ScLayerSource *source,
                        ScLayerReading *reading,
                        GCancellable *cancellable,
                        GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScLayerReading, sc_layer_reading_clear)
