/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-printer.h"
#include "sc-verb.h"

static char *
describe (GVariant *image)
{
  g_autofree char *error = sc_dict_string (image, "error");

  if (*error != '\0')
    return g_steal_pointer (&error);
  if (sc_dict_bool (image, "newer"))
    return g_strdup ("newer");
  return g_strdup (sc_dict_bool (image, "pinned") ? "pinned" : "up to date");
}

static char **
make_row (GVariant *image)
{
  g_autofree char *current = sc_dict_string (image, "digest");
  g_autofree char *available = sc_dict_string (image, "available-digest");
  char **cells = g_new0 (char *, 5);

  cells[0] = sc_dict_string (image, "reference");
  cells[1] = sc_short_digest (current);
  cells[2] = *available != '\0' ? sc_short_digest (available) : g_strdup ("-");
  cells[3] = describe (image);
  return cells;
}

static int
run (ScClient *client, char **arguments)
{
  static const char *const headings[] = { "IMAGE", "DIGEST", "AVAILABLE", "STATE", NULL };
  const ScJobCall call = { .method = "CheckImages", .names = arguments };
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GVariant) images = NULL;
  int status = sc_follow_list (client, &call, "images", &result, &images);

  if (images == NULL)
    return status;
  g_autoptr (ScTable) table = sc_table_new (headings);
  for (gsize i = 0; i < g_variant_n_children (images); i++)
    {
      g_autoptr (GVariant) image = g_variant_get_child_value (images, i);
      sc_table_add (table, make_row (image));
    }
  g_autofree char *text = sc_table_to_text (table, client->quiet);
  g_print ("%s", text);
  return status;
}

const ScVerb sc_verb_check = {
  .name = "check",
  .arguments = "[IMAGE…]",
  .summary = "Ask registries for newer images, without pulling them",
  .description
  = "Without IMAGE all images that came from a registry. Exits with 0 whether there is "
    "something newer or not: see the column STATE, or \"newer\" with --json.",
  .max_arguments = G_MAXUINT,
  .run = run,
};
