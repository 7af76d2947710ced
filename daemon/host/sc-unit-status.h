/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How a unit is, as systemd sees it, and which others end when it does.
 */
#pragma once

#include "host/sc-systemd.h"

typedef struct
{
  char *load_state;          /* (owned) "loaded", "not-found", "masked" … */
  char *active_state;        /* (owned) "active", "inactive", "failed", "activating" … */
  char *sub_state;           /* (owned) */
  char *fragment_path;       /* (owned) "" without a file */
  char *invocation_id;       /* (owned) 32 hex digits; "" of a unit that never ran */
  guint64 active_enter_usec; /* 0 = never */

  /* of a service; "" and 0 of others */
  char *result;   /* (owned) "success", "exit-code", "oom-kill", "signal", "timeout" … */
  char *type;     /* (owned) "simple", "notify", "oneshot" … */
  char *pid_file; /* (owned) */
  guint main_pid;
  guint n_restarts;
  int exit_code;   /* of the main process: CLD_EXITED, CLD_KILLED, CLD_DUMPED; 0 = none ended */
  int exit_status; /* its exit status, or the number of the signal */
} ScUnitStatus;

void sc_unit_status_clear (ScUnitStatus *self);

/** sc_systemd_get_status: of any unit name, loaded or not */
gboolean sc_systemd_get_status (ScSystemd *systemd,
                                const char *unit,
                                ScUnitStatus *status,
                                GCancellable *cancellable,
                                GError **error);

/** sc_unit_status_is_active: it runs, and is ready if it says so itself */
gboolean sc_unit_status_is_active (const ScUnitStatus *self);

/**
 * sc_systemd_list_dependants:
 *
 * Returns: (transfer full): the active units that a stop of @unit would stop too, directly or
 *   through others
 */
char **sc_systemd_list_dependants (ScSystemd *systemd,
                                   const char *unit,
                                   GCancellable *cancellable,
                                   GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScUnitStatus, sc_unit_status_clear)
