/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-printer.h"
#include "sc-verb.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file has its name once all of it is there. */
typedef struct
{
  const char *path;
  char *partial; /* (owned) (nullable) name until then; NULL when nothing is renamed */
  int fd;        /* -1: not open */
} Target;

static gboolean
fail_errno (const Target *self, int saved_errno, GError **error)
{
  g_set_error (error, SYSCONT_ERROR,
               saved_errno == ENOENT ? SYSCONT_ERROR_NOT_FOUND : SYSCONT_ERROR_FAILED,
               "writing \"%s\": %s", self->path, g_strerror (saved_errno));
  return FALSE;
}

static gboolean
open_target (Target *self, GError **error)
{
  struct stat st;
  gboolean exists = stat (self->path, &st) == 0;

  if (exists && !S_ISREG (st.st_mode))
    self->fd = open (self->path, O_WRONLY | O_CLOEXEC);
  else
    {
      self->partial = g_strconcat (self->path, ".XXXXXX", NULL);
      self->fd = g_mkstemp_full (self->partial, O_WRONLY | O_CLOEXEC, 0666);
      if (self->fd < 0)
        g_clear_pointer (&self->partial, g_free);
    }
  return self->fd >= 0 || fail_errno (self, errno, error);
}

static gboolean
finish_target (Target *self, GError **error)
{
  if (self->partial == NULL)
    return TRUE;
  if (fsync (self->fd) < 0 || g_rename (self->partial, self->path) < 0)
    return fail_errno (self, errno, error);
  g_clear_pointer (&self->partial, g_free);
  return TRUE;
}

static void
target_clear (Target *self)
{
  if (self->partial != NULL)
    (void)g_unlink (self->partial);
  g_clear_pointer (&self->partial, g_free);
  if (self->fd >= 0)
    close (self->fd);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Target, target_clear)

/* On standard error when the archive goes to standard output. */
static void
print_result (GVariant *result, gboolean is_stdout)
{
  g_autofree char *reference = sc_dict_string (result, "reference");
  g_autofree char *digest = sc_dict_string (result, "digest");
  g_autofree char *size = g_format_size (sc_dict_uint (result, "size"));

  if (!is_stdout)
    g_print ("exported %s (%s, %s)\n", reference, digest, size);
  if (sc_dict_bool (result, "repacked"))
    g_printerr ("note: the layers were packed again, the image has the digest %s there\n", digest);
}

static int
run (ScClient *client, char **arguments)
{
  gboolean is_stdout = strcmp (arguments[1], "-") == 0;
  g_auto (Target) target = { .path = arguments[1], .fd = -1 };
  g_autoptr (GVariant) result = NULL;
  GError *error = NULL;
  GVariant *reply = NULL;

  if (is_stdout && client->json)
    return sc_client_usage_error ("--json does not go with \"-\": both are standard output");
  if (is_stdout && isatty (STDOUT_FILENO))
    return sc_client_usage_error ("an archive is not written to a terminal");

  int fd
      = is_stdout || open_target (&target, &error) ? (is_stdout ? STDOUT_FILENO : target.fd) : -1;
  if (fd >= 0)
    {
      g_autoptr (GUnixFDList) fds = g_unix_fd_list_new ();
      if (g_unix_fd_list_append (fds, fd, &error) >= 0)
        reply = sc_client_call (
            client, "ExportImage",
            g_variant_new ("(sh@a{sv})", arguments[0], 0, sc_client_options (client, NULL)), fds,
            &error);
    }

  /* The file is whole when the job ends, so this verb waits for it even with --no-block. */
  gboolean no_block = client->no_block;
  client->no_block = FALSE;
  int status = sc_follow (client, reply, error, &result);
  client->no_block = no_block;
  if (status != 0 || result == NULL)
    return status;

  g_autoptr (GError) file_error = NULL;
  if (!is_stdout && !finish_target (&target, &file_error))
    return sc_client_fail (file_error);
  if (client->json)
    sc_print_json ("result", result);
  else if (!client->quiet)
    print_result (result, is_stdout);
  return 0;
}

const ScVerb sc_verb_export = {
  .name = "export",
  .arguments = "IMAGE FILE",
  .summary = "Write an image to an archive",
  .description = "FILE becomes an oci-archive, which \"pull oci-archive:FILE\" takes on another "
                 "machine; \"-\" is standard output.",
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run,
};
