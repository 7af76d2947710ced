/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-verb.h"

static int
run (ScClient *client, char **arguments)
{
  g_autoptr (GError) error = NULL;

  for (guint i = 1; arguments[i] != NULL; i++)
    {
      g_autoptr (GVariant) reply
          = sc_client_call (client, "TagImage",
                            g_variant_new ("(ss@a{sv})", arguments[0], arguments[i],
                                           sc_client_options (client, NULL)),
                            NULL, &error);
      if (reply == NULL)
        return sc_client_fail (error);
    }
  return 0;
}

const ScVerb sc_verb_tag = {
  .name = "tag",
  .arguments = "IMAGE NAME…",
  .summary = "Give an image more names",
  .description
  = "IMAGE is a name, or at least 12 digits of a digest. A NAME that another image has "
    "is taken from that.",
  .min_arguments = 2,
  .max_arguments = G_MAXUINT,
  .run = run,
};
