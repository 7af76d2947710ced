/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-credentials.h"

#include "base/sc-fd.h"
#include "base/sc-log.h"
#include "ops/sc-login-store.h"

#include <errno.h>
#include <fcntl.h>
#include <syslog.h>
#include <unistd.h>

#define GIVEN "the login that came with the call"

typedef struct
{
  char *name; /* (owned) for messages */
  ScAuthFile *file;
} Source;

struct _ScCredentials
{
  const ScOpContext *context;
  GPtrArray *sources; /* (owned) of Source, in the order of their precedence */
};

static void
source_free (gpointer data)
{
  Source *source = data;

  g_free (source->name);
  sc_auth_file_free (source->file);
  g_free (source);
}

static void
warn (const ScOpContext *context, const char *name, const char *what)
{
  g_autofree char *text = g_strdup_printf ("%s: %s", name, what);

  sc_op_log (context, LOG_WARNING, "%s", text);
  sc_log (G_LOG_LEVEL_WARNING, &(ScLogFields){ .job = context->job_id }, "%s", text);
  g_ptr_array_add (context->hints, g_steal_pointer (&text));
}

static gboolean
check_file (const struct stat *st, GError **error)
{
  const char *fault = NULL;

  if (!S_ISREG (st->st_mode))
    fault = "it is no regular file";
  else if (st->st_uid != geteuid ())
    fault = "it does not belong to root; say \"chown root\"";
  else if ((st->st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0)
    fault = "others may read or change it; say \"chmod 600\"";
  return fault == NULL || sc_error_set (error, SYSCONT_ERROR_FAILED, "%s", fault);
}

/* Returns: NULL without @error when there is no file */
static ScAuthFile *
read_file (const char *path, GError **error)
{
  sc_autofd fd = open (path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  struct stat st;

  if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
    return NULL;
  if (fd < 0 || fstat (fd, &st) < 0)
    {
      sc_error_set_errno (error, errno, "opening it");
      return NULL;
    }
  if (!check_file (&st, error))
    return NULL;

  g_autoptr (GBytes) bytes = sc_fd_read_all (fd, SC_AUTH_FILE_MAX_BYTES, error);
  if (bytes == NULL)
    return NULL;
  gsize size_bytes;
  const char *data = g_bytes_get_data (bytes, &size_bytes);
  return sc_auth_file_parse (data, size_bytes, error);
}

static void
add_source (ScCredentials *self, const char *name, ScAuthFile *file)
{
  Source *source = g_new0 (Source, 1);

  source->name = g_strdup (name);
  source->file = file;
  g_ptr_array_add (self->sources, source);
}

static void
add_file (ScCredentials *self, const char *path)
{
  g_autofree char *name = g_strdup_printf ("\"%s\"", path);
  g_autoptr (GError) error = NULL;
  ScAuthFile *file = read_file (path, &error);

  if (file != NULL)
    {
      add_source (self, name, file);
      return;
    }
  if (error != NULL)
    {
      g_autofree char *what = g_strdup_printf ("its logins are not used: %s", error->message);
      warn (self->context, name, what);
    }
}

static gboolean
add_given (ScCredentials *self,
           ScSecret *given,
           const char *prefix,
           GCancellable *cancellable,
           GError **error)
{
  g_autoptr (GBytes) bytes = sc_secret_read (given, SC_AUTH_FILE_MAX_BYTES, cancellable, error);
  if (bytes == NULL)
    return FALSE;

  gsize size_bytes;
  const char *data = g_bytes_get_data (bytes, &size_bytes);
  g_autoptr (ScCredential) credential = NULL;
  g_autoptr (ScAuthFile) file = sc_auth_file_parse_fragment (data, size_bytes, prefix, error);
  if (file == NULL || !sc_auth_file_find (file, prefix, NULL, &credential, error))
    return sc_prefix_error (error, GIVEN ": ");
  add_source (self, GIVEN, g_steal_pointer (&file));
  return TRUE;
}

ScCredentials *
sc_credentials_load (const ScOpContext *context,
                     ScSecret *given,
                     const char *prefix,
                     GCancellable *cancellable,
                     GError **error)
{
  g_autoptr (ScCredentials) self = g_new0 (ScCredentials, 1);
  g_autofree char *own = sc_login_store_get_path (context->paths);

  self->context = context;
  self->sources = g_ptr_array_new_with_free_func (source_free);
  if (given != NULL && !add_given (self, given, prefix, cancellable, error))
    return NULL;
  add_file (self, own);
  add_file (self, context->paths->auth_runtime);
  add_file (self, context->paths->auth_system);
  return g_steal_pointer (&self);
}

void
sc_credentials_free (ScCredentials *self)
{
  g_ptr_array_unref (self->sources);
  g_free (self);
}

ScCredential *
sc_credentials_find (ScCredentials *self, const char *registry, const char *repository)
{
  for (guint i = 0; i < self->sources->len; i++)
    {
      const Source *source = self->sources->pdata[i];
      g_autoptr (GError) error = NULL;
      ScCredential *credential;

      if (!sc_auth_file_find (source->file, registry, repository, &credential, &error))
        warn (self->context, source->name, error->message);
      else if (credential != NULL)
        return credential;
      else if (sc_auth_file_has_helper (source->file, registry))
        warn (self->context, source->name,
              "a credential helper has the login, and helpers are not run; log in with "
              "\"syscontctl login\"");
    }
  return NULL;
}
