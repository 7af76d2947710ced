/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The answers that are not given from memory. Nobody but sc-answer includes this.
 */
#pragma once

#include "service/sc-pending-call.h"

/** All of them: @call: (transfer full) */
void sc_answer_get_values (ScPendingCall *call);
void sc_answer_get_history (ScPendingCall *call);
void sc_answer_inspect_image (ScPendingCall *call);
void sc_answer_get_storage_info (ScPendingCall *call);

/** sc_answer_list_blobs: the call's rows come first */
void sc_answer_list_blobs (ScPendingCall *call);
void sc_answer_can_authorize (ScPendingCall *call);
void sc_answer_set_registry_credential (ScPendingCall *call);
void sc_answer_remove_registry_credential (ScPendingCall *call);
