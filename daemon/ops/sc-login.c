/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-login.h"

#include "base/sc-log.h"
#include "image/sc-auth-file.h"
#include "ops/sc-access.h"
#include "ops/sc-login-store.h"
#include "ops/sc-op-private.h"
#include "ops/sc-resolve.h"
#include "ops/sc-worker.h"

#include <string.h>

#define CHECK_REQUEST 1

static void
split_prefix (const char *prefix, char **registry, char **repository)
{
  const char *slash = strchr (prefix, '/');

  *registry = slash != NULL ? g_strndup (prefix, (gsize)(slash - prefix)) : g_strdup (prefix);
  *repository = slash != NULL ? g_strdup (slash + 1) : NULL;
}

ScCredential *
sc_login_read (ScSecret *secret, const char *prefix, GCancellable *cancellable, GError **error)
{
  g_autofree char *registry = NULL;
  g_autofree char *repository = NULL;
  ScCredential *credential = NULL;
  g_autoptr (GBytes) bytes = sc_secret_read (secret, SC_AUTH_FILE_MAX_BYTES, cancellable, error);
  if (bytes == NULL)
    return NULL;

  gsize size_bytes;
  const char *data = g_bytes_get_data (bytes, &size_bytes);
  g_autoptr (ScAuthFile) file = sc_auth_file_parse_fragment (data, size_bytes, prefix, error);
  split_prefix (prefix, &registry, &repository);
  if (file == NULL || !sc_auth_file_find (file, registry, repository, &credential, error))
    {
      sc_prefix_error (error, "the login that came with the call: ");
      return NULL;
    }
  if (credential == NULL)
    sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                  "what came with the call has no login for "
                  "\"%s\"",
                  prefix);
  return credential;
}

void
sc_login_log (const char *prefix, guint caller_uid, gboolean stored)
{
  const ScLogFields fields = { .operation = stored ? "login" : "logout",
                               .has_caller_uid = TRUE,
                               .caller_uid = caller_uid };

  sc_log (G_LOG_LEVEL_MESSAGE, &fields,
          stored ? "stored a login for \"%s\"" : "removed the login for \"%s\"", prefix);
}

typedef struct
{
  ScOp base;
  char *prefix; /* (owned) */
} LoginOp;

static ScWorker *
start_worker (ScOpContext *context, ScSystemd *systemd, GCancellable *cancellable, GError **error)
{
  g_autoptr (ScWorker) fetch = sc_worker_connect (context->paths, "fetch", error);

  if (fetch == NULL || !sc_worker_greet (fetch, systemd, cancellable, error))
    return NULL;
  return g_steal_pointer (&fetch);
}

/* Asks the registry whether it lets @endpoint's login in.
 * @realm: (out) (transfer full): "" when no token server has seen it */
static gboolean
check (ScWorker *fetch,
       ScEndpoint *endpoint,
       gboolean *was_asked,
       char **realm,
       GCancellable *cancellable,
       GError **error)
{
  ScChannel *channel = sc_worker_get_channel (fetch);
  g_autoptr (GPtrArray) endpoints = g_ptr_array_new ();
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_CHECK);
  ScRecord record;

  g_ptr_array_add (endpoints, endpoint);
  sc_record_writer_put_u32 (writer, CHECK_REQUEST);
  if (!sc_resolve_open (fetch, endpoints, error)
      || !sc_channel_send (channel, writer, NULL, 0, error)
      || !sc_worker_receive (fetch, channel, &record, cancellable, error))
    return FALSE;
  if (record.type == SC_RECORD_ERROR)
    return sc_worker_read_error (&record, CHECK_REQUEST, error);

  guint32 request = sc_record_get_u32 (&record);
  guint32 asked = sc_record_get_u32 (&record);
  *realm = sc_record_dup_string (&record);
  *was_asked = asked == 1;
  if (record.type == SC_RECORD_FETCH_CHECKED && request == CHECK_REQUEST && asked <= 1
      && sc_record_finish (&record, NULL))
    return TRUE;

  sc_worker_kill (fetch);
  return sc_error_set (error, SYSCONT_ERROR_FAILED, "the syscont-fetch worker broke the protocol");
}

/* What syscont-fetch says is an outsider's word: a name that is none is not written down. */
static gboolean
pin (ScCredential *credential, const char *realm, GError **error)
{
  if (*realm == '\0')
    return TRUE;

  /* Without "." and ":" it would pass for the beginning of a path. */
  g_autofree char *name = g_strconcat (realm, strpbrk (realm, ".:") == NULL ? ":443" : NULL, NULL);
  if (!sc_auth_prefix_check (name, NULL) || strchr (name, '/') != NULL)
    return sc_error_set (error, SYSCONT_ERROR_FAILED, "the token server has no proper name");
  g_free (credential->realm);
  credential->realm = g_steal_pointer (&name);
  return TRUE;
}

static gboolean
login (LoginOp *self, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  gboolean was_asked = FALSE;
  g_autofree char *realm = NULL;
  g_autofree char *registry = NULL;
  g_autofree char *repository = NULL;

  sc_progress_set_phase (context->progress, "resolve");
  g_autoptr (ScCredential) credential
      = sc_login_read (context->auth, self->prefix, cancellable, error);
  if (credential == NULL)
    return FALSE;

  split_prefix (self->prefix, &registry, &repository);
  g_autoptr (ScSystemd) systemd = sc_systemd_new (context->bus, error);
  g_autoptr (ScEndpoint) endpoint
      = systemd != NULL ? sc_access_find_registry (context, registry, error) : NULL;
  g_autoptr (ScWorker) fetch
      = endpoint != NULL ? start_worker (context, systemd, cancellable, error) : NULL;
  if (fetch == NULL)
    return FALSE;

  endpoint->credential = sc_credential_copy (credential);
  if (!check (fetch, endpoint, &was_asked, &realm, cancellable, error)
      || !pin (credential, realm, error)
      || !sc_login_store_set (context->paths, self->prefix, credential, error))
    return FALSE;

  sc_login_log (self->prefix, context->caller_uid, TRUE);
  g_variant_dict_insert (context->result, "verified", "b", was_asked);
  g_variant_dict_insert (context->result, "token-server", "s", realm);
  sc_op_set_changed (context, TRUE);
  return TRUE;
}

static gboolean
login_run (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  LoginOp *self = (LoginOp *)op;

  return login (self, context, cancellable, error)
         || sc_prefix_error (error, "logging in to \"%s\": ", self->prefix);
}

static void
login_free (ScOp *op)
{
  LoginOp *self = (LoginOp *)op;

  g_free (self->prefix);
  g_free (self);
}

static const ScOpClass login_class = { "login", login_run, login_free };

ScOp *
sc_op_new_login (const char *prefix, ScSecret *secret)
{
  LoginOp *self = g_new0 (LoginOp, 1);
  const char *const targets[] = { prefix, NULL };

  sc_op_init (&self->base, &login_class, targets);
  self->prefix = g_strdup (prefix);
  self->base.auth = secret;
  return &self->base;
}
