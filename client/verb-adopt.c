/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-plan-report.h"
#include "sc-printer.h"
#include "sc-question.h"
#include "sc-terms.h"
#include "sc-verb.h"

static gboolean dry_run;
static gboolean yes;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run, "Only show what would be done", NULL },
    { "yes", 'y', 0, G_OPTION_ARG_NONE, &yes, "Do not ask before it is done", NULL },
    SC_TERMS_ACCEPT_OPTION ("Let it gain this privilege"),
    SC_TERMS_ACCEPT_ALL_OPTION,
    { 0 },
  };
  return entries;
}

/* What was shown, the gains too, is what was agreed to. */
static void
add_agreed (GVariant *plan, GVariantBuilder *builder)
{
  g_autoptr (GVariant) gains
      = g_variant_lookup_value (plan, "privilege-gains", G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GStrvBuilder) words = g_strv_builder_new ();
  g_autofree char *plan_id = sc_dict_string (plan, "plan-id");

  for (gsize i = 0; gains != NULL && i < g_variant_n_children (gains); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (gains, i);
      g_autofree char *word = sc_dict_string (row, "word");
      g_strv_builder_add (words, word);
    }
  g_auto (GStrv) accepted = g_strv_builder_end (words);
  g_variant_builder_add (builder, "{sv}", "plan-id", g_variant_new_string (plan_id));
  if (accepted[0] != NULL)
    g_variant_builder_add (builder, "{sv}", "accept-privileges",
                           g_variant_new_strv ((const char *const *)accepted, -1));
}

/* @plan: (nullable) */
static int
adopt (ScClient *client, const char *name, GVariant *plan)
{
  g_autofree char *done = g_strdup_printf ("adopted %s", name);
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  if (plan != NULL)
    add_agreed (plan, &builder);
  else
    sc_terms_add (&builder);
  const ScJobCall call
      = { .method = "Adopt",
          .arguments = g_variant_new ("(s@a{sv})", name, sc_client_options (client, &builder)) };
  return sc_follow_and_report (client, &call, done, done);
}

static int
run (ScClient *client, char **arguments)
{
  const char *name = arguments[0];

  if (yes && !dry_run)
    return adopt (client, name, NULL);
  if (!dry_run && !sc_question_is_possible (client))
    return sc_client_usage_error ("adopt asks on a terminal; give --yes or --dry-run");
  g_autoptr (GVariant) none = g_variant_ref_sink (sc_client_options (client, NULL));
  const ScPlannedCall planned = { .method = "Adopt",
                                  .arguments = g_variant_new_parsed ("{'name': <%s>}", name),
                                  .options = none };
  g_autoptr (GVariant) plan = NULL;

  if (dry_run)
    return sc_plan_show (client, &planned);
  int status = sc_plan_agree (client, &planned, &plan);
  return status != 0 ? status : adopt (client, name, plan);
}

const ScVerb sc_verb_adopt = {
  .name = "adopt",
  .arguments = "NAME",
  .summary = "Take over a container that atomic has installed",
  .description
  = "With the same image, values and files on the host; it is watched as an update is, and goes "
    "back to what atomic has installed when it does not stay up. Shows first what would be done, "
    "and asks whether that is right.",
  .options = options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run,
};
