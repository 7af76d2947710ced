/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which deployments of a container are kept: the current one, the one a rollback goes to, a staged
 * one, pinned ones, and the newest others up to the configured number.
 */
#pragma once

#include "deploy/sc-container.h"
#include "ops/sc-op.h"
#include "store/sc-repo.h"

/** sc_retention_trim: takes the records of those that are not kept out of @container; @keep counts
 * the current one. Pure. TRUE when something went */
gboolean sc_retention_trim (ScContainer *container, guint keep);

/** sc_retention_apply: trims the stored state, and removes what of the deployments has no record,
 * with what only they needed of the store */
gboolean
sc_retention_apply (const ScOpContext *context, ScRepo *repo, const char *name, GError **error);
