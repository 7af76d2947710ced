/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-pull.h"

#include "sc-follow.h"
#include "sc-image-argument.h"
#include "sc-layout-index.h"
#include "sc-layout.h"
#include "sc-printer.h"
#include "sc-secret-input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

gboolean
sc_pull_is_local (const char *image)
{
  /* "docker:5000/app" is of a registry, as every name with a port */
  const char *engine = "docker:";
  if (g_str_has_prefix (image, engine))
    {
      const char *name = image + strlen (engine);
      gsize digits = strspn (name, "0123456789");
      return digits == 0 || name[digits] != '/';
    }

  static const char *const prefixes[]
      = { "oci:", "oci-archive:", "docker-archive:", "dockertar:", NULL };

  for (guint i = 0; prefixes[i] != NULL; i++)
    if (g_str_has_prefix (image, prefixes[i]))
      return TRUE;
  return FALSE;
}

/* Makes the import job. @fd: (transfer full) */
static GVariant *
import (ScClient *client,
        const ScPullRequest *request,
        const ScImageArgument *argument,
        const char *ref_name,
        int fd,
        GError **error)
{
  g_autoptr (GUnixFDList) fds = g_unix_fd_list_new_from_array (&fd, 1);
  g_autofree char *own_name = sc_image_argument_store_name (argument, ref_name);
  g_autofree char *source = sc_image_argument_source (argument);
  const char *name = request->name_as != NULL ? request->name_as : own_name;
  const char *format = argument->kind == SC_IMAGE_DOCKER_ARCHIVE ? "docker-archive" : "oci-archive";
  GVariantBuilder options;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (name != NULL)
    g_variant_builder_add (&options, "{sv}", "reference", g_variant_new_string (name));
  g_variant_builder_add (&options, "{sv}", "source", g_variant_new_string (source));
  if (request->is_unnamed)
    g_variant_builder_add (&options, "{sv}", "unnamed", g_variant_new_boolean (TRUE));
  if (argument->tag != NULL)
    g_variant_builder_add (&options, "{sv}", "tag", g_variant_new_string (argument->tag));
  if (request->platform != NULL)
    g_variant_builder_add (&options, "{sv}", "platform", g_variant_new_string (request->platform));
  return sc_client_call (
      client, "ImportImage",
      g_variant_new ("(hs@a{sv})", 0, format, sc_client_options (client, &options)), fds, error);
}

static int
import_dir (ScClient *client,
            const ScPullRequest *request,
            const ScImageArgument *argument,
            GVariant **result)
{
  GError *error = NULL;
  g_autoptr (ScLayout) layout = sc_layout_open_dir (argument->name, &error);
  g_autofree char *ref_name
      = layout != NULL ? sc_layout_find_entry (layout, argument->tag, &error) : NULL;
  int fd = ref_name != NULL ? sc_layout_stream (layout, argument->tag, &error) : -1;
  GVariant *reply = NULL;

  if (fd >= 0)
    reply = import (client, request, argument, ref_name[0] != '\0' ? ref_name : NULL, fd, &error);

  /* The archive has to be sent whole, so this verb waits for it even with --no-block. */
  int status = sc_follow (client, reply, error, result);
  g_autoptr (GError) stream_error = NULL;
  if (layout != NULL && !sc_layout_finish (layout, &stream_error))
    {
      sc_client_print_error (stream_error->message);
      return status != 0 ? status : 1;
    }
  return status;
}

static int
open_archive (const ScImageArgument *argument, GError **error)
{
  int fd = strcmp (argument->name, "-") == 0 ? fcntl (STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
                                             : open (argument->name, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    g_set_error (error, SYSCONT_ERROR,
                 errno == ENOENT ? SYSCONT_ERROR_NOT_FOUND : SYSCONT_ERROR_FAILED,
                 "opening \"%s\": %s", argument->name, g_strerror (errno));
  return fd;
}

static int
import_archive (ScClient *client,
                const ScPullRequest *request,
                const ScImageArgument *argument,
                GVariant **result)
{
  GError *error = NULL;
  g_autofree char *ref_name = NULL;
  GVariant *reply = NULL;
  int fd = open_archive (argument, &error);

  /* What comes through a pipe can be read once only: there the name is given, or made from the
   * argument. */
  gboolean has_index = argument->kind == SC_IMAGE_OCI_ARCHIVE;
  if (has_index && fd >= 0 && lseek (fd, 0, SEEK_CUR) >= 0)
    {
      ref_name = sc_layout_find_archive_entry (fd, argument->tag, &error);
      if (ref_name == NULL)
        {
          g_prefix_error (&error, "\"%s\": ", argument->name);
          close (fd);
          fd = -1;
        }
    }
  if (fd >= 0)
    reply = import (client, request, argument,
                    ref_name != NULL && ref_name[0] != '\0' ? ref_name : NULL, fd, &error);
  return sc_follow (client, reply, error, result);
}

gboolean
sc_pull_add_auth (const char *authfile, GVariantBuilder *builder, GUnixFDList **fds, GError **error)
{
  *fds = NULL;
  if (authfile == NULL)
    return TRUE;

  g_autofree char *text = sc_secret_input_read (authfile, error);
  if (text == NULL)
    return FALSE;
  *fds = sc_secret_input_to_fds (text, error);
  g_variant_builder_add (builder, "{sv}", "auth", g_variant_new_handle (0));
  return *fds != NULL;
}

/* Makes the pull job. */
static GVariant *
pull (ScClient *client, const ScPullRequest *request, const char *name, GError **error)
{
  GVariantBuilder options;
  g_autoptr (GUnixFDList) fds = NULL;

  g_variant_builder_init (&options, G_VARIANT_TYPE_VARDICT);
  if (request->platform != NULL)
    g_variant_builder_add (&options, "{sv}", "platform", g_variant_new_string (request->platform));
  if (request->if_newer)
    g_variant_builder_add (&options, "{sv}", "if-newer", g_variant_new_boolean (TRUE));
  if (!sc_pull_add_auth (request->authfile, &options, &fds, error))
    {
      g_variant_builder_clear (&options);
      return NULL;
    }
  return sc_client_call (client, "Pull",
                         g_variant_new ("(s@a{sv})", name, sc_client_options (client, &options)),
                         fds, error);
}

int
sc_pull_run (ScClient *client, const ScPullRequest *request, GVariant **result)
{
  g_auto (ScImageArgument) argument = { 0 };
  GError *error = NULL;

  *result = NULL;
  if (request->authfile != NULL && sc_pull_is_local (request->image))
    return sc_client_usage_error ("--authfile is for registries only");
  if (!sc_image_argument_parse (request->image, &argument, &error))
    return sc_follow (client, NULL, error, result);
  if (argument.kind == SC_IMAGE_OCI_DIR)
    return import_dir (client, request, &argument, result);
  if (argument.kind != SC_IMAGE_NAME)
    return import_archive (client, request, &argument, result);
  if (request->name_as != NULL)
    return sc_client_usage_error ("--name-as is for layouts and archives only");

  GVariant *reply = pull (client, request, argument.name, &error);
  return sc_follow (client, reply, error, result);
}

int
sc_pull_first (ScClient *client, const ScPullRequest *request, char **reference)
{
  g_autoptr (GVariant) result = NULL;
  ScClient waiting = *client;

  if (!sc_pull_is_local (request->image))
    {
      *reference = g_strdup (request->image);
      return 0;
    }
  waiting.no_block = FALSE;
  int status = sc_pull_run (&waiting, request, &result);
  client->bus = waiting.bus;
  client->agent = waiting.agent;
  if (status == 0)
    *reference = sc_dict_string (result, "reference");
  return status;
}
