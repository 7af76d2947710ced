/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * systemd's D-Bus interface (org.freedesktop.systemd1(5)), blocking, for a job's thread. Waits for
 * the result of each unit job.
 */
#pragma once

#include "base/sc-error-util.h"

typedef struct _ScSystemd ScSystemd;

/**
 * sc_systemd_new:
 * @bus: the system bus
 *
 * (thread: the one that uses it): signals are received in its thread-default main context, which
 * only this object may iterate.
 */
ScSystemd *sc_systemd_new (GDBusConnection *bus, GError **error);
void sc_systemd_free (ScSystemd *self);

gboolean sc_systemd_reload (ScSystemd *self, GCancellable *cancellable, GError **error);

/**
 * sc_systemd_start, _stop, _restart:
 * @unit: full unit name
 * @timeout_s: TIMED_OUT after that
 *
 * Errors: START_FAILED with systemd's job result ("failed", "timeout", "dependency" …) and what to
 * look at; NOT_FOUND. Stopping what does not run succeeds.
 */
gboolean sc_systemd_start (
    ScSystemd *self, const char *unit, guint timeout_s, GCancellable *cancellable, GError **error);
gboolean sc_systemd_stop (
    ScSystemd *self, const char *unit, guint timeout_s, GCancellable *cancellable, GError **error);
gboolean sc_systemd_restart (
    ScSystemd *self, const char *unit, guint timeout_s, GCancellable *cancellable, GError **error);

/** sc_systemd_enqueue_start: does not wait for the end of the job */
gboolean sc_systemd_enqueue_start (ScSystemd *self, const char *unit, GError **error);

/** sc_systemd_wait: lets time pass, for those who look again and again */
void sc_systemd_wait (ScSystemd *self, guint interval_ms, GCancellable *cancellable);

/** sc_systemd_enable: exactly this unit file; the caller reloads afterwards */
gboolean
sc_systemd_enable (ScSystemd *self, const char *unit, GCancellable *cancellable, GError **error);

/** sc_systemd_reset_failed: forgets a failed state, and how often the unit was started lately; errors
 * are not one */
void sc_systemd_reset_failed (ScSystemd *self, const char *unit, GCancellable *cancellable);

/** sc_systemd_find_invocation: (transfer full) (nullable): name of the unit with this invocation id
 * (32 hex) */
char *sc_systemd_find_invocation (ScSystemd *self,
                                  const char *invocation_id,
                                  GCancellable *cancellable,
                                  GError **error);

/**
 * sc_systemd_ref_unit:
 *
 * Keeps systemd from forgetting a unit that ended, so that its Result can be read, until
 * sc_systemd_unref_unit() or until the bus connection ends.
 */
gboolean
sc_systemd_ref_unit (ScSystemd *self, const char *unit, GCancellable *cancellable, GError **error);
void sc_systemd_unref_unit (ScSystemd *self, const char *unit);

/**
 * sc_systemd_signal_async:
 * @callback: (nullable): for sc_systemd_signal_finish()
 *
 * Sends @signal to the main process of @unit, without blocking: from any thread with a main context.
 */
void sc_systemd_signal_async (GDBusConnection *bus,
                              const char *unit,
                              int signal,
                              GAsyncReadyCallback callback,
                              gpointer user_data);

/** sc_systemd_signal_finish: BUSY when there is no such process (yet, or any more) */
gboolean sc_systemd_signal_finish (GDBusConnection *bus, GAsyncResult *result, GError **error);

/** sc_systemd_kill: SIGKILL to all processes of a unit; errors are not one */
void sc_systemd_kill (ScSystemd *self, const char *unit);

/**
 * sc_systemd_run:
 * @argv: absolute path of a program and its arguments
 * @description: of the transient unit
 *
 * Runs a program in a transient service unit, as root, and waits for its end. FAILED when it exits
 * with another status than 0.
 */
gboolean sc_systemd_run (ScSystemd *self,
                         const char *const *argv,
                         const char *description,
                         guint timeout_s,
                         GCancellable *cancellable,
                         GError **error);

/** ScCommand: a program that is run to its end */
typedef struct
{
  const char *unit;        /* (nullable) name of the transient service; NULL for one of its own */
  const char *const *argv; /* absolute path of a program and its arguments */
  const char *description; /* of the transient unit */
  const char *directory;   /* (nullable) where it runs */
  const int *stdio;        /* (nullable) its standard input, output and error */
  gboolean delegate;       /* it makes control groups below its own */
  const char *const *bound_to;      /* (nullable) units with which it ends, whatever ends them */
  const char *const *const *before; /* (nullable) commands before it, up to a NULL */
  const char *const *const *after;  /* (nullable) commands when it has ended, whichever way */
  guint timeout_s;                  /* 0 = as long as it takes */
  gboolean is_quiet;                /* that it was run is not worth a line in the journal */
  guint
      stop_timeout_s; /* how long it may take to end after SIGTERM and SIGHUP, which a shell minds;
                         * 0 = systemd's default, and only SIGTERM */
} ScCommand;

/**
 * sc_systemd_run_command:
 * @exit_status: (out): what it exited with, or 128 and the number of the signal that ended it
 *
 * Like sc_systemd_run(), and it is no error when the program fails. A program that takes too long,
 * or is cancelled, is stopped with all of its processes.
 */
gboolean sc_systemd_run_command (ScSystemd *self,
                                 const ScCommand *command,
                                 int *exit_status,
                                 GCancellable *cancellable,
                                 GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScSystemd, sc_systemd_free)
