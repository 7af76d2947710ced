/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-printer.h"
#include "sc-verb.h"

static gboolean repair;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "repair", 0, 0, G_OPTION_ARG_NONE, &repair, "Fetch what is damaged again", NULL },
    { 0 },
  };
  return entries;
}

static void
print_names (GVariant *image, const char *key, const char *what, const char *count_key)
{
  g_auto (GStrv) names = NULL;
  guint64 count = sc_dict_uint (image, count_key);

  if (!g_variant_lookup (image, key, "^as", &names))
    return;
  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autofree char *safe = sc_safe_text (names[i]);
      g_print ("  %s %s\n", what, safe);
    }
  if (count > g_strv_length (names))
    g_print ("  … and %" G_GUINT64_FORMAT " more\n", count - g_strv_length (names));
}

static void
print_image (GVariant *image, gboolean quiet)
{
  g_autofree char *reference = sc_dict_string (image, "reference");
  g_autofree char *safe = sc_safe_text (reference);
  g_autofree char *state = sc_dict_string (image, "state");
  guint64 n_replaced = sc_dict_uint (image, "replaced-files");

  if (quiet)
    return;
  g_print ("%s: %s\n", safe, state);
  print_names (image, "objects", "object", "damaged-objects");
  print_names (image, "files", "file", "damaged-files");
  if (n_replaced > 0)
    g_print ("  %" G_GUINT64_FORMAT
             " files of containers were replaced; one that runs uses the old "
             "ones until it is restarted\n",
             n_replaced);
}

static int
run (ScClient *client, char **arguments)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_autoptr (GVariant) result = NULL;
  g_autoptr (GVariant) images = NULL;

  if (repair)
    g_variant_builder_add (&builder, "{sv}", "repair", g_variant_new_boolean (TRUE));
  const ScJobCall call = { .method = "VerifyImages", .names = arguments, .options = &builder };
  int status = sc_follow_list (client, &call, "images", &result, &images);

  for (gsize i = 0; images != NULL && i < g_variant_n_children (images); i++)
    {
      g_autoptr (GVariant) image = g_variant_get_child_value (images, i);
      print_image (image, client->quiet);
    }
  return status != 0 ? status : sc_report_changed (client, result);
}

const ScVerb sc_verb_verify = {
  .name = "verify",
  .arguments = "[IMAGE…]",
  .summary = "Read images back and say what is damaged",
  .description = "Without IMAGE all of them. Exits with 9 when something is damaged, and stays so.",
  .options = options,
  .max_arguments = G_MAXUINT,
  .run = run,
};
