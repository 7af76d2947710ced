/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-request.h"

#include "base/sc-digest.h"
#include "base/sc-fd.h"
#include "base/sc-name.h"
#include "deploy/sc-rendering.h"
#include "service/sc-request-private.h"

#include <string.h>

#define MIN_DIGITS     12
#define MAX_PRIVILEGES 1000

const ScOptionSpec sc_request_no_options[] = { { NULL, NULL } };

static const ScMethod *const groups[] = {
  sc_request_image_methods,  sc_request_storage_methods, sc_request_container_methods,
  sc_request_update_methods, sc_request_login_methods,   sc_request_query_methods,
  sc_request_plan_methods,   sc_request_exec_methods,
};

/* where images come from: Pull and Install, and the formats of ImportImage */
static const char *const transports[] = { "registry", "docker", "oci-archive", "docker-archive" };

const ScMethod *
sc_request_find_method (const char *method)
{
  for (gsize i = 0; i < G_N_ELEMENTS (groups); i++)
    for (const ScMethod *row = groups[i]; row->method != NULL; row++)
      if (strcmp (row->method, method) == 0)
        return row;
  return NULL;
}

static gboolean
looks_like_digest (const char *image)
{
  const char *digits = g_str_has_prefix (image, "sha256:") ? image + strlen ("sha256:") : image;
  gsize length = strspn (digits, "0123456789abcdef");

  return digits[length] == '\0' && length >= MIN_DIGITS && length <= SC_DIGEST_HEX_LENGTH;
}

gboolean
sc_request_check_image (const char *image, GError **error)
{
  if (looks_like_digest (image))
    return TRUE;

  g_autoptr (ScReference) reference = sc_reference_parse (image, error);
  return reference != NULL;
}

char **
sc_request_check_names (const char *method, const char *const *names, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new (g_str_hash, g_str_equal);

  if (names[0] == NULL)
    {
      sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "%s needs the name of a container",
                    method);
      return NULL;
    }
  for (gsize i = 0; names[i] != NULL; i++)
    {
      if (!sc_name_check (names[i], error))
        return NULL;
      if (!g_hash_table_add (seen, (gpointer)names[i]))
        continue;
      if (g_hash_table_size (seen) > SC_REQUEST_MAX_NAMES)
        {
          sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                        "%s takes at most %d containers in one call", method, SC_REQUEST_MAX_NAMES);
          return NULL;
        }
      g_strv_builder_add (builder, names[i]);
    }
  return g_strv_builder_end (builder);
}

gboolean
sc_request_set_container (ScRequest *request, const char *name, GError **error)
{
  const char *const names[] = { name, NULL };

  if (!sc_name_check (name, error))
    return FALSE;
  request->subject.containers = g_strdupv ((char **)names);
  return TRUE;
}

int
sc_request_take_fd (const ScCall *call, gint32 handle, GError **error)
{
  int n_fds = call->fds != NULL ? g_unix_fd_list_get_length (call->fds) : 0;

  if (handle < 0 || handle >= n_fds)
    {
      sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                    "the call has no file descriptor with the index %d", handle);
      return -1;
    }
  return g_unix_fd_list_get (call->fds, handle, error);
}

gboolean
sc_request_take_stdio (const ScCall *call,
                       const gint32 *handles,
                       gsize n_handles,
                       int stdio[SC_PROGRAM_N_STDIO],
                       GError **error)
{
  if (n_handles != SC_PROGRAM_N_STDIO)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "\"stdio\" must have three descriptors");
  for (gsize i = 0; i < SC_PROGRAM_N_STDIO; i++)
    {
      stdio[i] = sc_request_take_fd (call, handles[i], error);
      if (stdio[i] < 0)
        return FALSE;
    }
  return TRUE;
}

void
sc_request_clear_stdio (int stdio[SC_PROGRAM_N_STDIO])
{
  for (gsize i = 0; i < SC_PROGRAM_N_STDIO; i++)
    sc_fd_cleanup (&stdio[i]);
}

ScSecret *
sc_request_take_secret (const ScCall *call, gint32 handle, GError **error)
{
  int fd = sc_request_take_fd (call, handle, error);

  return fd >= 0 ? sc_secret_new (fd, error) : NULL;
}

gboolean
sc_request_take_auth (const ScCall *call, ScRequest *request, GError **error)
{
  gint32 handle;

  if (!sc_options_get_handle (request->options, "auth", &handle))
    return TRUE;
  request->op->auth = sc_request_take_secret (call, handle, error);
  return request->op->auth != NULL;
}

/* Names as those of other values; what they stand for is read by the operation. */
static gboolean
check_secret_names (GHashTable *handles, GHashTable *values, GError **error)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, handles);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    {
      g_autofree char *shown = sc_text_escape (name);
      if (values != NULL && g_hash_table_contains (values, name))
        return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                             "\"%s\" is both a value and a secret", shown);
      g_hash_table_insert (names, name, (gpointer) "");
    }
  return sc_set_values_check (names, error);
}

gboolean
sc_request_take_secrets (const ScCall *call, ScRequest *request, GHashTable *values, GError **error)
{
  g_autoptr (GHashTable) handles = sc_options_get_handle_map (request->options, "secrets");
  GHashTableIter iter;
  gpointer name, handle;

  if (handles == NULL || g_hash_table_size (handles) == 0)
    return TRUE;
  if (!check_secret_names (handles, values, error))
    return FALSE;
  request->op->secrets
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)sc_secret_free);
  g_hash_table_iter_init (&iter, handles);
  while (g_hash_table_iter_next (&iter, &name, &handle))
    {
      ScSecret *secret = sc_request_take_secret (call, GPOINTER_TO_INT (handle), error);
      if (secret == NULL)
        return sc_prefix_error (error, "the secret \"%s\": ", (const char *)name);
      g_hash_table_insert (request->op->secrets, g_strdup (name), secret);
    }
  return TRUE;
}

gboolean
sc_request_accepts_privileges (const ScRequest *request)
{
  g_autofree const char **words = sc_options_get_strv (request->options, "accept-privileges");

  return words != NULL && words[0] != NULL;
}

gboolean
sc_request_take_plan_id (ScRequest *request, const char *plan_id, GError **error)
{
  if (plan_id != NULL && !sc_hex_is_valid (plan_id))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "option \"plan-id\" must be 64 hex digits, as a plan says them");
  request->subject.plan_id = g_strdup (plan_id);
  return TRUE;
}

/* What the caller agrees to beforehand. */
static gboolean
take_terms (ScRequest *request, GError **error)
{
  g_autofree const char **words = sc_options_get_strv (request->options, "accept-privileges");
  const char *plan_id = sc_options_get_string (request->options, "plan-id");

  if (!sc_request_take_plan_id (request, plan_id, error))
    return FALSE;
  if (plan_id != NULL && g_strv_length (request->op->targets) != 1)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "option \"plan-id\" is for one container");
  request->op->terms.plan_id = g_strdup (plan_id);
  if (words == NULL)
    return TRUE;
  if (g_strv_length ((char **)words) > MAX_PRIVILEGES)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "option \"accept-privileges\" has more than %d words", MAX_PRIVILEGES);
  for (gsize i = 0; words[i] != NULL; i++)
    if (strcmp (words[i], "*") != 0 && strchr (words[i], ':') == NULL)
      {
        g_autofree char *shown = sc_text_escape (words[i]);
        return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                             "option \"accept-privileges\": \"%s\" is not the word of a privilege, "
                             "like \"capability:CAP_KILL\"",
                             shown);
      }
  request->op->terms.accept_privileges = g_strdupv ((char **)words);
  return TRUE;
}

gboolean
sc_request_parse_platform (const ScOptions *options, ScPlatform **platform, GError **error)
{
  const char *text = sc_options_get_string (options, "platform");

  *platform = NULL;
  if (text == NULL)
    return TRUE;
  *platform = sc_platform_parse (text, error);
  return *platform != NULL;
}

gboolean
sc_request_check_text (const char *what, const char *text, gsize max_bytes, GError **error)
{
  if (*text == '\0')
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "option \"%s\" is empty", what);
  if (strlen (text) > max_bytes)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "option \"%s\" is longer than %" G_GSIZE_FORMAT " bytes", what, max_bytes);
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    if (g_unichar_iscntrl (g_utf8_get_char (p)))
      return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                           "option \"%s\" has a control character", what);
  return TRUE;
}

ScRequest *
sc_request_parse (const ScCall *call, GError **error)
{
  const ScMethod *method = sc_request_find_method (call->method);
  if (method == NULL)
    {
      sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED, "there is no method \"%.64s\"",
                    call->method);
      return NULL;
    }
  if (call->fds != NULL && g_unix_fd_list_get_length (call->fds) > SC_REQUEST_MAX_FDS)
    {
      sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                    "%s came with more than %d file descriptors", method->method,
                    SC_REQUEST_MAX_FDS);
      return NULL;
    }

  g_autoptr (ScRequest) self = g_new0 (ScRequest, 1);
  gsize n_arguments = g_variant_n_children (call->parameters);
  g_autoptr (GVariant) options = g_variant_get_child_value (call->parameters, n_arguments - 1);
  self->method = method->method;
  self->rule = method->method;
  self->options = sc_options_parse (method->method, method->options, options, error);
  if (self->options == NULL)
    return NULL;
  self->no_queue = sc_options_get_bool (self->options, "no-queue", FALSE);
  if (method->parse != NULL && !method->parse (call, self, error))
    return NULL;
  if (self->op != NULL && !take_terms (self, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
sc_subject_clear (ScSubject *self)
{
  g_clear_pointer (&self->containers, g_strfreev);
  g_clear_pointer (&self->reference, sc_reference_free);
  g_clear_pointer (&self->image, g_free);
  g_clear_pointer (&self->digest, g_free);
  g_clear_pointer (&self->prefix, g_free);
  g_clear_pointer (&self->plan_id, g_free);
  g_clear_pointer (&self->from_digest, g_free);
}

void
sc_request_free (ScRequest *self)
{
  sc_subject_clear (&self->subject);
  g_clear_pointer (&self->options, sc_options_free);
  g_clear_pointer (&self->op, sc_op_free);
  g_clear_pointer (&self->secret, sc_secret_free);
  g_free (self);
}

char **
sc_request_features (void)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (gsize i = 0; i < G_N_ELEMENTS (groups); i++)
    for (const ScMethod *row = groups[i]; row->method != NULL; row++)
      for (const ScOptionSpec *spec = row->options; spec->key != NULL; spec++)
        {
          g_autofree char *feature = g_strconcat (row->method, ".", spec->key, NULL);
          g_strv_builder_add (builder, feature);
        }
  for (gsize i = 0; i < G_N_ELEMENTS (transports); i++)
    {
      g_autofree char *feature = g_strconcat ("transport:", transports[i], NULL);
      g_strv_builder_add (builder, feature);
    }
  return g_strv_builder_end (builder);
}
