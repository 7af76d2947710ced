/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-values.h"
#include "sc-verb.h"

#define FOR_EVER_USEC G_MAXINT64

static char *until;
static char *reason;
static gboolean release;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "until", 0, 0, G_OPTION_ARG_STRING, &until, "A date, a date and time, or +DURATION", "TIME" },
    { "reason", 0, 0, G_OPTION_ARG_STRING, &reason, "Shown to whoever wants to update", "TEXT" },
    { "release", 0, 0, G_OPTION_ARG_NONE, &release, "Take the hold away", NULL },
    { 0 },
  };
  return entries;
}

static int
run (ScClient *client, char **arguments)
{
  guint64 until_usec = release ? 0 : FOR_EVER_USEC;

  if (release && (until != NULL || reason != NULL))
    return sc_client_usage_error ("--release takes neither --until nor --reason");
  if (until != NULL && !sc_parse_time (until, g_get_real_time (), &until_usec))
    return sc_client_usage_error (
        "--until needs a time, for example 2026-01-31, \"2026-01-31 18:30\" or +3d");
  return sc_client_run (client, "Hold",
                        g_variant_new ("(sts@a{sv})", arguments[0], until_usec,
                                       reason != NULL ? reason : "",
                                       g_variant_new_parsed ("@a{sv} {}")));
}

const ScVerb sc_verb_hold = {
  .name = "hold",
  .arguments = "NAME",
  .summary = "Do not update a system container for a while",
  .description
  = "Without --until, until the hold is taken away. \"update --force\" does not mind it.",
  .options = options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run,
};
