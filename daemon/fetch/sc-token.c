/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-token.h"

#include "base/sc-json.h"
#include "fetch/sc-attempts.h"
#include "fetch/sc-body.h"

#include <string.h>

/* The data of the task. */
typedef struct
{
  const ScTokenRequest *request;
  ScRetry retry;
} Token;

static gboolean
refuse (GError **error, const char *what)
{
  return sc_error_set (error, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED,
                       "the registry's token server %s", what);
}

static void
append_parameter (GString *query, const char *name, const char *value)
{
  g_string_append_printf (query, "%s%s=", query->len > 0 ? "&" : "", name);
  g_string_append_uri_escaped (query, value, NULL, FALSE);
}

char *
sc_token_make_basic (const ScCredential *credential)
{
  g_autofree char *text = g_strconcat (credential->user, ":", credential->secret, NULL);
  g_autofree char *base64 = g_base64_encode ((const guchar *)text, strlen (text));

  return g_strconcat ("Basic ", base64, NULL);
}

static void
append_scope (GString *query, const ScChallenge *bearer, const char *repository)
{
  const char *scope = sc_challenge_get (bearer, "scope");
  const char *service = sc_challenge_get (bearer, "service");
  g_autofree char *default_scope
      = repository != NULL ? g_strdup_printf ("repository:%s:pull", repository) : NULL;

  if (service != NULL)
    append_parameter (query, "service", service);
  if (scope != NULL && *scope != '\0')
    append_parameter (query, "scope", scope);
  else if (default_scope != NULL)
    append_parameter (query, "scope", default_scope);
}

/* OAuth2 Token Authentication, "Getting a token" */
static char *
make_form (const ScChallenge *bearer, const char *repository, const char *identity_token)
{
  GString *form = g_string_new (NULL);

  append_parameter (form, "grant_type", "refresh_token");
  append_parameter (form, "client_id", "syscont");
  append_scope (form, bearer, repository);
  append_parameter (form, "refresh_token", identity_token);
  return g_string_free (form, FALSE);
}

static GUri *
with_scope (GUri *realm, const ScChallenge *bearer, const char *repository)
{
  g_autoptr (GString) query = g_string_new (g_uri_get_query (realm));

  append_scope (query, bearer, repository);
  return g_uri_build (SOUP_HTTP_URI_FLAGS, g_uri_get_scheme (realm), NULL, g_uri_get_host (realm),
                      g_uri_get_port (realm), g_uri_get_path (realm),
                      query->len > 0 ? query->str : NULL, NULL);
}

ScTokenRequest *
sc_token_request_new (const ScChallenge *bearer,
                      const ScRealmRules *rules,
                      const char *repository,
                      GError **error)
{
  const ScCredential *credential = rules->credential;
  g_autoptr (GUri) realm = sc_realm_parse (sc_challenge_get (bearer, "realm"), rules, error);
  if (realm == NULL)
    return NULL;

  ScTokenRequest *self = g_new0 (ScTokenRequest, 1);
  if (credential != NULL && credential->kind == SC_CREDENTIAL_IDENTITY_TOKEN)
    {
      self->uri = g_steal_pointer (&realm);
      self->form = make_form (bearer, repository, credential->secret);
    }
  else
    {
      self->uri = with_scope (realm, bearer, repository);
      self->authorization = credential != NULL ? sc_token_make_basic (credential) : NULL;
    }
  self->login = credential != NULL ? sc_credential_describe (credential) : NULL;
  return self;
}

void
sc_token_request_free (ScTokenRequest *self)
{
  g_uri_unref (self->uri);
  g_free (self->authorization);
  g_free (self->form);
  g_free (self->login);
  g_free (self);
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

/* Which of the two it is that is wrong, an anonymous server does not say. What the server writes is
 * not repeated: it could be what was sent. */
static GError *
make_status_error (const ScTokenRequest *request, const ScHttpAnswer *answer)
{
  g_autofree char *host = sc_failure_name_host (answer->uri);
  GError *error = NULL;

  if (request->login == NULL)
    sc_error_set (&error, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED,
                  "\"%s\" answers with status %u; it may not exist, or want a login", host,
                  answer->status);
  else if (request->form != NULL && (answer->status == 404 || answer->status == 405))
    sc_error_set (&error, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED,
                  "\"%s\" takes no identity tokens (status %u); log in with a user and a password",
                  host, answer->status);
  else
    sc_error_set (&error, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED,
                  "\"%s\" refuses the login of %s (status %u); log in again", host, request->login,
                  answer->status);
  return error;
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  const Token *token = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (ScHttpAnswer) answer = sc_attempts_get_finish (result, &error);

  if (answer != NULL && answer->status == 200)
    {
      GCancellable *cancellable = g_task_get_cancellable (task);
      sc_body_read_async (g_steal_pointer (&answer), SC_TOKEN_MAX_ANSWER_BYTES, token->retry.policy,
                          cancellable, on_body, g_steal_pointer (&task));
      return;
    }

  if (answer != NULL)
    error = make_status_error (token->request, answer);
  sc_prefix_error (&error, "getting a token: ");
  g_task_return_error (task, error);
}

void
sc_token_get_async (ScHttp *http,
                    const ScTokenRequest *request,
                    GCancellable *cancellable,
                    GAsyncReadyCallback callback,
                    gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Token *token = g_new (Token, 1);
  /* No redirects: a token is for whoever was asked for it, and so is a login. */
  ScHttpRequest get = { .uri = request->uri,
                        .accept = "application/json",
                        .authorization = request->authorization,
                        .form = request->form,
                        .max_redirects = 0 };

  token->request = request;
  token->retry = (ScRetry)SC_RETRY_INIT (sc_http_get_policy (http), TRUE);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, token, g_free);
  sc_attempts_get_async (http, &get, &token->retry, cancellable, on_answer, task);
}

char *
sc_token_get_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
