/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Mounts as transient mount units of systemd: the daemon mounts nothing itself.
 */
#pragma once

#include "host/sc-systemd.h"

/** ScMount: everything is lent */
typedef struct
{
  const char *what;        /* absolute path */
  const char *where;       /* clean absolute path of a directory */
  const char *description; /* of the unit */
} ScMount;

/** sc_systemd_mount_unit: (transfer full): name of the mount unit for a clean absolute path, as
 * systemd-escape(1) makes it */
char *sc_systemd_mount_unit (const char *where);

/** sc_systemd_mount: binds a directory read-only, without set-uid programs and devices; waits for
 * it. START_FAILED, TIMED_OUT */
gboolean
sc_systemd_mount (ScSystemd *self, const ScMount *mount, GCancellable *cancellable, GError **error);

/**
 * sc_systemd_find_mount:
 *
 * Returns: (transfer full) (nullable): description of the transient unit that is mounted at @where,
 *   "" when there is none. What is mounted cannot be told: systemd knows the device only.
 */
char *sc_systemd_find_mount (ScSystemd *self,
                             const char *where,
                             GCancellable *cancellable,
                             GError **error);
