/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-switch-report.h"

#include "sc-printer.h"

static void
print_container (GVariant *row, const char *verb)
{
  g_autofree char *name = sc_dict_string (row, "name");
  g_autofree char *digest = sc_dict_string (row, "digest");
  g_autofree char *from_digest = sc_dict_string (row, "from-digest");
  g_autofree char *skipped = sc_dict_string (row, "skipped");
  g_autofree char *due = sc_dict_string (row, "due");
  g_autofree char *failure = sc_dict_string (row, "error-name");
  g_autofree char *short_digest = sc_short_digest (digest);
  g_autofree char *short_from = sc_short_digest (from_digest);
  g_auto (GStrv) notes = NULL;

  if (*failure != '\0')
    return; /* it has been told on standard error */
  if (sc_dict_bool (row, "changed"))
    g_print ("%s %s: deployment %" G_GUINT64_FORMAT " (%s) after %" G_GUINT64_FORMAT " (%s)\n",
             verb, name, sc_dict_uint (row, "deployment"), short_digest,
             sc_dict_uint (row, "from-deployment"), short_from);
  else if (*skipped != '\0')
    g_print ("%s: %s is available, %s\n", name, short_digest, skipped);
  else if (*due != '\0')
    g_print ("%s: %s is available, to be %s\n", name, short_digest,
             g_str_equal (due, "stage") ? "staged" : "applied");
  else if (sc_dict_bool (row, "available"))
    g_print ("%s: %s is available, %s is in use\n", name, short_digest, short_from);
  else
    g_print ("%s: nothing new\n", name);

  g_variant_lookup (row, "notes", "^as", &notes);
  for (guint i = 0; notes != NULL && notes[i] != NULL; i++)
    {
      g_autofree char *safe = sc_safe_text (notes[i]);
      g_printerr ("note: %s\n", safe);
    }
}

static int
report (ScClient *client, GVariant *result, const char *verb)
{
  if (client->json)
    sc_print_json ("result", result);
  else if (!client->quiet)
    {
      g_autoptr (GVariant) rows
          = g_variant_lookup_value (result, "containers", G_VARIANT_TYPE ("aa{sv}"));
      for (gsize i = 0; rows != NULL && i < g_variant_n_children (rows); i++)
        {
          g_autoptr (GVariant) row = g_variant_get_child_value (rows, i);
          print_container (row, verb);
        }
    }
  return sc_report_changed (client, result);
}

int
sc_switch_follow (ScClient *client, const ScJobCall *call, const char *verb)
{
  g_autoptr (GVariant) result = NULL;
  int status = sc_follow_call (client, call, &result);

  return status != 0 || result == NULL ? status : report (client, result, verb);
}

int
sc_switch_foresee (ScClient *client, const ScPlannedCall *call)
{
  g_autoptr (GVariant) result = NULL;
  int status = sc_plan_make (client, call, &result);

  return status != 0 || result == NULL ? status : report (client, result, "");
}
