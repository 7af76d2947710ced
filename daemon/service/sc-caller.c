/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-caller.h"

#include <stdlib.h>
#include <systemd/sd-login.h>

#define LOOKUP_TIMEOUT_MS 10000

struct _ScCallers
{
  GDBusConnection *bus;  /* (owned) (nullable) */
  GHashTable *entries;   /* (owned) char* of the caller to Entry */
  GCancellable *closing; /* (owned) cancelled when this is freed */
};

typedef struct
{
  ScCallerFunc func;
  gpointer user_data;
} Waiter;

typedef struct
{
  ScCallers *callers;
  ScCaller *caller; /* (owned) */
  gboolean known;
  GArray *waiters;    /* (owned) of Waiter, until it is known */
  guint subscription; /* for its leaving the bus */
} Entry;

static void
caller_clear (gpointer data)
{
  ScCaller *self = data;

  g_free (self->sender);
  g_free (self->unit);
  g_object_unref (self->gone);
}

ScCaller *
sc_caller_ref (ScCaller *self)
{
  return g_rc_box_acquire (self);
}

void
sc_caller_unref (ScCaller *self)
{
  g_rc_box_release_full (self, caller_clear);
}

static void
entry_free (gpointer data)
{
  Entry *entry = data;

  g_dbus_connection_signal_unsubscribe (entry->callers->bus, entry->subscription);
  g_array_unref (entry->waiters);
  sc_caller_unref (entry->caller);
  g_free (entry);
}

static void
tell_waiters (Entry *entry, ScCaller *caller)
{
  g_autoptr (GArray) waiters = g_steal_pointer (&entry->waiters);

  entry->waiters = g_array_new (FALSE, FALSE, sizeof (Waiter));
  for (guint i = 0; i < waiters->len; i++)
    {
      const Waiter *waiter = &g_array_index (waiters, Waiter, i);

      waiter->func (caller, waiter->user_data);
    }
}

static Entry *
steal_entry (ScCallers *self, const char *sender)
{
  gpointer entry = NULL;

  g_hash_table_steal_extended (self->entries, sender, NULL, &entry);
  return entry;
}

/* The caller is not known (any more): who waits is told, and whoever holds a reference learns it by
 * "gone". */
static void
forget (Entry *entry)
{
  tell_waiters (entry, NULL);
  g_cancellable_cancel (entry->caller->gone);
  entry_free (entry);
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
  ScCallers *self = user_data;
  const char *name;
  const char *new_owner;

  g_variant_get (parameters, "(&s&s&s)", &name, NULL, &new_owner);
  if (*new_owner != '\0')
    return;

  Entry *entry = steal_entry (self, name);
  if (entry != NULL)
    forget (entry);
}

static char *
dup_unit_of_pid (guint pid)
{
  char *unit = NULL;

  if (pid == 0 || sd_pid_get_unit ((pid_t)pid, &unit) < 0)
    return g_strdup ("");

  char *copy = g_strdup (unit);
  free (unit);
  return copy;
}

static gboolean
read_credentials (ScCaller *caller, GVariant *answer)
{
  g_autoptr (GVariant) credentials = g_variant_get_child_value (answer, 0);
  guint pid = 0;

  if (!g_variant_lookup (credentials, "UnixUserID", "u", &caller->uid))
    return FALSE;
  g_variant_lookup (credentials, "ProcessID", "u", &pid);
  caller->unit = dup_unit_of_pid (pid);
  return TRUE;
}

typedef struct
{
  ScCallers *callers;
  char *sender; /* (owned) */
} Lookup;

static void
lookup_free (Lookup *lookup)
{
  g_free (lookup->sender);
  g_free (lookup);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Lookup, lookup_free)

static void
on_credentials (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (Lookup) lookup = user_data;
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) answer
      = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (answer == NULL && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  Entry *entry = g_hash_table_lookup (lookup->callers->entries, lookup->sender);
  if (entry == NULL)
    return;
  if (answer == NULL || !read_credentials (entry->caller, answer))
    {
      forget (steal_entry (lookup->callers, lookup->sender));
      return;
    }
  entry->known = TRUE;
  tell_waiters (entry, entry->caller);
}

/* The match for leaving goes to the bus before the question, so that no leaving can be missed. */
static Entry *
add_entry (ScCallers *self, const char *sender)
{
  Entry *entry = g_new0 (Entry, 1);
  Lookup *lookup = g_new0 (Lookup, 1);

  entry->callers = self;
  entry->caller = g_rc_box_new0 (ScCaller);
  entry->caller->sender = g_strdup (sender);
  entry->caller->gone = g_cancellable_new ();
  entry->waiters = g_array_new (FALSE, FALSE, sizeof (Waiter));
  entry->subscription = g_dbus_connection_signal_subscribe (
      self->bus, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged",
      "/org/freedesktop/DBus", sender, G_DBUS_SIGNAL_FLAGS_NONE, on_name_owner_changed, self, NULL);
  g_hash_table_insert (self->entries, entry->caller->sender, entry);

  lookup->callers = self;
  lookup->sender = g_strdup (sender);
  g_dbus_connection_call (
      self->bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      "GetConnectionCredentials", g_variant_new ("(s)", sender), G_VARIANT_TYPE ("(a{sv})"),
      G_DBUS_CALL_FLAGS_NONE, LOOKUP_TIMEOUT_MS, self->closing, on_credentials, lookup);
  return entry;
}

ScCallers *
sc_callers_new (GDBusConnection *bus)
{
  ScCallers *self = g_new0 (ScCallers, 1);

  self->bus = bus != NULL ? g_object_ref (bus) : NULL;
  self->entries = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, entry_free);
  self->closing = g_cancellable_new ();
  return self;
}

void
sc_callers_free (ScCallers *self)
{
  g_cancellable_cancel (self->closing);
  g_hash_table_unref (self->entries);
  g_object_unref (self->closing);
  g_clear_object (&self->bus);
  g_free (self);
}

void
sc_callers_lookup (ScCallers *self, const char *sender, ScCallerFunc func, gpointer user_data)
{
  if (self->bus == NULL || sender == NULL)
    {
      func (NULL, user_data);
      return;
    }

  Entry *entry = g_hash_table_lookup (self->entries, sender);
  if (entry != NULL && entry->known)
    {
      func (entry->caller, user_data);
      return;
    }
  if (entry == NULL)
    entry = add_entry (self, sender);

  const Waiter waiter = { func, user_data };
  g_array_append_val (entry->waiters, waiter);
}
