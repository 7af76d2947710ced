/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Answers to the calls that make no job: from memory, or, for the few that need the disk, from a
 * thread. The caller has been found to be allowed.
 */
#pragma once

#include "service/sc-pending-call.h"

/** sc_answer: @call: (transfer full): answers now or later */
void sc_answer (ScPendingCall *call);

/**
 * sc_answer_queries_new:
 *
 * (transfer full): the pool for ScParts.queries; to be freed with g_thread_pool_free()
 */
GThreadPool *sc_answer_queries_new (void);
