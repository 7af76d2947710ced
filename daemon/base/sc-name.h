/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Grammar of container names: [a-z0-9][a-z0-9_.-]{0,62}, not ending in ".<digits>" or in the suffix
 * of a unit type, so that neither a deployment's directory nor another unit can be meant.
 */
#pragma once

#include <glib.h>

/** sc_name_check: INVALID_NAME quoting @name and saying what is allowed */
gboolean sc_name_check (const char *name, GError **error);
