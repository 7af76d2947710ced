/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-stdio.h"
#include "sc-verb.h"

static gboolean has_terminal;
static gboolean reads_input;
static char *user;
static char *cwd;
static char **env;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "tty", 't', 0, G_OPTION_ARG_NONE, &has_terminal, "Give the command a terminal", NULL },
    { "interactive", 'i', 0, G_OPTION_ARG_NONE, &reads_input, "Let the command read standard input",
      NULL },
    { "user", 'u', 0, G_OPTION_ARG_STRING, &user, "Run it as this user of the container",
      "USER[:GROUP]" },
    { "env", 'e', 0, G_OPTION_ARG_STRING_ARRAY, &env, "Add to its environment", "NAME[=VALUE]" },
    { "workdir", 'w', 0, G_OPTION_ARG_STRING, &cwd, "Run it in this directory of the container",
      "DIR" },
    { 0 },
  };
  return entries;
}

static GVariant *
make_options (void)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "tty", g_variant_new_boolean (has_terminal));
  if (user != NULL)
    g_variant_builder_add (&builder, "{sv}", "user", g_variant_new_string (user));
  if (cwd != NULL)
    g_variant_builder_add (&builder, "{sv}", "cwd", g_variant_new_string (cwd));
  sc_stdio_add_env (env, has_terminal, &builder);
  return g_variant_builder_end (&builder);
}

static int
run (ScClient *client, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GUnixFDList) fds = NULL;
  int exit_status = 0;

  if (client->no_block || client->no_queue)
    return sc_client_usage_error ("exec waits for its command, and for nothing else");
  g_autoptr (ScTerminal) terminal = has_terminal ? sc_terminal_new (reads_input, &error) : NULL;
  if (has_terminal && terminal == NULL)
    return sc_client_fail (error);
  GVariant *handles = sc_stdio_new_handles (terminal, reads_input, &fds, &error);
  if (handles == NULL)
    return sc_client_fail (error);

  const ScJobCall call = { .method = "Exec",
                           .arguments = g_variant_new ("(s^as@ah@a{sv})", arguments[0],
                                                       arguments + 1, handles, make_options ()),
                           .fds = g_steal_pointer (&fds),
                           .runs_program = TRUE,
                           .terminal = terminal };
  int status = sc_follow_call (client, &call, &result);
  if (status == 0 && result != NULL)
    g_variant_lookup (result, "exit-status", "i", &exit_status);
  return status != 0 ? status : exit_status;
}

const ScVerb sc_verb_exec = {
  .name = "exec",
  .arguments = "NAME COMMAND…",
  .summary = "Run a command in a system container",
  .description = "Beside its service when that runs, otherwise in a container of its own that is "
                 "gone afterwards. The exit status is that of the command. Options stand before "
                 "NAME.",
  .options = options,
  .min_arguments = 2,
  .max_arguments = G_MAXUINT,
  .takes_command = TRUE,
  .run = run,
};
