/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Turns a config.json that was written for runc before 1.0 into one that runtimes understand today.
 */
#pragma once

#include "base/sc-json.h"

/**
 * sc_runtime_migrate:
 *
 * Capabilities given as one list (of linux or of process) become the five sets; linux.rlimits,
 * linux.apparmorProfile and linux.selinuxProcessLabel move to process; members that the
 * specification does not know are dropped, and so are annotations that set properties of systemd
 * units. Every change is noted.
 */
gboolean
sc_runtime_migrate (JsonObject *config, const char *file, GPtrArray *notes, GError **error);
