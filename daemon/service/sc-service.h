/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The running service: puts its parts together, takes the bus name when everything is there, and
 * leaves when nobody needs it or when it is told to.
 */
#pragma once

#include "base/sc-config.h"

#include <gio/gio.h>

typedef struct _ScService ScService;

/** sc_service_new: blocks: reads what is on disk; @paths, @config: lent, must live longer */
ScService *
sc_service_new (const ScPaths *paths, const ScConfig *config, GDBusConnection *bus, GError **error);

/**
 * sc_service_run:
 *
 * Iterates the default main context until the service may go.
 *
 * Returns: the exit status; ends the process itself when a job does not end in time
 */
int sc_service_run (ScService *self);

void sc_service_free (ScService *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScService, sc_service_free)
