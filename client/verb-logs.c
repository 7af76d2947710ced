/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The unit's journal by journalctl(1) itself: it knows who may read what, times, following across
 * rotations and output formats, and administrators know it. The service is only asked for the unit.
 */
#include "sc-verb.h"

#include <errno.h>
#include <unistd.h>

static gboolean follow;
static int n_lines = -1;
static char *since;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "follow", 'f', 0, G_OPTION_ARG_NONE, &follow, "Go on with what is written from now on",
      NULL },
    { "lines", 'n', 0, G_OPTION_ARG_INT, &n_lines, "Only the last lines", "N" },
    { "since", 0, 0, G_OPTION_ARG_STRING, &since, "Only what is newer, as for journalctl", "TIME" },
    { 0 },
  };
  return entries;
}

static char *
find_unit (ScClient *client, const char *name, GError **error)
{
  g_autoptr (GVariant) reply = sc_client_call (
      client, "GetContainer", g_variant_new_parsed ("(%s, @a{sv} {})", name), NULL, error);
  const char *path;
  char *unit = NULL;

  if (reply == NULL)
    return NULL;
  g_variant_get (reply, "(&o)", &path);
  g_autoptr (GVariant) properties
      = sc_client_get_properties (client, path, SYSCONT_CONTAINER_INTERFACE, error);
  if (properties != NULL)
    g_variant_lookup (properties, "Unit", "s", &unit);
  return unit;
}

static int
show_journal (const char *unit, gboolean json)
{
  g_autoptr (GPtrArray) argv = g_ptr_array_new_with_free_func (g_free);

  g_ptr_array_add (argv, g_strdup ("journalctl"));
  g_ptr_array_add (argv, g_strdup_printf ("--unit=%s", unit));
  g_ptr_array_add (argv, g_strdup ("--no-pager"));
  if (follow)
    g_ptr_array_add (argv, g_strdup ("--follow"));
  if (n_lines >= 0)
    g_ptr_array_add (argv, g_strdup_printf ("--lines=%d", n_lines));
  if (since != NULL)
    g_ptr_array_add (argv, g_strdup_printf ("--since=%s", since));
  if (json)
    g_ptr_array_add (argv, g_strdup ("--output=json"));
  g_ptr_array_add (argv, NULL);
  execvp ("journalctl", (char **)argv->pdata);

  g_autofree char *message = g_strdup_printf ("running journalctl: %s", g_strerror (errno));
  sc_client_print_error (message);
  return 1;
}

static int
run (ScClient *client, char **arguments)
{
  g_autoptr (GError) error = NULL;

  if (n_lines < -1)
    return sc_client_usage_error ("--lines needs a number of lines");
  g_autofree char *unit = find_unit (client, arguments[0], &error);
  if (error != NULL)
    return sc_client_fail (error);
  if (unit == NULL || *unit == '\0')
    {
      g_autofree char *message = g_strdup_printf ("\"%s\" has no unit", arguments[0]);
      sc_client_print_error (message);
      return 1;
    }
  return show_journal (unit, client->json);
}

const ScVerb sc_verb_logs = {
  .name = "logs",
  .arguments = "NAME",
  .summary = "Show what a system container has written to the journal",
  .description = "As \"journalctl -u NAME\" does; --json prints one object for each entry, as "
                 "\"journalctl -o json\" does.",
  .options = options,
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run,
};
