/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-unit-watch.h"

#include "base/sc-log.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define SYSTEMD_NAME       "org.freedesktop.systemd1"
#define SYSTEMD_PATH       "/org/freedesktop/systemd1"
#define UNIT_PREFIX        SYSTEMD_PATH "/unit"
#define UNIT_INTERFACE     SYSTEMD_NAME ".Unit"
#define PROPERTY_INTERFACE "org.freedesktop.DBus.Properties"
#define TIMEOUT_MS         5000

struct _ScUnitWatch
{
  GDBusConnection *bus; /* (owned) */
  ScStartMarks *marks;  /* (not owned) */
  GHashTable *units;    /* (owned) char* of the unit to Unit */
  ScUnitWatchFunc changed;
  gpointer user_data;
  guint subscription;
  GCancellable *closing; /* (owned) */
};

typedef struct
{
  ScUnitWatch *watch;
  char *name;        /* (owned) */
  const char *state; /* static */
  gboolean known;    /* FALSE: systemd has not said anything yet */
} Unit;

/* The answers that somebody waits for */
typedef struct
{
  ScUnitWatch *watch;
  char **units; /* (owned) the new ones */
  guint missing;
  ScUnitWatchReadyFunc ready;
  gpointer user_data;
} Round;

typedef struct
{
  Round *round;
  const char *unit; /* of the round's */
} Question;

static void
unit_free (gpointer data)
{
  Unit *unit = data;

  g_free (unit->name);
  g_free (unit);
}

static void
round_free (Round *round)
{
  g_strfreev (round->units);
  g_free (round);
}

const char *
sc_unit_state (const char *active_state, gboolean ever_ran)
{
  static const char *const running[]
      = { "active", "reloading", "activating", "deactivating", "refreshing", NULL };

  if (g_strv_contains (running, active_state))
    return "running";
  if (strcmp (active_state, "failed") == 0)
    return "failed";
  return ever_ran ? "stopped" : "installed";
}

static void
set_active_state (Unit *unit, const char *active_state)
{
  ScUnitWatch *watch = unit->watch;
  const char *state = sc_unit_state (active_state, sc_start_marks_has (watch->marks, unit->name));

  if (strcmp (state, "installed") != 0)
    sc_start_marks_add (watch->marks, unit->name);
  if (unit->known && strcmp (state, unit->state) == 0)
    return;
  unit->known = TRUE;
  unit->state = state;
  watch->changed (unit->name, state, watch->user_data);
}

static void
apply_properties (Unit *unit, GVariant *properties)
{
  static const char *const times[]
      = { "ActiveEnterTimestamp", "InactiveEnterTimestamp", "ActiveExitTimestamp" };
  const char *active_state;

  for (gsize i = 0; i < G_N_ELEMENTS (times); i++)
    {
      guint64 usec = 0;

      if (g_variant_lookup (properties, times[i], "t", &usec) && usec > 0)
        sc_start_marks_add (unit->watch->marks, unit->name);
    }
  if (g_variant_lookup (properties, "ActiveState", "&s", &active_state))
    set_active_state (unit, active_state);
}

static void
on_properties_changed (GDBusConnection *bus,
                       const char *sender,
                       const char *path,
                       const char *interface,
                       const char *signal,
                       GVariant *parameters,
                       gpointer user_data)
{
  ScUnitWatch *self = user_data;
  g_autoptr (GVariant) properties = NULL;
  char *name = NULL;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)"))
      || sd_bus_path_decode (path, UNIT_PREFIX, &name) <= 0)
    return;

  Unit *unit = g_hash_table_lookup (self->units, name);
  free (name);
  if (unit == NULL)
    return;
  g_variant_get (parameters, "(&s@a{sv}@as)", NULL, &properties, NULL);
  apply_properties (unit, properties);
}

static void
end_answer (Round *round)
{
  if (--round->missing > 0)
    return;
  round->ready (round->user_data);
  round_free (round);
}

/* One that has become active meanwhile is known by the signal. */
static void
on_inactive_since (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Question *question = user_data;
  Round *round = question->round;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer
      = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      if (--round->missing == 0)
        round_free (round);
      return;
    }

  Unit *unit = g_hash_table_lookup (round->watch->units, question->unit);
  g_autoptr (GVariant) value = NULL;
  if (answer != NULL)
    g_variant_get (answer, "(v)", &value);
  if (unit != NULL && value != NULL && g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64)
      && g_variant_get_uint64 (value) > 0)
    sc_start_marks_add (round->watch->marks, unit->name);
  if (unit != NULL && !unit->known)
    set_active_state (unit, "inactive");
  end_answer (round);
}

static void
ask_inactive_since (Round *round, const char *unit, const char *path)
{
  Question *question = g_new0 (Question, 1);

  question->round = round;
  question->unit = unit;
  round->missing++;
  g_dbus_connection_call (round->watch->bus, SYSTEMD_NAME, path, PROPERTY_INTERFACE, "Get",
                          g_variant_new ("(ss)", UNIT_INTERFACE, "InactiveEnterTimestamp"),
                          G_VARIANT_TYPE ("(v)"), G_DBUS_CALL_FLAGS_NO_AUTO_START, TIMEOUT_MS,
                          round->watch->closing, on_inactive_since, question);
}

/* (transfer full): name of the unit to its row; both belong to @rows */
static GHashTable *
index_rows (GPtrArray *rows)
{
  GHashTable *index = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < rows->len; i++)
    {
      const char *name;

      g_variant_get_child (rows->pdata[i], 0, "&s", &name);
      g_hash_table_insert (index, (gpointer)name, rows->pdata[i]);
    }
  return index;
}

/* A unit that systemd does not list is not loaded, and so it does not run. */
static void
apply_list (Round *round, GVariant *list)
{
  g_autoptr (GPtrArray) rows = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);

  for (gsize i = 0; i < g_variant_n_children (list); i++)
    g_ptr_array_add (rows, g_variant_get_child_value (list, i));
  g_autoptr (GHashTable) index = index_rows (rows);
  for (gsize i = 0; round->units[i] != NULL; i++)
    {
      Unit *unit = g_hash_table_lookup (round->watch->units, round->units[i]);
      GVariant *row = g_hash_table_lookup (index, round->units[i]);
      const char *active_state = "inactive";
      const char *path = NULL;

      if (unit == NULL)
        continue;
      if (row != NULL)
        g_variant_get (row, "(&s&s&s&s&s&s&ou&s&o)", NULL, NULL, NULL, &active_state, NULL, NULL,
                       &path, NULL, NULL, NULL);
      if (path != NULL && strcmp (active_state, "inactive") == 0
          && !sc_start_marks_has (round->watch->marks, unit->name))
        ask_inactive_since (round, round->units[i], path);
      else
        set_active_state (unit, active_state);
    }
}

static void
on_list (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Round *round = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer
      = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      round_free (round);
      return;
    }
  if (answer == NULL)
    sc_log (G_LOG_LEVEL_DEBUG, NULL, "systemd does not tell the states of the units: %s",
            error->message);
  else
    {
      g_autoptr (GVariant) list = g_variant_get_child_value (answer, 0);
      apply_list (round, list);
    }
  end_answer (round);
}

/* Asking for the properties of each unit would make systemd load them all; the list has those that
 * are loaded. */
static void
ask_list (Round *round)
{
  const char *const states[] = { NULL };

  round->missing = 1;
  g_dbus_connection_call (round->watch->bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_NAME ".Manager",
                          "ListUnitsByPatterns", g_variant_new ("(^as^as)", states, round->units),
                          G_VARIANT_TYPE ("(a(ssssssouso))"), G_DBUS_CALL_FLAGS_NO_AUTO_START,
                          TIMEOUT_MS, round->watch->closing, on_list, round);
}

/* systemd sends signals only when somebody has asked for them; that it may not be there is told by
 * the list. One match for all units: one for each costs the bus more than the few signals of other
 * units do. */
static void
subscribe (ScUnitWatch *self)
{
  if (self->subscription != 0)
    return;
  self->subscription = g_dbus_connection_signal_subscribe (
      self->bus, SYSTEMD_NAME, PROPERTY_INTERFACE, "PropertiesChanged", NULL, UNIT_INTERFACE,
      G_DBUS_SIGNAL_FLAGS_NONE, on_properties_changed, self, NULL);
  g_dbus_connection_call (self->bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_NAME ".Manager",
                          "Subscribe", NULL, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, TIMEOUT_MS,
                          self->closing, NULL, NULL);
}

static void
add_unit (ScUnitWatch *self, const char *name)
{
  Unit *unit = g_new0 (Unit, 1);

  unit->watch = self;
  unit->name = g_strdup (name);
  unit->state = "stopped";
  g_hash_table_insert (self->units, unit->name, unit);
}

static void
drop_others (ScUnitWatch *self, const char *const *units)
{
  GHashTableIter iter;
  gpointer name;

  g_hash_table_iter_init (&iter, self->units);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    if (!g_strv_contains (units, name))
      g_hash_table_iter_remove (&iter);
}

ScUnitWatch *
sc_unit_watch_new (GDBusConnection *bus,
                   ScStartMarks *marks,
                   ScUnitWatchFunc changed,
                   gpointer user_data)
{
  ScUnitWatch *self = g_new0 (ScUnitWatch, 1);

  self->bus = g_object_ref (bus);
  self->marks = marks;
  self->units = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, unit_free);
  self->changed = changed;
  self->user_data = user_data;
  self->closing = g_cancellable_new ();
  return self;
}

void
sc_unit_watch_free (ScUnitWatch *self)
{
  g_cancellable_cancel (self->closing);
  if (self->subscription != 0)
    g_dbus_connection_signal_unsubscribe (self->bus, self->subscription);
  g_hash_table_unref (self->units);
  g_object_unref (self->closing);
  g_object_unref (self->bus);
  g_free (self);
}

void
sc_unit_watch_set_units (ScUnitWatch *self,
                         const char *const *units,
                         ScUnitWatchReadyFunc ready,
                         gpointer user_data)
{
  g_autoptr (GStrvBuilder) added = g_strv_builder_new ();
  gboolean is_any_new = FALSE;

  drop_others (self, units);
  for (gsize i = 0; units[i] != NULL; i++)
    {
      if (g_hash_table_contains (self->units, units[i]))
        continue;
      add_unit (self, units[i]);
      g_strv_builder_add (added, units[i]);
      is_any_new = TRUE;
    }
  if (!is_any_new)
    {
      ready (user_data);
      return;
    }

  Round *round = g_new0 (Round, 1);
  round->watch = self;
  round->units = g_strv_builder_end (added);
  round->ready = ready;
  round->user_data = user_data;
  subscribe (self);
  ask_list (round);
}

const char *
sc_unit_watch_get (ScUnitWatch *self, const char *unit)
{
  const Unit *found = g_hash_table_lookup (self->units, unit);

  return found != NULL ? found->state : NULL;
}
