/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-exported.h"

GVariant *
sc_variant_compact (GVariant *value)
{
  g_variant_get_data (value);
  return value;
}

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

static GVariant *
build_dict (GDBusInterfaceSkeleton *interface, const char *path)
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

typedef struct
{
  GVariant *dict; /* (owned) */
  gulong handler; /* of the signal that makes it old */
} Kept;

static GQuark
kept_quark (void)
{
  return g_quark_from_static_string ("sc-exported-kept");
}

static void
kept_free (gpointer data)
{
  Kept *kept = data;

  g_variant_unref (kept->dict);
  g_free (kept);
}

static void
on_notify (GObject *interface, GParamSpec *property, gpointer user_data)
{
  const Kept *kept = user_data;

  g_signal_handler_disconnect (interface, kept->handler);
  g_object_set_qdata (interface, kept_quark (), NULL);
}

GVariant *
sc_exported_to_dict (GDBusInterfaceSkeleton *interface, const char *path)
{
  Kept *kept = g_object_get_qdata (G_OBJECT (interface), kept_quark ());

  if (kept != NULL)
    return g_variant_ref (kept->dict);
  kept = g_new0 (Kept, 1);
  kept->dict = sc_variant_compact (g_variant_ref_sink (build_dict (interface, path)));
  kept->handler = g_signal_connect (interface, "notify", G_CALLBACK (on_notify), kept);
  g_object_set_qdata_full (G_OBJECT (interface), kept_quark (), kept, kept_free);
  return g_variant_ref (kept->dict);
}
