/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Template values that nobody may read: containers/NAME.secrets below the state directory, mode
 * 0600, with those of each deployment, so that a rollback has its own. They go into config.json and
 * nowhere else.
 */
#pragma once

#include "base/sc-error-util.h"
#include "base/sc-paths.h"
#include "deploy/sc-container.h"
#include "deploy/sc-template.h"

/** sc_secrets_new: (transfer full): an empty table of char* to char* */
GHashTable *sc_secrets_new (void);

/** sc_secrets_load: (transfer full) (nullable): of one deployment; empty when it has none; DAMAGED */
GHashTable *
sc_secrets_load (const ScPaths *paths, const char *name, guint64 deployment, GError **error);

/**
 * sc_secrets_save:
 * @secrets: (nullable): none
 *
 * Writes those of a deployment that is about to be made. Durable when it returns.
 */
gboolean sc_secrets_save (const ScPaths *paths,
                          const char *name,
                          guint64 deployment,
                          GHashTable *secrets,
                          GError **error);

/** sc_secrets_trim: forgets those of deployments that the container does not have; the file goes with
 * the last */
gboolean sc_secrets_trim (const ScPaths *paths, const char *name, GError **error);
gboolean sc_secrets_delete (const ScPaths *paths, const char *name, GError **error);

/** sc_secrets_hide: (transfer full): @text without any of the values; @values: char* to char*. Values
 * that are too short to be told from other text stay */
char *sc_secrets_hide (const char *text, GHashTable *values);

/** ScConcealed: what stands for the secrets of a deployment while it is rendered */
typedef struct _ScConcealed ScConcealed;

/**
 * sc_conceal:
 * @secrets: (nullable) char* to char*
 *
 * Gives @values a word of chance for each secret. Whatever is made of the rendered config.json can be
 * looked through for these words, and shows nothing.
 */
ScConcealed *sc_conceal (ScValues *values, GHashTable *secrets);
void sc_concealed_free (ScConcealed *self);

/** sc_concealed_check: TEMPLATE_INVALID naming the secret that @text, which is @what, depends on;
 * @text: (nullable) */
gboolean
sc_concealed_check (const ScConcealed *self, const char *what, const char *text, GError **error);

/** sc_concealed_reveal: (transfer full): @json, the text of a JSON document, with the secrets */
char *sc_concealed_reveal (const ScConcealed *self, const char *json);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScConcealed, sc_concealed_free)
