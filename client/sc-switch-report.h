/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What verbs that switch containers print: one line for each container.
 */
#pragma once

#include "sc-follow.h"
#include "sc-plan-report.h"

/** sc_switch_follow: sc_follow_call() and the report, as text or JSON; @verb: "updated", "rolled
 * back" */
int sc_switch_follow (ScClient *client, const ScJobCall *call, const char *verb);

/** sc_switch_foresee: the same of a plan of all that are due */
int sc_switch_foresee (ScClient *client, const ScPlannedCall *call);
