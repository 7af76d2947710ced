/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-pull.h"
#include "sc-stdio.h"
#include "sc-values.h"
#include "sc-verb.h"

static char *name;
static char *platform;
static char *authfile;
static char **values;
static char **secrets;
static char **env;
static gboolean has_terminal;
static gboolean reads_input;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "name", 'n', 0, G_OPTION_ARG_STRING, &name, "What the templates have as NAME", "NAME" },
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &values, "Set a variable of the image's templates",
      "KEY=VALUE" },
    { "secret", 0, 0, G_OPTION_ARG_STRING_ARRAY, &secrets,
      "Set a variable to what a file holds, and show it to nobody", "KEY=FILE" },
    { "tty", 't', 0, G_OPTION_ARG_NONE, &has_terminal, "Give it a terminal", NULL },
    { "interactive", 'i', 0, G_OPTION_ARG_NONE, &reads_input, "Let it read standard input", NULL },
    { "env", 'e', 0, G_OPTION_ARG_STRING_ARRAY, &env, "Add to its environment", "NAME[=VALUE]" },
    { "platform", 0, 0, G_OPTION_ARG_STRING, &platform,
      "Platform to take from a multi-platform image", "OS/ARCH" },
    { "authfile", 0, 0, G_OPTION_ARG_STRING, &authfile, "Logins for registries, an auth.json",
      "FILE" },
    { 0 },
  };
  return entries;
}

/* What this program was given, to be cleared whichever way it goes on */
typedef struct
{
  GUnixFDList *fds;     /* (owned) (nullable) */
  ScTerminal *terminal; /* (owned) (nullable) */
} Streams;

static void
streams_clear (Streams *self)
{
  g_clear_object (&self->fds);
  g_clear_pointer (&self->terminal, sc_terminal_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Streams, streams_clear)

static gboolean
add_options (GVariantBuilder *builder, char **argv, Streams *streams, GError **error)
{
  if (!sc_pull_add_auth (authfile, builder, &streams->fds, error))
    return FALSE;
  if (has_terminal)
    streams->terminal = sc_terminal_new (reads_input, error);
  if (has_terminal && streams->terminal == NULL)
    return FALSE;
  GVariant *handles = sc_stdio_new_handles (streams->terminal, reads_input, &streams->fds, error);
  if (handles == NULL)
    return FALSE;
  g_variant_builder_add (builder, "{sv}", "stdio", handles);
  if (!sc_secrets_add (secrets, builder, &streams->fds, error))
    return FALSE;
  g_variant_builder_add (builder, "{sv}", "once", g_variant_new_boolean (TRUE));
  g_variant_builder_add (builder, "{sv}", "tty", g_variant_new_boolean (has_terminal));
  sc_stdio_add_env (env, has_terminal, builder);
  if (argv[0] != NULL)
    g_variant_builder_add (builder, "{sv}", "argv",
                           g_variant_new_strv ((const char *const *)argv, -1));
  if (platform != NULL)
    g_variant_builder_add (builder, "{sv}", "platform", g_variant_new_string (platform));
  return TRUE;
}

static int
run_image (ScClient *client, const char *reference, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = NULL;
  g_auto (Streams) streams = { 0 };
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  int exit_status = 0;

  if (!sc_values_add (values, &builder))
    {
      g_variant_builder_clear (&builder);
      return sc_client_usage_error ("--set needs KEY=VALUE");
    }
  if (!add_options (&builder, argv, &streams, &error))
    {
      g_variant_builder_clear (&builder);
      return sc_client_fail (error);
    }

  const ScJobCall call
      = { .method = "Install",
          .arguments = g_variant_new ("(ss@a{sv})", reference, name != NULL ? name : "",
                                      sc_client_options (client, &builder)),
          .fds = g_steal_pointer (&streams.fds),
          .runs_program = TRUE,
          .terminal = streams.terminal };
  int status = sc_follow_call (client, &call, &result);
  if (status == 0 && result != NULL)
    g_variant_lookup (result, "exit-status", "i", &exit_status);
  return status != 0 ? status : exit_status;
}

static int
run (ScClient *client, char **arguments)
{
  g_autofree char *reference = NULL;
  const ScPullRequest pull = { .image = arguments[0], .platform = platform };

  if (client->no_block)
    return sc_client_usage_error ("run waits for its command");
  client->quiet = TRUE;
  int status = sc_pull_first (client, &pull, &reference);
  return status != 0 ? status : run_image (client, reference, arguments + 1);
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
