/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One HTTP GET, or POST of a form: redirects followed by hand, time limits for connection and headers, and nothing
 * that libsoup would do by itself: no decoding, cookies, HSTS, authentication or sniffing. It does
 * not try again and knows no registry.
 */
#pragma once

#include "fetch/sc-failure.h"
#include "fetch/sc-retry.h"
#include "image/sc-endpoint.h"

#include <libsoup/soup.h>

#define SC_HTTP_MAX_REDIRECTS 5

typedef struct _ScHttp ScHttp;

/**
 * sc_http_new:
 * @policy: lent; time limits
 * @proxy: for an endpoint that has none of its own
 * @endpoint: lent; insecure: certificates are not checked, and https may redirect to http
 *
 * Returns: (transfer full) (nullable): TLS_FAILED when the endpoint's certificates cannot be read
 */
ScHttp *sc_http_new (const ScRetryPolicy *policy,
                     GProxyResolver *proxy,
                     const ScEndpoint *endpoint,
                     GError **error);
void sc_http_free (ScHttp *self);
gboolean sc_http_is_insecure (ScHttp *self);
const ScRetryPolicy *sc_http_get_policy (ScHttp *self);

typedef struct
{
  GUri *uri;
  const char *accept;        /* (nullable) */
  const char *authorization; /* (nullable) goes to the origin of @uri only */
  const char *form;          /* (nullable) NULL: GET; otherwise POST, with max_redirects 0 */
  guint64 range_start;       /* 0: everything */
  guint max_redirects;
} ScHttpRequest;

typedef struct
{
  guint status;
  GUri *uri;            /* (owned) where the answer came from in the end */
  SoupMessage *message; /* (owned) */
  GInputStream *body;   /* (owned) */
} ScHttpAnswer;

/**
 * sc_http_get_async:
 * @request: copied
 *
 * The answer is there when its headers are; the body is for the caller to read, or to drop.
 */
void sc_http_get_async (ScHttp *self,
                        const ScHttpRequest *request,
                        GCancellable *cancellable,
                        GAsyncReadyCallback callback,
                        gpointer user_data);

/** sc_http_get_finish: @failure: (out): class of @error, which is in SYSCONT_ERROR */
ScHttpAnswer *sc_http_get_finish (GAsyncResult *result, ScFailure *failure, GError **error);

void sc_http_answer_free (ScHttpAnswer *self);

/** sc_http_answer_get_header: (nullable): of the answer; a repeated one is joined with ", " */
const char *sc_http_answer_get_header (const ScHttpAnswer *self, const char *name);

/** sc_http_answer_get_length: of the body, as announced; -1 when it was not */
gint64 sc_http_answer_get_length (const ScHttpAnswer *self);

/** sc_http_is_same_origin: scheme, host and port (RFC 6454) */
gboolean sc_http_is_same_origin (GUri *a, GUri *b);

/**
 * sc_http_parse_uri:
 * @base: (nullable): what a relative reference is relative to
 *
 * Returns: (transfer full) (nullable): http or https with a host, without user and fragment
 */
GUri *sc_http_parse_uri (GUri *base, const char *text);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScHttp, sc_http_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScHttpAnswer, sc_http_answer_free)
