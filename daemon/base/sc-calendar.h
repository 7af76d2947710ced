/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calendar expressions as systemd has them (systemd.time(7), "CALENDAR EVENTS"), to the minute:
 * weekdays, lists, ranges, repetitions, "~" for days from the end of a month, names such as "daily",
 * and UTC; local time without it. Pure, but for the time zone.
 */
#pragma once

#include "base/sc-error-util.h"

/** sc_calendar_check: INVALID_ARGUMENT quotes @expression and says where it cannot be understood */
gboolean sc_calendar_check (const char *expression, GError **error);

/**
 * sc_calendar_is_open:
 * @expression: when a window opens; one that cannot be understood never does
 * @duration_usec: how long it stays open; at most 7 days are looked back
 *
 * Seconds of @expression are not looked at.
 */
gboolean sc_calendar_is_open (const char *expression, gint64 duration_usec, gint64 now_usec);
