/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-verb.h"

static int
run (ScClient *client, char **arguments)
{
  const ScJobCall call = { .method = "Restart", .names = arguments };

  return sc_follow_and_report (client, &call, "restarted", "nothing to do");
}

const ScVerb sc_verb_restart = {
  .name = "restart",
  .arguments = "NAME…",
  .summary = "Restart system containers",
  .min_arguments = 1,
  .max_arguments = G_MAXUINT,
  .run = run,
};
