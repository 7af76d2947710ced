/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-verb.h"

static int
cancel (ScClient *client, const char *argument)
{
  g_autoptr (GError) error = NULL;
  guint64 id;

  if (!g_ascii_string_to_unsigned (argument, 10, 1, G_MAXUINT64, &id, NULL))
    return sc_client_usage_error ("\"%s\" is no job: jobs are numbers, see \"syscontctl jobs\"",
                                  argument);

  g_autoptr (GVariant) job = sc_client_call (
      client, "GetJob", g_variant_new_parsed ("(%t, @a{sv} {})", id), NULL, &error);
  const char *path = NULL;
  if (job != NULL)
    g_variant_get (job, "(&o)", &path);
  g_autoptr (GVariant) reply
      = job != NULL ? sc_client_call_object (client, path, SYSCONT_JOB_INTERFACE, "Cancel",
                                             g_variant_new_parsed ("(@a{sv} {},)"), &error)
                    : NULL;
  return reply != NULL ? 0 : sc_client_fail (error);
}

static int
run (ScClient *client, char **arguments)
{
  int status = 0;

  for (guint i = 0; arguments[i] != NULL; i++)
    {
      int one = cancel (client, arguments[i]);
      status = status != 0 ? status : one;
    }
  return status;
}

const ScVerb sc_verb_cancel = {
  .name = "cancel",
  .arguments = "JOB…",
  .summary = "Cancel operations",
  .min_arguments = 1,
  .max_arguments = G_MAXUINT,
  .run = run,
};
