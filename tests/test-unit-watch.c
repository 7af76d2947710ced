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

static const char manager_xml[]
    = "<node><interface name='org.freedesktop.systemd1.Manager'>"
      "<method name='Subscribe'/>"
      "<method name='ListUnitsByPatterns'><arg type='as' direction='in'/>"
      "<arg type='as' direction='in'/><arg type='a(ssssssouso)' direction='out'/></method>"
      "</interface></node>";

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
  char *root;          /* (owned) */
  ScPaths *paths;      /* (owned) */
  ScStartMarks *marks; /* (owned) */
  ScUnitWatch *watch;  /* (owned) */
  gboolean is_loaded;  /* systemd lists the unit */
  guint questions;     /* for a property */
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
  Watching *watching = user_data;

  watching->questions++;
  return strcmp (property, "ActiveState") == 0 ? g_variant_new_string (watching->active_state)
                                               : g_variant_new_uint64 (watching->inactive_enter);
}

static void
on_manager_call (GDBusConnection *bus,
                 const char *sender,
                 const char *path,
                 const char *interface,
                 const char *method,
                 GVariant *parameters,
                 GDBusMethodInvocation *invocation,
                 gpointer user_data)
{
  const Watching *watching = user_data;
  GVariantBuilder units = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a(ssssssouso)"));
  g_autofree char *wanted = g_variant_print (parameters, FALSE);

  if (strcmp (method, "Subscribe") == 0)
    {
      g_dbus_method_invocation_return_value (invocation, NULL);
      return;
    }
  g_assert_cmpstr (wanted, ==, "([], ['" UNIT "'])");
  if (watching->is_loaded)
    g_variant_builder_add (&units, "(ssssssouso)", UNIT, "etcd", "loaded", watching->active_state,
                           "sub", "", UNIT_PATH, 0, "", "/");
  g_dbus_method_invocation_return_value (invocation, g_variant_new ("(a(ssssssouso))", &units));
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
  static const GDBusInterfaceVTable manager = { .method_call = on_manager_call };
  g_autoptr (GDBusNodeInfo) manager_node = g_dbus_node_info_new_for_xml (manager_xml, NULL);
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (unit_xml, NULL);

  g_dbus_connection_register_object (watching->systemd, UNIT_PATH, node->interfaces[0], &vtable,
                                     watching, NULL, NULL);
  g_dbus_connection_register_object (watching->systemd, "/org/freedesktop/systemd1",
                                     manager_node->interfaces[0], &manager, watching, NULL, NULL);
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
  watching->is_loaded = TRUE;
  watching->root = g_dir_make_tmp ("syscont-units-XXXXXX", NULL);
  watching->paths = sc_paths_new (watching->root);
  watching->marks = sc_start_marks_load (watching->paths);
  watching->watch = sc_unit_watch_new (watching->bus, watching->marks, on_changed, watching);
}

static void
watch_tear_down (Watching *watching, gconstpointer data)
{
  const char *argv[] = { "rm", "-rf", watching->root, NULL };

  sc_unit_watch_free (watching->watch);
  sc_start_marks_free (watching->marks);
  sc_paths_free (watching->paths);
  g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  g_free (watching->root);
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
test_not_loaded_is_installed (Watching *watching, gconstpointer data)
{
  own_systemd (watching);
  watching->is_loaded = FALSE;

  watch (watching);

  g_assert_cmpstr (state (watching), ==, "installed");
  g_assert_cmpuint (watching->questions, ==, 0);
}

/* As a new start of the service does it */
static void
watch_again (Watching *watching)
{
  sc_unit_watch_free (watching->watch);
  sc_start_marks_free (watching->marks);
  watching->marks = sc_start_marks_load (watching->paths);
  watching->watch = sc_unit_watch_new (watching->bus, watching->marks, on_changed, watching);
  watch (watching);
}

static void
test_ran_and_forgotten_is_stopped (Watching *watching, gconstpointer data)
{
  own_systemd (watching);
  watching->active_state = "active";
  watch (watching);
  watching->is_loaded = FALSE;

  watch_again (watching);

  g_assert_cmpstr (state (watching), ==, "stopped");
}

static void
test_mark_spares_question (Watching *watching, gconstpointer data)
{
  own_systemd (watching);
  watching->inactive_enter = 1;
  watch (watching);
  g_assert_cmpuint (watching->questions, ==, 1);

  watch_again (watching);

  g_assert_cmpstr (state (watching), ==, "stopped");
  g_assert_cmpuint (watching->questions, ==, 1);
}

static void
test_marks_keep_those_named (Watching *watching, gconstpointer data)
{
  g_autoptr (GHashTable) units = g_hash_table_new (g_str_hash, g_str_equal);
  sc_start_marks_add (watching->marks, UNIT);
  sc_start_marks_add (watching->marks, "gone.service");
  g_hash_table_add (units, (gpointer)UNIT);

  sc_start_marks_keep (watching->marks, units);

  g_autoptr (ScStartMarks) later = sc_start_marks_load (watching->paths);
  g_assert_true (sc_start_marks_has (later, UNIT));
  g_assert_false (sc_start_marks_has (watching->marks, "gone.service"));
  g_assert_false (sc_start_marks_has (later, "gone.service"));
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
  ADD_WATCHING ("/unit-watch/set-units/not-loaded-is-installed", test_not_loaded_is_installed);
  ADD_WATCHING ("/unit-watch/set-units/ran-and-forgotten-is-stopped",
                test_ran_and_forgotten_is_stopped);
  ADD_WATCHING ("/unit-watch/set-units/mark-spares-question", test_mark_spares_question);
  ADD_WATCHING ("/start-marks/keep/those-named", test_marks_keep_those_named);
  ADD_WATCHING ("/unit-watch/set-units/forgets-units", test_forgets_units);
  ADD_WATCHING ("/unit-watch/signals/are-followed", test_follows_signals);
  ADD_WATCHING ("/unit-watch/signals/ignores-forged", test_ignores_forged_signals);
}

int
main (int argc, char **argv)
{
  return fixture_main (argc, argv, add_tests);
}
