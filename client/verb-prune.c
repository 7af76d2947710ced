/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-printer.h"
#include "sc-verb.h"

static gboolean dry_run;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "dry-run", 0, 0, G_OPTION_ARG_NONE, &dry_run, "Only say what would be freed", NULL },
    { 0 },
  };
  return entries;
}

static void
print_result (GVariant *result)
{
  guint64 spool_bytes = sc_dict_uint (result, "spool-bytes");
  g_autofree char *size = g_format_size (sc_dict_uint (result, "freed-bytes"));
  g_autofree char *spool_size = g_format_size (spool_bytes);

  g_print ("%s %s in %" G_GUINT64_FORMAT " objects", dry_run ? "would free" : "freed", size,
           sc_dict_uint (result, "objects"));
  if (spool_bytes > 0)
    g_print (" and unfinished downloads (%s)", spool_size);
  g_print ("\n");
}

static int
run (ScClient *client, char **arguments)
{
  GVariantBuilder builder;
  g_autoptr (GVariant) result = NULL;
  GError *error = NULL;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "dry-run", g_variant_new_boolean (dry_run));
  GVariant *reply = sc_client_call (
      client, "Prune", g_variant_new ("(@a{sv})", sc_client_options (client, &builder)), NULL,
      &error);
  int status = sc_follow (client, reply, error, &result);
  if (status != 0 || result == NULL)
    return status;

  if (client->json)
    sc_print_json ("result", result);
  else if (!client->quiet)
    print_result (result);
  return sc_report_changed (client, result);
}

const ScVerb sc_verb_prune = {
  .name = "prune",
  .arguments = "",
  .summary = "Remove what no image and no container needs",
  .options = options,
  .run = run,
};
