/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether somebody has agreed to what a container may do from now on and could not do before.
 */
#pragma once

#include "deploy/sc-privileges.h"
#include "ops/sc-op.h"

/**
 * sc_approval_list_gains:
 * @n: the deployment of @container that runs now
 * @to: of ScPrivilege: those of the one that is switched to
 *
 * Returns: (transfer full) (nullable): of ScPrivilege; DAMAGED
 */
GPtrArray *sc_approval_list_gains (
    const ScPaths *paths, const ScContainer *container, guint64 n, GPtrArray *to, GError **error);

/** sc_approval_check: PRIVILEGE_GAIN naming what of @gains the caller has not accepted */
gboolean sc_approval_check (const ScOpContext *context, GPtrArray *gains, GError **error);
