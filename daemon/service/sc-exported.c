/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-exported.h"

char *
sc_kebab_case (const char *name)
{
  GString *text = g_string_new (NULL);

  for (const char *p = name; *p != '\0'; p++)
    {
      if (g_ascii_isupper (*p) && p != name)
        g_string_append_c (text, '-');
      g_string_append_c (text, g_ascii_tolower (*p));
    }
  return g_string_free (text, FALSE);
}

GVariant *
sc_exported_to_dict (GDBusInterfaceSkeleton *interface, const char *path)
{
  g_autoptr (GVariant) properties
      = g_variant_ref_sink (g_dbus_interface_skeleton_get_properties (interface));
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  GVariantIter iter;
  const char *name;
  GVariant *value;

  g_variant_builder_add (&builder, "{sv}", "path", g_variant_new_object_path (path));
  g_variant_iter_init (&iter, properties);
  while (g_variant_iter_loop (&iter, "{&sv}", &name, &value))
    {
      g_autofree char *key = sc_kebab_case (name);
      g_variant_builder_add (&builder, "{sv}", key, value);
    }
  return g_variant_builder_end (&builder);
}
