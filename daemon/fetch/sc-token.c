/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-token.h"

#include "base/sc-json.h"
#include "fetch/sc-attempts.h"
#include "fetch/sc-body.h"

#include <string.h>

static gboolean
refuse (GError **error, const char *what)
{
  return sc_error_set (error, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED,
                       "the registry's token server %s", what);
}

static gboolean
is_on_this_machine_or_link (const char *host)
{
  g_autoptr (GInetAddress) address = g_inet_address_new_from_string (host);

  if (address == NULL)
    return g_ascii_strcasecmp (host, "localhost") == 0;
  return g_inet_address_get_is_loopback (address) || g_inet_address_get_is_link_local (address)
         || g_inet_address_get_is_any (address);
}

static GUri *
parse_realm (const char *realm, GUri *registry, gboolean insecure, GError **error)
{
  g_autoptr (GUri) uri = realm != NULL ? sc_http_parse_uri (NULL, realm) : NULL;

  if (uri == NULL)
    {
      refuse (error, "has no proper address");
      return NULL;
    }
  if (g_str_equal (g_uri_get_scheme (uri), "http") && !insecure)
    {
      refuse (error, "is not to be reached by https, which is refused");
      return NULL;
    }
  /* The registry chooses the address, but the request comes from here: not to services that trust
   * their neighbours. */
  if (is_on_this_machine_or_link (g_uri_get_host (uri))
      && g_ascii_strcasecmp (g_uri_get_host (uri), g_uri_get_host (registry)) != 0)
    {
      refuse (error, "is at a local address, which is refused");
      return NULL;
    }
  return g_steal_pointer (&uri);
}

static void
append_parameter (GString *query, const char *name, const char *value)
{
  g_string_append_printf (query, "%s%s=", query->len > 0 ? "&" : "", name);
  g_string_append_uri_escaped (query, value, NULL, FALSE);
}

GUri *
sc_token_make_uri (const ScChallenge *bearer,
                   GUri *registry,
                   const char *repository,
                   gboolean insecure,
                   GError **error)
{
  g_autoptr (GUri) realm
      = parse_realm (sc_challenge_get (bearer, "realm"), registry, insecure, error);
  if (realm == NULL)
    return NULL;

  const char *service = sc_challenge_get (bearer, "service");
  const char *scope = sc_challenge_get (bearer, "scope");
  g_autofree char *default_scope = g_strdup_printf ("repository:%s:pull", repository);
  g_autoptr (GString) query = g_string_new (g_uri_get_query (realm));
  if (service != NULL)
    append_parameter (query, "service", service);
  append_parameter (query, "scope", scope != NULL && *scope != '\0' ? scope : default_scope);

  return g_uri_build (SOUP_HTTP_URI_FLAGS, g_uri_get_scheme (realm), NULL, g_uri_get_host (realm),
                      g_uri_get_port (realm), g_uri_get_path (realm), query->str, NULL);
}

/* Anything else could end the header that the token goes into, and start another one. */
static gboolean
is_visible_ascii (const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isgraph (*p))
      return FALSE;
  return TRUE;
}

char *
sc_token_parse (GBytes *answer, GError **error)
{
  ScJsonLimits limits = sc_json_limits_default;
  limits.max_bytes = SC_TOKEN_MAX_ANSWER_BYTES;
  limits.max_string_bytes = SC_TOKEN_MAX_BYTES;

  gsize size_bytes;
  const char *data = g_bytes_get_data (answer, &size_bytes);
  g_autoptr (GError) reason = NULL;
  g_autoptr (JsonObject) object
      = sc_json_parse_object (data != NULL ? data : "", size_bytes, &limits, &reason);
  const char *token = NULL;
  if (object == NULL || !sc_json_get_string (object, "token", &token, &reason)
      || (token == NULL && !sc_json_get_string (object, "access_token", &token, &reason)))
    {
      sc_error_set (error, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED,
                    "the registry's token server sent no token: %s", reason->message);
      return NULL;
    }

  if (token == NULL || *token == '\0' || strlen (token) > SC_TOKEN_MAX_BYTES
      || !is_visible_ascii (token))
    {
      refuse (error, "sent no proper token");
      return NULL;
    }
  return g_strdup (token);
}

static void
on_body (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  ScFailure failure;
  GError *error = NULL;
  g_autoptr (GBytes) body = sc_body_read_finish (result, &failure, &error);
  char *token = body != NULL ? sc_token_parse (body, &error) : NULL;

  if (token != NULL)
    {
      g_task_return_pointer (task, token, g_free);
      return;
    }
  sc_prefix_error (&error, "getting a token: ");
  g_task_return_error (task, error);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const ScRetry *retry = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (ScHttpAnswer) answer = sc_attempts_get_finish (result, &error);

  if (answer != NULL && answer->status == 200)
    {
      GCancellable *cancellable = g_task_get_cancellable (task);
      sc_body_read_async (g_steal_pointer (&answer), SC_TOKEN_MAX_ANSWER_BYTES, retry->policy,
                          cancellable, on_body, g_steal_pointer (&task));
      return;
    }

  if (answer != NULL)
    {
      g_autofree char *host = sc_failure_name_host (answer->uri);
      sc_error_set (&error, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED,
                    "\"%s\" answers with status %u; it may not exist, or want a login", host,
                    answer->status);
    }
  sc_prefix_error (&error, "getting a token: ");
  g_task_return_error (task, error);
}

void
sc_token_get_async (ScHttp *http,
                    GUri *uri,
                    GCancellable *cancellable,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  ScRetry *retry = g_new (ScRetry, 1);
  /* No redirects: a token is for whoever was asked for it. */
  ScHttpRequest get = { .uri = uri, .accept = "application/json", .max_redirects = 0 };

  *retry = (ScRetry)SC_RETRY_INIT (sc_http_get_policy (http), TRUE);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, retry, g_free);
  sc_attempts_get_async (http, &get, retry, cancellable, on_answer, task);
}

char *
sc_token_get_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
