/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Removes everything that a container has, in an order that can be repeated from the start after
 * any interruption: what uninstalling does, undoing a failed install, and recovery.
 */
#pragma once

#include "base/sc-config.h"
#include "host/sc-systemd.h"

/**
 * sc_teardown:
 * @systemd: (nullable): NULL before systemd is up: then the unit is kept from starting until the
 * next boot
 *
 * @notes: (nullable): of char*: which files of the host stay, and why, is appended
 *
 * Each step succeeds when there is nothing left to do. The service's own data stays, and host files
 * that somebody has modified.
 */
gboolean sc_teardown (const ScPaths *paths,
                      const ScConfig *config,
                      ScSystemd *systemd,
                      const char *name,
                      GPtrArray *notes,
                      GError **error);
