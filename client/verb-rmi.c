/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-verb.h"

static int
remove_one (ScClient *client, const char *image)
{
  g_autofree char *done = g_strdup_printf ("removed %s", image);
  const ScJobCall call
      = { .method = "RemoveImage",
          .arguments = g_variant_new ("(s@a{sv})", image, sc_client_options (client, NULL)) };

  return sc_follow_and_report (client, &call, done, "nothing to do");
}

static int
run (ScClient *client, char **arguments)
{
  int status = 0;

  for (guint i = 0; arguments[i] != NULL; i++)
    {
      int one = remove_one (client, arguments[i]);
      status = status != 0 ? status : one;
    }
  return status;
}

const ScVerb sc_verb_rmi = {
  .name = "rmi",
  .arguments = "IMAGE…",
  .summary = "Remove images",
  .description = "IMAGE is a name, or at least 12 digits of a digest, which means all of its "
                 "names. An image that a container "
                 "uses is not removed.",
  .min_arguments = 1,
  .max_arguments = G_MAXUINT,
  .run = run,
};
