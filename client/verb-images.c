/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-printer.h"
#include "sc-verb.h"

static void
add_rows (ScTable *table, GVariant *image)
{
  g_autofree char *digest = sc_dict_string (image, "digest");
  g_auto (GStrv) references = NULL;
  g_autofree const char **users = NULL;

  g_variant_lookup (image, "references", "^as", &references);
  g_variant_lookup (image, "used-by", "^a&o", &users);
  for (guint i = 0; references != NULL && references[i] != NULL; i++)
    {
      char **cells = g_new0 (char *, 8);
      cells[0] = g_strdup (references[i]);
      cells[1] = sc_short_digest (digest);
      cells[2] = sc_dict_string (image, "platform");
      cells[3] = g_format_size (sc_dict_uint (image, "size"));
      cells[4] = g_format_size (sc_dict_uint (image, "exclusive-size"));
      cells[5] = sc_format_time (sc_dict_uint (image, "pulled"));
      cells[6] = g_strdup (users != NULL && users[0] != NULL ? "yes" : "no");
      sc_table_add (table, cells);
    }
}

static int
run (ScClient *client, char **arguments)
{
  static const char *const headings[]
      = { "IMAGE", "DIGEST", "PLATFORM", "SIZE", "EXCLUSIVE", "PULLED", "IN USE", NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply
      = sc_client_call (client, "ListImages", g_variant_new_parsed ("(@a{sv} {},)"), NULL, &error);
  if (reply == NULL)
    return sc_client_fail (error);

  g_autoptr (GVariant) images = g_variant_get_child_value (reply, 0);
  if (client->json)
    {
      sc_print_json ("images", images);
      return 0;
    }
  g_autoptr (ScTable) table = sc_table_new (headings);
  for (gsize i = 0; i < g_variant_n_children (images); i++)
    {
      g_autoptr (GVariant) image = g_variant_get_child_value (images, i);
      add_rows (table, image);
    }
  g_autofree char *text = sc_table_to_text (table, client->quiet);
  g_print ("%s", text);
  return 0;
}

const ScVerb sc_verb_images = {
  .name = "images",
  .arguments = "",
  .summary = "List the images in the store",
  .description = "SIZE is that of the unpacked layers, EXCLUSIVE of those that no other image has.",
  .run = run,
};
