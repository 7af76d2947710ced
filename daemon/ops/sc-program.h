/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A program that an operation runs for its caller: what it is, where it reads and writes, and how
 * the caller reaches it while it runs.
 */
#pragma once

#include "deploy/sc-process.h"

#include <gio/gio.h>

#define SC_PROGRAM_N_STDIO 3

/** ScProgramRequest: everything is lent */
typedef struct
{
  ScProcess process;     /* checked with sc_process_check() */
  const int *stdio;      /* (nullable) three fds, which are duplicated; NULL for the journal */
  const char *unit_stem; /* of its unit's name */
} ScProgramRequest;

typedef struct _ScProgram ScProgram;

ScProgram *sc_program_new (const ScProgramRequest *request);
void sc_program_free (ScProgram *self);

/** sc_program_get_process: (transfer none) */
const ScProcess *sc_program_get_process (const ScProgram *self);

/** sc_program_get_stdio: (transfer none) (nullable): three fds */
const int *sc_program_get_stdio (const ScProgram *self);

/** sc_program_dup_unit: (transfer full): name of the transient service, without ".service", when
 * job @job_id runs the program; also what the runtime calls a container of its own */
char *sc_program_dup_unit (const ScProgram *self, guint64 job_id);

/**
 * sc_program_look_at_terminal:
 *
 * Finds out how large the terminal is that it is to have; INVALID_ARGUMENT when that is none. May
 * block where the caller's descriptor does.
 */
gboolean sc_program_look_at_terminal (ScProgram *self, GError **error);

/**
 * sc_program_resize:
 *
 * Gives its terminal another size; the program is told. (thread: any). INVALID_ARGUMENT for a size
 * that a terminal cannot have, NOT_SUPPORTED without a terminal.
 */
gboolean sc_program_resize (ScProgram *self, guint rows, guint columns, GError **error);

/**
 * sc_program_signal_async:
 *
 * Sends a signal to the program that job @job_id runs. sc_program_signal_finish(): BUSY when it does
 * not run.
 */
void sc_program_signal_async (ScProgram *self,
                              GDBusConnection *bus,
                              guint64 job_id,
                              int signal,
                              GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean sc_program_signal_finish (GDBusConnection *bus, GAsyncResult *result, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScProgram, sc_program_free)
