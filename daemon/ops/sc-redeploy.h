/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Switches a container to a deployment that is there already: one that was staged, or one that ran
 * before. Everything comes from the deployment itself: unit, tmpfiles file, values.
 */
#pragma once

#include "ops/sc-intent.h"
#include "ops/sc-update-report.h"
#include "store/sc-repo.h"

/** ScRedeployment: everything is lent */
typedef struct
{
  ScOpContext *context;
  ScRepo *repo;
  const ScContainer *before;
  guint64 id; /* of a deployment in @before */
  ScIntentOperation operation;
  gint64 observe_usec;
  const char *quarantine_reason; /* (nullable) why the digest that is left is not tried again by
                                  * itself */
} ScRedeployment;

gboolean sc_redeploy (const ScRedeployment *self, ScUpdateReport *report, GError **error);
