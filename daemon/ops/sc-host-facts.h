/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Gathers what a plan for host files is made from: records of all containers, also of those that are
 * being installed, and what is on the host.
 */
#pragma once

#include "base/sc-config.h"
#include "host/sc-host-tree.h"
#include "host/sc-systemd.h"
#include "ops/sc-host-plan.h"

/** ScHostSurvey: facts and what they are lent from */
typedef struct
{
  const ScHostRecord *adopted; /* (nullable) lent: stands for the own record when there is none */
  ScHostFacts facts;
  ScHostRecord *own;     /* (owned) (nullable) */
  GPtrArray *others;     /* (owned) of ScHostOwner */
  GHashTable *found;     /* (owned) */
  GHashTable *obstacles; /* (owned) */
} ScHostSurvey;

/**
 * sc_host_survey_take:
 * @name: of the container
 * @wanted: (nullable): nothing, when it is about to be removed
 *
 * A record that cannot be read is logged and counts as empty: what it may have said stays on the
 * host.
 */
gboolean sc_host_survey_take (ScHostSurvey *self,
                              const ScPaths *paths,
                              ScHostTree *tree,
                              const char *name,
                              const ScHostFiles *wanted,
                              GError **error);
void sc_host_survey_clear (ScHostSurvey *self);

/**
 * sc_host_conflicts_to_error:
 * @systemd: (nullable): without it packages are not asked for
 *
 * Sets HOST_FILE_CONFLICT naming every conflict of @plan and whom the file belongs to: another
 * container, a package, or nobody known. Blocks.
 *
 * Returns: FALSE when there are any
 */
gboolean sc_host_conflicts_to_error (const ScHostPlan *plan, ScSystemd *systemd, GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScHostSurvey, sc_host_survey_clear)
