/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When syscont-update.timer elapses next, as systemd says it.
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScNextCheck ScNextCheck;

/** ScNextCheckFunc: @time_usec: since the epoch; 0 = never */
typedef void (*ScNextCheckFunc) (guint64 time_usec, gpointer user_data);

/** sc_next_check_new: (thread: main): @changed is called when it is known, and whenever it changes */
ScNextCheck *sc_next_check_new (GDBusConnection *bus, ScNextCheckFunc changed, gpointer user_data);
void sc_next_check_free (ScNextCheck *self);
