/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dbus/sc-bus-path.h"
#include "sc-printer.h"
#include "sc-verb.h"

#include <string.h>

static gboolean all;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "all", 'a', 0, G_OPTION_ARG_NONE, &all, "Layers and image configs too", NULL },
    { 0 },
  };
  return entries;
}

static char *
format_users (GVariant *row)
{
  g_autofree const char **users = NULL;
  g_autoptr (GString) text = g_string_new (NULL);

  g_variant_lookup (row, "used-by", "^a&o", &users);
  for (guint i = 0; users != NULL && users[i] != NULL; i++)
    {
      g_autofree char *name = sc_bus_path_to_container (users[i]);
      g_string_append_printf (text, "%s%s", i > 0 ? ", " : "", name);
    }
  return g_strdup (text->len > 0 ? text->str : "-");
}

static char *
format_blob_users (GVariant *row)
{
  g_autoptr (GVariant) users
      = g_variant_lookup_value (row, "used-by", G_VARIANT_TYPE_OBJECT_PATH_ARRAY);
  gsize n = users != NULL ? g_variant_n_children (users) : 0;

  if (n == 0)
    return g_strdup ("-");
  return g_strdup_printf ("%" G_GSIZE_FORMAT " %s", n, n == 1 ? "image" : "images");
}

static char *
format_size (GVariant *row, const char *key)
{
  guint64 size = sc_dict_uint (row, key);

  return size > 0 ? g_format_size (size) : g_strdup ("-");
}

/* A row of the table; @kind is a column of --all only. */
static void
add_row (ScTable *table, GVariant *row, const char *name, const char *kind)
{
  g_autofree char *digest = sc_dict_string (row, "digest");
  g_autoptr (GPtrArray) cells = g_ptr_array_new ();
  gboolean is_image = strcmp (kind, "image") == 0;

  g_ptr_array_add (cells, g_strdup (name));
  g_ptr_array_add (cells, sc_short_digest (digest));
  if (all)
    g_ptr_array_add (cells, g_strdup (kind));
  g_ptr_array_add (cells, is_image ? sc_dict_string (row, "platform") : g_strdup ("-"));
  g_ptr_array_add (cells, format_size (row, "compressed-size"));
  g_ptr_array_add (cells, format_size (row, "size"));
  g_ptr_array_add (cells, is_image ? g_format_size (sc_dict_uint (row, "exclusive-size"))
                                   : g_strdup ("-"));
  g_ptr_array_add (cells, sc_format_time (sc_dict_uint (row, "pulled")));
  g_ptr_array_add (cells, is_image ? format_users (row) : format_blob_users (row));
  g_ptr_array_add (cells, NULL);
  sc_table_add (table, (char **)g_ptr_array_free (g_steal_pointer (&cells), FALSE));
}

/* @wanted: a name, or one without its tag */
static gboolean
is_wanted (const char *name, const char *wanted)
{
  gsize length = wanted != NULL ? strlen (wanted) : 0;

  return wanted == NULL || strcmp (name, wanted) == 0
         || (strncmp (name, wanted, length) == 0 && (name[length] == ':' || name[length] == '@'));
}

static void
add_image (ScTable *table, GVariant *image, const char *wanted)
{
  g_auto (GStrv) references = NULL;
  g_autofree char *kind = sc_dict_string (image, "kind");

  if (*kind != '\0')
    {
      if (wanted == NULL)
        add_row (table, image, "<none>", kind);
      return;
    }
  g_variant_lookup (image, "references", "^as", &references);
  for (guint i = 0; references != NULL && references[i] != NULL; i++)
    if (is_wanted (references[i], wanted))
      add_row (table, image, references[i], "image");
}

/* A name without a tag means all of its tags. */
static GVariant *
make_filter (const char *wanted)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  const char *slash = wanted != NULL ? strrchr (wanted, '/') : NULL;
  gboolean has_tag = wanted != NULL && strpbrk (slash != NULL ? slash : wanted, ":@") != NULL;

  if (wanted != NULL)
    g_variant_builder_add (&builder, "{sv}", has_tag ? "reference" : "repository",
                           g_variant_new_string (wanted));
  if (all)
    g_variant_builder_add (&builder, "{sv}", "all", g_variant_new_boolean (TRUE));
  return g_variant_builder_end (&builder);
}

static int
run (ScClient *client, char **arguments)
{
  static const char *const usual[] = { "IMAGE",     "DIGEST", "PLATFORM", "COMPRESSED", "SIZE",
                                       "EXCLUSIVE", "PULLED", "USED BY",  NULL };
  static const char *const with_kind[] = { "IMAGE", "DIGEST",    "KIND",   "PLATFORM", "COMPRESSED",
                                           "SIZE",  "EXCLUSIVE", "PULLED", "USED BY",  NULL };
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = sc_client_call (
      client, "ListImages", g_variant_new ("(@a{sv})", make_filter (arguments[0])), NULL, &error);
  if (reply == NULL)
    return sc_client_fail (error);

  g_autoptr (GVariant) images = g_variant_get_child_value (reply, 0);
  if (client->json)
    {
      sc_print_json ("images", images);
      return 0;
    }
  g_autoptr (ScTable) table = sc_table_new (all ? with_kind : usual);
  for (gsize i = 0; i < g_variant_n_children (images); i++)
    {
      g_autoptr (GVariant) image = g_variant_get_child_value (images, i);
      add_image (table, image, arguments[0]);
    }
  g_autofree char *text = sc_table_to_text (table, client->quiet);
  g_print ("%s", text);
  return 0;
}

const ScVerb sc_verb_images = {
  .name = "images",
  .arguments = "[NAME]",
  .summary = "List the images in the store",
  .description = "NAME without a tag means all of its tags. COMPRESSED is what a pull downloads, "
                 "SIZE that of the unpacked layers, EXCLUSIVE of those that no other image has.",
  .options = options,
  .max_arguments = 1,
  .run = run,
};
