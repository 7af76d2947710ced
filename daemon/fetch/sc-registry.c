/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-registry.h"

#include "base/sc-digest.h"
#include "base/sc-error-util.h"
#include "fetch/sc-attempts.h"
#include "image/sc-manifest.h"
#include "image/sc-reference.h"

#include <string.h>

struct _ScRegistry
{
  ScHttp *http;
  const ScEndpoint *endpoint;
  char *host;                     /* (owned) that serves the endpoint's registry */
  int port;                       /* -1: the scheme's own */
  char *accept;                   /* (owned) for manifests */
  const char *scheme;             /* static; of the last answer */
  gboolean is_answered;           /* with @scheme */
  ScAuthorization *authorization; /* (owned) */
};

/* The data of the task of one request. */
typedef struct
{
  ScRegistry *registry;
  ScRegistryRequest request;
  ScRetry *retry;
  ScRetry probe;
  gboolean is_probing;  /* whether there is TLS: insecure registries only */
  const char *scheme;   /* static */
  char *sent;           /* (owned) (nullable) as Authorization */
  gboolean has_renewed; /* what is sent */
  GError *probe_error;  /* (owned) (nullable) why it is http now */
} Get;

static gboolean
check_endpoint (const ScEndpoint *endpoint, GError **error)
{
  gboolean is_whole = endpoint->repository[0] == '\0';
  g_autofree char *text
      = g_strconcat (endpoint->registry, "/", is_whole ? "x" : endpoint->repository, NULL);
  g_autoptr (ScReference) reference = sc_reference_parse (text, NULL);
  g_autofree char *escaped = sc_text_escape (text);

  if (reference != NULL && g_strcmp0 (reference->registry, endpoint->registry) == 0
      && (is_whole || g_str_equal (reference->repository, endpoint->repository)))
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_INVALID_REFERENCE,
                       "\"%s\" is no repository of a registry; write HOST[:PORT]/NAME", escaped);
}

ScRegistry *
sc_registry_new (ScHttp *http, const ScEndpoint *endpoint, GError **error)
{
  const char *name = endpoint->registry;

  if (!check_endpoint (endpoint, error))
    return NULL;

  /* The name of Docker's registry is not that of the host that serves it. */
  const char *authority = g_str_equal (name, "docker.io") ? "registry-1.docker.io" : name;
  g_autofree char *text = g_strdup_printf ("https://%s/", authority);
  /* Without SOUP_HTTP_URI_FLAGS, which would make the port of https that of http too. */
  g_autoptr (GUri) uri = g_uri_parse (text, G_URI_FLAGS_NONE, NULL);
  if (uri == NULL || g_uri_get_host (uri) == NULL)
    {
      sc_error_set (error, SYSCONT_ERROR_INVALID_REFERENCE,
                    "\"%s\" is no registry; write HOST or HOST:PORT", name);
      return NULL;
    }

  ScRegistry *self = g_new0 (ScRegistry, 1);
  self->http = http;
  self->endpoint = endpoint;
  self->host = g_strdup (g_uri_get_host (uri));
  self->port = g_uri_get_port (uri);
  self->accept = g_strjoinv (", ", (char **)sc_manifest_accept);
  self->scheme = "https";
  self->authorization = sc_authorization_new (&(ScAuthorizationSetup){
      .http = http,
      .registry = endpoint->registry,
      .repository = endpoint->repository,
      .credential = endpoint->credential,
  });
  return self;
}

void
sc_registry_free (ScRegistry *self)
{
  g_free (self->host);
  g_free (self->accept);
  sc_authorization_free (self->authorization);
  g_free (self);
}

gboolean
sc_registry_is_answered (const ScRegistry *self)
{
  return self->is_answered;
}

ScRetry
sc_registry_make_retry (ScRegistry *self)
{
  ScRetry retry = SC_RETRY_INIT (sc_http_get_policy (self->http), self->is_answered);

  return retry;
}

gboolean
sc_registry_check (const ScRegistryRequest *request, GError **error)
{
  gboolean has_digest = strchr (request->reference, ':') != NULL;
  g_autofree char *text
      = g_strdup_printf ("example.com/a%c%s", has_digest ? '@' : ':', request->reference);
  g_autoptr (ScReference) parsed = sc_reference_parse (text, NULL);
  g_autofree char *escaped = sc_text_escape (request->reference);

  if (parsed != NULL && g_str_equal (parsed->repository, "a")
      && g_strcmp0 (has_digest ? parsed->digest : parsed->tag, request->reference) == 0
      && (request->is_manifest || sc_digest_is_valid (request->reference)))
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_INVALID_REFERENCE, "\"%s\" cannot be asked for",
                       escaped);
}

ScAuthorization *
sc_registry_get_authorization (ScRegistry *self)
{
  return self->authorization;
}

char *
sc_registry_describe (const ScEndpoint *endpoint, const ScRegistryRequest *request)
{
  if (!request->is_manifest)
    return g_strdup_printf ("blob %s of \"%s/%s\"", request->reference, endpoint->registry,
                            endpoint->repository);
  return g_strdup_printf ("manifest \"%s/%s%c%s\"", endpoint->registry, endpoint->repository,
                          strchr (request->reference, ':') != NULL ? '@' : ':', request->reference);
}

static void
get_free (Get *self)
{
  g_free (self->sent);
  g_clear_error (&self->probe_error);
  g_free (self);
}

static GUri *
make_uri (const Get *get)
{
  const ScRegistryRequest *request = &get->request;
  const ScRegistry *registry = get->registry;
  if (request->reference == NULL)
    return g_uri_build (SOUP_HTTP_URI_FLAGS, get->scheme, NULL, registry->host, registry->port,
                        "/v2/", NULL, NULL);

  g_autofree char *repository = g_uri_escape_string (registry->endpoint->repository, "/", FALSE);
  g_autofree char *reference = g_uri_escape_string (request->reference, ":", FALSE);
  g_autofree char *path = g_strdup_printf ("/v2/%s/%s/%s", repository,
                                           request->is_manifest ? "manifests" : "blobs", reference);

  return g_uri_build (SOUP_HTTP_URI_FLAGS, get->scheme, NULL, registry->host, registry->port, path,
                      NULL, NULL);
}

static void
send_get (GTask *task, GAsyncReadyCallback callback)
{
  Get *get = g_task_get_task_data (task);
  ScRegistry *registry = get->registry;
  g_autoptr (GUri) uri = make_uri (get);

  g_free (get->sent);
  get->sent = g_strdup (sc_authorization_get_header (registry->authorization));
  ScHttpRequest request = { .uri = uri,
                            .accept = get->request.is_manifest ? registry->accept : NULL,
                            .authorization = get->sent,
                            .range_start = get->request.range_start,
                            .max_redirects = SC_HTTP_MAX_REDIRECTS };
  sc_attempts_get_async (registry->http, &request, get->is_probing ? &get->probe : get->retry,
                         g_task_get_cancellable (task), callback, task);
}

static GError *
make_status_error (const Get *get, const ScHttpAnswer *answer)
{
  const ScRegistryRequest *request = &get->request;
  const ScEndpoint *endpoint = get->registry->endpoint;
  g_autofree char *host = sc_failure_name_host (answer->uri);
  GError *error = NULL;

  if (answer->status == 404 && request->is_manifest)
    sc_error_set (&error, SYSCONT_ERROR_MANIFEST_UNKNOWN,
                  "registry \"%s\" has no \"%s\" in repository \"%s\"; check the name and the tag",
                  endpoint->registry, request->reference, endpoint->repository);
  else if (answer->status == 404 || answer->status == 410)
    sc_error_set (&error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
                  "registry \"%s\" no longer has the blob; have the image pushed again",
                  endpoint->registry);
  else if (answer->status == 401 || answer->status == 403)
    sc_authorization_refuse (get->registry->authorization, &error);
  else if (answer->status == 407)
    sc_error_set (&error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
                  "the proxy to \"%s\" wants another user or password: write them into its URI, "
                  "http://USER:PASSWORD@HOST:PORT",
                  host);
  else if (answer->status == 400 && endpoint->client_certificate == NULL)
    sc_error_set (
        &error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
        "\"%s\" answers with status 400; check that it is a registry, and whether it wants "
        "a client certificate (NAME.cert and NAME.key in /etc/containers/certs.d/%s)",
        host, endpoint->registry);
  else
    sc_error_set (&error, SYSCONT_ERROR_REGISTRY_UNREACHABLE,
                  "\"%s\" answers with status %u; check that it is a registry", host,
                  answer->status);
  return error;
}

static void on_answer (GObject *source, GAsyncResult *result, gpointer user_data);

static void
on_renewed (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  GError *error = NULL;

  if (sc_authorization_renew_finish (result, &error))
    send_get (g_steal_pointer (&task), on_answer);
  else
    g_task_return_error (task, error);
}

static void
handle_unauthorized (GTask *task, const ScHttpAnswer *answer)
{
  Get *get = g_task_get_task_data (task);

  if (get->has_renewed)
    {
      g_task_return_error (task, make_status_error (get, answer));
      return;
    }
  get->has_renewed = TRUE;
  sc_authorization_renew_async (get->registry->authorization, answer, get->sent,
                                g_task_get_cancellable (task), on_renewed, g_object_ref (task));
}

static void
handle_error (GTask *task, GError *error)
{
  Get *get = g_task_get_task_data (task);

  if (get->is_probing && !g_error_matches (error, SYSCONT_ERROR, SYSCONT_ERROR_CANCELLED))
    {
      get->is_probing = FALSE;
      if (!get->probe.is_answered)
        get->scheme = "http";
      get->retry->is_answered |= get->probe.is_answered;
      get->probe_error = error;
      send_get (g_object_ref (task), on_answer);
      return;
    }

  if (get->probe_error != NULL && g_str_equal (get->scheme, "http"))
    {
      g_autofree char *message = g_strdup_printf ("%s (before that, with https: %s)",
                                                  error->message, get->probe_error->message);
      g_free (error->message);
      error->message = g_steal_pointer (&message);
    }
  g_task_return_error (task, error);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Get *get = g_task_get_task_data (task);
  GError *error = NULL;
  g_autoptr (ScHttpAnswer) answer = sc_attempts_get_finish (result, &error);

  if (answer == NULL)
    {
      handle_error (task, error);
      return;
    }

  get->is_probing = FALSE;
  get->registry->scheme = get->scheme;
  get->registry->is_answered = TRUE;
  get->retry->is_answered = TRUE;
  gboolean is_range_answer = answer->status == 416 && get->request.range_start > 0;
  if (answer->status == 200 || answer->status == 206 || is_range_answer)
    g_task_return_pointer (task, g_steal_pointer (&answer), (GDestroyNotify)sc_http_answer_free);
  else if (answer->status == 401)
    handle_unauthorized (task, answer);
  else
    g_task_return_error (task, make_status_error (get, answer));
}

void
sc_registry_get_async (ScRegistry *self,
                       const ScRegistryRequest *request,
                       ScRetry *retry,
                       GCancellable *cancellable,
                       GAsyncReadyCallback callback,
                       gpointer user_data)
{
  GTask *task = g_task_new (NULL, cancellable, callback, user_data);
  Get *get = g_new0 (Get, 1);

  get->registry = self;
  get->request = *request;
  get->retry = retry;
  get->scheme = self->scheme;
  get->is_probing = sc_http_is_insecure (self->http) && !self->is_answered;
  get->probe = (ScRetry){ .policy = retry->policy, .limit = 0 };
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, get, (GDestroyNotify)get_free);
  send_get (task, on_answer);
}

ScHttpAnswer *
sc_registry_get_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}
