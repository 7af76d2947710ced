/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-op.h"

#include "base/sc-log.h"
#include "deploy/sc-secrets.h"
#include "ops/sc-op-private.h"

#include <stdarg.h>
#include <string.h>

#define MAX_SECRET_BYTES (64 * 1024)

static void
claim_free (gpointer data)
{
  ScClaim *claim = data;

  g_free (claim->what);
  g_free (claim);
}

void
sc_op_init (ScOp *self, const ScOpClass *op_class, const char *const *targets)
{
  self->op_class = op_class;
  self->targets = g_strdupv ((char **)targets);
  self->claims = g_ptr_array_new_with_free_func (claim_free);
}

void
sc_op_claim (ScOp *self, const char *kind, const char *name, gboolean exclusive)
{
  ScClaim *claim = g_new0 (ScClaim, 1);

  claim->what = name != NULL ? g_strconcat (kind, ":", name, NULL) : g_strdup (kind);
  claim->exclusive = exclusive;
  g_ptr_array_add (self->claims, claim);
}

ScReference *
sc_op_copy_reference (const ScReference *reference)
{
  ScReference *copy = g_new0 (ScReference, 1);

  copy->text = g_strdup (reference->text);
  copy->registry = g_strdup (reference->registry);
  copy->repository = g_strdup (reference->repository);
  copy->tag = g_strdup (reference->tag);
  copy->digest = g_strdup (reference->digest);
  copy->fullname = g_strdup (reference->fullname);
  return copy;
}

ScPlatform *
sc_op_copy_platform (const ScPlatform *platform)
{
  return platform != NULL
             ? sc_platform_new (platform->os, platform->architecture, platform->variant)
             : NULL;
}

void
sc_op_log (const ScOpContext *context, guint priority, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *line = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  context->log (context->log_data, priority, line);
}

void
sc_op_record (const ScOpContext *context, const ScHistoryEvent *event, const GError *failure)
{
  g_autoptr (GError) normal = failure != NULL ? syscont_error_normalize (failure) : NULL;
  g_autoptr (GError) error = NULL;
  ScHistoryEvent entry = *event;

  entry.job = context->job_id;
  entry.uid = context->caller_uid;
  entry.unit = context->caller_unit;
  entry.result = normal != NULL ? syscont_error_name (normal->code) : "done";
  if (normal != NULL)
    entry.reason = normal->message;
  if (!sc_history_add (context->paths, &entry, &error))
    sc_log (G_LOG_LEVEL_WARNING,
            &(ScLogFields){ .job = context->job_id, .container = event->container }, "%s",
            error->message);
}

void
sc_op_free (ScOp *self)
{
  g_strfreev (self->targets);
  g_ptr_array_unref (self->claims);
  g_clear_pointer (&self->auth, sc_secret_free);
  g_clear_pointer (&self->secrets, g_hash_table_unref);
  g_clear_pointer (&self->program, sc_program_free);
  g_free (self->terms.plan_id);
  g_strfreev (self->terms.accept_privileges);
  self->op_class->free (self);
}

/* Cancelling ends the connections of the workers; what is then seen at their other ends are faults
 * of many kinds, and all of them are this one. */
static void
report_cancelled (GCancellable *cancellable, GError **error)
{
  if (error == NULL || *error == NULL || !g_cancellable_is_cancelled (cancellable)
      || g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || g_error_matches (*error, SYSCONT_ERROR, SYSCONT_ERROR_CANCELLED))
    return;

  g_autoptr (GError) seen = g_steal_pointer (error);
  sc_error_set (error, SYSCONT_ERROR_CANCELLED, "cancelled (%s)", seen->message);
}

/* Whoever is refused sees here, too, that a file with logins could not be used. */
static void
add_hints (GPtrArray *hints, GError **error)
{
  if (error == NULL || hints->len == 0
      || !g_error_matches (*error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED))
    return;

  GString *message = g_string_new ((*error)->message);
  for (guint i = 0; i < hints->len; i++)
    g_string_append_printf (message, "; %s", (const char *)hints->pdata[i]);
  g_free ((*error)->message);
  (*error)->message = g_string_free (message, FALSE);
}

/* (transfer full) (nullable): as the value of a template */
static char *
read_value (ScSecret *secret, GCancellable *cancellable, GError **error)
{
  g_autoptr (GBytes) bytes = sc_secret_read (secret, MAX_SECRET_BYTES, cancellable, error);
  gsize size = 0;
  const char *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;

  if (bytes == NULL)
    return NULL;
  if (memchr (data, '\0', size) == NULL && g_utf8_validate_len (data, size, NULL))
    return g_strndup (data, size);
  sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "it is no text in UTF-8");
  return NULL;
}

static gboolean
read_secrets (const ScOp *self, GHashTable **values, GCancellable *cancellable, GError **error)
{
  GHashTableIter iter;
  gpointer name, secret;

  if (self->secrets == NULL)
    return TRUE;
  *values = sc_secrets_new ();
  g_hash_table_iter_init (&iter, self->secrets);
  while (g_hash_table_iter_next (&iter, &name, &secret))
    {
      char *value = read_value (secret, cancellable, error);
      if (value == NULL)
        return sc_prefix_error (error, "the secret \"%s\": ", (const char *)name);
      g_hash_table_insert (*values, g_strdup (name), value);
    }
  return TRUE;
}

gboolean
sc_op_run (ScOp *self, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;

  g_autoptr (GPtrArray) hints = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) secrets = NULL;
  if (!read_secrets (self, &secrets, cancellable, error))
    return FALSE;
  context->secrets = secrets;
  context->auth = self->auth;
  context->terms = &self->terms;
  context->hints = hints;
  if (self->op_class->run (self, context, cancellable, error))
    return TRUE;
  report_cancelled (cancellable, error);
  add_hints (hints, error);
  return FALSE;
}

/* "container" is all of them, whatever the name. */
static gboolean
covers (const char *kind, const char *what)
{
  gsize length = strlen (kind);

  return strchr (kind, ':') == NULL && strncmp (what, kind, length) == 0 && what[length] == ':';
}

static gboolean
overlap (const char *a, const char *b)
{
  return strcmp (a, b) == 0 || covers (a, b) || covers (b, a);
}

gboolean
sc_claims_conflict (GPtrArray *a, GPtrArray *b)
{
  for (guint i = 0; i < a->len; i++)
    for (guint j = 0; j < b->len; j++)
      {
        const ScClaim *x = a->pdata[i];
        const ScClaim *y = b->pdata[j];

        if ((x->exclusive || y->exclusive) && overlap (x->what, y->what))
          return TRUE;
      }
  return FALSE;
}
