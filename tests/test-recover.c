/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-container.h"
#include "deploy/sc-deployment.h"
#include "ops/sc-intent.h"
#include "ops/sc-recover.h"
#include "host-fixture.h"
#include "scratch.h"

#include <glib/gstdio.h>

typedef struct
{
  char *root;
  ScPaths *paths;
  ScConfig *config;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->root = scratch_new ();
  fixture->paths = sc_paths_new (fixture->root);
  fixture->config = sc_config_load (fixture->paths, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  sc_config_free (fixture->config);
  sc_paths_free (fixture->paths);
  scratch_free (fixture->root);
}

static gboolean
exists (Fixture *fixture, const char *path)
{
  g_autofree char *full = g_build_filename (fixture->root, path, NULL);

  return g_file_test (full, G_FILE_TEST_EXISTS) || g_file_test (full, G_FILE_TEST_IS_SYMLINK);
}

static void
make_directory (Fixture *fixture, const char *path)
{
  g_autofree char *full = g_build_filename (fixture->root, path, NULL);

  g_assert_cmpint (g_mkdir_with_parents (full, 0700), ==, 0);
}

/* What an installation has made by the time that it is interrupted late. */
static void
make_container (Fixture *fixture, const char *name)
{
  g_autofree char *dir = g_strdup_printf ("var/lib/containers/syscont/%s.0/rootfs", name);
  g_autoptr (ScContainer) container = sc_container_new (name);
  g_autoptr (GError) error = NULL;

  make_directory (fixture, dir);
  write_unit_files (fixture->paths, name, "[Service]\n", "[Unit]\n", NULL);
  g_assert_true (sc_deployment_switch (fixture->paths, name, 0, NULL));
  container->reference = g_strdup ("image:latest");
  container->source = g_strdup ("oci:/image");
  container->uuid = g_strdup ("0");
  sc_container_save (container, fixture->paths, &error);
  g_assert_no_error (error);
}

static void
make_intent (Fixture *fixture, ScIntentOperation operation, ScIntentPhase phase, const char *name)
{
  g_autoptr (ScIntent) intent = sc_intent_new (7, operation, name);

  intent->phase = phase;
  g_assert_true (sc_intent_save (intent, fixture->paths, NULL));
}

static void
recover (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  sc_recover (fixture->paths, fixture->config, NULL, &error);
  g_assert_no_error (error);

  g_autoptr (GPtrArray) intents = sc_intent_list (fixture->paths, NULL);
  g_assert_cmpuint (intents->len, ==, 0);
}

static void
assert_installed (Fixture *fixture, const char *name, gboolean installed)
{
  g_autofree char *unit = g_strdup_printf ("etc/systemd/system/%s.service", name);
  g_autofree char *drop_in = g_strdup_printf ("etc/systemd/system/%s.service.d", name);
  g_autofree char *link = g_strdup_printf ("var/lib/containers/syscont/%s", name);
  g_autofree char *dir = g_strdup_printf ("var/lib/containers/syscont/%s.0", name);
  g_autofree char *state = g_strdup_printf ("var/lib/syscont/containers/%s.json", name);
  const char *const paths[] = { unit, drop_in, link, dir, state };

  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    if (exists (fixture, paths[i]) != installed)
      g_error ("\"%s\" %s", paths[i], installed ? "is missing" : "is still there");
}

static void
test_prepared_install_is_undone (Fixture *fixture, gconstpointer data)
{
  make_container (fixture, "web");
  make_intent (fixture, SC_INTENT_INSTALL, SC_INTENT_PREPARED, "web");

  recover (fixture);

  assert_installed (fixture, "web", FALSE);
}

static void
test_undone_unit_cannot_start_before_the_next_boot (Fixture *fixture, gconstpointer data)
{
  make_container (fixture, "web");
  make_intent (fixture, SC_INTENT_INSTALL, SC_INTENT_PREPARED, "web");

  recover (fixture);

  g_assert_true (exists (fixture, "run/syscont/switching/web"));
}

static void
test_committed_install_stays (Fixture *fixture, gconstpointer data)
{
  make_container (fixture, "web");
  make_intent (fixture, SC_INTENT_INSTALL, SC_INTENT_COMMITTED, "web");

  recover (fixture);

  assert_installed (fixture, "web", TRUE);
}

static void
test_uninstall_is_completed (Fixture *fixture, gconstpointer data)
{
  make_container (fixture, "web");
  make_intent (fixture, SC_INTENT_UNINSTALL, SC_INTENT_COMMITTED, "web");

  recover (fixture);

  assert_installed (fixture, "web", FALSE);
}

/* An operation that failed half way must not be finished on what is installed after it. */
static void
test_container_is_settled (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  make_container (fixture, "web");
  make_intent (fixture, SC_INTENT_UNINSTALL, SC_INTENT_COMMITTED, "web");

  sc_recover_container (fixture->paths, fixture->config, NULL, "web", &error);
  g_assert_no_error (error);
  assert_installed (fixture, "web", FALSE);
  make_container (fixture, "web");
  recover (fixture);

  assert_installed (fixture, "web", TRUE);
}

static void
test_container_leaves_others_alone (Fixture *fixture, gconstpointer data)
{
  make_container (fixture, "web");
  make_intent (fixture, SC_INTENT_INSTALL, SC_INTENT_PREPARED, "web");

  g_assert_true (sc_recover_container (fixture->paths, fixture->config, NULL, "db", NULL));

  assert_installed (fixture, "web", TRUE);
}

static void
test_others_are_left_alone (Fixture *fixture, gconstpointer data)
{
  make_container (fixture, "web");
  make_container (fixture, "db");
  make_intent (fixture, SC_INTENT_INSTALL, SC_INTENT_PREPARED, "web");

  recover (fixture);

  assert_installed (fixture, "db", TRUE);
}

static void
test_partial_deployments_go (Fixture *fixture, gconstpointer data)
{
  make_directory (fixture, "var/lib/containers/syscont/.web.1.partial/rootfs/etc");

  recover (fixture);

  g_assert_false (exists (fixture, "var/lib/containers/syscont/.web.1.partial"));
}

static void
test_temporary_files_go (Fixture *fixture, gconstpointer path)
{
  make_directory (fixture, path); /* the last component is to be a file */
  g_autofree char *full = g_build_filename (fixture->root, path, NULL);
  g_assert_cmpint (g_rmdir (full), ==, 0);
  g_assert_true (g_file_set_contents (full, "x", 1, NULL));

  recover (fixture);

  g_assert_false (exists (fixture, path));
}

static void
test_nothing_to_do (Fixture *fixture, gconstpointer data)
{
  recover (fixture);
  recover (fixture);
}

int
main (int argc, char **argv)
{
  static const char *const temporaries[] = {
    "etc/systemd/system/.web.service.syscont-ab12cd",
    "etc/tmpfiles.d/.web.conf.syscont-ab12cd",
    "var/lib/containers/syscont/.web.syscont-ab12cd",
    "var/lib/syscont/containers/.web.json.syscont-ab12cd",
    "var/lib/syscont/intents/.7-web.json.syscont-ab12cd",
  };

  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/recover/install/prepared-is-undone", test_prepared_install_is_undone);
  ADD ("/recover/install/undone-unit-cannot-start",
       test_undone_unit_cannot_start_before_the_next_boot);
  ADD ("/recover/install/committed-stays", test_committed_install_stays);
  ADD ("/recover/uninstall/is-completed", test_uninstall_is_completed);
  ADD ("/recover/container/is-settled", test_container_is_settled);
  ADD ("/recover/container/leaves-others-alone", test_container_leaves_others_alone);
  ADD ("/recover/others/are-left-alone", test_others_are_left_alone);
  ADD ("/recover/partial-deployments/go", test_partial_deployments_go);
  ADD ("/recover/nothing/to-do", test_nothing_to_do);
  for (gsize i = 0; i < G_N_ELEMENTS (temporaries); i++)
    {
      g_autofree char *path = g_strdup_printf ("/recover/temporary-files/go-%zu", i);
      g_test_add (path, Fixture, temporaries[i], set_up, test_temporary_files_go, tear_down);
    }
  return g_test_run ();
}
