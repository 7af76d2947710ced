/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-client.h"

#include "sc-job-log.h"
#include "sc-printer.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

void
sc_client_clear (ScClient *self)
{
  if (self->agent != NULL)
    g_subprocess_send_signal (self->agent, SIGTERM);
  g_clear_object (&self->agent);
  g_clear_object (&self->bus);
}

/* The agent asks for a password on our terminal, and says by closing the fd that it is registered
 * (pkttyagent(1)). */
static void
start_agent (ScClient *self)
{
  int fds[2];
  char byte;

  if (self->agent != NULL || self->no_ask_password || geteuid () == 0 || !isatty (STDIN_FILENO))
    return;
  if (!g_unix_open_pipe (fds, FD_CLOEXEC, NULL))
    return;

  g_autoptr (GSubprocessLauncher) launcher
      = g_subprocess_launcher_new (G_SUBPROCESS_FLAGS_STDIN_INHERIT);
  g_autofree char *fd = g_strdup_printf ("%d", fds[1]);
  g_subprocess_launcher_take_fd (launcher, fds[1], fds[1]);
  self->agent = g_subprocess_launcher_spawn (launcher, NULL, "pkttyagent", "--notify-fd", fd,
                                             "--fallback", NULL);
  g_subprocess_launcher_close (launcher);
  while (self->agent != NULL && read (fds[0], &byte, 1) > 0)
    ;
  close (fds[0]);
}

static gboolean
connect_bus (ScClient *self, GError **error)
{
  if (self->bus != NULL)
    return TRUE;
  self->bus = g_bus_get_sync (G_BUS_TYPE_SYSTEM, NULL, error);
  if (self->bus == NULL)
    {
      g_prefix_error (error, "cannot reach the system bus: ");
      return FALSE;
    }
  g_dbus_connection_set_exit_on_close (self->bus, FALSE);
  sc_job_log_watch (self->bus);
  return TRUE;
}

GVariant *
sc_client_call (
    ScClient *self, const char *method, GVariant *arguments, GUnixFDList *fds, GError **error)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (arguments);
  GDBusCallFlags flags = self->no_ask_password ? G_DBUS_CALL_FLAGS_NONE
                                               : G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION;

  if (!connect_bus (self, error))
    return NULL;
  start_agent (self);
  return g_dbus_connection_call_with_unix_fd_list_sync (
      self->bus, SYSCONT_BUS_NAME, SYSCONT_MANAGER_PATH, SYSCONT_MANAGER_INTERFACE, method, owned,
      NULL, flags, G_MAXINT, fds, NULL, NULL, error);
}

GVariant *
sc_client_call_object (ScClient *self,
                       const char *path,
                       const char *interface,
                       const char *method,
                       GVariant *arguments,
                       GError **error)
{
  g_autoptr (GVariant) owned = g_variant_ref_sink (arguments);

  if (!connect_bus (self, error))
    return NULL;
  return g_dbus_connection_call_sync (
      self->bus, SYSCONT_BUS_NAME, path, interface, method, owned, NULL,
      self->no_ask_password ? G_DBUS_CALL_FLAGS_NONE
                            : G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION,
      G_MAXINT, NULL, error);
}

GVariant *
sc_client_get_properties (ScClient *self, const char *path, const char *interface, GError **error)
{
  g_autoptr (GVariant) reply
      = sc_client_call_object (self, path, "org.freedesktop.DBus.Properties", "GetAll",
                               g_variant_new ("(s)", interface), error);

  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

void
sc_client_print_error (const char *message)
{
  g_autofree char *safe = sc_safe_text (message);

  g_printerr ("syscontctl: %s\n", safe);
}

int
sc_client_fail (const GError *error)
{
  g_autofree char *name = g_dbus_error_get_remote_error (error);
  g_autoptr (GError) copy = g_error_copy (error);

  g_dbus_error_strip_remote_error (copy);
  if (name == NULL && error->domain == SYSCONT_ERROR)
    name = g_strdup (syscont_error_name (error->code));
  if (g_strcmp0 (name, "org.freedesktop.DBus.Error.ServiceUnknown") == 0)
    g_printerr ("syscontctl: the service %s is not installed on this machine\n", SYSCONT_BUS_NAME);
  else
    sc_client_print_error (copy->message);
  return name != NULL ? syscont_error_exit_status (name) : 1;
}

int
sc_client_usage_error (const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *message = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_printerr ("syscontctl: %s; see \"syscontctl --help\"\n", message);
  return SC_EXIT_USAGE;
}

int
sc_client_run (ScClient *self, const char *method, GVariant *arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = sc_client_call (self, method, arguments, NULL, &error);

  return reply != NULL ? 0 : sc_client_fail (error);
}

GVariant *
sc_client_options (const ScClient *self, GVariantBuilder *builder)
{
  GVariantBuilder empty;

  if (builder == NULL)
    {
      builder = &empty;
      g_variant_builder_init (builder, G_VARIANT_TYPE_VARDICT);
    }
  if (self->no_queue)
    g_variant_builder_add (builder, "{sv}", "no-queue", g_variant_new_boolean (TRUE));
  return g_variant_builder_end (builder);
}
