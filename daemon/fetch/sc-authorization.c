/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-authorization.h"

#include "base/sc-error-util.h"
#include "fetch/sc-token.h"

struct _ScAuthorization
{
  ScAuthorizationSetup setup;
  char *header; /* (owned) (nullable) */
  char *realm;  /* (owned) (nullable) */
};

ScAuthorization *
sc_authorization_new (const ScAuthorizationSetup *setup)
{
  ScAuthorization *self = g_new0 (ScAuthorization, 1);

  self->setup = *setup;
  return self;
}

void
sc_authorization_free (ScAuthorization *self)
{
  g_free (self->header);
  g_free (self->realm);
  g_free (self);
}

const char *
sc_authorization_get_header (ScAuthorization *self)
{
  return self->header;
}

const char *
sc_authorization_get_realm (ScAuthorization *self)
{
  return self->realm;
}

gboolean
sc_authorization_refuse (ScAuthorization *self, GError **error)
{
  const ScAuthorizationSetup *setup = &self->setup;

  if (setup->credential == NULL)
    return sc_error_set (error, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED,
                         "registry \"%s\" lets nobody read repository \"%s\" without a login; "
                         "check the name, or log in with \"syscontctl login %s\"",
                         setup->registry, setup->repository, setup->registry);

  g_autofree char *who = sc_credential_describe (setup->credential);
  if (*setup->repository == '\0')
    return sc_error_set (error, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED,
                         "registry \"%s\" does not let %s in; check the name and the password",
                         setup->registry, who);
  return sc_error_set (error, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED,
                       "registry \"%s\" does not let %s read repository \"%s\"; check the name of "
                       "the image, or log in again with \"syscontctl login %s\"",
                       setup->registry, who, setup->repository, setup->registry);
}

static void
set_header (ScAuthorization *self, char *header)
{
  g_free (self->header);
  self->header = header;
}

/* The data of the task. */
typedef struct
{
  ScAuthorization *authorization;
  ScTokenRequest *request; /* (owned) (nullable) */
} Renewal;

static void
renewal_free (Renewal *self)
{
  g_clear_pointer (&self->request, sc_token_request_free);
  g_free (self);
}

static void
on_token (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GTask) task = user_data;
  Renewal *renewal = g_task_get_task_data (task);
  ScAuthorization *self = renewal->authorization;
  GError *error = NULL;
  g_autofree char *token = sc_token_get_finish (result, &error);

  if (token == NULL)
    {
      sc_prefix_error (&error, "registry \"%s\": ", self->setup.registry);
      g_task_return_error (task, error);
      return;
    }
  set_header (self, g_strconcat ("Bearer ", token, NULL));
  g_free (self->realm);
  self->realm = sc_failure_name_host (renewal->request->uri);
  g_task_return_boolean (task, TRUE);
}

/* Returns: FALSE without @error when a password is of no use */
static gboolean
use_password (ScAuthorization *self, GPtrArray *challenges, const char *sent)
{
  const ScCredential *credential = self->setup.credential;

  if (credential == NULL || credential->kind != SC_CREDENTIAL_BASIC
      || sc_challenge_find (challenges, "basic") == NULL)
    return FALSE;

  g_autofree char *basic = sc_token_make_basic (credential);
  if (g_strcmp0 (sent, basic) == 0)
    return FALSE;
  set_header (self, g_steal_pointer (&basic));
  return TRUE;
}

static void
ask_token_server (GTask *task, const ScChallenge *bearer, const ScHttpAnswer *answer)
{
  Renewal *renewal = g_task_get_task_data (task);
  const ScAuthorizationSetup *setup = &renewal->authorization->setup;
  const ScRealmRules rules = { .registry = answer->uri,
                               .insecure = sc_http_is_insecure (setup->http),
                               .credential = setup->credential };
  GError *error = NULL;

  renewal->request = sc_token_request_new (
      bearer, &rules, *setup->repository != '\0' ? setup->repository : NULL, &error);
  if (renewal->request == NULL)
    {
      sc_prefix_error (&error, "registry \"%s\": ", setup->registry);
      g_task_return_error (task, error);
      return;
    }
  sc_token_get_async (setup->http, renewal->request, g_task_get_cancellable (task), on_token,
                      g_object_ref (task));
}

void
sc_authorization_renew_async (ScAuthorization *self,
                              const ScHttpAnswer *answer,
                              const char *sent,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, cancellable, callback, user_data);
  Renewal *renewal = g_new0 (Renewal, 1);

  renewal->authorization = self;
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, renewal, (GDestroyNotify)renewal_free);
  if (self->header != NULL && g_strcmp0 (self->header, sent) != 0)
    {
      g_task_return_boolean (task, TRUE);
      return;
    }

  GError *error = NULL;
  const char *text = sc_http_answer_get_header (answer, "WWW-Authenticate");
  g_autoptr (GPtrArray) challenges = text != NULL ? sc_challenge_parse (text, &error) : NULL;
  const ScChallenge *bearer = challenges != NULL ? sc_challenge_find (challenges, "bearer") : NULL;
  if (bearer != NULL)
    ask_token_server (task, bearer, answer);
  else if (challenges != NULL && use_password (self, challenges, sent))
    g_task_return_boolean (task, TRUE);
  else
    {
      if (error == NULL)
        sc_authorization_refuse (self, &error);
      g_task_return_error (task, error);
    }
}

gboolean
sc_authorization_renew_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
