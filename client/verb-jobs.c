/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-printer.h"
#include "sc-verb.h"

static char **
make_row (GVariant *job)
{
  g_autofree char *error_message = sc_dict_string (job, "error-message");
  g_autofree char *state = sc_dict_string (job, "state");
  g_autofree char *phase = sc_dict_string (job, "phase");
  gboolean running = g_str_equal (state, "running");
  char **cells = g_new0 (char *, 8);

  cells[0] = g_strdup_printf ("%" G_GUINT64_FORMAT, sc_dict_uint (job, "id"));
  cells[1] = sc_dict_string (job, "type");
  cells[2] = sc_dict_joined (job, "targets");
  cells[3] = g_strdup (state);
  cells[4] = g_strdup_printf ("%" G_GUINT64_FORMAT, sc_dict_uint (job, "owner-uid"));
  cells[5] = sc_format_time (sc_dict_uint (job, "start-time"));
  cells[6] = g_strdup (running ? phase : error_message);
  return cells;
}

static int
run (ScClient *client, char **arguments)
{
  static const char *const headings[]
      = { "ID", "TYPE", "TARGETS", "STATE", "UID", "STARTED", "DETAIL", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply
      = sc_client_call (client, "ListJobs", g_variant_new_parsed ("(@a{sv} {},)"), NULL, &error);
  if (reply == NULL)
    return sc_client_fail (error);

  g_autoptr (GVariant) jobs = g_variant_get_child_value (reply, 0);
  if (client->json)
    {
      sc_print_json ("jobs", jobs);
      return 0;
    }
  g_autoptr (ScTable) table = sc_table_new (headings);
  for (gsize i = 0; i < g_variant_n_children (jobs); i++)
    {
      g_autoptr (GVariant) job = g_variant_get_child_value (jobs, i);
      sc_table_add (table, make_row (job));
    }
  g_autofree char *text = sc_table_to_text (table, client->quiet);
  g_print ("%s", text);
  return 0;
}

const ScVerb sc_verb_jobs = {
  .name = "jobs",
  .arguments = "",
  .summary = "List operations, ended ones for ten minutes",
  .run = run,
};
