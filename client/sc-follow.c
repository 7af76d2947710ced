/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"

#include "sc-printer.h"
#include "sc-progress-line.h"

#include <glib-unix.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

typedef struct
{
  ScClient *client;
  const char *path;
  GMainLoop *loop;      /* (owned) */
  GVariant *properties; /* (owned) (nullable) last known, complete */
  char *phase;          /* (owned) (nullable) last one shown */
  gboolean on_terminal;
  gboolean line_shown;
  guint n_interrupts;
  gint64 rate_time_usec; /* monotonic; start of the current phase */
  guint64 rate_bytes;
} Follow;

static gboolean
has_ended (GVariant *properties)
{
  g_autofree char *state = sc_dict_string (properties, "State");

  return g_str_equal (state, "done") || g_str_equal (state, "failed")
         || g_str_equal (state, "cancelled");
}

static guint
terminal_columns (void)
{
  struct winsize size;

  return ioctl (STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void
clear_line (Follow *self)
{
  if (self->line_shown)
    g_printerr ("\r\033[K");
  self->line_shown = FALSE;
}

static guint64
rate_of (Follow *self, guint64 bytes)
{
  gint64 elapsed_usec = g_get_monotonic_time () - self->rate_time_usec;

  if (elapsed_usec < G_USEC_PER_SEC / 2 || bytes <= self->rate_bytes)
    return 0;
  return (bytes - self->rate_bytes) * G_USEC_PER_SEC / (guint64)elapsed_usec;
}

static void
show (Follow *self)
{
  g_autofree char *state = sc_dict_string (self->properties, "State");
  g_autofree char *phase = sc_dict_string (self->properties, "Phase");
  ScProgressLine line = {
    .phase = g_str_equal (state, "running") ? phase : state,
    .bytes = sc_dict_uint (self->properties, "Bytes"),
    .bytes_total = sc_dict_uint (self->properties, "BytesTotal"),
    .progress_valid = sc_dict_bool (self->properties, "ProgressValid"),
  };

  if (self->client->quiet || has_ended (self->properties))
    return;
  g_variant_lookup (self->properties, "Progress", "d", &line.progress);
  gboolean new_phase = g_strcmp0 (self->phase, line.phase) != 0;
  if (new_phase)
    {
      g_free (self->phase);
      self->phase = g_strdup (line.phase);
      self->rate_time_usec = g_get_monotonic_time ();
      self->rate_bytes = line.bytes;
    }

  if (self->on_terminal)
    {
      line.rate_bytes_per_s = rate_of (self, line.bytes);
      g_autofree char *text = sc_progress_line_to_text (&line, terminal_columns ());
      g_printerr ("\r\033[K%s", text);
      self->line_shown = TRUE;
    }
  else if (new_phase && line.phase[0] != '\0')
    g_printerr ("%s\n", line.phase);
}

/* Reads the whole state; also what makes the service start again when it went away. */
static gboolean
refresh (Follow *self, GError **error)
{
  g_autoptr (GVariant) properties
      = sc_client_get_properties (self->client, self->path, SYSCONT_JOB_INTERFACE, error);

  if (properties == NULL)
    return FALSE;
  g_clear_pointer (&self->properties, g_variant_unref);
  self->properties = g_steal_pointer (&properties);
  show (self);
  if (has_ended (self->properties))
    g_main_loop_quit (self->loop);
  return TRUE;
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
  Follow *self = user_data;
  g_autoptr (GVariant) changed = g_variant_get_child_value (parameters, 1);
  g_auto (GVariantDict) merged = G_VARIANT_DICT_INIT (self->properties);
  GVariantIter iter;
  const char *key;
  GVariant *value;

  if (self->properties == NULL)
    return;
  g_variant_iter_init (&iter, changed);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    g_variant_dict_insert_value (&merged, key, value);
  GVariant *properties = g_variant_ref_sink (g_variant_dict_end (&merged));
  g_variant_unref (self->properties);
  self->properties = properties;

  show (self);
  /* The result may come in another message than the state. */
  if (has_ended (self->properties) && !refresh (self, NULL))
    g_main_loop_quit (self->loop);
}

static void
on_name_owner_changed (GDBusConnection *bus,
                       const char *sender,
                       const char *path,
                       const char *interface,
                       const char *signal,
                       GVariant *parameters,
                       gpointer user_data)
{
  Follow *self = user_data;
  const char *owner;

  g_variant_get (parameters, "(&s&s&s)", NULL, NULL, &owner);
  if (owner[0] == '\0' && !refresh (self, NULL))
    g_main_loop_quit (self->loop);
}

static gboolean
on_interrupt (gpointer user_data)
{
  Follow *self = user_data;

  if (++self->n_interrupts > 1)
    {
      clear_line (self);
      g_printerr ("syscontctl: leaving; the job goes on\n");
      _exit (130);
    }

  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = sc_client_call_object (
      self->client, self->path, SYSCONT_JOB_INTERFACE, "Cancel",
      g_variant_new ("(@a{sv})", sc_client_options (&(ScClient){ 0 }, NULL)), &error);
  clear_line (self);
  if (reply == NULL)
    sc_client_fail (error);
  else
    g_printerr ("cancelling; press Ctrl-C again to leave without waiting\n");
  return G_SOURCE_CONTINUE;
}

/* The last words of a service that did not stay up. */
static void
print_log (GVariant *properties)
{
  g_autoptr (GVariant) result
      = g_variant_lookup_value (properties, "Result", G_VARIANT_TYPE_VARDICT);
  g_auto (GStrv) lines = NULL;

  if (result == NULL || !g_variant_lookup (result, "log", "^as", &lines))
    return;
  for (guint i = 0; lines[i] != NULL; i++)
    {
      g_autofree char *safe = sc_safe_text (lines[i]);
      g_printerr ("    %s\n", safe);
    }
}

static int
finish (Follow *self, GVariant **result)
{
  g_autofree char *state = sc_dict_string (self->properties, "State");
  g_autofree char *name = sc_dict_string (self->properties, "ErrorName");
  g_autofree char *message = sc_dict_string (self->properties, "ErrorMessage");

  clear_line (self);
  *result = g_variant_lookup_value (self->properties, "Result", G_VARIANT_TYPE_VARDICT);
  if (!has_ended (self->properties))
    {
      g_printerr ("syscontctl: the service went away before the job ended\n");
      return 1;
    }
  if (!g_str_equal (state, "done"))
    {
      sc_client_print_error (message);
      print_log (self->properties);
      return syscont_error_exit_status (name);
    }
  return 0;
}

static int
wait_for_end (ScClient *client, const char *path, GVariant **result)
{
  Follow self = { .client = client, .path = path, .on_terminal = isatty (STDERR_FILENO) };
  g_autoptr (GError) error = NULL;
  int status;

  self.loop = g_main_loop_new (NULL, FALSE);
  guint changed_id = g_dbus_connection_signal_subscribe (
      client->bus, SYSCONT_BUS_NAME, "org.freedesktop.DBus.Properties", "PropertiesChanged", path,
      SYSCONT_JOB_INTERFACE, G_DBUS_SIGNAL_FLAGS_NONE, on_properties_changed, &self, NULL);
  guint owner_id = g_dbus_connection_signal_subscribe (
      client->bus, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged",
      "/org/freedesktop/DBus", SYSCONT_BUS_NAME, G_DBUS_SIGNAL_FLAGS_NONE, on_name_owner_changed,
      &self, NULL);
  guint int_id = g_unix_signal_add (SIGINT, on_interrupt, &self);
  guint term_id = g_unix_signal_add (SIGTERM, on_interrupt, &self);

  if (refresh (&self, &error))
    {
      if (!has_ended (self.properties))
        g_main_loop_run (self.loop);
      status = finish (&self, result);
    }
  else
    status = sc_client_fail (error);

  g_source_remove (term_id);
  g_source_remove (int_id);
  g_dbus_connection_signal_unsubscribe (client->bus, owner_id);
  g_dbus_connection_signal_unsubscribe (client->bus, changed_id);
  g_main_loop_unref (self.loop);
  g_clear_pointer (&self.properties, g_variant_unref);
  g_free (self.phase);
  return status;
}

int
sc_follow (ScClient *client, GVariant *reply, GError *error, GVariant **result)
{
  g_autoptr (GVariant) owned_reply G_GNUC_UNUSED = reply;
  g_autoptr (GError) owned_error G_GNUC_UNUSED = error;
  const char *path;

  *result = NULL;
  if (reply == NULL)
    return sc_client_fail (error);
  g_variant_get (reply, "(&o)", &path);
  if (!client->no_block)
    return wait_for_end (client, path, result);

  if (client->json)
    sc_print_json ("job", g_variant_new_parsed ("{'path': <%o>}", path));
  else
    g_print ("%s\n", strrchr (path, '/') + 1);
  return 0;
}

int
sc_report_changed (const ScClient *client, GVariant *result)
{
  return result == NULL || sc_dict_bool (result, "changed") ? 0 : client->unchanged_exit;
}

void
sc_report_notes (GVariant *result)
{
  g_auto (GStrv) notes = NULL;

  g_variant_lookup (result, "notes", "^as", &notes);
  for (guint i = 0; notes != NULL && notes[i] != NULL; i++)
    {
      g_autofree char *safe = sc_safe_text (notes[i]);
      g_printerr ("note: %s\n", safe);
    }
}

int
sc_follow_and_report (
    ScClient *client, GVariant *reply, GError *error, const char *done, const char *unchanged)
{
  g_autoptr (GVariant) result = NULL;
  int status = sc_follow (client, reply, error, &result);

  if (status != 0 || result == NULL)
    return status;
  if (client->json)
    sc_print_json ("result", result);
  else if (!client->quiet)
    {
      g_print ("%s\n", sc_dict_bool (result, "changed") ? done : unchanged);
      sc_report_notes (result);
    }
  return sc_report_changed (client, result);
}
