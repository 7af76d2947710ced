/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-verb.h"

static int
run (ScClient *client, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = sc_client_call (
      client, "RemoveRegistryCredential",
      g_variant_new ("(s@a{sv})", arguments[0], g_variant_new ("a{sv}", NULL)), NULL, &error);

  if (reply == NULL)
    return sc_client_fail (error);
  if (!client->quiet)
    g_print ("removed the login for %s\n", arguments[0]);
  return 0;
}

const ScVerb sc_verb_logout = {
  .name = "logout",
  .arguments = "REGISTRY",
  .summary = "Remove a login",
  .description = "REGISTRY as for login. Logins in /run/containers/0/auth.json and "
                 "/etc/containers/auth.json are not touched.",
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run,
};
