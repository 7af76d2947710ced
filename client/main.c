/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-verb.h"

#include <locale.h>
#include <signal.h>
#include <string.h>

#define SUMMARY_COLUMN 22 /* of the list of verbs */

static const ScVerb *const verbs[] = {
  &sc_verb_pull,         &sc_verb_install, &sc_verb_uninstall, &sc_verb_list,    &sc_verb_status,
  &sc_verb_start,        &sc_verb_stop,    &sc_verb_restart,   &sc_verb_update,  &sc_verb_rollback,
  &sc_verb_set,          &sc_verb_policy,  &sc_verb_hold,      &sc_verb_pin,     &sc_verb_unpin,
  &sc_verb_unquarantine, &sc_verb_history, &sc_verb_images,    &sc_verb_inspect, &sc_verb_tag,
  &sc_verb_rmi,          &sc_verb_prune,   &sc_verb_jobs,      &sc_verb_cancel,  &sc_verb_login,
  &sc_verb_logout,       &sc_verb_verify,  &sc_verb_check,     &sc_verb_df,      &sc_verb_run,
  &sc_verb_export,       &sc_verb_exec,    &sc_verb_logs,      &sc_verb_diff,    &sc_verb_lint,
  &sc_verb_mount,        &sc_verb_unmount, &sc_verb_adopt,
};

static ScClient client = { 0 };
static gboolean show_version;

static const GOptionEntry common_options[] = {
  { "json", 0, 0, G_OPTION_ARG_NONE, &client.json, "Print one JSON object", NULL },
  { "quiet", 'q', 0, G_OPTION_ARG_NONE, &client.quiet, "Print no more than what was asked for",
    NULL },
  { "no-block", 0, 0, G_OPTION_ARG_NONE, &client.no_block,
    "Print the job's number and do not wait for it", NULL },
  { "no-queue", 0, 0, G_OPTION_ARG_NONE, &client.no_queue, "Fail when another job is in the way",
    NULL },
  { "no-ask-password", 0, 0, G_OPTION_ARG_NONE, &client.no_ask_password, "Never ask for a password",
    NULL },
  { "unchanged-exit", 0, 0, G_OPTION_ARG_INT, &client.unchanged_exit,
    "Exit status when nothing had to be done", "N" },
  { "version", 0, 0, G_OPTION_ARG_NONE, &show_version, "Print the version", NULL },
  { 0 },
};

static const ScVerb *
find_verb (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (strcmp (verbs[i]->name, name) == 0)
      return verbs[i];
  return NULL;
}

static char *
list_verbs (void)
{
  GString *text = g_string_new ("Verbs:\n");

  for (gsize i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      g_autofree char *usage = g_strdup_printf ("%s %s", verbs[i]->name, verbs[i]->arguments);
      glong columns = g_utf8_strlen (usage, -1);
      /* as GOption does it with a long option */
      gboolean is_long = columns > SUMMARY_COLUMN - 2;
      g_string_append_printf (text, "  %s%s%*s%s\n", usage, is_long ? "\n  " : "",
                              SUMMARY_COLUMN - (int)(is_long ? 0 : columns), "", verbs[i]->summary);
    }
  g_string_append (text, "\nSee \"syscontctl VERB --help\" and syscontctl(1).");
  return g_string_free (text, FALSE);
}

static GOptionContext *
make_context (const ScVerb *verb)
{
  g_autofree char *usage
      = verb != NULL ? g_strdup_printf ("%s %s", verb->name, verb->arguments) : g_strdup ("VERB …");
  GOptionContext *context = g_option_context_new (usage);

  g_option_context_set_strict_posix (context, verb != NULL && verb->takes_command);
  g_option_context_set_summary (context,
                                verb != NULL ? verb->summary : "Manages system containers.");
  if (verb == NULL)
    {
      g_autofree char *list = list_verbs ();
      g_option_context_set_description (context, list);
    }
  else if (verb->description != NULL)
    g_option_context_set_description (context, verb->description);
  if (verb != NULL && verb->options != NULL)
    g_option_context_add_main_entries (context, verb->options (), NULL);
  if (verb != NULL && verb->more_options != NULL)
    g_option_context_add_main_entries (context, verb->more_options, NULL);
  g_option_context_add_main_entries (context, common_options, NULL);
  return context;
}

/* The first argument that is no option: options may stand before the verb. */
static const ScVerb *
take_verb (int *argc, char **argv, const char **unknown)
{
  *unknown = NULL;
  for (int i = 1; i < *argc; i++)
    {
      if (argv[i][0] == '-')
        continue;
      const ScVerb *verb = find_verb (argv[i]);
      *unknown = verb == NULL ? argv[i] : NULL;
      memmove (&argv[i], &argv[i + 1], (gsize)(*argc - i) * sizeof *argv);
      (*argc)--;
      return verb;
    }
  return NULL;
}

static int
run_verb (const ScVerb *verb, char **arguments)
{
  guint n = g_strv_length (arguments);

  if (n < verb->min_arguments)
    return sc_client_usage_error ("%s needs %s", verb->name, verb->arguments);
  if (n > verb->max_arguments)
    return sc_client_usage_error ("%s: \"%s\" is one argument too many", verb->name,
                                  arguments[verb->max_arguments]);
  for (guint i = 0; i < n; i++)
    if (!g_utf8_validate (arguments[i], -1, NULL))
      return sc_client_usage_error ("%s: argument %u is not UTF-8", verb->name, i + 1);
  return verb->run (&client, arguments);
}

int
main (int argc, char **argv)
{
  const char *unknown;
  g_autoptr (GError) error = NULL;

  setlocale (LC_ALL, "");
  signal (SIGPIPE, SIG_IGN);
  (void)syscont_error_quark ();

  const ScVerb *verb = take_verb (&argc, argv, &unknown);
  if (unknown != NULL)
    return sc_client_usage_error ("unknown verb \"%s\"", unknown);
  g_autoptr (GOptionContext) context = make_context (verb);
  if (!g_option_context_parse (context, &argc, &argv, &error))
    return sc_client_usage_error ("%s", error->message);
  if (show_version)
    {
      g_print ("syscontctl " SYSCONT_VERSION "\n");
      return 0;
    }
  if (verb == NULL)
    return sc_client_usage_error ("say what to do");

  char **arguments = argv + 1;
  if (arguments[0] != NULL && strcmp (arguments[0], "--") == 0)
    arguments++;
  int status = run_verb (verb, arguments);
  sc_client_clear (&client);
  return status;
}
