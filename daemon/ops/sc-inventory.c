/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-inventory.h"

#include "base/sc-log.h"
#include "deploy/sc-deployment.h"
#include "deploy/sc-privileges.h"
#include "ops/sc-seen.h"

#include <string.h>

static void
container_entry_free (gpointer data)
{
  ScContainerEntry *entry = data;

  sc_container_free (entry->container);
  g_free (entry->damage);
  g_clear_pointer (&entry->privileges, g_ptr_array_unref);
  g_free (entry);
}

char *
sc_inventory_find_damage (const ScPaths *paths, const ScContainer *container)
{
  g_autofree char *config = g_strdup_printf ("%s/%s.%" G_GUINT64_FORMAT "/config.json",
                                             paths->checkout, container->name, container->current);
  g_autofree char *unit = g_strdup_printf ("%s/%s.service", paths->units, container->name);
  guint64 current;

  if (!sc_deployment_current (paths, container->name, &current))
    return g_strdup_printf ("the link \"%s/%s\" is missing", paths->checkout, container->name);
  if (current != container->current)
    return g_strdup_printf ("the link \"%s/%s\" points to deployment %" G_GUINT64_FORMAT,
                            paths->checkout, container->name, current);
  if (!g_file_test (config, G_FILE_TEST_EXISTS))
    return g_strdup_printf ("\"%s\" is missing", config);
  if (container->has_service && !g_file_test (unit, G_FILE_TEST_EXISTS))
    return g_strdup_printf ("\"%s\" is missing", unit);
  return NULL;
}

/* What cannot be read is no reason to leave the container out. */
static GPtrArray *
load_privileges (const ScPaths *paths, const ScContainer *container)
{
  g_autoptr (GError) error = NULL;
  GPtrArray *privileges = sc_privileges_load (paths, container, container->current, &error);

  if (privileges == NULL)
    sc_log (G_LOG_LEVEL_WARNING, &(ScLogFields){ .container = container->name }, "%s",
            error->message);
  return privileges;
}

static ScContainerEntry *
load_entry (const ScPaths *paths, const char *name)
{
  g_autoptr (GError) error = NULL;
  ScContainerEntry *entry = g_new0 (ScContainerEntry, 1);

  entry->container = sc_container_load (paths, name, &error);
  if (entry->container == NULL)
    {
      entry->container = sc_container_new (name);
      entry->damage = g_strdup (error->message);
    }
  else
    entry->damage = sc_inventory_find_damage (paths, entry->container);
  entry->rollback_ready
      = entry->container->previous != SC_NO_DEPLOYMENT
        && sc_deployment_check (paths, NULL, name, (guint64)entry->container->previous, NULL);

  if (entry->damage == NULL)
    entry->privileges = load_privileges (paths, entry->container);
  if (entry->damage != NULL)
    sc_log (G_LOG_LEVEL_WARNING, &(ScLogFields){ .container = name },
            "the container \"%s\" is damaged: %s", name, entry->damage);
  return entry;
}

ScInventory *
sc_inventory_new (void)
{
  ScInventory *self = g_new0 (ScInventory, 1);

  self->containers = g_ptr_array_new_with_free_func (container_entry_free);
  self->images = g_ptr_array_new ();
  self->seen = g_hash_table_new (g_str_hash, g_str_equal);
  return self;
}

static void
take_seen (ScInventory *self, const ScPaths *paths)
{
  g_autoptr (GError) error = NULL;
  GHashTable *seen = sc_seen_load (paths, &error);

  if (seen == NULL)
    {
      sc_log (G_LOG_LEVEL_WARNING, NULL, "%s", error->message);
      return;
    }
  g_hash_table_unref (self->seen);
  self->seen = seen;
}

ScInventory *
sc_inventory_load (const ScPaths *paths, GError **error)
{
  g_auto (GStrv) names = sc_container_list (paths, error);
  g_autoptr (ScRepo) repo = names != NULL ? sc_repo_open (paths, error) : NULL;
  g_autoptr (GPtrArray) images = repo != NULL ? sc_image_store_list (repo, error) : NULL;
  if (images == NULL)
    return NULL;

  ScInventory *self = sc_inventory_new ();
  take_seen (self, paths);
  g_ptr_array_unref (self->images);
  self->images = g_steal_pointer (&images);
  for (guint i = 0; names[i] != NULL; i++)
    g_ptr_array_add (self->containers, load_entry (paths, names[i]));
  return self;
}

void
sc_inventory_free (ScInventory *self)
{
  g_ptr_array_unref (self->containers);
  g_ptr_array_unref (self->images);
  g_hash_table_unref (self->seen);
  g_free (self);
}

const ScContainerEntry *
sc_inventory_find_container (const ScInventory *self, const char *name)
{
  for (guint i = 0; i < self->containers->len; i++)
    {
      const ScContainerEntry *entry = self->containers->pdata[i];
      if (strcmp (entry->container->name, name) == 0)
        return entry;
    }
  return NULL;
}

const ScImage *
sc_inventory_find_image (const ScInventory *self, const char *digest)
{
  for (guint i = 0; i < self->images->len; i++)
    {
      const ScImage *image = self->images->pdata[i];
      if (strcmp (image->digest, digest) == 0)
        return image;
    }
  return NULL;
}

gint64
sc_inventory_first_seen (const ScInventory *self, const ScImage *image)
{
  const gint64 *seen_usec = g_hash_table_lookup (self->seen, image->digest);

  return seen_usec != NULL ? *seen_usec : MAX (image->pulled_usec, 0);
}
