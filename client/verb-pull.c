/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-printer.h"
#include "sc-pull.h"
#include "sc-verb.h"

static char *name_as;
static char *platform;
static char *authfile;
static gboolean if_newer;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "name-as", 0, 0, G_OPTION_ARG_STRING, &name_as,
      "Name to store an image layout or archive under", "REF" },
    { "platform", 0, 0, G_OPTION_ARG_STRING, &platform,
      "Platform to take from a multi-platform image", "OS/ARCH" },
    { "authfile", 0, 0, G_OPTION_ARG_FILENAME, &authfile,
      "Use the logins of this auth.json first; - for standard input", "FILE" },
    { "if-newer", 0, 0, G_OPTION_ARG_NONE, &if_newer,
      "Keep the stored image when its registry cannot be asked", NULL },
    { 0 },
  };
  return entries;
}

static void
print_result (GVariant *result)
{
  g_autofree char *reference = sc_dict_string (result, "reference");
  g_autofree char *digest = sc_dict_string (result, "digest");
  guint64 downloaded_bytes = sc_dict_uint (result, "downloaded-bytes");
  guint64 resumed_bytes = sc_dict_uint (result, "resumed-bytes");
  g_autofree char *size = g_format_size (downloaded_bytes);
  g_autofree char *resumed_size = g_format_size (resumed_bytes);
  g_autofree char *unchecked = sc_dict_string (result, "unchecked");
  guint64 dropped = sc_dict_uint (result, "dropped-nodes");

  if (sc_dict_bool (result, "changed"))
    {
      g_print ("pulled %s (%s", reference, digest);
      if (downloaded_bytes + resumed_bytes > 0)
        g_print (", %s", size);
      if (resumed_bytes > 0)
        g_print (" after %s from before", resumed_size);
      g_print (")\n");
    }
  else if (*unchecked != '\0')
    g_print ("%s is kept as it is (%s)\n", reference, digest);
  else
    g_print ("%s is up to date (%s)\n", reference, digest);
  if (dropped > 0)
    g_printerr ("note: %" G_GUINT64_FORMAT
                " device nodes, fifos or sockets of the image were left out\n",
                dropped);
}

static int
run (ScClient *client, char **arguments)
{
  ScPullRequest request = {
    .image = arguments[0],
    .name_as = name_as,
    .platform = platform,
    .authfile = authfile,
    .if_newer = if_newer,
  };
  g_autoptr (GVariant) result = NULL;
  int status = sc_pull_run (client, &request, &result);

  if (status != 0 || result == NULL)
    return status;
  if (client->json)
    sc_print_json ("result", result);
  else if (!client->quiet)
    print_result (result);
  return sc_report_changed (client, result);
}

const ScVerb sc_verb_pull = {
  .name = "pull",
  .arguments = "IMAGE",
  .summary = "Download or import an image",
  .description = "IMAGE is REGISTRY/NAME[:TAG][@DIGEST], docker:NAME[:TAG] of the local engine, "
                 "oci:DIRECTORY[:TAG], oci-archive:FILE[:TAG] or docker-archive:FILE[:NAME]; with "
                 "\"-\" as FILE it is read from standard input.",
  .options = options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run,
};
