/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-verb.h"

static int
run (ScClient *client, char **arguments)
{
  const char *digest = arguments[1] != NULL ? arguments[1] : "";

  return sc_client_run (
      client, "Unquarantine",
      g_variant_new ("(ss@a{sv})", arguments[0], digest, g_variant_new_parsed ("@a{sv} {}")));
}

const ScVerb sc_verb_unquarantine = {
  .name = "unquarantine",
  .arguments = "NAME [DIGEST]",
  .summary = "Let an image that was rolled back be tried again",
  .min_arguments = 1,
  .max_arguments = 2,
  .run = run,
};
