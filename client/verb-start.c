/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-verb.h"

static int
run (ScClient *client, char **arguments)
{
  GError *error = NULL;
  GVariant *reply = sc_client_call (
      client, "Start", g_variant_new ("(^as@a{sv})", arguments, sc_client_options (client, NULL)),
      NULL, &error);

  return sc_follow_and_report (client, reply, error, "started", "nothing to do");
}

const ScVerb sc_verb_start = {
  .name = "start",
  .arguments = "NAME…",
  .summary = "Start system containers",
  .min_arguments = 1,
  .max_arguments = G_MAXUINT,
  .run = run,
};
