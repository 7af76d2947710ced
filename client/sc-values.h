/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What verbs that take values and times on the command line read in the same way.
 */
#pragma once

#include <gio/gunixfdlist.h>

/** sc_values_to_variant: (transfer floating) (nullable): an a{ss} of "KEY=VALUE" texts; NULL when one
 * has no "="; @values: (nullable) */
GVariant *sc_values_to_variant (char **values);

/** sc_values_add: the same as the option "values"; FALSE when one has no "=" */
gboolean sc_values_add (char **values, GVariantBuilder *options);

/**
 * sc_secrets_add:
 * @secrets: (nullable): "KEY=FILE" texts; "-" is standard input
 * @fds: (inout) (nullable): what goes with the call
 *
 * Adds the option "secrets" with the contents of the files, without a newline at their end.
 */
gboolean
sc_secrets_add (char **secrets, GVariantBuilder *options, GUnixFDList **fds, GError **error);

/**
 * sc_parse_duration:
 * @text: a number of seconds, or with a unit: "90", "10s", "5min", "12h", "3d", "2w"
 */
gboolean sc_parse_duration (const char *text, guint64 *usec);

/**
 * sc_parse_time:
 * @text: a local date and time, "2026-01-31" or "2026-01-31 18:30", or a duration from now, "+3d"
 * @time_usec: (out): since the epoch
 */
gboolean sc_parse_time (const char *text, gint64 now_usec, guint64 *time_usec);
