/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-values.h"
#include "sc-verb.h"

static char *min_age;
static char *window;
static char *window_length;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "min-age", 0, 0, G_OPTION_ARG_STRING, &min_age,
      "Wait that long after this machine saw an image first", "DURATION" },
    { "window", 0, 0, G_OPTION_ARG_STRING, &window,
      "When switching may begin: a calendar expression, systemd.time(7)", "CALENDAR" },
    { "window-length", 0, 0, G_OPTION_ARG_STRING, &window_length,
      "How long it may begin, default an hour", "DURATION" },
    { 0 },
  };
  return entries;
}

static int
run (ScClient *client, char **arguments)
{
  g_autoptr (GError) error = NULL;
  GVariantBuilder policy;
  guint64 min_age_usec = 0;
  guint64 window_usec = 0;

  if ((min_age != NULL && !sc_parse_duration (min_age, &min_age_usec))
      || (window_length != NULL && !sc_parse_duration (window_length, &window_usec)))
    return sc_client_usage_error (
        "a duration is a number with a unit, for example 90min, 12h or 3d");

  g_variant_builder_init (&policy, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&policy, "{sv}", "mode", g_variant_new_string (arguments[1]));
  g_variant_builder_add (&policy, "{sv}", "min-age-usec", g_variant_new_uint64 (min_age_usec));
  if (window != NULL)
    g_variant_builder_add (&policy, "{sv}", "window", g_variant_new_string (window));
  if (window_length != NULL)
    g_variant_builder_add (&policy, "{sv}", "window-usec", g_variant_new_uint64 (window_usec));
  g_autoptr (GVariant) reply = sc_client_call (client, "SetPolicy",
                                               g_variant_new ("(s@a{sv}@a{sv})", arguments[0],
                                                              g_variant_builder_end (&policy),
                                                              g_variant_new_parsed ("@a{sv} {}")),
                                               NULL, &error);
  return reply != NULL ? 0 : sc_client_fail (error);
}

const ScVerb sc_verb_policy = {
  .name = "policy",
  .arguments = "NAME none|check|stage|apply",
  .summary = "Say what happens by itself when there is a new image",
  .description = "syscont-update.timer does it, once it is enabled.",
  .options = options,
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run,
};
