/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Manifests and indexes: OCI image-spec 1.x and Docker schema 2, read strictly: a closed set of
 * keys for each media type, contradictory ones refused (CVE-2021-41190), limits of layers and
 * children.
 */
#pragma once

#include "image/sc-platform.h"

typedef enum
{
  SC_COMPRESSION_NONE,
  SC_COMPRESSION_GZIP,
  SC_COMPRESSION_ZSTD,
} ScCompression;

#define SC_MANIFEST_MAX_BYTES  (4 * 1024 * 1024)
#define SC_MANIFEST_MAX_LAYERS 127
#define SC_INDEX_MAX_CHILDREN  256

typedef struct
{
  char *media_type; /* (owned) */
  char *digest;     /* (owned) "sha256:…" */
  guint64 size_bytes;
  ScCompression compression; /* of a layer */
  ScPlatform *platform;      /* (owned) (nullable) of an index's child */
  char *ref_name; /* (owned) (nullable) annotation org.opencontainers.image.ref.name of an index's
                 * child */
} ScDescriptor;

typedef struct
{
  char *media_type; /* (owned) */
  gboolean is_index;
  GPtrArray *children;  /* (owned) of ScDescriptor: those of an index, empty for a manifest */
  ScDescriptor *config; /* (owned) (nullable) NULL for an index */
  GPtrArray *layers;    /* (owned) of ScDescriptor, base first; empty for an index */
} ScManifest;

/** sc_manifest_accept: values of the Accept header for what sc_manifest_parse() knows,
 * NULL-terminated */
extern const char *const sc_manifest_accept[];

/**
 * sc_manifest_parse:
 * @content_type: (nullable): of the HTTP answer or the descriptor; must agree with the document's
 * mediaType
 *
 * Errors: IMAGE_INVALID, LIMIT_EXCEEDED, NOT_SUPPORTED (names schema 1, artifacts, encrypted and
 * non-distributable layers)
 */
ScManifest *sc_manifest_parse (GBytes *bytes, const char *content_type, GError **error);
void sc_manifest_free (ScManifest *self);
void sc_descriptor_free (ScDescriptor *self);

/**
 * sc_manifest_choose:
 * @self: an index
 *
 * Returns: (transfer none) (nullable): the child for @platform, the first of the best rank;
 * PLATFORM_MISMATCH lists what there
 *   is. Children without a platform count only when there is just one child.
 */
const ScDescriptor *
sc_manifest_choose (const ScManifest *self, const ScPlatform *platform, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScManifest, sc_manifest_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScDescriptor, sc_descriptor_free)
