/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"
#include "sc-verb.h"

static gboolean remove_image;

static const GOptionEntry *
options (void)
{
  static const GOptionEntry entries[] = {
    { "remove-image", 0, 0, G_OPTION_ARG_NONE, &remove_image,
      "Remove its image too, unless another container uses it", NULL },
    { 0 },
  };
  return entries;
}

static int
run (ScClient *client, char **arguments)
{
  GVariantBuilder builder;
  GError *error = NULL;

  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&builder, "{sv}", "keep-image", g_variant_new_boolean (!remove_image));
  GVariant *reply = sc_client_call (
      client, "Uninstall",
      g_variant_new ("(^as@a{sv})", arguments, sc_client_options (client, &builder)), NULL, &error);
  return sc_follow_and_report (client, reply, error, "uninstalled", "nothing to do");
}

const ScVerb sc_verb_uninstall = {
  .name = "uninstall",
  .arguments = "NAME…",
  .summary = "Stop and remove system containers",
  .description = "The data that a service keeps of its own, for example below /var/lib, stays.",
  .options = options,
  .min_arguments = 1,
  .max_arguments = G_MAXUINT,
  .run = run,
};
