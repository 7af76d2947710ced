/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-http.h"

#include "base/sc-error-util.h"
#include "fetch/sc-proxy.h"
#include "fetch/sc-tls.h"
#include "fetch/sc-watch.h"

#include <string.h>

struct _ScHttp
{
  const ScRetryPolicy *policy;
  SoupSession *session; /* (owned) */
  const ScEndpoint *endpoint;
  ScTls *tls;            /* (owned) */
  GProxyResolver *proxy; /* (owned) */
};

/* One request through all its redirects; the data of its task. */
typedef struct
{
  ScHttp *http;
  ScWatch *watch;      /* (owned) */
  GUri *origin;        /* (owned) of the first request */
  GUri *uri;           /* (owned) of the current one */
  char *accept;        /* (owned) (nullable) */
  char *authorization; /* (owned) (nullable) */
  GBytes *form;        /* (owned) (nullable) */
  guint64 range_start;
  guint redirects_left;
  gboolean is_connected; /* to whom @uri names, with TLS if it is to be */
  gboolean is_redirected;
  SoupMessage *message; /* (owned) (nullable) */
  GTlsCertificateFlags certificate_flags;
  ScFailure failure;
} Exchange;

/* Of all that is sent to a proxy: libsoup's own request for a tunnel, or ours where there is no TLS.
 * By itself it sends no password: the feature for that is removed. */
static void
on_queued (SoupSession *session, SoupMessage *message, gpointer user_data)
{
  const ScHttp *self = user_data;
  gboolean is_tunnel = g_str_equal (soup_message_get_method (message), "CONNECT");
  GUri *uri = soup_message_get_uri (message);
  g_autoptr (GUri) proxy = sc_proxy_find (self->proxy, uri);
  g_autofree char *authorization = proxy != NULL ? sc_proxy_make_authorization (proxy) : NULL;

  if (authorization != NULL && (is_tunnel || g_str_equal (g_uri_get_scheme (uri), "http")))
    soup_message_headers_replace (soup_message_get_request_headers (message), "Proxy-Authorization",
                                  authorization);
}

ScHttp *
sc_http_new (const ScRetryPolicy *policy,
             GProxyResolver *proxy,
             const ScEndpoint *endpoint,
             GError **error)
{
  ScTls *tls = sc_tls_new (endpoint, error);
  if (tls == NULL)
    return NULL;

  ScHttp *self = g_new0 (ScHttp, 1);
  self->policy = policy;
  self->endpoint = endpoint;
  self->tls = tls;
  self->proxy = endpoint->proxy != NULL ? sc_proxy_resolver_new_fixed (endpoint->proxy)
                                        : g_object_ref (proxy);
  /* Time limits are those of ScWatch: libsoup's would also run while a reader makes us wait. */
  self->session = soup_session_new_with_options ("user-agent", "syscont/" SC_VERSION, "timeout", 0,
                                                 "max-conns", 32, "max-conns-per-host", 16,
                                                 "proxy-resolver", self->proxy, NULL);

  const GType unwanted[]
      = { SOUP_TYPE_CONTENT_DECODER, SOUP_TYPE_AUTH_MANAGER,    SOUP_TYPE_COOKIE_JAR,
          SOUP_TYPE_HSTS_ENFORCER,   SOUP_TYPE_CONTENT_SNIFFER, SOUP_TYPE_CACHE };
  for (guint i = 0; i < G_N_ELEMENTS (unwanted); i++)
    soup_session_remove_feature_by_type (self->session, unwanted[i]);
  g_signal_connect (self->session, "request-queued", G_CALLBACK (on_queued), self);
  return self;
}

void
sc_http_free (ScHttp *self)
{
  soup_session_abort (self->session);
  g_object_unref (self->session);
  g_object_unref (self->proxy);
  sc_tls_free (self->tls);
  g_free (self);
}

gboolean
sc_http_is_insecure (ScHttp *self)
{
  return self->endpoint->insecure;
}

const ScRetryPolicy *
sc_http_get_policy (ScHttp *self)
{
  return self->policy;
}

static void
exchange_free (Exchange *self)
{
  sc_watch_free (self->watch);
  g_uri_unref (self->origin);
  g_uri_unref (self->uri);
  g_free (self->accept);
  g_free (self->authorization);
  g_clear_pointer (&self->form, g_bytes_unref);
  if (self->message != NULL)
    g_signal_handlers_disconnect_by_data (self->message, self);
  g_clear_object (&self->message);
  g_free (self);
}

static int
get_effective_port (GUri *uri)
{
  int port = g_uri_get_port (uri);

  if (port > 0)
    return port;
  return g_str_equal (g_uri_get_scheme (uri), "https") ? 443 : 80;
}

gboolean
sc_http_is_same_origin (GUri *a, GUri *b)
{
  return g_str_equal (g_uri_get_scheme (a), g_uri_get_scheme (b))
         && g_ascii_strcasecmp (g_uri_get_host (a), g_uri_get_host (b)) == 0
         && get_effective_port (a) == get_effective_port (b);
}

GUri *
sc_http_parse_uri (GUri *base, const char *text)
{
  g_autoptr (GUri) uri = base != NULL ? g_uri_parse_relative (base, text, SOUP_HTTP_URI_FLAGS, NULL)
                                      : g_uri_parse (text, SOUP_HTTP_URI_FLAGS, NULL);

  if (uri == NULL || g_uri_get_userinfo (uri) != NULL)
    return NULL;

  const char *scheme = g_uri_get_scheme (uri);
  const char *host = g_uri_get_host (uri);
  if ((!g_str_equal (scheme, "https") && !g_str_equal (scheme, "http")) || host == NULL
      || *host == '\0')
    return NULL;

  const char *path = g_uri_get_path (uri);
  return g_uri_build (SOUP_HTTP_URI_FLAGS, scheme, NULL, host, g_uri_get_port (uri),
                      *path != '\0' ? path : "/", g_uri_get_query (uri), NULL);
}

static void
name_proxy (const Exchange *exchange, GError *error)
{
  g_autoptr (GUri) proxy = sc_proxy_find (exchange->http->proxy, exchange->uri);
  g_autofree char *host = proxy != NULL ? sc_failure_name_host (proxy) : NULL;

  if (host != NULL && error->code != SYSCONT_ERROR_CANCELLED)
    sc_prefix_error (&error, "through the proxy \"%s\": ", host);
}

/* Ends @task with @raw, explained. */
static void
fail (GTask *task, GError *raw)
{
  Exchange *exchange = g_task_get_task_data (task);
  g_autoptr (GError) owned = raw;
  GError *error = NULL;

  exchange->failure = sc_failure_classify (owned);
  if (exchange->failure == SC_FAILURE_CONNECT
      && (exchange->is_connected || exchange->is_redirected))
    exchange->failure = SC_FAILURE_BROKEN;
  else if (exchange->failure == SC_FAILURE_BROKEN && !exchange->is_connected
           && !exchange->is_redirected && owned->domain != G_RESOLVER_ERROR)
    exchange->failure = SC_FAILURE_CONNECT;
  (void)sc_failure_set (&error, owned, exchange->uri);
  name_proxy (exchange, error);
  g_task_return_error (task, error);
}

/* How often a header is there; @value: (out): its last value. */
static guint
find_header (SoupMessageHeaders *headers, const char *wanted, const char **value)
{
  SoupMessageHeadersIter iter;
  const char *name;
  const char *current;
  guint n = 0;

  *value = NULL;
  soup_message_headers_iter_init (&iter, headers);
  while (soup_message_headers_iter_next (&iter, &name, &current))
    if (g_ascii_strcasecmp (name, wanted) == 0)
      {
        *value = current;
        n++;
      }
  return n;
}

/* RFC 9112, 6.3: what leaves room for two opinions on where the body ends is an error. libsoup
 * would pick one. */
static gboolean
check_framing (Exchange *exchange, GError **error)
{
  SoupMessageHeaders *headers = soup_message_get_response_headers (exchange->message);
  const char *length;
  const char *encoding;
  guint n_lengths = find_header (headers, "Content-Length", &length);
  guint n_encodings = find_header (headers, "Transfer-Encoding", &encoding);

  if (n_lengths + n_encodings <= 1
      && (n_lengths == 0 || g_ascii_string_to_unsigned (length, 10, 0, G_MAXINT64, NULL, NULL)))
    return TRUE;

  g_autofree char *host = sc_failure_name_host (exchange->uri);
  return sc_error_set (
      error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
      "\"%s\" contradicts itself about the length of its answer; check that it is a registry",
      host);
}

static gboolean
follow_redirect (Exchange *exchange, GError **error)
{
  const char *location;
  guint n_locations
      = find_header (soup_message_get_response_headers (exchange->message), "Location", &location);
  g_autoptr (GUri) target = n_locations == 1 ? sc_http_parse_uri (exchange->uri, location) : NULL;
  g_autofree char *host = sc_failure_name_host (exchange->uri);

  if (target == NULL)
    return sc_error_set (error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
                         "\"%s\" redirects, but not to a proper http address", host);
  if (g_str_equal (g_uri_get_scheme (exchange->uri), "https")
      && g_str_equal (g_uri_get_scheme (target), "http") && !sc_http_is_insecure (exchange->http))
    return sc_error_set (error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
                         "\"%s\" redirects from https to http, which is refused", host);
  if (exchange->redirects_left == 0)
    return sc_error_set (error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
                         "\"%s\" redirects once more than is followed", host);

  exchange->redirects_left--;
  exchange->is_redirected = TRUE;
  g_uri_unref (exchange->uri);
  exchange->uri = g_steal_pointer (&target);
  return TRUE;
}

static gboolean
on_accept_certificate (SoupMessage *message,
                       GTlsCertificate *certificate,
                       GTlsCertificateFlags flags,
                       gpointer user_data)
{
  Exchange *exchange = user_data;

  exchange->certificate_flags
      = sc_tls_check (exchange->http->tls, certificate, exchange->uri, flags);
  return exchange->certificate_flags == 0 || sc_http_is_insecure (exchange->http);
}

static gboolean
on_request_certificate (SoupMessage *message, GTlsConnection *connection, gpointer user_data)
{
  const Exchange *exchange = user_data;
  GTlsCertificate *client = sc_tls_get_client (exchange->http->tls, exchange->uri);

  if (client != NULL)
    soup_message_set_tls_client_certificate (message, client);
  return client != NULL;
}

static void
on_starting (SoupMessage *message, gpointer user_data)
{
  Exchange *exchange = user_data;

  exchange->is_connected = TRUE;
  sc_watch_start (exchange->watch, exchange->http->policy->headers_ms, "no answer");
}

static void
make_message (Exchange *self)
{
  g_autofree char *range = g_strdup_printf ("bytes=%" G_GUINT64_FORMAT "-", self->range_start);

  if (self->message != NULL)
    g_signal_handlers_disconnect_by_data (self->message, self);
  g_clear_object (&self->message);
  self->message = soup_message_new_from_uri (self->form != NULL ? "POST" : "GET", self->uri);
  soup_message_add_flags (self->message,
                          SOUP_MESSAGE_NO_REDIRECT | SOUP_MESSAGE_DO_NOT_USE_AUTH_CACHE);

  SoupMessageHeaders *headers = soup_message_get_request_headers (self->message);
  soup_message_headers_replace (headers, "Accept-Encoding", "identity");
  if (self->accept != NULL)
    soup_message_headers_replace (headers, "Accept", self->accept);
  if (self->authorization != NULL && sc_http_is_same_origin (self->origin, self->uri))
    soup_message_headers_replace (headers, "Authorization", self->authorization);
  if (self->range_start > 0)
    soup_message_headers_replace (headers, "Range", range);
  if (self->form != NULL)
    soup_message_set_request_body_from_bytes (self->message, "application/x-www-form-urlencoded",
                                              self->form);

  self->certificate_flags = 0;
  g_signal_connect (self->message, "accept-certificate", G_CALLBACK (on_accept_certificate), self);
  g_signal_connect (self->message, "request-certificate", G_CALLBACK (on_request_certificate),
                    self);
  g_signal_connect (self->message, "starting", G_CALLBACK (on_starting), self);
}

static gboolean
is_redirect (guint status)
{
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static ScHttpAnswer *
make_answer (Exchange *exchange, GInputStream *body)
{
  ScHttpAnswer *answer = g_new0 (ScHttpAnswer, 1);

  answer->status = soup_message_get_status (exchange->message);
  answer->uri = g_uri_ref (exchange->uri);
  answer->message = g_object_ref (exchange->message);
  answer->body = body;
  return answer;
}

/* With the callback of each hop starting the next one: a loop, spread over the main loop. */
static void
send_hop (GTask *task, GAsyncReadyCallback callback)
{
  Exchange *exchange = g_task_get_task_data (task);

  make_message (exchange);
  exchange->is_connected = FALSE;
  sc_watch_start (exchange->watch, exchange->http->policy->connect_ms, "no connection");
  soup_session_send_async (exchange->http->session, exchange->message, G_PRIORITY_DEFAULT,
                           sc_watch_get_cancellable (exchange->watch), callback, task);
}

static void
on_sent (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Exchange *exchange = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (GInputStream) body = soup_session_send_finish (SOUP_SESSION (source), result, &error);

  sc_watch_stop (exchange->watch);
  if (body == NULL)
    {
      sc_watch_explain (exchange->watch, &error);
      if (error->domain == G_TLS_ERROR && exchange->certificate_flags != 0)
        {
          g_clear_error (&error);
          g_autofree char *reason = sc_failure_explain_certificate (exchange->certificate_flags);
          g_set_error_literal (&error, G_TLS_ERROR, G_TLS_ERROR_BAD_CERTIFICATE, reason);
        }
      fail (task, error);
      return;
    }

  if (!check_framing (exchange, &error))
    {
      fail (task, error);
      return;
    }
  if (!is_redirect (soup_message_get_status (exchange->message)))
    {
      g_task_return_pointer (task, make_answer (exchange, g_steal_pointer (&body)),
                             (GDestroyNotify)sc_http_answer_free);
      return;
    }
  if (!follow_redirect (exchange, &error))
    {
      fail (task, error);
      return;
    }
  send_hop (g_steal_pointer (&task), on_sent);
}

void
sc_http_get_async (ScHttp *self,
                   const ScHttpRequest *request,
                   GCancellable *cancellable,
                   GAsyncReadyCallback callback,
                   gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Exchange *exchange = g_new0 (Exchange, 1);

  exchange->http = self;
  exchange->watch = sc_watch_new (cancellable);
  exchange->origin = g_uri_ref (request->uri);
  exchange->uri = g_uri_ref (request->uri);
  exchange->accept = g_strdup (request->accept);
  exchange->authorization = g_strdup (request->authorization);
  exchange->form
      = request->form != NULL ? g_bytes_new (request->form, strlen (request->form)) : NULL;
  exchange->range_start = request->range_start;
  exchange->redirects_left = request->max_redirects;
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, exchange, (GDestroyNotify)exchange_free);
  send_hop (task, on_sent);
}

ScHttpAnswer *
sc_http_get_finish (GAsyncResult *result, ScFailure *failure, GError **error)
{
  const Exchange *exchange = g_task_get_task_data (G_TASK (result));

  *failure = exchange->failure;
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
sc_http_answer_free (ScHttpAnswer *self)
{
  g_clear_object (&self->body);
  g_clear_object (&self->message);
  g_uri_unref (self->uri);
  g_free (self);
}

const char *
sc_http_answer_get_header (const ScHttpAnswer *self, const char *name)
{
  return soup_message_headers_get_list (soup_message_get_response_headers (self->message), name);
}

gint64
sc_http_answer_get_length (const ScHttpAnswer *self)
{
  const char *text = sc_http_answer_get_header (self, "Content-Length");
  guint64 length;

  if (text == NULL || !g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT64, &length, NULL))
    return -1;
  return (gint64)length;
}
