/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-log-control.h"

#include "base/sc-log.h"
#include "sc-bus-generated.h"

#include <string.h>

#define PATH       "/org/freedesktop/LogControl1"
#define INTERFACE  "org.freedesktop.LogControl1"
#define IDENTIFIER "syscontd"

struct _ScLogControl
{
  GDBusConnection *bus; /* (owned) */
  ScAuthority *authority;
  guint registration;
};

static GVariant *
get_property (const char *name)
{
  if (strcmp (name, "LogLevel") == 0)
    return g_variant_new_string (sc_log_get_level ());
  if (strcmp (name, "LogTarget") == 0)
    return g_variant_new_string (sc_log_get_target ());
  return g_variant_new_string (IDENTIFIER);
}

static GVariant *
get_properties (void)
{
  static const char *const names[] = { "LogLevel", "LogTarget", "SyslogIdentifier" };
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    g_variant_builder_add (&builder, "{sv}", names[i], get_property (names[i]));
  return g_variant_new ("(a{sv})", &builder);
}

static gboolean
set_property (const char *name, const char *value, GError **error)
{
  gboolean is_level = strcmp (name, "LogLevel") == 0;

  if (is_level ? sc_log_set_level (value) : sc_log_set_target (value))
    return TRUE;

  g_autofree char *escaped = sc_text_escape (value);
  return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "\"%s\" is no %s", escaped,
                       is_level ? "log level" : "log target");
}

static void
on_set_allowed (ScVerdict verdict, ScCaller *caller, gpointer user_data)
{
  GDBusMethodInvocation *invocation = user_data;
  GVariant *parameters = g_dbus_method_invocation_get_parameters (invocation);
  g_autoptr (GVariant) value = NULL;
  g_autoptr (GError) error = NULL;
  const char *name;

  if (verdict != SC_VERDICT_ALLOWED)
    {
      sc_authority_refuse (invocation, verdict);
      return;
    }
  g_variant_get (parameters, "(&s&sv)", NULL, &name, &value);
  if (set_property (name, g_variant_get_string (value, NULL), &error))
    g_dbus_method_invocation_return_value (invocation, NULL);
  else
    g_dbus_method_invocation_return_gerror (invocation, error);
}

/* GDBus has checked the name of a property, its access and the type of its value before it calls
 * this. */
static void
on_method_call (GDBusConnection *bus,
                const char *sender,
                const char *path,
                const char *interface,
                const char *method,
                GVariant *parameters,
                GDBusMethodInvocation *invocation,
                gpointer user_data)
{
  ScLogControl *self = user_data;
  const ScQuestion question = { .interface = INTERFACE, .method = "Set" };
  const char *name;

  if (strcmp (method, "Get") == 0)
    {
      g_variant_get (parameters, "(&s&s)", NULL, &name);
      g_dbus_method_invocation_return_value (invocation,
                                             g_variant_new ("(v)", get_property (name)));
    }
  else if (strcmp (method, "GetAll") == 0)
    g_dbus_method_invocation_return_value (invocation, get_properties ());
  else
    sc_authority_check (self->authority, sender, &question, on_set_allowed, invocation);
}

/* Without property functions GDBus hands the calls of org.freedesktop.DBus.Properties to the method
 * function. */
static const GDBusInterfaceVTable vtable = { .method_call = on_method_call };

ScLogControl *
sc_log_control_new (GDBusConnection *bus, ScAuthority *authority, GError **error)
{
  g_autoptr (ScLogControl) self = g_new0 (ScLogControl, 1);

  self->bus = g_object_ref (bus);
  self->authority = authority;
  self->registration = g_dbus_connection_register_object (
      bus, PATH, syscont_org_freedesktop_log_control1_interface_info (), &vtable, self, NULL,
      error);
  if (self->registration == 0)
    return NULL;
  return g_steal_pointer (&self);
}

void
sc_log_control_free (ScLogControl *self)
{
  if (self->registration != 0)
    g_dbus_connection_unregister_object (self->bus, self->registration);
  g_object_unref (self->bus);
  g_free (self);
}
