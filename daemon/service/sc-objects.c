/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-objects.h"

#include "dbus/sc-bus-names.h"
#include "dbus/sc-bus-path.h"
#include "service/sc-exported-container.h"
#include "service/sc-exported-image.h"
#include "service/sc-health-watch.h"
#include "service/sc-unit-watch.h"

#include <json-glib/json-glib.h>
#include <string.h>

struct _ScObjects
{
  GDBusConnection *bus;             /* (owned) */
  GDBusObjectManagerServer *server; /* (owned) */
  ScStartMarks *marks;              /* (owned) */
  ScUnitWatch *watch;               /* (owned) */
  ScHealthWatch *health;            /* (owned) */
  ScInventory *inventory;           /* (owned) */
  GHashTable *containers;           /* (owned) char* of the name to SyscontContainer */
  GHashTable *images;               /* (owned) char* of the digest to SyscontImage */
  GHashTable *activities;           /* (owned) char* of a container's name to a static state */
  GHashTable *last_jobs; /* (owned) char* of a container's name to char* of the job's path */
};

typedef struct
{
  ScObjects *objects;
  ScObjectsReadyFunc ready;
  gpointer user_data;
} Settling;

static const char *
state_of_unit (ScObjects *self, const ScContainerEntry *entry)
{
  const char *activity = g_hash_table_lookup (self->activities, entry->container->name);
  g_autofree char *unit = sc_container_unit (entry->container);

  return activity != NULL ? activity : sc_unit_watch_get (self->watch, unit);
}

/* What a check has found says nothing of a service that does not run. */
static void
set_health (ScObjects *self, SyscontContainer *object, const ScContainerEntry *entry)
{
  g_autofree char *unit = sc_container_unit (entry->container);
  gboolean is_running = g_strcmp0 (sc_unit_watch_get (self->watch, unit), "running") == 0;

  syscont_container_set_health (object,
                                is_running && sc_container_is_checked (entry->container)
                                    ? sc_health_watch_get (self->health, entry->container->name)
                                    : "none");
}

static void
update_container (ScObjects *self, const ScContainerEntry *entry)
{
  SyscontContainer *object = g_hash_table_lookup (self->containers, entry->container->name);

  if (object == NULL)
    return;
  sc_exported_container_update (object, self->inventory, entry, state_of_unit (self, entry));
  set_health (self, object, entry);
}

static void
on_health_changed (const char *name, gpointer user_data)
{
  ScObjects *self = user_data;
  const ScContainerEntry *entry = sc_inventory_find_container (self->inventory, name);
  SyscontContainer *object = g_hash_table_lookup (self->containers, name);

  if (entry != NULL && object != NULL)
    set_health (self, object, entry);
}

static void
on_unit_changed (const char *unit, const char *state, gpointer user_data)
{
  ScObjects *self = user_data;
  g_autofree char *name = g_strndup (unit, strlen (unit) - strlen (".service"));
  const ScContainerEntry *entry = sc_inventory_find_container (self->inventory, name);
  SyscontContainer *object = g_hash_table_lookup (self->containers, name);

  if (entry == NULL || object == NULL)
    return;
  sc_exported_container_set_state (object, entry, state_of_unit (self, entry));
  set_health (self, object, entry);
}

void
sc_objects_set_activity (ScObjects *self, const char *name, const char *state)
{
  const ScContainerEntry *entry = sc_inventory_find_container (self->inventory, name);
  SyscontContainer *object = g_hash_table_lookup (self->containers, name);

  if (g_hash_table_lookup (self->activities, name) == state)
    return;
  if (state != NULL)
    g_hash_table_replace (self->activities, g_strdup (name), (gpointer)state);
  else
    g_hash_table_remove (self->activities, name);
  if (entry != NULL && object != NULL)
    sc_exported_container_set_state (object, entry, state_of_unit (self, entry));
}

ScObjects *
sc_objects_new (GDBusConnection *bus, const ScPaths *paths)
{
  ScObjects *self = g_new0 (ScObjects, 1);

  self->bus = g_object_ref (bus);
  self->server = g_dbus_object_manager_server_new (SYSCONT_ROOT_PATH);
  self->marks = sc_start_marks_load (paths);
  self->watch = sc_unit_watch_new (bus, self->marks, on_unit_changed, self);
  self->health = sc_health_watch_new (paths, on_health_changed, self);
  self->inventory = sc_inventory_new ();
  self->containers = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->images = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_object_unref);
  self->activities = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->last_jobs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
sc_objects_free (ScObjects *self)
{
  sc_unit_watch_free (self->watch);
  sc_health_watch_free (self->health);
  sc_start_marks_free (self->marks);
  g_hash_table_unref (self->containers);
  g_hash_table_unref (self->images);
  g_hash_table_unref (self->activities);
  g_hash_table_unref (self->last_jobs);
  sc_inventory_free (self->inventory);
  g_object_unref (self->server);
  g_object_unref (self->bus);
  g_free (self);
}

void
sc_objects_publish (ScObjects *self)
{
  g_dbus_object_manager_server_set_connection (self->server, self->bus);
}

void
sc_objects_add (ScObjects *self, const char *path, GDBusInterfaceSkeleton *interface)
{
  g_autoptr (GDBusObjectSkeleton) object = g_dbus_object_skeleton_new (path);

  g_dbus_object_skeleton_add_interface (object, interface);
  g_dbus_object_manager_server_export (self->server, object);
}

void
sc_objects_remove (ScObjects *self, const char *path)
{
  g_dbus_object_manager_server_unexport (self->server, path);
}

/* What is gone from the inventory leaves the bus: @names has all that are there. */
static void
remove_missing (ScObjects *self, GHashTable *objects, GHashTable *names)
{
  GHashTableIter iter;
  gpointer name;
  gpointer interface;

  g_hash_table_iter_init (&iter, objects);
  while (g_hash_table_iter_next (&iter, &name, &interface))
    {
      if (g_hash_table_contains (names, name))
        continue;

      GDBusObject *object = g_dbus_interface_get_object (interface);
      g_autofree char *path = g_strdup (g_dbus_object_get_object_path (object));
      sc_objects_remove (self, path);
      g_hash_table_iter_remove (&iter);
    }
}

/* A container of the same name that comes later has not run. */
static void
keep_marks (ScObjects *self)
{
  g_autoptr (GHashTable) units = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < self->inventory->containers->len; i++)
    {
      const ScContainerEntry *entry = self->inventory->containers->pdata[i];

      g_hash_table_add (units, g_strconcat (entry->container->name, ".service", NULL));
    }
  sc_start_marks_keep (self->marks, units);
}

static void
apply_containers (ScObjects *self)
{
  g_autoptr (GHashTable) names = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < self->inventory->containers->len; i++)
    {
      const ScContainerEntry *entry = self->inventory->containers->pdata[i];
      const char *name = entry->container->name;

      g_hash_table_add (names, (gpointer)name);
      if (g_hash_table_contains (self->containers, name))
        {
          update_container (self, entry);
          continue;
        }

      SyscontContainer *object = syscont_container_skeleton_new ();
      g_autofree char *path = sc_bus_path_container (name);
      const char *job = g_hash_table_lookup (self->last_jobs, name);
      syscont_container_set_last_job (object, job != NULL ? job : "/");
      g_hash_table_insert (self->containers, g_strdup (name), object);
      update_container (self, entry);
      sc_objects_add (self, path, G_DBUS_INTERFACE_SKELETON (object));
    }
  remove_missing (self, self->containers, names);
}

static void
apply_images (ScObjects *self)
{
  g_autoptr (GHashTable) digests = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < self->inventory->images->len; i++)
    {
      const ScImage *image = self->inventory->images->pdata[i];
      SyscontImage *object = g_hash_table_lookup (self->images, image->digest);

      g_hash_table_add (digests, image->digest);
      if (object != NULL)
        {
          sc_exported_image_update (object, self->inventory, image);
          continue;
        }

      g_autofree char *path = sc_bus_path_image (image->digest);
      object = syscont_image_skeleton_new ();
      g_hash_table_insert (self->images, g_strdup (image->digest), object);
      sc_exported_image_update (object, self->inventory, image);
      sc_objects_add (self, path, G_DBUS_INTERFACE_SKELETON (object));
    }
  remove_missing (self, self->images, digests);
}

static void
flush_all (GHashTable *objects)
{
  GHashTableIter iter;
  gpointer interface;

  g_hash_table_iter_init (&iter, objects);
  while (g_hash_table_iter_next (&iter, NULL, &interface))
    g_dbus_interface_skeleton_flush (interface);
}

static void
on_units_known (gpointer user_data)
{
  g_autofree Settling *settling = user_data;

  flush_all (settling->objects->containers);
  flush_all (settling->objects->images);
  settling->ready (settling->user_data);
}

/* The JSON that a record was read from is needed only by those who write it. */
static void
drop_raw (ScInventory *inventory)
{
  for (guint i = 0; i < inventory->containers->len; i++)
    {
      ScContainerEntry *entry = inventory->containers->pdata[i];

      g_clear_pointer (&entry->container->raw, json_object_unref);
    }
}

static char **
list_units (const ScInventory *inventory)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (guint i = 0; i < inventory->containers->len; i++)
    {
      const ScContainerEntry *entry = inventory->containers->pdata[i];
      g_autofree char *unit = sc_container_unit (entry->container);

      if (*unit != '\0')
        g_strv_builder_add (builder, unit);
    }
  return g_strv_builder_end (builder);
}

void
sc_objects_set_inventory (ScObjects *self,
                          ScInventory *inventory,
                          ScObjectsReadyFunc ready,
                          gpointer user_data)
{
  Settling *settling = g_new0 (Settling, 1);
  g_auto (GStrv) units = list_units (inventory);

  settling->objects = self;
  settling->ready = ready;
  settling->user_data = user_data;
  sc_inventory_free (self->inventory);
  self->inventory = inventory;
  drop_raw (inventory);
  apply_images (self);
  apply_containers (self);
  keep_marks (self);
  sc_unit_watch_set_units (self->watch, (const char *const *)units, on_units_known, settling);
}

const ScInventory *
sc_objects_get_inventory (ScObjects *self)
{
  return self->inventory;
}

SyscontContainer *
sc_objects_find_container (ScObjects *self, const char *name)
{
  return g_hash_table_lookup (self->containers, name);
}

SyscontImage *
sc_objects_find_image (ScObjects *self, const char *digest)
{
  return g_hash_table_lookup (self->images, digest);
}

void
sc_objects_set_last_job (ScObjects *self, const char *name, const char *job)
{
  SyscontContainer *object = sc_objects_find_container (self, name);

  g_hash_table_replace (self->last_jobs, g_strdup (name), g_strdup (job));
  if (object != NULL)
    syscont_container_set_last_job (object, job);
}

void
sc_objects_forget_job (ScObjects *self, const char *job)
{
  GHashTableIter iter;
  gpointer name;
  gpointer last_job;

  g_hash_table_iter_init (&iter, self->last_jobs);
  while (g_hash_table_iter_next (&iter, &name, &last_job))
    {
      SyscontContainer *object = sc_objects_find_container (self, name);

      if (strcmp (last_job, job) != 0)
        continue;
      if (object != NULL)
        syscont_container_set_last_job (object, "/");
      g_hash_table_iter_remove (&iter);
    }
}
