/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The commits that an image consists of.
 */
#pragma once

#include "store/sc-image-store.h"

typedef struct
{
  char *digest; /* (owned) of the blob */
  char *commit; /* (owned) (nullable) NULL when it is not stored */
} ScBlobCommit;

void sc_blob_commit_free (ScBlobCommit *self);

typedef struct
{
  char **names;         /* (owned) commits of all of its names, each once */
  GPtrArray *layers;    /* (owned) of ScBlobCommit, base first; none for a tree made in OSTree */
  ScBlobCommit *config; /* (owned) (nullable) NULL when the manifest names none */
  char *rootfs;         /* (owned) (nullable) the merged tree, NULL when it was not made yet */
} ScImageParts;

/** sc_image_parts_load: errors are those of reading the image commit */
ScImageParts *sc_image_parts_load (ScRepo *repo, const ScImage *image, GError **error);
void sc_image_parts_free (ScImageParts *self);

/**
 * sc_image_is_whole:
 *
 * Whether everything of the image is there as far as can be told without reading its files: nothing
 * missing, nothing that was found damaged and taken away (sc_verify_drop_damaged()).
 */
gboolean sc_image_is_whole (ScRepo *repo, const ScImage *image);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScImageParts, sc_image_parts_free)
