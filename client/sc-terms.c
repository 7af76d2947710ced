/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-terms.h"

#include "sc-printer.h"

#include <string.h>

#define CAPABILITY "capability:"

gboolean sc_terms_accept_all;
char **sc_terms_accepted;
char *sc_terms_plan_id;

void
sc_terms_add (GVariantBuilder *options)
{
  static const char *const all[] = { "*", NULL };
  const char *const *words = sc_terms_accept_all ? all : (const char *const *)sc_terms_accepted;

  if (words != NULL)
    g_variant_builder_add (options, "{sv}", "accept-privileges", g_variant_new_strv (words, -1));
  if (sc_terms_plan_id != NULL)
    g_variant_builder_add (options, "{sv}", "plan-id", g_variant_new_string (sc_terms_plan_id));
}

static void
print_line (const char *risk, const char *text, gboolean to_stderr)
{
  g_autofree char *safe = sc_safe_text (text);

  if (to_stderr)
    g_printerr ("  %-7s %s\n", risk, safe);
  else
    g_print ("  %-7s %s\n", risk, safe);
}

/* The others with the same risk, which are next to each other. */
static gsize
print_capabilities (GVariant *privileges, gsize i, gboolean to_stderr)
{
  g_autoptr (GString) text = g_string_new (CAPABILITY);
  g_autofree char *first_risk = NULL;

  for (; i < g_variant_n_children (privileges); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (privileges, i);
      g_autofree char *word = sc_dict_string (row, "word");
      g_autofree char *risk = sc_dict_string (row, "risk");
      if (!g_str_has_prefix (word, CAPABILITY)
          || (first_risk != NULL && !g_str_equal (risk, first_risk)))
        break;
      g_string_append_printf (text, "%s%s", first_risk != NULL ? " " : "",
                              word + strlen (CAPABILITY));
      if (first_risk == NULL)
        first_risk = g_steal_pointer (&risk);
    }
  print_line (first_risk, text->str, to_stderr);
  return i;
}

void
sc_terms_print_privileges (GVariant *privileges, gboolean to_stderr)
{
  gsize n = privileges != NULL ? g_variant_n_children (privileges) : 0;

  for (gsize i = 0; i < n;)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (privileges, i);
      g_autofree char *word = sc_dict_string (row, "word");
      g_autofree char *risk = sc_dict_string (row, "risk");
      if (g_str_has_prefix (word, CAPABILITY))
        {
          i = print_capabilities (privileges, i, to_stderr);
          continue;
        }
      print_line (risk, word, to_stderr);
      i++;
    }
}
