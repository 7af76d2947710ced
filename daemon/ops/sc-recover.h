/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a crash or a power cut left half done is undone or completed, by the intents on disk
 * (sc-intent.h). May run any number of times; one container that cannot be repaired does not keep
 * the others from it.
 */
#pragma once

#include "base/sc-config.h"
#include "base/sc-error-util.h"

/**
 * sc_recover:
 * @bus: (nullable): the system bus; NULL before systemd is up: files only, and what is left for
 * systemd stays recorded
 *
 * Blocks. Also removes what no intent knows of: partial deployments and spool files of jobs that
 * are gone.
 */
gboolean
sc_recover (const ScPaths *paths, const ScConfig *config, GDBusConnection *bus, GError **error);
