/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-unit-watch.h"

#include "base/sc-log.h"

#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define SYSTEMD_NAME       "org.freedesktop.systemd1"
#define SYSTEMD_PATH       "/org/freedesktop/systemd1"
#define UNIT_INTERFACE     SYSTEMD_NAME ".Unit"
#define PROPERTY_INTERFACE "org.freedesktop.DBus.Properties"
#define TIMEOUT_MS         5000

struct _ScUnitWatch
{
  GDBusConnection *bus; /* (owned) */
  GHashTable *units;    /* (owned) char* of the unit to Unit */
  ScUnitWatchFunc changed;
  gpointer user_data;
  gboolean subscribed;
  GCancellable *closing; /* (owned) */
};

typedef struct
{
  ScUnitWatch *watch;
  char *name;        /* (owned) */
  char *path;        /* (owned) of its object */
  const char *state; /* static */
  gboolean ever_ran; /* as long as we have seen it: systemd forgets units that nothing needs */
  guint subscription;
} Unit;

/* The answers that somebody waits for */
typedef struct
{
  guint missing;
  ScUnitWatchReadyFunc ready;
  gpointer user_data;
} Round;

typedef struct
{
  ScUnitWatch *watch;
  Round *round;
  char *unit; /* (owned) */
} Question;

static void
unit_free (gpointer data)
{
  Unit *unit = data;

  g_dbus_connection_signal_unsubscribe (unit->watch->bus, unit->subscription);
  g_free (unit->name);
  g_free (unit->path);
  g_free (unit);
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
apply_properties (Unit *unit, GVariant *properties)
{
  static const char *const times[]
      = { "ActiveEnterTimestamp", "InactiveEnterTimestamp", "ActiveExitTimestamp" };
  const char *active_state;

  for (gsize i = 0; i < G_N_ELEMENTS (times); i++)
    {
      guint64 usec = 0;

      if (g_variant_lookup (properties, times[i], "t", &usec) && usec > 0)
        unit->ever_ran = TRUE;
    }
  if (!g_variant_lookup (properties, "ActiveState", "&s", &active_state))
    return;

  const char *state = sc_unit_state (active_state, unit->ever_ran);
  if (strcmp (state, unit->state) == 0)
    return;
  unit->state = state;
  unit->watch->changed (unit->name, state, unit->watch->user_data);
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
  g_autoptr (GVariant) properties = NULL;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)")))
    return;
  g_variant_get (parameters, "(&s@a{sv}@as)", NULL, &properties, NULL);
  apply_properties (user_data, properties);
}

static void
end_question (Question *question)
{
  Round *round = question->round;

  g_free (question->unit);
  g_free (question);
  if (--round->missing > 0)
    return;
  round->ready (round->user_data);
  g_free (round);
}

static void
on_properties (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Question *question = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer
      = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (answer == NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_free (question->unit);
      g_free (question);
      return;
    }

  Unit *unit = g_hash_table_lookup (question->watch->units, question->unit);
  if (unit != NULL && answer != NULL)
    {
      g_autoptr (GVariant) properties = g_variant_get_child_value (answer, 0);
      apply_properties (unit, properties);
    }
  if (answer == NULL)
    sc_log (G_LOG_LEVEL_DEBUG, NULL, "systemd does not tell the state of \"%s\": %s",
            question->unit, error->message);
  end_question (question);
}

static void
ask (ScUnitWatch *self, Unit *unit, Round *round)
{
  Question *question = g_new0 (Question, 1);

  question->watch = self;
  question->round = round;
  question->unit = g_strdup (unit->name);
  g_dbus_connection_call (self->bus, SYSTEMD_NAME, unit->path, PROPERTY_INTERFACE, "GetAll",
                          g_variant_new ("(s)", UNIT_INTERFACE), G_VARIANT_TYPE ("(a{sv})"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, TIMEOUT_MS, self->closing, on_properties,
                          question);
}

/* systemd sends signals only when somebody has asked for them; that it may not be there is told by
 * the questions. */
static void
subscribe (ScUnitWatch *self)
{
  if (self->subscribed)
    return;
  self->subscribed = TRUE;
  g_dbus_connection_call (self->bus, SYSTEMD_NAME, SYSTEMD_PATH, SYSTEMD_NAME ".Manager",
                          "Subscribe", NULL, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, TIMEOUT_MS,
                          self->closing, NULL, NULL);
}

static Unit *
add_unit (ScUnitWatch *self, const char *name)
{
  Unit *unit = g_new0 (Unit, 1);
  char *path = NULL;
  int encoded = sd_bus_path_encode (SYSTEMD_PATH "/unit", name, &path);

  g_assert (encoded >= 0); /* fails only without memory */
  unit->watch = self;
  unit->name = g_strdup (name);
  unit->path = g_strdup (path);
  unit->state = "stopped";
  free (path);
  unit->subscription = g_dbus_connection_signal_subscribe (
      self->bus, SYSTEMD_NAME, PROPERTY_INTERFACE, "PropertiesChanged", unit->path, UNIT_INTERFACE,
      G_DBUS_SIGNAL_FLAGS_NONE, on_properties_changed, unit, NULL);
  g_hash_table_insert (self->units, unit->name, unit);
  return unit;
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
sc_unit_watch_new (GDBusConnection *bus, ScUnitWatchFunc changed, gpointer user_data)
{
  ScUnitWatch *self = g_new0 (ScUnitWatch, 1);

  self->bus = g_object_ref (bus);
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
  Round *round = g_new0 (Round, 1);

  round->ready = ready;
  round->user_data = user_data;
  drop_others (self, units);
  for (gsize i = 0; units[i] != NULL; i++)
    {
      if (g_hash_table_contains (self->units, units[i]))
        continue;
      subscribe (self);
      round->missing++;
      ask (self, add_unit (self, units[i]), round);
    }
  if (round->missing > 0)
    return;
  ready (user_data);
  g_free (round);
}

const char *
sc_unit_watch_get (ScUnitWatch *self, const char *unit)
{
  const Unit *found = g_hash_table_lookup (self->units, unit);

  return found != NULL ? found->state : NULL;
}
