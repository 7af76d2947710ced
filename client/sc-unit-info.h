/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What systemd and the journal say of the unit of a container, for people and programs that look at
 * it. Nothing of it needs more rights than systemctl(1) and journalctl(1) do.
 */
#pragma once

#include <gio/gio.h>

/**
 * sc_unit_info_get:
 *
 * Returns: (transfer full) (nullable): a{sv} with "active-state" (s), "sub-state" (s), "since" (t):
 *   when that began, "drop-ins" (as): paths; NULL when systemd does not answer
 */
GVariant *sc_unit_info_get (GDBusConnection *bus, const char *unit);

/** sc_unit_info_get_log: (transfer full): the last lines of its journal, not made safe; none for who
 * may not read it */
char **sc_unit_info_get_log (const char *unit, guint n_lines);
