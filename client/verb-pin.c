/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-verb.h"

static int
change (ScClient *client, const char *method, char **arguments)
{
  guint64 deployment = 0;

  if (!g_ascii_string_to_unsigned (arguments[1], 10, 0, G_MAXINT64, &deployment, NULL))
    return sc_client_usage_error ("\"%s\" is not the number of a deployment", arguments[1]);
  return sc_client_run (
      client, method,
      g_variant_new ("(st@a{sv})", arguments[0], deployment, g_variant_new_parsed ("@a{sv} {}")));
}

static int
run_pin (ScClient *client, char **arguments)
{
  return change (client, "Pin", arguments);
}

static int
run_unpin (ScClient *client, char **arguments)
{
  return change (client, "Unpin", arguments);
}

const ScVerb sc_verb_pin = {
  .name = "pin",
  .arguments = "NAME DEPLOYMENT",
  .summary = "Keep a deployment until it is unpinned",
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run_pin,
};

const ScVerb sc_verb_unpin = {
  .name = "unpin",
  .arguments = "NAME DEPLOYMENT",
  .summary = "Keep a deployment no longer than others",
  .min_arguments = 2,
  .max_arguments = 2,
  .run = run_unpin,
};
