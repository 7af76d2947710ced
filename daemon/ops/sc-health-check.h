/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What syscont-health@NAME.service does, each time that its timer elapses: one check, and the state
 * that comes of it. A process of its own: the service on the bus need not run for it.
 */
#pragma once

#include "base/sc-config.h"
#include "base/sc-error-util.h"

#include <gio/gio.h>

/**
 * sc_health_check_container:
 * @bus: the system bus
 *
 * Blocks. A check that fails is no error, and neither is a service that does not run: nothing is
 * found out then.
 */
gboolean sc_health_check_container (const ScPaths *paths,
                                    const ScConfig *config,
                                    GDBusConnection *bus,
                                    const char *name,
                                    GError **error);
