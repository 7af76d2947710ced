/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-next-check.h"

#define SYSTEMD_NAME    "org.freedesktop.systemd1"
#define TIMER_PATH      "/org/freedesktop/systemd1/unit/syscont_2dupdate_2etimer"
#define TIMER_INTERFACE SYSTEMD_NAME ".Timer"
#define PROPERTIES      "org.freedesktop.DBus.Properties"
#define NEXT            "NextElapseUSecRealtime"
#define TIMEOUT_MS      5000

struct _ScNextCheck
{
  GDBusConnection *bus; /* (owned) */
  ScNextCheckFunc changed;
  gpointer user_data;
  guint subscription;
  GCancellable *closing; /* (owned) */
};

/* A timer that does not run has no next time. */
static void
tell (const ScNextCheck *self, guint64 time_usec)
{
  self->changed (time_usec != G_MAXUINT64 ? time_usec : 0, self->user_data);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer
      = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  g_autoptr (GVariant) value = NULL;

  if (answer == NULL)
    return; /* also when it is too late for @user_data */
  g_variant_get (answer, "(v)", &value);
  if (g_variant_is_of_type (value, G_VARIANT_TYPE_UINT64))
    tell (user_data, g_variant_get_uint64 (value));
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
  guint64 time_usec = 0;

  if (!g_variant_is_of_type (parameters, G_VARIANT_TYPE ("(sa{sv}as)")))
    return;
  g_variant_get (parameters, "(&s@a{sv}@as)", NULL, &properties, NULL);
  if (g_variant_lookup (properties, NEXT, "t", &time_usec))
    tell (user_data, time_usec);
}

ScNextCheck *
sc_next_check_new (GDBusConnection *bus, ScNextCheckFunc changed, gpointer user_data)
{
  ScNextCheck *self = g_new0 (ScNextCheck, 1);

  self->bus = g_object_ref (bus);
  self->changed = changed;
  self->user_data = user_data;
  self->closing = g_cancellable_new ();
  self->subscription = g_dbus_connection_signal_subscribe (
      bus, SYSTEMD_NAME, PROPERTIES, "PropertiesChanged", TIMER_PATH, TIMER_INTERFACE,
      G_DBUS_SIGNAL_FLAGS_NONE, on_properties_changed, self, NULL);
  g_dbus_connection_call (bus, SYSTEMD_NAME, TIMER_PATH, PROPERTIES, "Get",
                          g_variant_new ("(ss)", TIMER_INTERFACE, NEXT), G_VARIANT_TYPE ("(v)"),
                          G_DBUS_CALL_FLAGS_NO_AUTO_START, TIMEOUT_MS, self->closing, on_answer,
                          self);
  return self;
}

void
sc_next_check_free (ScNextCheck *self)
{
  g_cancellable_cancel (self->closing);
  g_dbus_connection_signal_unsubscribe (self->bus, self->subscription);
  g_object_unref (self->closing);
  g_object_unref (self->bus);
  g_free (self);
}
