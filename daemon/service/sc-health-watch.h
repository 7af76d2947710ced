/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the health checks of containers find, kept current: checks run without the service, and
 * leave their results in files.
 */
#pragma once

#include "ops/sc-health-state.h"

#include <gio/gio.h>

typedef struct _ScHealthWatch ScHealthWatch;

/** ScHealthWatchFunc: a check of the container @name may have changed what is known of it */
typedef void (*ScHealthWatchFunc) (const char *name, gpointer user_data);

/** sc_health_watch_new: (thread: main): @paths: lent, must live longer */
ScHealthWatch *
sc_health_watch_new (const ScPaths *paths, ScHealthWatchFunc changed, gpointer user_data);
void sc_health_watch_free (ScHealthWatch *self);

/** sc_health_watch_get: "starting", "healthy" or "unhealthy": of a container that is checked and
 * whose service runs */
const char *sc_health_watch_get (const ScHealthWatch *self, const char *name);
