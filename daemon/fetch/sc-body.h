/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads a small body whole: manifests and tokens.
 */
#pragma once

#include "fetch/sc-http.h"

/**
 * sc_body_read_async:
 * @answer: (transfer full)
 * @max_bytes: LIMIT_EXCEEDED when there is more
 */
void sc_body_read_async (ScHttpAnswer *answer,
                         gsize max_bytes,
                         const ScRetryPolicy *policy,
                         GCancellable *cancellable,
                         GAsyncReadyCallback callback,
                         gpointer user_data);

/** sc_body_read_finish: @failure: (out): class of @error, which is in SYSCONT_ERROR */
GBytes *sc_body_read_finish (GAsyncResult *result, ScFailure *failure, GError **error);
