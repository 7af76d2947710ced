/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-printer.h"
#include "sc-values.h"
#include "sc-verb.h"

static char *since;
static int limit;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "since", 0, 0, G_OPTION_ARG_STRING, &since, "Only what happened after that", "TIME" },
    { "limit", 'n', 0, G_OPTION_ARG_INT, &limit, "Only the newest ones", "N" },
    { 0 },
  };
  return entries;
}

static char **
make_row (GVariant *event)
{
  g_autofree char *from = sc_dict_string (event, "from-digest");
  g_autofree char *to = sc_dict_string (event, "to-digest");
  char **cells = g_new0 (char *, 8);

  cells[0] = sc_format_time (sc_dict_uint (event, "time"));
  cells[1] = sc_dict_string (event, "container");
  cells[2] = sc_dict_string (event, "event");
  cells[3] = sc_short_digest (from);
  cells[4] = sc_short_digest (to);
  cells[5] = g_strdup_printf ("%" G_GUINT64_FORMAT, sc_dict_uint (event, "uid"));
  cells[6] = sc_dict_string (event, "result");
  return cells;
}

static GVariant *
make_filter (const char *container, guint64 since_usec)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  if (container != NULL)
    g_variant_builder_add (&builder, "{sv}", "container", g_variant_new_string (container));
  if (since != NULL)
    g_variant_builder_add (&builder, "{sv}", "since", g_variant_new_uint64 (since_usec));
  if (limit > 0)
    g_variant_builder_add (&builder, "{sv}", "limit", g_variant_new_uint32 ((guint32)limit));
  return g_variant_builder_end (&builder);
}

static int
run (ScClient *client, char **arguments)
{
  static const char *const headings[]
      = { "TIME", "CONTAINER", "EVENT", "FROM", "TO", "UID", "RESULT", NULL };
  g_autoptr (GError) error = NULL;
  guint64 since_usec = 0;

  if (since != NULL && !sc_parse_time (since, g_get_real_time (), &since_usec))
    return sc_client_usage_error ("--since needs a time, for example 2026-01-31 or \"2026-01-31 "
                                  "18:30\"");
  if (limit < 0)
    return sc_client_usage_error ("--limit needs a number above 0");
  g_autoptr (GVariant) reply = sc_client_call (
      client, "GetHistory", g_variant_new ("(@a{sv})", make_filter (arguments[0], since_usec)),
      NULL, &error);
  if (reply == NULL)
    return sc_client_fail (error);

  g_autoptr (GVariant) events = g_variant_get_child_value (reply, 0);
  if (client->json)
    {
      sc_print_json ("events", events);
      return 0;
    }
  g_autoptr (ScTable) table = sc_table_new (headings);
  for (gsize i = 0; i < g_variant_n_children (events); i++)
    {
      g_autoptr (GVariant) event = g_variant_get_child_value (events, i);
      sc_table_add (table, make_row (event));
    }
  g_autofree char *text = sc_table_to_text (table, client->quiet);
  g_print ("%s", text);
  return 0;
}

const ScVerb sc_verb_history = {
  .name = "history",
  .arguments = "[NAME]",
  .summary = "Show what was done to system containers, and by whom",
  .options = options,
  .max_arguments = 1,
  .run = run,
};
