/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From a known manifest to an image in the store, for every kind of source: blobs that are missing
 * are brought and checked, layers become commits, and one transaction makes all of it visible at
 * once.
 */
#pragma once

#include "image/sc-image-config.h"
#include "ops/sc-op.h"
#include "ops/sc-resolve.h"
#include "ops/sc-spool.h"
#include "store/sc-repo.h"

typedef struct
{
  ScOpContext *context;
  ScRepo *repo;
  ScWorker *unpack;        /* (nullable) greeted; NULL when the image was found to be stored */
  ScWorker *fetch;         /* (nullable) greeted and opened; NULL when @local_blobs has all blobs */
  GPtrArray *endpoints;    /* (nullable) of ScEndpoint: what @fetch was opened with */
  GHashTable *local_blobs; /* (nullable) digest (char*) to complete ScBlob */
  const ScPlatform *platform; /* what the image must be for */
  const char *fullname;       /* name in the store */
  const char *source;         /* transport string as given */
  const ScResolved *resolved;
} ScImageImport;

/**
 * sc_image_import:
 *
 * Sets in the context's result: digest, reference, dropped-nodes, changed, and, also when it fails,
 * downloaded-bytes and resumed-bytes. Blobs stay in the spool until all that they hold is about to be
 * committed. An image that is stored under that name already is left alone,
 * one that is stored under another name gets this one too.
 */
gboolean sc_image_import (const ScImageImport *self, GCancellable *cancellable, GError **error);

/* --- what every way into the store does alike --- */

/** sc_image_import_parse_config: PLATFORM_MISMATCH when it is not for @platform; the message names
 * the config by the manifest's digest of it */
ScImageConfig *sc_image_import_parse_config (GBytes *bytes,
                                             const ScManifest *manifest,
                                             const ScPlatform *platform,
                                             GError **error);

typedef struct
{
  const char *digest;
  const char *fullname;
  guint64 downloaded_bytes;
  guint64 resumed_bytes;
  guint dropped;
  gboolean changed;
} ScImportOutcome;

/** sc_image_import_report: sets the context's result as described above, and notes when this digest
 * was seen first */
void sc_image_import_report (ScOpContext *context, const ScImportOutcome *outcome);
