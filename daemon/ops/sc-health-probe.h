/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One health check of a container whose service runs: a command in the container, or a service of
 * the host, each run by systemd.
 */
#pragma once

#include "deploy/sc-health.h"
#include "host/sc-systemd.h"

/** ScHealthProbe: everything is lent */
typedef struct
{
  ScSystemd *systemd;
  const char *name;       /* of the container */
  const char *runtime;    /* path of runc or crun */
  const ScHealth *health; /* complete */
} ScHealthProbe;

/**
 * sc_health_probe_run:
 * @max_usec: it is given up after that, or after its own timeout when that comes first
 *
 * Blocks. Errors: HEALTH_CHECK_FAILED with the exit status and the last line that it printed;
 * TIMED_OUT; what systemd says
 */
gboolean sc_health_probe_run (const ScHealthProbe *self, gint64 max_usec, GError **error);
