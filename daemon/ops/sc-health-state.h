/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What the health checks of a container have found since its service was started:
 * /run/syscont/health/NAME, JSON. The unit removes it before each start. Written by the check, read
 * by whoever wants to know.
 */
#pragma once

#include "base/sc-error-util.h"
#include "base/sc-paths.h"
#include "deploy/sc-health.h"

typedef enum
{
  SC_HEALTH_STARTING, /* no check has passed, and none has failed too often */
  SC_HEALTH_HEALTHY,
  SC_HEALTH_UNHEALTHY,
} ScHealthVerdict;

typedef struct
{
  ScHealthVerdict verdict;
  guint failures; /* in a row */
} ScHealthState;

/** sc_health_verdict_name: "starting", "healthy" or "unhealthy" */
const char *sc_health_verdict_name (ScHealthVerdict verdict);

/**
 * sc_health_state_add:
 * @age_usec: how long the service has run
 *
 * What one more check makes of it. Pure.
 */
void
sc_health_state_add (ScHealthState *self, const ScHealth *health, gboolean passed, gint64 age_usec);

/** sc_health_state_load: one that is not there, or cannot be read, is that of a service that has
 * just been started */
void sc_health_state_load (ScHealthState *self, const ScPaths *paths, const char *name);
gboolean sc_health_state_save (const ScHealthState *self,
                               const ScPaths *paths,
                               const char *name,
                               GError **error);

/** sc_health_state_directory: (transfer full): where the files are */
char *sc_health_state_directory (const ScPaths *paths);
