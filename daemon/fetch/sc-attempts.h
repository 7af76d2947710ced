/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One HTTP GET that is tried again while that can help: after broken connections and errors of the
 * server, with growing delays, and as late as the server asks for (RFC 6585, 4: status 429; RFC
 * 9110, 15.6.4: status 503).
 */
#pragma once

#include "fetch/sc-http.h"

/**
 * sc_attempts_get_async:
 * @request: copied, but the strings in it are lent until the end
 * @retry: lent until the end: what happens here counts in it
 *
 * Ends with an answer that is neither a redirect nor a status that passes, or with CANCELLED,
 * TLS_FAILED, REGISTRY_UNREACHABLE, REGISTRY_RATE_LIMITED.
 */
void sc_attempts_get_async (ScHttp *http,
                            const ScHttpRequest *request,
                            ScRetry *retry,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data);
ScHttpAnswer *sc_attempts_get_finish (GAsyncResult *result, GError **error);
