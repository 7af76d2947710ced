/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-printer.h"
#include "sc-verb.h"

#include <stdio.h>
#include <unistd.h>

static gboolean dry_run;
static gboolean yes;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run, "Only show what it would come to", NULL },
    { "yes", 'y', 0, G_OPTION_ARG_NONE, &yes, "Do not ask", NULL },
    { 0 },
  };
  return entries;
}

/* Follows the job to its end; @result as of sc_follow(). */
static int
find_out (ScClient *client, const char *name, GVariant **result)
{
  GVariantBuilder builder;
  GError *error = NULL;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "dry-run", g_variant_new_boolean (TRUE));
  GVariant *reply = sc_client_call (
      client, "Adopt", g_variant_new ("(s@a{sv})", name, sc_client_options (client, &builder)),
      NULL, &error);
  return sc_follow (client, reply, error, result);
}

static int
adopt (ScClient *client, const char *name)
{
  g_autoptr (GVariant) result = NULL;
  GError *error = NULL;
  GVariant *reply = sc_client_call (
      client, "Adopt", g_variant_new ("(s@a{sv})", name, sc_client_options (client, NULL)), NULL,
      &error);
  int status = sc_follow (client, reply, error, &result);

  if (status != 0 || result == NULL)
    return status;
  if (client->json)
    sc_print_json ("result", result);
  else if (!client->quiet)
    g_print ("adopted %s\n", name);
  return sc_report_changed (client, result);
}

static void
print_line (const char *heading, const char *text)
{
  g_autofree char *safe = sc_safe_text (text);

  if (*safe != '\0')
    g_print ("%12s: %s\n", heading, safe);
}

static void
print_plan (const char *name, GVariant *result)
{
  g_autofree char *reference = sc_dict_string (result, "reference");
  g_autofree char *digest = sc_dict_string (result, "digest");
  g_autofree char *values = sc_dict_joined (result, "values");
  g_autofree char *files = sc_dict_joined (result, "host-files");
  gboolean is_same = sc_dict_bool (result, "same-image");

  g_print ("%s will be taken over from atomic: the service is stopped, and started again if it "
           "runs.\n",
           name);
  print_line ("Image", reference);
  print_line ("Digest", digest);
  if (!is_same)
    print_line ("Note", "atomic had another image under this name");
  print_line ("Values", values);
  print_line ("Host files", files);
  sc_report_notes (result);
}

static gboolean
ask (void)
{
  char answer[16] = "";

  g_print ("Go on? [y/N] ");
  fflush (stdout);
  return fgets (answer, sizeof answer, stdin) != NULL && (answer[0] == 'y' || answer[0] == 'Y');
}

static int
show (ScClient *client, const char *name)
{
  g_autoptr (GVariant) result = NULL;
  int status = find_out (client, name, &result);

  if (status != 0 || result == NULL)
    return status;
  if (client->json && dry_run)
    sc_print_json ("result", result);
  else if (!client->json && !client->quiet)
    print_plan (name, result);
  return 0;
}

static int
run (ScClient *client, char **arguments)
{
  const char *name = arguments[0];
  gboolean can_ask = isatty (STDIN_FILENO) && !client->json;

  if (!yes && !dry_run && !can_ask)
    return sc_client_usage_error ("adopt asks on a terminal; give --yes or --dry-run");
  if (!yes || dry_run)
    {
      int status = show (client, name);
      if (status != 0 || dry_run)
        return status;
      if (!ask ())
        {
          g_printerr ("nothing was changed\n");
          return 10;
        }
    }
  return adopt (client, name);
}

const ScVerb sc_verb_adopt = {
  .name = "adopt",
  .arguments = "NAME",
  .summary = "Take over a container that atomic has installed",
  .description
  = "With the same image, values and files on the host; it is watched as an update is, and goes "
    "back to what atomic has installed when it does not stay up. Shows first what it comes to.",
  .options = options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run,
};
