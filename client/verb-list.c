/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-printer.h"
#include "sc-verb.h"

static char **
make_row (GVariant *container)
{
  g_autofree char *digest = sc_dict_string (container, "digest");
  char **cells = g_new0 (char *, 8);

  cells[0] = sc_dict_string (container, "name");
  cells[1] = sc_dict_string (container, "state");
  cells[2] = sc_dict_string (container, "health");
  cells[3] = sc_dict_string (container, "reference");
  cells[4] = sc_short_digest (digest);
  cells[5] = g_strdup_printf ("%" G_GUINT64_FORMAT, sc_dict_uint (container, "current-deployment"));
  cells[6] = sc_dict_string (container, "unit");
  return cells;
}

static int
run (ScClient *client, char **arguments)
{
  static const char *const headings[]
      = { "NAME", "STATE", "HEALTH", "IMAGE", "DIGEST", "DEPLOYMENT", "UNIT", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = sc_client_call (client, "ListContainers",
                                               g_variant_new_parsed ("(@a{sv} {},)"), NULL, &error);
  if (reply == NULL)
    return sc_client_fail (error);

  g_autoptr (GVariant) containers = g_variant_get_child_value (reply, 0);
  if (client->json)
    {
      sc_print_json ("containers", containers);
      return 0;
    }
  g_autoptr (ScTable) table = sc_table_new (headings);
  for (gsize i = 0; i < g_variant_n_children (containers); i++)
    {
      g_autoptr (GVariant) container = g_variant_get_child_value (containers, i);
      sc_table_add (table, make_row (container));
    }
  g_autofree char *text = sc_table_to_text (table, client->quiet);
  g_print ("%s", text);
  return 0;
}

const ScVerb sc_verb_list = {
  .name = "list",
  .arguments = "",
  .summary = "List the system containers",
  .run = run,
};
