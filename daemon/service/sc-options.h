/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads the dictionary of options that every method ends with: only keys that the method knows,
 * each once and of its type. A key is never ignored. Pure: what a value means is for the request
 * parsers.
 */
#pragma once

#include <glib.h>

/** ScOptionSpec: a key that a method knows; a table ends with an empty row */
typedef struct
{
  const char *key;
  const char *type; /* GVariant type string */
} ScOptionSpec;

typedef struct _ScOptions ScOptions;

/**
 * sc_options_parse:
 * @method: for messages
 * @dictionary: of type a{sv}
 *
 * Returns: (transfer full) (nullable): INVALID_ARGUMENT names the key and @method
 */
ScOptions *sc_options_parse (const char *method,
                             const ScOptionSpec *specs,
                             GVariant *dictionary,
                             GError **error);
void sc_options_free (ScOptions *self);

gboolean sc_options_get_bool (const ScOptions *self, const char *key, gboolean fallback);

/** sc_options_get_string: (nullable): NULL when it was not given */
const char *sc_options_get_string (const ScOptions *self, const char *key);

/** sc_options_get_handle_map: (transfer container) (nullable): an a{sh}: char* (lent) to the index
 * (GINT_TO_POINTER); NULL when it was not given */
GHashTable *sc_options_get_handle_map (const ScOptions *self, const char *key);

/** sc_options_get_handle: FALSE when it was not given; @handle: (out): index of a file descriptor */
gboolean sc_options_get_handle (const ScOptions *self, const char *key, gint32 *handle);

/** sc_options_get_handles: (transfer none) (nullable): NULL when it was not given; @n: (out): how many */
const gint32 *sc_options_get_handles (const ScOptions *self, const char *key, gsize *n);

/** sc_options_get_strv: (transfer container) (nullable): NULL when it was not given */
const char **sc_options_get_strv (const ScOptions *self, const char *key);

/**
 * sc_options_get_map:
 * @map: (out) (transfer full): char* to char*; NULL when it was not given
 *
 * An a{ss}; INVALID_ARGUMENT when it has a name twice.
 */
gboolean
sc_options_get_map (const ScOptions *self, const char *key, GHashTable **map, GError **error);

/** sc_options_get_dict: (transfer full) (nullable): an a{sv}, for sc_options_parse(); NULL when it
 * was not given */
GVariant *sc_options_get_dict (const ScOptions *self, const char *key);

/** sc_options_get_uint64: FALSE when it was not given */
gboolean sc_options_get_uint64 (const ScOptions *self, const char *key, guint64 *value);

/** sc_options_get_uint32: of type u */
guint32 sc_options_get_uint32 (const ScOptions *self, const char *key, guint32 fallback);

/** sc_options_read_map: (transfer full) (nullable): of an a{ss} that is no option; INVALID_ARGUMENT
 * when it has a name twice; @what: for messages */
GHashTable *sc_options_read_map (const char *what, GVariant *dictionary, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScOptions, sc_options_free)
