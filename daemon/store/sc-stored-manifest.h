/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the store needs to know from a manifest that is stored already, by whatever tool: also
 * schema 1 and the older form with a list "Layers". Lenient where sc-manifest.h is strict, for
 * nothing is fetched by it. Private to store/.
 */
#pragma once

#include "store/sc-repo.h"

typedef struct
{
  char *text;           /* (owned) the manifest itself */
  char **layers;        /* (owned) digests, base first */
  guint64 *layer_sizes; /* (owned) of @layers, as the manifest says; 0 = not said */
  char *config_digest;  /* (owned) (nullable) */
  gboolean is_schema1;
  char *platform;     /* (owned) (nullable) of a schema 1 manifest */
  GHashTable *labels; /* (owned) of a manifest without a config: char* to char* */
} ScStoredManifest;

/** sc_stored_manifest_parse: IMAGE_INVALID, LIMIT_EXCEEDED */
ScStoredManifest *sc_stored_manifest_parse (const char *text, GError **error);

/**
 * sc_stored_manifest_load:
 * @manifest: (out) (transfer full) (nullable): NULL when the commit is no image commit but a tree
 * made in OSTree itself
 */
gboolean sc_stored_manifest_load (ScRepo *repo,
                                  const char *commit,
                                  ScStoredManifest **manifest,
                                  GError **error);
void sc_stored_manifest_free (ScStoredManifest *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScStoredManifest, sc_stored_manifest_free)
