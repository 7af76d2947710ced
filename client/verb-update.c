/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-health-options.h"
#include "sc-plan-report.h"
#include "sc-printer.h"
#include "sc-switch-report.h"
#include "sc-terms.h"
#include "sc-values.h"
#include "sc-verb.h"

static char *to_digest;
static char *reference;
static char *observe;
static char **values;
static char **unset;
static char **secrets;
static gboolean all;
static gboolean due;
static gboolean check;
static gboolean stage;
static gboolean apply;
static gboolean force;
static gboolean no_pull;
static gboolean dry_run;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "all", 0, 0, G_OPTION_ARG_NONE, &all, "All containers", NULL },
    { "due", 0, 0, G_OPTION_ARG_NONE, &due, "All whose policy asks for something now", NULL },
    { "check", 0, 0, G_OPTION_ARG_NONE, &check, "Only find out whether there is something new",
      NULL },
    { "stage", 0, 0, G_OPTION_ARG_NONE, &stage, "Prepare it, to be switched to with --apply",
      NULL },
    { "apply", 0, 0, G_OPTION_ARG_NONE, &apply, "Switch to what was staged", NULL },
    { "set", 0, 0, G_OPTION_ARG_STRING_ARRAY, &values, "Set a variable of the image's templates",
      "KEY=VALUE" },
    { "secret", 0, 0, G_OPTION_ARG_STRING_ARRAY, &secrets,
      "Set a variable to what a file holds, and show it to nobody", "KEY=FILE" },
    { "unset", 0, 0, G_OPTION_ARG_STRING_ARRAY, &unset, "Leave a variable to the image again",
      "KEY" },
    SC_HEALTH_UNSET_OPTION,
    { "to-digest", 0, 0, G_OPTION_ARG_STRING, &to_digest, "This image, whatever is newest",
      "DIGEST" },
    { "reference", 0, 0, G_OPTION_ARG_STRING, &reference, "Follow another image from now on",
      "IMAGE" },
    { "rebase", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, &reference, "As --reference",
      "IMAGE" },
    { "observe", 0, 0, G_OPTION_ARG_STRING, &observe, "How long the new one is watched",
      "SECONDS" },
    { "force", 0, 0, G_OPTION_ARG_NONE, &force,
      "Also what is held, in quarantine or in use already", NULL },
    { "no-pull", 0, 0, G_OPTION_ARG_NONE, &no_pull, "Take what the store has", NULL },
    { "dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run, "Only show what would be done", NULL },
    SC_TERMS_ACCEPT_OPTION ("Let it gain this privilege"),
    SC_TERMS_ACCEPT_ALL_OPTION,
    SC_TERMS_PLAN_OPTION,
    { 0 },
  };
  return entries;
}

static void
add_text (GVariantBuilder *builder, const char *key, const char *text)
{
  if (text != NULL)
    g_variant_builder_add (builder, "{sv}", key, g_variant_new_string (text));
}

static void
add_flag (GVariantBuilder *builder, const char *key, gboolean flag)
{
  if (flag)
    g_variant_builder_add (builder, "{sv}", key, g_variant_new_boolean (TRUE));
}

static GVariant *
make_options (
    ScClient *client, GVariant *set, guint64 observe_usec, GUnixFDList **fds, GError **error)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  add_text (&builder, "mode", check ? "check" : stage ? "stage" : apply ? "apply" : NULL);
  add_text (&builder, "to-digest", to_digest);
  add_text (&builder, "reference", reference);
  add_flag (&builder, "force", force);
  add_flag (&builder, "no-pull", no_pull);
  if (values != NULL)
    g_variant_builder_add (&builder, "{sv}", "values", set);
  if (unset != NULL)
    g_variant_builder_add (&builder, "{sv}", "unset",
                           g_variant_new_strv ((const char *const *)unset, -1));
  if (observe != NULL)
    g_variant_builder_add (&builder, "{sv}", "observe-usec", g_variant_new_uint64 (observe_usec));
  sc_terms_add (&builder);
  if (sc_health_options_add (&builder, error) && sc_secrets_add (secrets, &builder, fds, error))
    return sc_client_options (client, &builder);
  g_variant_builder_clear (&builder);
  return NULL;
}

static char **
list_names (ScClient *client, GError **error)
{
  g_autoptr (GVariant) reply = sc_client_call (client, "ListContainers",
                                               g_variant_new_parsed ("(@a{sv} {},)"), NULL, error);
  g_autoptr (GVariant) rows = reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  if (rows == NULL)
    return NULL;
  for (gsize i = 0; i < g_variant_n_children (rows); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
      g_autofree char *name = sc_dict_string (row, "name");
      g_strv_builder_add (names, name);
    }
  return g_strv_builder_end (names);
}

static const char *
find_mistake (char **arguments)
{
  if (check + stage + apply > 1)
    return "--check, --stage and --apply exclude each other";
  if ((all || due) && arguments[0] != NULL)
    return "--all and --due take no names";
  if (all && due)
    return "--all and --due exclude each other";
  if (dry_run && check)
    return "--check changes nothing, it takes no --dry-run";
  if (!all && !due && arguments[0] == NULL)
    return "update needs NAME…, --all or --due";
  return NULL;
}

static int
run (ScClient *client, char **arguments)
{
  g_autoptr (GVariant) set = sc_values_to_variant (values);
  g_auto (GStrv) names = NULL;
  g_autoptr (GUnixFDList) fds = NULL;
  const char *mistake = find_mistake (arguments);
  guint64 observe_usec = 0;
  GError *error = NULL;

  if (mistake != NULL)
    return sc_client_usage_error ("%s", mistake);
  if (set == NULL)
    return sc_client_usage_error ("--set needs KEY=VALUE");
  g_variant_ref_sink (set);
  if (observe != NULL && !sc_parse_duration (observe, &observe_usec))
    return sc_client_usage_error ("--observe needs a number of seconds");

  names = all ? list_names (client, &error) : g_strdupv (arguments);
  if (names == NULL)
    {
      g_autoptr (GError) owned = error;
      return sc_client_fail (owned);
    }
  if (all && names[0] == NULL)
    return client->unchanged_exit;
  GVariant *update_options = make_options (client, set, observe_usec, &fds, &error);
  if (update_options == NULL)
    {
      g_autoptr (GError) owned = error;
      return sc_client_fail (owned);
    }
  g_autoptr (GVariant) own = g_variant_ref_sink (update_options);
  if (dry_run && due)
    return sc_switch_foresee (
        client, &(ScPlannedCall){ "Update", g_variant_new_parsed ("@a{sv} {}"), own, fds });
  if (dry_run)
    return sc_plan_show_each (client, &(ScPlannedCall){ "Update", NULL, own, fds }, names);
  const ScJobCall call = { .method = "Update",
                           .arguments = g_variant_new ("(^as@a{sv})", names, own),
                           .fds = g_steal_pointer (&fds) };
  return sc_switch_follow (client, &call, stage ? "staged" : "updated");
}

const ScVerb sc_verb_update = {
  .name = "update",
  .arguments = "NAME…",
  .summary = "Switch system containers to the newest image",
  .description
  = "Everything is prepared before the service is stopped. It is then watched for a while, with "
    "all "
    "units that depend on it; when it does not stay up, the old one runs again and the exit status "
    "is "
    "6. What did not run is not started. Only the values that were set are kept; others follow the "
    "image.",
  .options = options,
  .more_options = sc_health_option_entries,
  .max_arguments = G_MAXUINT,
  .run = run,
};
