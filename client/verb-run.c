/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-pull.h"
#include "sc-values.h"
#include "sc-verb.h"

static char *name;
static char *platform;
static char *authfile;
static char **values;
static char **secrets;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "name", 'n', 0, G_OPTION_ARG_STRING, &name, "What the templates have as NAME", "NAME" },
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &values, "Set a variable of the image's templates",
      "KEY=VALUE" },
    { "secret", 0, 0, G_OPTION_ARG_STRING_ARRAY, &secrets,
      "Set a variable to what a file holds, and show it to nobody", "KEY=FILE" },
    { "platform", 0, 0, G_OPTION_ARG_STRING, &platform,
      "Platform to take from a multi-platform image", "OS/ARCH" },
    { "authfile", 0, 0, G_OPTION_ARG_STRING, &authfile, "Logins for registries, an auth.json",
      "FILE" },
    { 0 },
  };
  return entries;
}

static gboolean
add_options (GVariantBuilder *builder, char **argv, GUnixFDList **fds, GError **error)
{
  if (!sc_pull_add_auth (authfile, builder, fds, error) || !sc_pull_add_stdio (builder, fds, error)
      || !sc_secrets_add (secrets, builder, fds, error))
    return FALSE;
  g_variant_builder_add (builder, "{sv}", "once", g_variant_new_boolean (TRUE));
  if (argv[0] != NULL)
    g_variant_builder_add (builder, "{sv}", "argv",
                           g_variant_new_strv ((const char *const *)argv, -1));
  if (platform != NULL)
    g_variant_builder_add (builder, "{sv}", "platform", g_variant_new_string (platform));
  return TRUE;
}

static int
run (ScClient *client, char **arguments)
{
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GUnixFDList) fds = NULL;
  g_autofree char *reference = NULL;
  const ScPullRequest pull = { .image = arguments[0], .platform = platform };
  ScClient silent = *client;
  GError *error = NULL;
  GVariantBuilder builder;
  int exit_status = 0;

  silent.quiet = TRUE;
  int status = sc_pull_first (&silent, &pull, &reference);
  client->bus = silent.bus;
  client->agent = silent.agent;
  if (status != 0)
    return status;
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  if (!sc_values_add (values, &builder))
    {
      g_variant_builder_clear (&builder);
      return sc_client_usage_error ("--set needs KEY=VALUE");
    }
  if (!add_options (&builder, arguments + 1, &fds, &error))
    {
      g_variant_builder_clear (&builder);
      status = sc_client_fail (error);
      g_clear_error (&error);
      return status;
    }

  GVariant *reply
      = sc_client_call (&silent, "Install",
                        g_variant_new ("(ss@a{sv})", reference, name != NULL ? name : "",
                                       sc_client_options (&silent, &builder)),
                        fds, &error);
  status = sc_follow (&silent, reply, error, &result);
  client->bus = silent.bus;
  client->agent = silent.agent;
  if (status == 0 && result != NULL)
    g_variant_lookup (result, "exit-status", "i", &exit_status);
  return status != 0 ? status : exit_status;
}

const ScVerb sc_verb_run = {
  .name = "run",
  .arguments = "IMAGE [COMMAND…]",
  .summary = "Run an image once and leave nothing",
  .description = "The exit status is that of the command. Options stand before IMAGE.",
  .options = options,
  .min_arguments = 1,
  .max_arguments = G_MAXUINT,
  .takes_command = TRUE,
  .run = run,
};
