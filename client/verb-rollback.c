/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-plan-report.h"
#include "sc-switch-report.h"
#include "sc-terms.h"
#include "sc-verb.h"

static gint64 deployment = -1;
static char *reason;
static gboolean no_quarantine;
static gboolean dry_run;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "deployment", 0, 0, G_OPTION_ARG_INT64, &deployment, "Which one to go back to", "N" },
    { "reason", 0, 0, G_OPTION_ARG_STRING, &reason, "For the history", "TEXT" },
    { "no-quarantine", 0, 0, G_OPTION_ARG_NONE, &no_quarantine,
      "Let automatic updates try the image again", NULL },
    { "dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run, "Only show what would be done", NULL },
    SC_TERMS_PLAN_OPTION,
    { 0 },
  };
  return entries;
}

static int
run (ScClient *client, char **arguments)
{
  GVariantBuilder builder;

  if (deployment < -1)
    return sc_client_usage_error ("--deployment needs the number of a deployment");
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "quarantine", g_variant_new_boolean (!no_quarantine));
  if (deployment >= 0)
    g_variant_builder_add (&builder, "{sv}", "deployment",
                           g_variant_new_uint64 ((guint64)deployment));
  if (reason != NULL)
    g_variant_builder_add (&builder, "{sv}", "reason", g_variant_new_string (reason));
  sc_terms_add (&builder);
  if (dry_run)
    {
      g_autoptr (GVariant) own = g_variant_ref_sink (sc_client_options (client, &builder));
      return sc_plan_show_each (client, &(ScPlannedCall){ "Rollback", NULL, own, NULL }, arguments);
    }
  const ScJobCall call = { .method = "Rollback", .names = arguments, .options = &builder };
  return sc_switch_follow (client, &call, "rolled back");
}

const ScVerb sc_verb_rollback = {
  .name = "rollback",
  .arguments = "NAME…",
  .summary = "Switch system containers back to what ran before",
  .description = "Called twice, it goes forward again. \"syscontctl status NAME\" lists the "
                 "deployments that were kept.",
  .options = options,
  .min_arguments = 1,
  .max_arguments = G_MAXUINT,
  .run = run,
};
