/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a unit has written to the journal, for the report of an update that did not work.
 */
#pragma once

#include <glib.h>

/**
 * sc_journal_last_lines:
 * @unit: full unit name
 * @since_usec: since the epoch; older lines are left out
 * @max_lines: the newest ones
 *
 * Blocks. Control characters are escaped; long lines are cut.
 *
 * Returns: (transfer full): in the order of time; empty when the journal cannot be read
 */
char **sc_journal_last_lines (const char *unit, gint64 since_usec, guint max_lines);
