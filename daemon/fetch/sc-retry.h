/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How patient a request is: time limits, how often and how long after a failure it is tried again,
 * and what a server asks for with Retry-After (RFC 9110, 10.2.3).
 */
#pragma once

#include <gio/gio.h>

typedef struct
{
  guint connect_ms;      /* name, connection and TLS handshake */
  guint headers_ms;      /* from the request to the end of the answer's headers */
  guint stall_ms;        /* without a byte of the body */
  guint floor_window_ms; /* of waiting for the body: fewer than floor_bytes are a failure too */
  guint floor_bytes;
  guint retries;    /* in succession, without progress between them */
  guint backoff_ms; /* before the first retry; doubled each time, up to backoff_max_ms */
  guint backoff_max_ms;
  guint max_wait_s; /* longest wait that a server may ask for */
} ScRetryPolicy;

extern const ScRetryPolicy sc_retry_policy_default;

/** ScRetry: of one request */
typedef struct
{
  const ScRetryPolicy *policy;
  guint limit; /* of failures */
  guint failures;
  gboolean is_answered; /* the server is there: one that cannot be reached is worth another try */
} ScRetry;

#define SC_RETRY_INIT(policy_, is_answered_)                                                       \
  {                                                                                                \
    .policy = (policy_), .limit = (policy_)->retries, .is_answered = (is_answered_)                \
  }

/** sc_retry_next: FALSE when the request must be given up; @delay_ms: (out): how long to wait, at
 * least @wait_s seconds */
gboolean sc_retry_next (ScRetry *self, guint wait_s, guint *delay_ms);

/** sc_retry_progress: something came of the last try */
void sc_retry_progress (ScRetry *self);

/**
 * sc_retry_parse_after:
 * @text: (nullable): value of Retry-After: seconds or an HTTP-date
 * @now: seconds since the epoch
 *
 * Returns: seconds to wait from @now on; 0 when nothing is said, nonsense, or a time in the past
 */
gint64 sc_retry_parse_after (const char *text, gint64 now);

/** sc_retry_wait_async: @callback comes after @delay_ms, or when @cancellable is cancelled */
void sc_retry_wait_async (guint delay_ms,
                          GCancellable *cancellable,
                          GAsyncReadyCallback callback,
                          gpointer user_data);
gboolean sc_retry_wait_finish (GAsyncResult *result, GError **error);
