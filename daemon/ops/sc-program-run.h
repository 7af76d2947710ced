/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs a program under the OCI runtime in a transient service, to its end: in a container that
 * runs, or in one of its own that is gone afterwards.
 */
#pragma once

#include "host/sc-systemd.h"
#include "ops/sc-op.h"

/** ScProgramRun: everything is lent */
typedef struct
{
  ScSystemd *systemd;
  const char *runtime; /* path */
  const char *unit;    /* of the transient service, without ".service" */
  const char
      *directory; /* absolute path of what belongs to this run alone; the runtime writes there
                          * what went wrong */
  const char *description;
  const int *stdio;           /* (nullable) three fds; NULL for the journal */
  const char *container_unit; /* (nullable) a service with which the program ends */
  guint stop_timeout_s;       /* as in ScCommand */
} ScProgramRun;

#define SC_PROGRAM_PROCESS_FILE "process.json" /* in the directory, for sc_program_enter() */

/**
 * sc_program_enter:
 * @container: that the runtime runs
 * @exit_status: (out): what the program exited with, 128 and the number of the signal that ended it;
 *   127 when there is no such program in the container, 126 when it cannot be run
 *
 * Errors: START_FAILED with what the runtime said
 */
gboolean sc_program_enter (const ScProgramRun *self,
                           const char *container,
                           int *exit_status,
                           GCancellable *cancellable,
                           GError **error);

/** sc_program_has_container: whether the runtime has a container of that name */
gboolean sc_program_has_container (ScSystemd *systemd,
                                   const char *runtime,
                                   const char *container,
                                   GCancellable *cancellable);

/**
 * sc_program_run_bundle:
 * @lower: (nullable): lowerdir= of the overlay that is the root, relative to the directory, for
 *   commas and colons of a path mean something else there; NULL when config.json names a root that
 *   need not be mounted
 *
 * Runs the bundle that the directory is, in a container with the name of the unit. Otherwise as
 * sc_program_enter().
 */
gboolean sc_program_run_bundle (const ScProgramRun *self,
                                const char *lower,
                                int *exit_status,
                                GCancellable *cancellable,
                                GError **error);
