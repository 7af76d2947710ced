/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files of groups and keys, as the configuration is made of: read whole, with errors that name the
 * file. What the keys mean is for the caller.
 */
#pragma once

#include <glib.h>

/**
 * sc_key_file_list:
 * @dir: absolute path
 *
 * Returns: (transfer full) (nullable): of char*: paths of @dir/….conf in the order of their names;
 *   none when there is no directory
 */
GPtrArray *sc_key_file_list (const char *dir, GError **error);

/**
 * sc_key_file_load:
 * @path: absolute path
 *
 * Returns: (transfer full) (nullable): NOT_FOUND when there is no such file, INVALID_ARGUMENT when it
 *   cannot be parsed
 */
GKeyFile *sc_key_file_load (const char *path, GError **error);

/**
 * sc_key_file_fail:
 * @taken: (transfer full): what is wrong in the file, in SYSCONT_ERROR or GKeyFile's own domain
 *
 * Sets @error to it, with @path in front; a code that is not ours becomes INVALID_ARGUMENT. Returns:
 * always FALSE
 */
gboolean sc_key_file_fail (GError **error, GError *taken, const char *path);

/** sc_key_file_fail_value: INVALID_ARGUMENT: "@value" is not @expected. Returns: always FALSE */
gboolean sc_key_file_fail_value (const char *value, const char *expected, GError **error);
