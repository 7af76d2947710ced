/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A cancellable with a time limit: it is cancelled when its parent is, and when the running limit
 * passes. libsoup's own timeout knows neither the phases of a request nor a reader that is slow on
 * purpose.
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScWatch ScWatch;

/** sc_watch_new: @parent: (nullable); timers run in the thread-default main context */
ScWatch *sc_watch_new (GCancellable *parent);
void sc_watch_free (ScWatch *self);

/** sc_watch_get_cancellable: (transfer none) */
GCancellable *sc_watch_get_cancellable (ScWatch *self);

/**
 * sc_watch_start:
 * @reason: static string, what is said when the time is over, e.g. "no connection"
 *
 * Starts the limit anew, whether one was running or not.
 */
void sc_watch_start (ScWatch *self, guint timeout_ms, const char *reason);
void sc_watch_stop (ScWatch *self);

/** sc_watch_explain: replaces a G_IO_ERROR_CANCELLED that the limit caused with a
 * G_IO_ERROR_TIMED_OUT that says so */
void sc_watch_explain (ScWatch *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScWatch, sc_watch_free)
