/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The states of units, with a stand-in for systemd on the private bus.
 */
#include "service-fixture.h"

#include "service/sc-unit-watch.h"

#include <string.h>

#define SYSTEMD_NAME "org.freedesktop.systemd1"
#define UNIT_PATH    "/org/freedesktop/systemd1/unit/etcd_2d3_2eservice"
#define UNIT         "etcd-3.service"

static const char unit_xml[] = "<node><interface name='org.freedesktop.systemd1.Unit'>"
                               "<property name='ActiveState' type='s' access='read'/>"
                               "<property name='InactiveEnterTimestamp' type='t' access='read'/>"
                               "</interface></node>";

typedef struct
{
  GDBusConnection *systemd; /* (owned) */
  GDBusConnection *bus;     /* (owned) */
  const char *active_state; /* what systemd says */
  guint64 inactive_enter;
  ScUnitWatch *watch; /* (owned) */
  guint changes;
} Watching;

typedef struct
{
  const char *name;
  const char *active_state;
  gboolean ever_ran;
  const char *state;
} Row;

static const Row rows[] = {
  { "active", "active", TRUE, "running" },
  { "reloading", "reloading", TRUE, "running" },
  { "activating", "activating", FALSE, "running" },
  { "deactivating", "deactivating", TRUE, "running" },
  { "failed", "failed", TRUE, "failed" },
  { "stopped", "inactive", TRUE, "stopped" },
  { "never-ran", "inactive", FALSE, "installed" },
};

static void
test_state (gconstpointer data)
{
  const Row *row = data;

  g_assert_cmpstr (sc_unit_state (row->active_state, row->ever_ran), ==, row->state);
}

static GVariant *
on_get_property (GDBusConnection *bus,
                 const char *sender,
                 const char *path,
                 const char *interface,
                 const char *property,
                 GError **error,
                 gpointer user_data)
{
  const Watching *watching = user_data;

  return strcmp (property, "ActiveState") == 0 ? g_variant_new_string (watching->active_state)
                                               : g_variant_new_uint64 (watching->inactive_enter);
}

static void
on_changed (const char *unit, const char *state, gpointer user_data)
{
  Watching *watching = user_data;

  g_assert_cmpstr (unit, ==, UNIT);
  watching->changes++;
}

static void
own_systemd (Watching *watching)
{
  static const GDBusInterfaceVTable vtable = { .get_property = on_get_property };
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (unit_xml, NULL);

  g_dbus_connection_register_object (watching->systemd, UNIT_PATH, node->interfaces[0], &vtable,
                                     watching, NULL, NULL);
  g_autoptr (GVariant) answer = g_dbus_connection_call_sync (
      watching->systemd, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "RequestName", g_variant_new ("(su)", SYSTEMD_NAME, 0), NULL, G_DBUS_CALL_FLAGS_NONE, -1,
      NULL, NULL);
  g_assert_nonnull (answer);
}

static void
watch_set_up (Watching *watching, gconstpointer data)
{
  watching->systemd = fixture_connect ();
  watching->bus = fixture_connect ();
  watching->active_state = "inactive";
  watching->watch = sc_unit_watch_new (watching->bus, on_changed, watching);
}

static void
watch_tear_down (Watching *watching, gconstpointer data)
{
  sc_unit_watch_free (watching->watch);
  g_dbus_connection_close_sync (watching->systemd, NULL, NULL);
  g_dbus_connection_close_sync (watching->bus, NULL, NULL);
  g_object_unref (watching->systemd);
  g_object_unref (watching->bus);
}

static void
watch (Watching *watching)
{
  const char *const units[] = { UNIT, NULL };
  gboolean ready = FALSE;

  sc_unit_watch_set_units (watching->watch, units, fixture_on_flag, &ready);
  WAIT_FOR (ready);
}

static const char *
state (Watching *watching)
{
  return sc_unit_watch_get (watching->watch, UNIT);
}

static void
emit (Watching *watching, GDBusConnection *sender, const char *active_state)
{
  GVariantBuilder properties = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  const char *const none[] = { NULL };

  g_variant_builder_add (&properties, "{sv}", "ActiveState", g_variant_new_string (active_state));
  g_variant_builder_add (&properties, "{sv}", "ActiveEnterTimestamp", g_variant_new_uint64 (5));
  g_dbus_connection_emit_signal (
      sender, NULL, UNIT_PATH, "org.freedesktop.DBus.Properties", "PropertiesChanged",
      g_variant_new ("(sa{sv}^as)", "org.freedesktop.systemd1.Unit", &properties, none), NULL);
  g_dbus_connection_flush_sync (sender, NULL, NULL);
}

static void
test_without_systemd_is_stopped (Watching *watching, gconstpointer data)
{
  watch (watching);

  g_assert_cmpstr (state (watching), ==, "stopped");
}

static void
test_asks_at_once (Watching *watching, gconstpointer data)
{
  own_systemd (watching);
  watching->active_state = "active";

  watch (watching);

  g_assert_cmpstr (state (watching), ==, "running");
  g_assert_cmpuint (watching->changes, ==, 1);
}

static void
test_never_ran_is_installed (Watching *watching, gconstpointer data)
{
  own_systemd (watching);

  watch (watching);

  g_assert_cmpstr (state (watching), ==, "installed");
}

static void
test_ran_once_is_stopped (Watching *watching, gconstpointer data)
{
  own_systemd (watching);
  watching->inactive_enter = 1;

  watch (watching);

  g_assert_cmpstr (state (watching), ==, "stopped");
}

static void
test_follows_signals (Watching *watching, gconstpointer data)
{
  own_systemd (watching);
  watch (watching);

  emit (watching, watching->systemd, "active");
  WAIT_FOR (strcmp (state (watching), "running") == 0);
  emit (watching, watching->systemd, "failed");
  WAIT_FOR (strcmp (state (watching), "failed") == 0);
  emit (watching, watching->systemd, "inactive");

  WAIT_FOR (strcmp (state (watching), "stopped") == 0);
}

/* DB11: a signal of somebody else is not systemd's */
static void
test_ignores_forged_signals (Watching *watching, gconstpointer data)
{
  own_systemd (watching);
  watch (watching);
  watching->changes = 0;
  g_autoptr (GDBusConnection) forger = fixture_connect ();

  emit (watching, forger, "failed");
  emit (watching, watching->systemd, "active");
  WAIT_FOR (strcmp (state (watching), "installed") != 0);

  g_assert_cmpstr (state (watching), ==, "running");
  g_assert_cmpuint (watching->changes, ==, 1);
  g_dbus_connection_close_sync (forger, NULL, NULL);
}

static void
test_forgets_units (Watching *watching, gconstpointer data)
{
  const char *const none[] = { NULL };
  gboolean ready = FALSE;
  watch (watching);

  sc_unit_watch_set_units (watching->watch, none, fixture_on_flag, &ready);

  g_assert_true (ready);
  g_assert_null (state (watching));
}

#define ADD_WATCHING(path, func)                                                                   \
  g_test_add (path, Watching, NULL, watch_set_up, func, watch_tear_down)

static void
add_tests (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/unit-watch/state/", rows[i].name, NULL);
      g_test_add_data_func (path, &rows[i], test_state);
    }
  ADD_WATCHING ("/unit-watch/set-units/without-systemd-is-stopped",
                test_without_systemd_is_stopped);
  ADD_WATCHING ("/unit-watch/set-units/asks-at-once", test_asks_at_once);
  ADD_WATCHING ("/unit-watch/set-units/never-ran-is-installed", test_never_ran_is_installed);
  ADD_WATCHING ("/unit-watch/set-units/ran-once-is-stopped", test_ran_once_is_stopped);
  ADD_WATCHING ("/unit-watch/set-units/forgets-units", test_forgets_units);
  ADD_WATCHING ("/unit-watch/signals/are-followed", test_follows_signals);
  ADD_WATCHING ("/unit-watch/signals/ignores-forged", test_ignores_forged_signals);
}

int
main (int argc, char **argv)
{
  return fixture_main (argc, argv, add_tests);
}
