/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-printer.h"
#include "sc-verb.h"

static const struct
{
  const char *heading;
  const char *key;
  const char *reclaimable_key; /* (nullable) */
} rows[] = {
  { "repository", "repository", "reclaimable" }, { "  exclusive layers", "exclusive", NULL },
  { "  shared layers", "shared", NULL },         { "spool", "spool", "spool-reclaimable" },
  { "file system", "capacity", NULL },           { "  available", "available", NULL },
};

static char *
format_size (GVariant *info, const char *key)
{
  return key != NULL ? g_format_size (sc_dict_uint (info, key)) : g_strdup ("");
}

static int
run (ScClient *client, char **arguments)
{
  static const char *const headings[] = { "STORAGE", "SIZE", "RECLAIMABLE", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = sc_client_call (client, "GetStorageInfo",
                                               g_variant_new_parsed ("(@a{sv} {},)"), NULL, &error);
  if (reply == NULL)
    return sc_client_fail (error);

  g_autoptr (GVariant) info = g_variant_get_child_value (reply, 0);
  if (client->json)
    {
      sc_print_json ("storage", info);
      return 0;
    }
  g_autoptr (ScTable) table = sc_table_new (headings);
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      char **cells = g_new0 (char *, 4);
      cells[0] = g_strdup (rows[i].heading);
      cells[1] = format_size (info, rows[i].key);
      cells[2] = format_size (info, rows[i].reclaimable_key);
      sc_table_add (table, cells);
    }
  g_autofree char *text = sc_table_to_text (table, client->quiet);
  g_print ("%s", text);
  return 0;
}

const ScVerb sc_verb_df = {
  .name = "df",
  .arguments = "",
  .summary = "Show how much room the store takes",
  .description = "The repository holds each file once, so that it may be smaller than its layers, "
                 "which are counted unpacked.",
  .run = run,
};
