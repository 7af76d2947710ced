/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What systemd does with the units of the containers, kept current by its signals. Without a
 * systemd on the bus every unit is "stopped". Whether a unit ever ran is what systemd still knows
 * of it, or the mark that was written when it was seen.
 */
#pragma once

#include "service/sc-start-marks.h"

#include <gio/gio.h>

typedef struct _ScUnitWatch ScUnitWatch;

/** ScUnitWatchFunc: a unit's state has changed, or is known now */
typedef void (*ScUnitWatchFunc) (const char *unit, const char *state, gpointer user_data);

/** sc_unit_watch_new: @marks: lent, must live longer */
ScUnitWatch *sc_unit_watch_new (GDBusConnection *bus,
                                ScStartMarks *marks,
                                ScUnitWatchFunc changed,
                                gpointer user_data);
void sc_unit_watch_free (ScUnitWatch *self);

/** ScUnitWatchReadyFunc: systemd has told the state of all units */
typedef void (*ScUnitWatchReadyFunc) (gpointer user_data);

/**
 * sc_unit_watch_set_units:
 * @units: the ones to watch from now on
 * @ready: called once, when all new ones are known, from the main context or, without a new one,
 * before this returns
 *
 * A state that is found this way is told through the changed function, too.
 */
void sc_unit_watch_set_units (ScUnitWatch *self,
                              const char *const *units,
                              ScUnitWatchReadyFunc ready,
                              gpointer user_data);

/**
 * sc_unit_watch_get:
 *
 * (nullable): "running", "stopped", "failed" or "installed"; NULL for a unit that is not watched
 */
const char *sc_unit_watch_get (ScUnitWatch *self, const char *unit);

/**
 * sc_unit_state:
 * @active_state: as systemd says it
 * @ever_ran: whether it was active at any time
 *
 * Returns: the same in our words
 */
const char *sc_unit_state (const char *active_state, gboolean ever_ran);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScUnitWatch, sc_unit_watch_free)
