/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a crash or a power cut left half done is undone or completed, by the intents on disk
 * (sc-intent.h). May run any number of times; one container that cannot be repaired does not keep
 * the others from it.
 */
#pragma once

#include "base/sc-config.h"
#include "base/sc-error-util.h"
#include "host/sc-systemd.h"

/**
 * sc_recover:
 * @bus: (nullable): the system bus; NULL before systemd is up: files only, and what is left for
 * systemd stays recorded
 *
 * Blocks. Also removes what no intent knows of: partial deployments, and files that were to replace
 * others.
 */
gboolean
sc_recover (const ScPaths *paths, const ScConfig *config, GDBusConnection *bus, GError **error);

/**
 * sc_recover_container:
 * @systemd: (nullable): as for sc_teardown()
 * @name: of a container that no other job works on
 *
 * Settles what earlier operations on one container left when they failed half way, as it would be
 * at the next start. A new operation must not begin before: an intent that is still there would be
 * applied to what it makes.
 */
gboolean sc_recover_container (const ScPaths *paths,
                               const ScConfig *config,
                               ScSystemd *systemd,
                               const char *name,
                               GError **error);

/** sc_recover_list_unfinished: (transfer full): containers whose switch was completed after an
 * interruption and has not been watched; see sc_op_new_resume() */
char **sc_recover_list_unfinished (const ScPaths *paths);
