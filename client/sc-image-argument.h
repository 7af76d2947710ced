/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The image argument of pull and install: a name for the service to resolve, or local content that
 * this program opens.
 */
#pragma once

#include <glib.h>

typedef enum
{
  SC_IMAGE_NAME,           /* NAME[:TAG][@DIGEST] */
  SC_IMAGE_OCI_DIR,        /* oci:DIR[:TAG] */
  SC_IMAGE_OCI_ARCHIVE,    /* oci-archive:FILE[:TAG], FILE "-" for standard input */
  SC_IMAGE_DOCKER_ARCHIVE, /* docker-archive:FILE[:NAME] or dockertar:FILE, likewise */
} ScImageKind;

typedef struct
{
  ScImageKind kind;
  char *name; /* (owned) SC_IMAGE_NAME: as given; else the path */
  char *tag;  /* (owned) (nullable) of local content: which image of it */
} ScImageArgument;

/**
 * sc_image_argument_parse:
 *
 * A ":TAG" behind a path is one only when no file has the whole as its name and the rest after the
 * last ":" has no "/". A ":NAME" behind the path of a docker-archive begins at the first ":" that
 * has the name of a file before it. NOT_SUPPORTED for transports that are not known, with what to
 * do instead.
 */
gboolean sc_image_argument_parse (const char *text, ScImageArgument *out, GError **error);
void sc_image_argument_clear (ScImageArgument *self);

/**
 * sc_image_argument_store_name:
 * @ref_name: (nullable): org.opencontainers.image.ref.name of the chosen entry of the layout
 *
 * Returns: (transfer full) (nullable): the name to store a layout under: @ref_name when it is more
 * than a tag, otherwise "basename:TAG"; NULL for a docker-archive, which has the name in it
 */
char *sc_image_argument_store_name (const ScImageArgument *self, const char *ref_name);

/** sc_image_argument_source: (transfer full): where local content is said to come from */
char *sc_image_argument_source (const ScImageArgument *self);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScImageArgument, sc_image_argument_clear)
