/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What polkit is told of a call that carries out a plan: the jobs that made the plans remember it,
 * as long as they are remembered themselves. Nothing of it comes from the caller: an id is made with
 * a key of ours, and what is not what the plan says ends PLAN_STALE.
 */
#pragma once

#include "service/sc-job-registry.h"

/**
 * sc_planned_describe:
 *
 * Adds to a subject with an id what that plan says; nothing when no plan of this container is known
 * by it.
 */
void sc_planned_describe (ScSubject *subject, ScJobRegistry *registry);
