/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/sc-unit-status.h"

#include "host/sc-systemd-private.h"

#include <string.h>

void
sc_unit_status_clear (ScUnitStatus *self)
{
  g_free (self->load_state);
  g_free (self->active_state);
  g_free (self->sub_state);
  g_free (self->fragment_path);
  g_free (self->result);
  g_free (self->type);
  g_free (self->pid_file);
  g_free (self->invocation_id);
  memset (self, 0, sizeof *self);
}

char *
sc_dup_property (GVariant *properties, const char *name)
{
  char *value = NULL;

  g_variant_lookup (properties, name, "s", &value);
  return value != NULL ? value : g_strdup ("");
}

static char *
dup_hex_property (GVariant *properties, const char *name)
{
  g_autoptr (GVariant) bytes = g_variant_lookup_value (properties, name, G_VARIANT_TYPE ("ay"));
  GString *text = g_string_new (NULL);
  gsize length = 0;
  const guint8 *data
      = bytes != NULL ? g_variant_get_fixed_array (bytes, &length, sizeof *data) : NULL;

  for (gsize i = 0; i < length; i++)
    g_string_append_printf (text, "%02x", data[i]);
  return g_string_free (text, FALSE);
}

static char *
load_unit (ScSystemd *systemd, const char *unit, GCancellable *cancellable, GError **error)
{
  g_autoptr (GVariant) loaded
      = sc_systemd_call (systemd, SC_SYSTEMD_MANAGER_PATH, SC_SYSTEMD_MANAGER_INTERFACE, "LoadUnit",
                         g_variant_new ("(s)", unit), "(o)", cancellable, error);
  char *path = NULL;

  if (loaded != NULL)
    g_variant_get (loaded, "(o)", &path);
  return path;
}

static void
read_unit (ScUnitStatus *self, GVariant *properties)
{
  self->load_state = sc_dup_property (properties, "LoadState");
  self->active_state = sc_dup_property (properties, "ActiveState");
  self->sub_state = sc_dup_property (properties, "SubState");
  self->fragment_path = sc_dup_property (properties, "FragmentPath");
  self->invocation_id = dup_hex_property (properties, "InvocationID");
  g_variant_lookup (properties, "ActiveEnterTimestamp", "t", &self->active_enter_usec);
}

static void
read_service (ScUnitStatus *self, GVariant *properties)
{
  self->result = sc_dup_property (properties, "Result");
  self->type = sc_dup_property (properties, "Type");
  self->pid_file = sc_dup_property (properties, "PIDFile");
  g_variant_lookup (properties, "MainPID", "u", &self->main_pid);
  g_variant_lookup (properties, "NRestarts", "u", &self->n_restarts);
  g_variant_lookup (properties, "ExecMainCode", "i", &self->exit_code);
  g_variant_lookup (properties, "ExecMainStatus", "i", &self->exit_status);
}

gboolean
sc_systemd_get_status (ScSystemd *systemd,
                       const char *unit,
                       ScUnitStatus *status,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (GVariant) none
      = g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0));
  g_autofree char *path = load_unit (systemd, unit, cancellable, error);
  g_autoptr (GVariant) properties
      = path != NULL
            ? sc_systemd_get_all (systemd, path, SC_SYSTEMD_UNIT_INTERFACE, cancellable, error)
            : NULL;
  if (properties == NULL)
    return sc_prefix_error (error, "looking at \"%s\": ", unit);

  g_autoptr (GVariant) service = NULL;
  if (g_str_has_suffix (unit, ".service"))
    service = sc_systemd_get_all (systemd, path, SC_SYSTEMD_SERVICE_INTERFACE, cancellable, NULL);
  sc_unit_status_clear (status);
  read_unit (status, properties);
  read_service (status, service != NULL ? service : none);
  return TRUE;
}

gboolean
sc_unit_status_is_active (const ScUnitStatus *self)
{
  return strcmp (self->active_state, "active") == 0
         || strcmp (self->active_state, "reloading") == 0;
}

/* Along these a stop goes from a unit to others, systemd.unit(5). */
static const char *const stopped_with[]
    = { "RequiredBy", "RequisiteOf", "BoundBy", "ConsistsOf", "PropagatesStopTo" };

static void
add_neighbours (GPtrArray *waiting, GVariant *properties)
{
  for (gsize i = 0; i < G_N_ELEMENTS (stopped_with); i++)
    {
      g_autofree const char **names = NULL;
      g_variant_lookup (properties, stopped_with[i], "^a&s", &names);
      for (gsize j = 0; names != NULL && names[j] != NULL; j++)
        g_ptr_array_add (waiting, g_strdup (names[j]));
    }
}

char **
sc_systemd_list_dependants (ScSystemd *systemd,
                            const char *unit,
                            GCancellable *cancellable,
                            GError **error)
{
  g_autoptr (GStrvBuilder) active = g_strv_builder_new ();
  g_autoptr (GPtrArray) waiting = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  g_ptr_array_add (waiting, g_strdup (unit));
  while (waiting->len > 0)
    {
      g_autofree char *name = g_ptr_array_steal_index_fast (waiting, waiting->len - 1);
      if (!g_hash_table_add (seen, g_strdup (name)))
        continue;
      g_autofree char *path = load_unit (systemd, name, cancellable, error);
      g_autoptr (GVariant) properties
          = path != NULL
                ? sc_systemd_get_all (systemd, path, SC_SYSTEMD_UNIT_INTERFACE, cancellable, error)
                : NULL;
      if (properties == NULL)
        {
          sc_prefix_error (error, "looking for what depends on \"%s\": ", unit);
          return NULL;
        }
      g_autofree char *state = sc_dup_property (properties, "ActiveState");
      if (strcmp (name, unit) != 0 && strcmp (state, "active") == 0)
        g_strv_builder_add (active, name);
      add_neighbours (waiting, properties);
    }
  return g_strv_builder_end (active);
}
