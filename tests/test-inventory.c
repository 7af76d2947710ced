/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-deployment.h"
#include "ops/sc-inventory.h"
#include "host-fixture.h"
#include "scratch.h"

#include <glib/gstdio.h>
#include <string.h>

typedef struct
{
  char *root;
  ScPaths *paths;
} Fixture;

static GLogWriterOutput
drop_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  return G_LOG_WRITER_HANDLED;
}

static char *
path_of (Fixture *fixture, const char *path)
{
  return g_build_filename (fixture->root, path, NULL);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->root = scratch_new ();
  fixture->paths = sc_paths_new (fixture->root);

  g_autofree char *dir = path_of (fixture, "var/lib/containers/syscont/web.0");
  g_autofree char *config = g_build_filename (dir, "config.json", NULL);
  g_autoptr (ScContainer) container = sc_container_new ("web");
  g_assert_cmpint (g_mkdir_with_parents (dir, 0700), ==, 0);
  g_assert_true (g_file_set_contents (config, "{}", 2, NULL));
  write_unit_files (fixture->paths, "web", "[Service]\n", "[Unit]\n", NULL);
  g_assert_true (sc_deployment_switch (fixture->paths, "web", 0, NULL));
  container->reference = g_strdup ("image:latest");
  container->source = g_strdup ("oci:/image");
  container->uuid = g_strdup ("0");
  container->has_service = TRUE;
  g_assert_true (sc_container_save (container, fixture->paths, NULL));
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  sc_paths_free (fixture->paths);
  scratch_free (fixture->root);
}

static ScInventory *
load (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  ScInventory *inventory = sc_inventory_load (fixture->paths, &error);

  g_assert_no_error (error);
  return inventory;
}

static void
test_whole_container (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ScInventory) inventory = load (fixture);
  const ScContainerEntry *entry = sc_inventory_find_container (inventory, "web");

  g_assert_nonnull (entry);
  g_assert_cmpstr (entry->damage, ==, NULL);
  g_assert_cmpuint (inventory->images->len, ==, 0);
  g_assert_null (sc_inventory_find_container (inventory, "other"));
}

static void
test_missing_file_is_damage (Fixture *fixture, gconstpointer missing)
{
  g_autofree char *path = path_of (fixture, missing);
  g_assert_cmpint (g_unlink (path), ==, 0);

  g_autoptr (ScInventory) inventory = load (fixture);

  const ScContainerEntry *entry = sc_inventory_find_container (inventory, "web");
  g_assert_nonnull (strstr (entry->damage, missing));
}

static void
test_unreadable_state_is_damage (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = path_of (fixture, "var/lib/syscont/containers/web.json");
  g_assert_true (g_file_set_contents (path, "{", 1, NULL));

  g_autoptr (ScInventory) inventory = load (fixture);

  g_assert_nonnull (sc_inventory_find_container (inventory, "web")->damage);
}

int
main (int argc, char **argv)
{
  static const char *const missing[] = {
    "var/lib/containers/syscont/web",
    "var/lib/containers/syscont/web.0/config.json",
    "etc/systemd/system/web.service",
  };

  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (drop_log, NULL, NULL);
  g_test_add ("/inventory/container/whole", Fixture, NULL, set_up, test_whole_container, tear_down);
  g_test_add ("/inventory/container/unreadable-state", Fixture, NULL, set_up,
              test_unreadable_state_is_damage, tear_down);
  for (gsize i = 0; i < G_N_ELEMENTS (missing); i++)
    {
      g_autofree char *path = g_strdup_printf ("/inventory/container/missing-%zu", i);
      g_test_add (path, Fixture, missing[i], set_up, test_missing_file_is_damage, tear_down);
    }
  return g_test_run ();
}
