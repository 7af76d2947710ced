/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Starts a service and watches whether it stays up, with everything that depends on it.
 */
#pragma once

#include "ops/sc-health-probe.h"

/** ScObservation: everything is lent */
typedef struct
{
  ScSystemd *systemd;
  const char *unit;
  char **dependants;          /* units that have to be active too */
  gint64 observe_usec;        /* from the start on; 0: only the start is waited for */
  guint start_timeout_s;      /* where the start may take longer than it is watched */
  const ScHealthProbe *probe; /* (nullable) that has to pass */
} ScObservation;

/**
 * sc_observe:
 *
 * Blocks for as long as it watches, and no longer than a start that does not end. A service that
 * says itself when it is ready must do so in that time; a oneshot service must end well; others must
 * keep their main process and not be restarted. At the end all dependants must be active, and the
 * last health check must have passed; until then one may fail.
 *
 * Errors: START_FAILED, TIMED_OUT, HEALTH_CHECK_FAILED; the message names the unit and is the reason
 * for going back
 */
gboolean sc_observe (const ScObservation *self, GError **error);
