/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-follow.h"

#include "sc-job-log.h"
#include "sc-job-signals.h"
#include "sc-printer.h"
#include "sc-progress-line.h"

#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <syslog.h>
#include <unistd.h>

typedef struct
{
  ScClient *client;
  const char *path;
  gboolean runs_program;
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
on_log_message (guint priority, const char *line, gpointer user_data)
{
  Follow *self = user_data;
  g_autofree char *safe = sc_safe_text (line);

  if (self->client->quiet || priority > LOG_WARNING)
    return;
  clear_line (self);
  g_printerr ("warning: %s\n", safe);
}

static void
count_blobs (Follow *self, ScProgressLine *line)
{
  g_autoptr (GVariant) blobs
      = g_variant_lookup_value (self->properties, "Blobs", G_VARIANT_TYPE ("aa{sv}"));

  for (gsize i = 0; blobs != NULL && i < g_variant_n_children (blobs); i++)
    {
      g_autoptr (GVariant) blob = g_variant_get_child_value (blobs, i);

      line->blobs++;
      line->blobs_done += sc_dict_uint (blob, "bytes") == sc_dict_uint (blob, "bytes-total");
    }
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

  if (self->client->quiet || self->runs_program || has_ended (self->properties))
    return;
  g_variant_lookup (self->properties, "Progress", "d", &line.progress);
  count_blobs (self, &line);
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

static void
cancel (Follow *self)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = sc_client_call_object (
      self->client, self->path, SYSCONT_JOB_INTERFACE, "Cancel",
      g_variant_new ("(@a{sv})", sc_client_options (&(ScClient){ 0 }, NULL)), &error);
  clear_line (self);
  if (reply == NULL)
    sc_client_fail (error);
  else
    g_printerr ("cancelling; press Ctrl-C again to leave without waiting\n");
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
  cancel (self);
  return G_SOURCE_CONTINUE;
}

static void
on_unheard (gpointer user_data)
{
  cancel (user_data);
}

static void
on_resized (guint rows, guint columns, gpointer user_data)
{
  const Follow *self = user_data;

  g_dbus_connection_call (self->client->bus, SYSCONT_BUS_NAME, self->path, SYSCONT_JOB_INTERFACE,
                          "Resize", g_variant_new ("(uu)", rows, columns), NULL,
                          G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
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

/* Until the job has ended, or cannot be seen any more */
static gboolean
wait_with_signals (Follow *self, GError **error)
{
  g_autoptr (ScJobSignals) signals G_GNUC_UNUSED
      = self->runs_program ? sc_job_signals_new (self->client, self->path, on_unheard, self) : NULL;
  guint int_id = signals == NULL ? g_unix_signal_add (SIGINT, on_interrupt, self) : 0;
  guint term_id = signals == NULL ? g_unix_signal_add (SIGTERM, on_interrupt, self) : 0;
  gboolean is_good = refresh (self, error);

  if (is_good && !has_ended (self->properties))
    g_main_loop_run (self->loop);
  g_clear_handle_id (&term_id, g_source_remove);
  g_clear_handle_id (&int_id, g_source_remove);
  return is_good;
}

static int
wait_for_end (ScClient *client, const ScJobCall *call, const char *path, GVariant **result)
{
  Follow self = { .client = client,
                  .path = path,
                  .runs_program = call->runs_program,
                  .on_terminal = isatty (STDERR_FILENO) };
  g_autoptr (GError) error = NULL;

  self.loop = g_main_loop_new (NULL, FALSE);
  guint changed_id = g_dbus_connection_signal_subscribe (
      client->bus, SYSCONT_BUS_NAME, "org.freedesktop.DBus.Properties", "PropertiesChanged", path,
      SYSCONT_JOB_INTERFACE, G_DBUS_SIGNAL_FLAGS_NONE, on_properties_changed, &self, NULL);
  guint owner_id = g_dbus_connection_signal_subscribe (
      client->bus, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged",
      "/org/freedesktop/DBus", SYSCONT_BUS_NAME, G_DBUS_SIGNAL_FLAGS_NONE, on_name_owner_changed,
      &self, NULL);
  sc_job_log_follow (path, on_log_message, &self);
  if (call->terminal != NULL)
    sc_terminal_start (call->terminal, on_resized, &self);

  gboolean is_good = wait_with_signals (&self, &error);
  if (call->terminal != NULL)
    sc_terminal_stop (call->terminal);
  int status = is_good ? finish (&self, result) : sc_client_fail (error);

  /* what the job said last may have come with its end */
  while (g_main_context_iteration (NULL, FALSE))
    ;
  sc_job_log_follow (NULL, NULL, NULL);
  g_dbus_connection_signal_unsubscribe (client->bus, owner_id);
  g_dbus_connection_signal_unsubscribe (client->bus, changed_id);
  g_main_loop_unref (self.loop);
  g_clear_pointer (&self.properties, g_variant_unref);
  g_free (self.phase);
  return status;
}

static int
follow (ScClient *client, const ScJobCall *call, GVariant *reply, GError *error, GVariant **result)
{
  g_autoptr (GVariant) owned_reply G_GNUC_UNUSED = reply;
  g_autoptr (GError) owned_error G_GNUC_UNUSED = error;
  const char *path;

  *result = NULL;
  if (reply == NULL)
    return sc_client_fail (error);
  g_variant_get (reply, "(&o)", &path);
  if (!client->no_block)
    return wait_for_end (client, call, path, result);

  if (client->json)
    sc_print_json ("job", g_variant_new_parsed ("{'path': <%o>}", path));
  else
    g_print ("%s\n", strrchr (path, '/') + 1);
  return 0;
}

int
sc_follow (ScClient *client, GVariant *reply, GError *error, GVariant **result)
{
  return follow (client, &(ScJobCall){ 0 }, reply, error, result);
}

int
sc_follow_call (ScClient *client, const ScJobCall *call, GVariant **result)
{
  g_autoptr (GUnixFDList) fds = call->fds;
  GError *error = NULL;
  GVariant *arguments
      = call->arguments != NULL
            ? call->arguments
            : g_variant_new ("(^as@a{sv})", call->names, sc_client_options (client, call->options));
  GVariant *reply = sc_client_call (client, call->method, arguments, fds, &error);

  /* the end of a terminal shows only when nobody has it open */
  g_clear_object (&fds);
  return follow (client, call, reply, error, result);
}

int
sc_follow_list (
    ScClient *client, const ScJobCall *call, const char *key, GVariant **result, GVariant **list)
{
  int status = sc_follow_call (client, call, result);

  *list = *result != NULL ? g_variant_lookup_value (*result, key, G_VARIANT_TYPE ("aa{sv}")) : NULL;
  if (*list == NULL || !client->json)
    return status;
  sc_print_json ("result", *result);
  g_clear_pointer (list, g_variant_unref);
  return status;
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
sc_follow_and_report (ScClient *client,
                      const ScJobCall *call,
                      const char *done,
                      const char *unchanged)
{
  g_autoptr (GVariant) result = NULL;
  int status = sc_follow_call (client, call, &result);

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
