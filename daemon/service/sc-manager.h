/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * org.syscont.Manager on the bus. Every call takes the same way, whatever its method is: it is
 * parsed, its caller is authorized, and then it becomes a job or is answered.
 */
#pragma once

#include "service/sc-pending-call.h"

#define SC_TYPE_MANAGER (sc_manager_get_type ())
G_DECLARE_FINAL_TYPE (ScManager, sc_manager, SC, MANAGER, SyscontManagerSkeleton)

/** sc_manager_new: also becomes the listener of the registry */
ScManager *sc_manager_new (const ScParts *parts);

/** sc_manager_stop: makes no job and takes no subscriber any more, answers everything else */
void sc_manager_stop (ScManager *self);
