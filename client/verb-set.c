/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-health-options.h"
#include "sc-plan-report.h"
#include "sc-switch-report.h"
#include "sc-terms.h"
#include "sc-values.h"
#include "sc-verb.h"

#include <string.h>

static char **unset;
static char **secrets;
static char *observe;
static gboolean dry_run;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "secret", 0, 0, G_OPTION_ARG_STRING_ARRAY, &secrets,
      "Set a variable to what a file holds, and show it to nobody", "KEY=FILE" },
    { "unset", 0, 0, G_OPTION_ARG_STRING_ARRAY, &unset, "Leave a variable to the image again",
      "KEY" },
    SC_HEALTH_UNSET_OPTION,
    { "observe", 0, 0, G_OPTION_ARG_STRING, &observe, "How long the new one is watched",
      "SECONDS" },
    SC_TERMS_ACCEPT_OPTION ("Let it gain this privilege"),
    SC_TERMS_ACCEPT_ALL_OPTION,
    SC_TERMS_PLAN_OPTION,
    { "dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run, "Only show what would be done", NULL },
    { 0 },
  };
  return entries;
}

static int
run (ScClient *client, char **arguments)
{
  static const char *const none[] = { NULL };
  g_autoptr (GVariant) set = sc_values_to_variant (arguments + 1);
  g_autoptr (GUnixFDList) fds = NULL;
  GVariantBuilder builder;
  guint64 observe_usec = 0;
  g_autoptr (GError) error = NULL;

  if (set == NULL)
    return sc_client_usage_error ("set needs KEY=VALUE…");
  g_variant_ref_sink (set);
  if (arguments[1] == NULL && unset == NULL && secrets == NULL && !sc_health_options_given ())
    return sc_client_usage_error (
        "set needs KEY=VALUE…, --secret=KEY=FILE, --unset=KEY or an option about health");
  if (observe != NULL && !sc_parse_duration (observe, &observe_usec))
    return sc_client_usage_error ("--observe needs a number of seconds");

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  if (observe != NULL)
    g_variant_builder_add (&builder, "{sv}", "observe-usec", g_variant_new_uint64 (observe_usec));
  if (!sc_health_options_add (&builder, &error)
      || !sc_secrets_add (secrets, &builder, &fds, &error))
    {
      g_variant_builder_clear (&builder);
      return sc_client_fail (error);
    }
  sc_terms_add (&builder);
  char **without = unset != NULL ? unset : (char **)none;
  g_autoptr (GVariant) own = g_variant_ref_sink (sc_client_options (client, &builder));
  if (dry_run)
    {
      const ScPlannedCall planned = {
        .method = "SetValues",
        .arguments = g_variant_new_parsed ("{'name': <%s>, 'set': <%@a{ss}>, 'unset': <%^as>}",
                                           arguments[0], set, without),
        .options = own,
        .fds = fds,
      };
      return sc_plan_show (client, &planned);
    }
  const ScJobCall call
      = { .method = "SetValues",
          .arguments = g_variant_new ("(s@a{ss}^as@a{sv})", arguments[0], set, without, own),
          .fds = g_steal_pointer (&fds) };
  return sc_switch_follow (client, &call, "changed");
}

const ScVerb sc_verb_set = {
  .name = "set",
  .arguments = "NAME KEY=VALUE…",
  .summary = "Change values or the health check of a system container",
  .description = "An update with the image that is in use.",
  .options = options,
  .more_options = sc_health_option_entries,
  .min_arguments = 1,
  .max_arguments = G_MAXUINT,
  .run = run,
};
