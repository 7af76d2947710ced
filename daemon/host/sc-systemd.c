/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/sc-systemd.h"

#include "host/sc-systemd-private.h"

#include <string.h>

#define CALL_TIMEOUT_MS (120 * 1000) /* a reload of many units takes long */

struct _ScSystemd
{
  GDBusConnection *bus;  /* (owned) */
  GMainContext *context; /* (owned) of the thread that uses this object */
  guint job_removed_id;
  GHashTable *results; /* (owned) job path (char*) to result (char*), of jobs that ended */
};

static void
on_job_removed (GDBusConnection *bus,
                const char *sender,
                const char *path,
                const char *interface,
                const char *signal,
                GVariant *parameters,
                gpointer user_data)
{
  ScSystemd *self = user_data;
  const char *job;
  const char *result;

  g_variant_get (parameters, "(u&o&s&s)", NULL, &job, NULL, &result);
  g_hash_table_replace (self->results, g_strdup (job), g_strdup (result));
}

GVariant *
sc_systemd_call (ScSystemd *self,
                 const char *path,
                 const char *interface,
                 const char *method,
                 GVariant *arguments,
                 const char *reply_type,
                 GCancellable *cancellable,
                 GError **error)
{
  return g_dbus_connection_call_sync (self->bus, SC_SYSTEMD_BUS_NAME, path, interface, method,
                                      arguments, G_VARIANT_TYPE (reply_type),
                                      G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT_MS, cancellable, error);
}

GVariant *
sc_systemd_call_with_fds (ScSystemd *self,
                          const char *method,
                          GVariant *arguments,
                          GUnixFDList *fds,
                          GCancellable *cancellable,
                          GError **error)
{
  return g_dbus_connection_call_with_unix_fd_list_sync (
      self->bus, SC_SYSTEMD_BUS_NAME, SC_SYSTEMD_MANAGER_PATH, SC_SYSTEMD_MANAGER_INTERFACE, method,
      arguments, NULL, G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT_MS, fds, NULL, cancellable, error);
}

static gboolean
is_remote_error (const GError *error, const char *name)
{
  g_autofree char *remote = g_dbus_error_get_remote_error (error);

  return remote != NULL && strcmp (remote, name) == 0;
}

ScSystemd *
sc_systemd_new (GDBusConnection *bus, GError **error)
{
  g_autoptr (ScSystemd) self = g_new0 (ScSystemd, 1);

  self->bus = g_object_ref (bus);
  self->context = g_main_context_ref_thread_default ();
  self->results = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->job_removed_id = g_dbus_connection_signal_subscribe (
      bus, SC_SYSTEMD_BUS_NAME, SC_SYSTEMD_MANAGER_INTERFACE, "JobRemoved", SC_SYSTEMD_MANAGER_PATH,
      NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_job_removed, self, NULL);

  /* Without a subscriber systemd sends no JobRemoved. The subscription belongs to the connection,
   * which is shared. */
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GVariant) reply
      = sc_systemd_call (self, SC_SYSTEMD_MANAGER_PATH, SC_SYSTEMD_MANAGER_INTERFACE, "Subscribe",
                         NULL, "()", NULL, &local_error);
  if (reply == NULL && !is_remote_error (local_error, "org.freedesktop.systemd1.AlreadySubscribed"))
    {
      g_propagate_prefixed_error (error, g_steal_pointer (&local_error), "talking to systemd: ");
      return NULL;
    }

  return g_steal_pointer (&self);
}

void
sc_systemd_free (ScSystemd *self)
{
  if (self->job_removed_id != 0)
    g_dbus_connection_signal_unsubscribe (self->bus, self->job_removed_id);
  /* The subscription's last callbacks are sources of this context: run them before the table goes.
   */
  while (g_main_context_iteration (self->context, FALSE))
    ;
  g_hash_table_unref (self->results);
  g_main_context_unref (self->context);
  g_object_unref (self->bus);
  g_free (self);
}

gboolean
sc_systemd_reload (ScSystemd *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GVariant) reply
      = sc_systemd_call (self, SC_SYSTEMD_MANAGER_PATH, SC_SYSTEMD_MANAGER_INTERFACE, "Reload",
                         NULL, "()", cancellable, error);

  if (reply == NULL)
    return sc_prefix_error (error, "reloading systemd: ");
  return TRUE;
}

static gboolean
on_timeout (gpointer user_data)
{
  gboolean *expired = user_data;

  *expired = TRUE;
  return G_SOURCE_REMOVE;
}

static gboolean
on_cancelled (GCancellable *cancellable, gpointer user_data)
{
  return G_SOURCE_REMOVE;
}

static GSource *
attach_wakeup (ScSystemd *self, GCancellable *cancellable)
{
  GSource *source = g_cancellable_source_new (cancellable);

  g_source_set_callback (source, G_SOURCE_FUNC (on_cancelled), NULL, NULL);
  g_source_attach (source, self->context);
  return source;
}

static void
source_end (GSource *source)
{
  g_source_destroy (source);
  g_source_unref (source);
}

/* Waits until systemd says how a job ended. (transfer full): its result, e.g. "done" or "failed".
 */
static char *
wait_for_job (
    ScSystemd *self, const char *job, guint timeout_s, GCancellable *cancellable, GError **error)
{
  gboolean expired = FALSE;
  GSource *wakeup = attach_wakeup (self, cancellable);
  GSource *timeout = g_timeout_source_new_seconds (timeout_s > 0 ? timeout_s : G_MAXINT);
  char *result = NULL;

  g_source_set_callback (timeout, on_timeout, &expired, NULL);
  g_source_attach (timeout, self->context);
  while (!g_hash_table_steal_extended (self->results, job, NULL, (gpointer *)&result) && !expired
         && !g_cancellable_is_cancelled (cancellable))
    g_main_context_iteration (self->context, TRUE);
  source_end (timeout);
  source_end (wakeup);

  if (result == NULL && !g_cancellable_set_error_if_cancelled (cancellable, error))
    sc_error_set (error, SYSCONT_ERROR_TIMED_OUT, "systemd did not finish the job within %u s",
                  timeout_s);
  return result;
}

gboolean
sc_systemd_finish_job (
    ScSystemd *self, const char *job, guint timeout_s, GCancellable *cancellable, GError **error)
{
  g_autofree char *result = wait_for_job (self, job, timeout_s, cancellable, error);
  if (result == NULL)
    return FALSE;
  if (strcmp (result, "done") != 0 && strcmp (result, "skipped") != 0)
    return sc_error_set (error, SYSCONT_ERROR_START_FAILED, "systemd's job ended with \"%s\"",
                         result);
  return TRUE;
}

static gboolean
unit_job (ScSystemd *self,
          const char *method,
          const char *unit,
          guint timeout_s,
          GCancellable *cancellable,
          GError **error)
{
  g_autoptr (GVariant) reply
      = sc_systemd_call (self, SC_SYSTEMD_MANAGER_PATH, SC_SYSTEMD_MANAGER_INTERFACE, method,
                         g_variant_new ("(ss)", unit, "replace"), "(o)", cancellable, error);

  if (reply == NULL)
    return FALSE;

  const char *job;
  g_variant_get (reply, "(&o)", &job);
  return sc_systemd_finish_job (self, job, timeout_s, cancellable, error);
}

static gboolean
start_like (ScSystemd *self,
            const char *method,
            const char *unit,
            guint timeout_s,
            GCancellable *cancellable,
            GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (unit_job (self, method, unit, timeout_s, cancellable, &local_error))
    return TRUE;

  gboolean failed = g_error_matches (local_error, SYSCONT_ERROR, SYSCONT_ERROR_START_FAILED);
  g_propagate_prefixed_error (error, g_steal_pointer (&local_error), "starting \"%s\": ", unit);
  if (failed && error != NULL)
    {
      g_autofree char *message
          = g_strdup_printf ("%s; see \"journalctl -u %s\"", (*error)->message, unit);
      g_free ((*error)->message);
      (*error)->message = g_steal_pointer (&message);
    }
  return FALSE;
}

gboolean
sc_systemd_start (
    ScSystemd *self, const char *unit, guint timeout_s, GCancellable *cancellable, GError **error)
{
  return start_like (self, "StartUnit", unit, timeout_s, cancellable, error);
}

gboolean
sc_systemd_restart (
    ScSystemd *self, const char *unit, guint timeout_s, GCancellable *cancellable, GError **error)
{
  return start_like (self, "RestartUnit", unit, timeout_s, cancellable, error);
}

gboolean
sc_systemd_stop (
    ScSystemd *self, const char *unit, guint timeout_s, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) local_error = NULL;

  if (unit_job (self, "StopUnit", unit, timeout_s, cancellable, &local_error)
      || is_remote_error (local_error, "org.freedesktop.systemd1.NoSuchUnit"))
    return TRUE;
  g_propagate_prefixed_error (error, g_steal_pointer (&local_error), "stopping \"%s\": ", unit);
  return FALSE;
}

gboolean
sc_systemd_enqueue_start (ScSystemd *self, const char *unit, GError **error)
{
  g_autoptr (GVariant) reply
      = sc_systemd_call (self, SC_SYSTEMD_MANAGER_PATH, SC_SYSTEMD_MANAGER_INTERFACE, "StartUnit",
                         g_variant_new ("(ss)", unit, "replace"), "(o)", NULL, error);

  return reply != NULL || sc_prefix_error (error, "starting \"%s\": ", unit);
}

gboolean
sc_systemd_enable (ScSystemd *self, const char *unit, GCancellable *cancellable, GError **error)
{
  const char *const units[] = { unit, NULL };
  g_autoptr (GVariant) reply = sc_systemd_call (
      self, SC_SYSTEMD_MANAGER_PATH, SC_SYSTEMD_MANAGER_INTERFACE, "EnableUnitFiles",
      g_variant_new ("(^asbb)", units, FALSE, FALSE), "(ba(sss))", cancellable, error);

  if (reply == NULL)
    return sc_prefix_error (error, "enabling \"%s\": ", unit);
  return TRUE;
}

void
sc_systemd_reset_failed (ScSystemd *self, const char *unit, GCancellable *cancellable)
{
  g_autoptr (GVariant) reply G_GNUC_UNUSED
      = sc_systemd_call (self, SC_SYSTEMD_MANAGER_PATH, SC_SYSTEMD_MANAGER_INTERFACE,
                         "ResetFailedUnit", g_variant_new ("(s)", unit), "()", cancellable, NULL);
}

GVariant *
sc_systemd_get_all (ScSystemd *self,
                    const char *path,
                    const char *interface,
                    GCancellable *cancellable,
                    GError **error)
{
  g_autoptr (GVariant) reply
      = sc_systemd_call (self, path, "org.freedesktop.DBus.Properties", "GetAll",
                         g_variant_new ("(s)", interface), "(a{sv})", cancellable, error);

  return reply != NULL ? g_variant_get_child_value (reply, 0) : NULL;
}

void
sc_systemd_wait (ScSystemd *self, guint interval_ms, GCancellable *cancellable)
{
  gboolean due = FALSE;
  GSource *wakeup = attach_wakeup (self, cancellable);
  GSource *timeout = g_timeout_source_new (interval_ms);

  g_source_set_callback (timeout, on_timeout, &due, NULL);
  g_source_attach (timeout, self->context);
  while (!due && !g_cancellable_is_cancelled (cancellable))
    g_main_context_iteration (self->context, TRUE);
  source_end (timeout);
  source_end (wakeup);
}

char *
sc_systemd_find_invocation (ScSystemd *self,
                            const char *invocation_id,
                            GCancellable *cancellable,
                            GError **error)
{
  guint8 id[16];
  gboolean valid = strlen (invocation_id) == 2 * sizeof id;

  for (gsize i = 0; valid && i < sizeof id; i++)
    {
      int high = g_ascii_xdigit_value (invocation_id[2 * i]);
      int low = g_ascii_xdigit_value (invocation_id[2 * i + 1]);
      valid = high >= 0 && low >= 0;
      id[i] = (guint8)((high << 4) | low);
    }
  if (!valid)
    {
      sc_error_set (error, SYSCONT_ERROR_FAILED, "the invocation id is not 32 hex digits");
      return NULL;
    }

  GVariant *bytes = g_variant_new_fixed_array (G_VARIANT_TYPE_BYTE, id, sizeof id, 1);
  g_autoptr (GVariant) reply = sc_systemd_call (
      self, SC_SYSTEMD_MANAGER_PATH, SC_SYSTEMD_MANAGER_INTERFACE, "GetUnitByInvocationID",
      g_variant_new ("(@ay)", bytes), "(o)", cancellable, error);
  if (reply == NULL)
    return NULL;

  const char *path;
  g_variant_get (reply, "(&o)", &path);
  g_autoptr (GVariant) properties
      = sc_systemd_get_all (self, path, SC_SYSTEMD_UNIT_INTERFACE, cancellable, error);
  return properties != NULL ? sc_dup_property (properties, "Id") : NULL;
}

gboolean
sc_systemd_ref_unit (ScSystemd *self, const char *unit, GCancellable *cancellable, GError **error)
{
  g_autoptr (GVariant) reply
      = sc_systemd_call (self, SC_SYSTEMD_MANAGER_PATH, SC_SYSTEMD_MANAGER_INTERFACE, "RefUnit",
                         g_variant_new ("(s)", unit), "()", cancellable, error);

  return reply != NULL;
}

void
sc_systemd_unref_unit (ScSystemd *self, const char *unit)
{
  g_autoptr (GVariant) reply G_GNUC_UNUSED
      = sc_systemd_call (self, SC_SYSTEMD_MANAGER_PATH, SC_SYSTEMD_MANAGER_INTERFACE, "UnrefUnit",
                         g_variant_new ("(s)", unit), "()", NULL, NULL);
}

void
sc_systemd_kill (ScSystemd *self, const char *unit)
{
  g_autoptr (GVariant) reply G_GNUC_UNUSED
      = sc_systemd_call (self, SC_SYSTEMD_MANAGER_PATH, SC_SYSTEMD_MANAGER_INTERFACE, "KillUnit",
                         g_variant_new ("(ssi)", unit, "all", 9), "()", NULL, NULL);
}

void
sc_systemd_signal_async (GDBusConnection *bus,
                         const char *unit,
                         int signal,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_dbus_connection_call (bus, SC_SYSTEMD_BUS_NAME, SC_SYSTEMD_MANAGER_PATH,
                          SC_SYSTEMD_MANAGER_INTERFACE, "KillUnit",
                          g_variant_new ("(ssi)", unit, "main", signal), G_VARIANT_TYPE_UNIT,
                          G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT_MS, NULL, callback, user_data);
}

gboolean
sc_systemd_signal_finish (GDBusConnection *bus, GAsyncResult *result, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (GVariant) reply = g_dbus_connection_call_finish (bus, result, &cause);

  if (reply != NULL)
    return TRUE;
  if (is_remote_error (cause, "org.freedesktop.systemd1.NoSuchUnit")
      || is_remote_error (cause, "org.freedesktop.systemd1.NoSuchProcess"))
    return sc_error_set (error, SYSCONT_ERROR_BUSY, "the program does not run");
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}
