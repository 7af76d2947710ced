/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the parts of a container's state file read and write in the same way. Nobody outside deploy/
 * includes this.
 */
#pragma once

#include "base/sc-json.h"

/** sc_stored_copy: (transfer full): @object: (nullable): members that we do not know stay */
JsonObject *sc_stored_copy (JsonObject *object);

/** sc_stored_read_string: *out: (transfer full) (nullable) */
gboolean sc_stored_read_string (JsonObject *object, const char *member, char **out, GError **error);

/** sc_stored_read_time: a missing one is 0 */
gboolean
sc_stored_read_time (JsonObject *object, const char *member, gint64 *out_usec, GError **error);

/** sc_stored_read_number: a missing one is -1, and -1 is left out when written */
gboolean
sc_stored_read_number (JsonObject *object, const char *member, gint64 *out, GError **error);
void sc_stored_write_number (JsonObject *object, const char *member, gint64 number);

/** sc_stored_read_values: adds char* to char* to @values */
gboolean
sc_stored_read_values (JsonObject *object, const char *member, GHashTable *values, GError **error);

/** sc_stored_write_values: (transfer full): in the order of their names */
JsonObject *sc_stored_write_values (GHashTable *values);

/** sc_stored_write_strv: (transfer full) */
JsonArray *sc_stored_write_strv (const char *const *texts);
