/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-plan-report.h"
#include "sc-terms.h"
#include "sc-verb.h"

static gboolean remove_image;
static gboolean dry_run;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "remove-image", 0, 0, G_OPTION_ARG_NONE, &remove_image,
      "Remove its image too, unless another container uses it", NULL },
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

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "keep-image", g_variant_new_boolean (!remove_image));
  sc_terms_add (&builder);
  if (dry_run)
    {
      g_autoptr (GVariant) own = g_variant_ref_sink (sc_client_options (client, &builder));
      return sc_plan_show_each (client, &(ScPlannedCall){ "Uninstall", NULL, own, NULL },
                                arguments);
    }
  const ScJobCall call = { .method = "Uninstall", .names = arguments, .options = &builder };
  return sc_follow_and_report (client, &call, "uninstalled", "nothing to do");
}

const ScVerb sc_verb_uninstall = {
  .name = "uninstall",
  .arguments = "NAME…",
  .summary = "Stop and remove system containers",
  .description = "The data that a service keeps of its own, for example below /var/lib, stays.",
  .options = options,
  .min_arguments = 1,
  .max_arguments = G_MAXUINT,
  .run = run,
};
