/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-verb.h"

static int
run (ScClient *client, char **arguments)
{
  const ScJobCall call = { .method = "Stop", .names = arguments };

  return sc_follow_and_report (client, &call, "stopped", "nothing to do");
}

const ScVerb sc_verb_stop = {
  .name = "stop",
  .arguments = "NAME…",
  .summary = "Stop system containers",
  .min_arguments = 1,
  .max_arguments = G_MAXUINT,
  .run = run,
};
