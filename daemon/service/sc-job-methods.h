/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The methods of org.syscont.Job: whoever started a job cancels it, and reaches the program that it
 * runs. Main thread only.
 */
#pragma once

#include "service/sc-job-registry.h"

/** sc_job_methods_connect: answers the calls of a job's object; @registry, @parts: lent, must live
 * longer */
void sc_job_methods_connect (ScJobRegistry *registry,
                             const ScJobRegistryParts *parts,
                             SyscontJob *object);
