/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/sc-systemd-mount.h"

#include "host/sc-systemd-private.h"

#include <string.h>

#define MOUNT_TIMEOUT_S 60
#define OPTIONS         "bind,ro,nosuid,nodev"

char *
sc_systemd_mount_unit (const char *where)
{
  GString *name = g_string_new (NULL);

  for (const char *p = where + 1; *p != '\0'; p++)
    if (*p == '/')
      g_string_append_c (name, '-');
    else if (g_ascii_isalnum (*p) || *p == ':' || *p == '_' || (*p == '.' && name->len > 0))
      g_string_append_c (name, *p);
    else
      g_string_append_printf (name, "\\x%02x", (guint8)*p);
  g_string_append (name, name->len > 0 ? ".mount" : "-.mount");
  return g_string_free (name, FALSE);
}

static GVariant *
mount_properties (const ScMount *mount)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a(sv)"));
  g_variant_builder_add (&builder, "(sv)", "Description",
                         g_variant_new_string (mount->description));
  g_variant_builder_add (&builder, "(sv)", "CollectMode",
                         g_variant_new_string ("inactive-or-failed"));
  g_variant_builder_add (&builder, "(sv)", "What", g_variant_new_string (mount->what));
  g_variant_builder_add (&builder, "(sv)", "Type", g_variant_new_string ("none"));
  g_variant_builder_add (&builder, "(sv)", "Options", g_variant_new_string (OPTIONS));
  return g_variant_builder_end (&builder);
}

gboolean
sc_systemd_mount (ScSystemd *self, const ScMount *mount, GCancellable *cancellable, GError **error)
{
  g_autofree char *unit = sc_systemd_mount_unit (mount->where);
  g_autoptr (GVariant) reply = sc_systemd_call_with_fds (
      self, "StartTransientUnit",
      g_variant_new ("(ss@a(sv)@a(sa(sv)))", unit, "fail", mount_properties (mount),
                     g_variant_new_array (G_VARIANT_TYPE ("(sa(sv))"), NULL, 0)),
      NULL, cancellable, error);
  const char *job;

  if (reply == NULL)
    return FALSE;
  g_variant_get (reply, "(&o)", &job);
  return sc_systemd_finish_job (self, job, MOUNT_TIMEOUT_S, cancellable, error)
         || sc_prefix_error (error, "%s, see \"journalctl -e\": ", unit);
}

char *
sc_systemd_find_mount (ScSystemd *self,
                       const char *where,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autofree char *unit = sc_systemd_mount_unit (where);
  g_autoptr (GVariant) loaded
      = sc_systemd_call (self, SC_SYSTEMD_MANAGER_PATH, SC_SYSTEMD_MANAGER_INTERFACE, "LoadUnit",
                         g_variant_new ("(s)", unit), "(o)", cancellable, error);
  const char *path;

  if (loaded == NULL)
    return NULL;
  g_variant_get (loaded, "(&o)", &path);
  g_autoptr (GVariant) properties
      = sc_systemd_get_all (self, path, SC_SYSTEMD_UNIT_INTERFACE, cancellable, error);
  if (properties == NULL)
    return NULL;

  g_autofree char *state = sc_dup_property (properties, "ActiveState");
  gboolean is_transient = FALSE;
  g_variant_lookup (properties, "Transient", "b", &is_transient);
  return is_transient && strcmp (state, "active") == 0 ? sc_dup_property (properties, "Description")
                                                       : g_strdup ("");
}
