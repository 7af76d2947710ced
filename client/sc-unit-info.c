/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-unit-info.h"

#include <string.h>

#define SYSTEMD      "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"

static GVariant *
call (GDBusConnection *bus,
      const char *path,
      const char *interface,
      const char *method,
      GVariant *arguments)
{
  return g_dbus_connection_call_sync (bus, SYSTEMD, path, interface, method, arguments, NULL,
                                      G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
}

static GVariant *
get_properties (GDBusConnection *bus, const char *unit)
{
  g_autoptr (GVariant) loaded
      = call (bus, SYSTEMD_PATH, SYSTEMD ".Manager", "LoadUnit", g_variant_new ("(s)", unit));
  const char *path;

  if (loaded == NULL)
    return NULL;
  g_variant_get (loaded, "(&o)", &path);
  g_autoptr (GVariant) reply = call (bus, path, "org.freedesktop.DBus.Properties", "GetAll",
                                     g_variant_new ("(s)", SYSTEMD ".Unit"));
  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

static void
copy (GVariant *from, const char *key, GVariantBuilder *to, const char *new_key)
{
  g_autoptr (GVariant) value = g_variant_lookup_value (from, key, NULL);

  if (value != NULL)
    g_variant_builder_add (to, "{sv}", new_key, value);
}

GVariant *
sc_unit_info_get (GDBusConnection *bus, const char *unit)
{
  g_autoptr (GVariant) properties = get_properties (bus, unit);
  GVariantBuilder builder;

  if (properties == NULL)
    return NULL;
  g_variant_builder_init (&builder, G_VARIANT_TYPE_VARDICT);
  copy (properties, "ActiveState", &builder, "active-state");
  copy (properties, "SubState", &builder, "sub-state");
  copy (properties, "StateChangeTimestamp", &builder, "since");
  copy (properties, "DropInPaths", &builder, "drop-ins");
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

char **
sc_unit_info_get_log (const char *unit, guint n_lines)
{
  g_autofree char *lines = g_strdup_printf ("--lines=%u", n_lines);
  const char *const argv[] = { "journalctl", "--unit", unit, lines, "--quiet", "--no-pager", NULL };
  g_autoptr (GSubprocess) process = g_subprocess_newv (
      argv, G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE, NULL);
  g_autoptr (GBytes) bytes = NULL;

  if (process == NULL || n_lines == 0
      || !g_subprocess_communicate (process, NULL, NULL, &bytes, NULL, NULL))
    return g_new0 (char *, 1);
  gsize size_bytes = 0;
  const char *data = g_bytes_get_data (bytes, &size_bytes);
  g_autofree char *text = g_utf8_make_valid (data != NULL ? data : "", (gssize)size_bytes);
  g_strchomp (text);
  return *text != '\0' ? g_strsplit (text, "\n", -1) : g_new0 (char *, 1);
}
