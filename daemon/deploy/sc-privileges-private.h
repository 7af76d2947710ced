/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The parts that sc_privileges_list() is put together from. Nobody else includes this.
 */
#pragma once

#include "deploy/sc-privileges.h"

/** sc_privileges_is_own: whether @path belongs to the container alone, e.g. /run/NAME and what is
 * below /var/lib/NAME */
gboolean sc_privileges_is_own (const ScPrivilegeSources *sources, const char *path);

/** sc_privileges_add_config: of config.json */
gboolean
sc_privileges_add_config (const ScPrivilegeSources *sources, GPtrArray *list, GError **error);

/** sc_privileges_add_unit: @uses_runtime: (out): whether config.json counts at all */
gboolean sc_privileges_add_unit (const ScPrivilegeSources *sources,
                                 GPtrArray *list,
                                 gboolean *uses_runtime,
                                 GError **error);

/** sc_privileges_add_tmpfiles: paths that systemd-tmpfiles makes or changes */
void sc_privileges_add_tmpfiles (const ScPrivilegeSources *sources, GPtrArray *list);
