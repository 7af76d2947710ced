/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the two halves of sc-image-check.h share. Nobody else includes this.
 */
#pragma once

#include "ops/sc-image-check.h"

struct _ScImageCheck
{
  ScOpContext *context;
  ScRepo *repo;           /* lent */
  ScImage *image;         /* (owned) (nullable) */
  char *name;             /* (owned) */
  ScImageParts *parts;    /* (owned) (nullable) of image */
  GPtrArray *deployments; /* (owned) of Deployment */

  GHashTable *objects;  /* (owned) set of char*: damaged ones */
  GPtrArray *layers;    /* (owned) of char*: digests of layers with damage */
  GPtrArray *files;     /* (owned) of char*: "CONTAINER.<n>/PATH" that are not as stored */
  guint n_replaced;     /* files of deployments */
  gboolean is_repaired; /* it was damaged, and now it is not */
  char *error;          /* (owned) (nullable) why it could not be repaired, or read */
};

typedef enum
{
  SC_IMAGE_PART_NAME,   /* image commit */
  SC_IMAGE_PART_CONFIG, /* @digest is the blob's */
  SC_IMAGE_PART_LAYER,  /* @digest is the blob's */
  SC_IMAGE_PART_TREE,   /* merged */
} ScImagePartKind;

typedef struct
{
  ScImagePartKind kind;
  const char *digest; /* (nullable) */
  const char *commit; /* (nullable) NULL when it is not stored */
} ScImagePart;

/** sc_image_check_list_parts: (transfer full): of ScImagePart: all commits that there are, or should be */
GArray *sc_image_check_list_parts (const ScImageCheck *self);

/** sc_image_check_deployments: looks at their files, and replaces those that are not as stored with
 * @repair */
gboolean sc_image_check_deployments (ScImageCheck *self, gboolean repair, GError **error);
