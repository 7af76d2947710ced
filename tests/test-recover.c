/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-container.h"
#include "deploy/sc-deployment.h"
#include "ops/sc-intent.h"
#include "ops/sc-recover.h"
#include "ops/sc-switch.h"
#include "host-fixture.h"
#include "scratch.h"

#include <glib/gstdio.h>
#include <string.h>

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

#define OLD_DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NEW_DIGEST "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

static void
add_deployment (Fixture *fixture, ScContainer *container, guint64 id, const char *digest)
{
  ScDeploymentRecord *record = sc_deployment_record_new (id);
  g_autofree char *dir = g_strdup_printf (
      "var/lib/containers/syscont/%s.%" G_GUINT64_FORMAT "/rootfs", container->name, id);

  make_directory (fixture, dir);
  record->digest = g_strdup (digest);
  record->reference = g_strdup ("image:latest");
  g_ptr_array_add (container->deployments, record);
}

static ScFileChange *
change_file (const char *path, const char *text, guint mode, gboolean early)
{
  g_autoptr (GError) error = NULL;
  ScFileChange *change = sc_file_change_new (path, g_bytes_new (text, strlen (text)), mode, &error);

  g_assert_no_error (error);
  change->early = early;
  return change;
}

/* An update of "web" from deployment 0 to 1, written down and not begun. */
static ScIntent *
make_update (Fixture *fixture)
{
  g_autoptr (ScContainer) before = sc_container_new ("web");
  ScIntent *intent = sc_intent_new (7, SC_INTENT_UPDATE, "web");
  g_autofree char *unit = g_build_filename (fixture->paths->units, "web.service", NULL);

  write_unit_files (fixture->paths, "web", "[Service]\nold\n", "[Unit]\n", NULL);
  before->reference = g_strdup ("image:latest");
  before->source = g_strdup ("oci:/image");
  before->uuid = g_strdup ("0");
  before->next_deployment = 1;
  add_deployment (fixture, before, 0, OLD_DIGEST);
  g_assert_true (sc_deployment_switch (fixture->paths, "web", 0, NULL));
  g_assert_true (sc_container_save (before, fixture->paths, NULL));

  g_autoptr (ScContainer) after = sc_container_copy (before);
  add_deployment (fixture, after, 1, NEW_DIGEST);
  after->next_deployment = 2;
  sc_container_set_current (after, 1);
  g_autofree char *path = sc_container_path (fixture->paths, "web");
  g_autofree char *text = sc_container_to_text (after);
  g_ptr_array_add (intent->files, change_file (unit, "[Service]\nnew\n", 0644, TRUE));
  g_ptr_array_add (intent->files, change_file (path, text, 0600, FALSE));
  intent->deployment = 1;
  intent->from = 0;
  intent->made = TRUE;
  intent->quarantine = g_strdup (NEW_DIGEST);
  intent->reason = g_strdup ("it failed");
  return intent;
}

static void
assert_runs (Fixture *fixture, guint64 deployment, const char *unit_text)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *unit = g_build_filename (fixture->paths->units, "web.service", NULL);
  g_autofree char *text = NULL;
  guint64 current = G_MAXUINT64;
  g_autoptr (ScContainer) container = sc_container_load (fixture->paths, "web", &error);

  g_assert_no_error (error);
  g_assert_true (sc_deployment_current (fixture->paths, "web", &current));
  g_assert_cmpuint (current, ==, deployment);
  g_assert_cmpuint (container->current, ==, deployment);
  g_assert_true (g_file_get_contents (unit, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, unit_text);
  g_assert_false (exists (fixture, "run/syscont/switching/web"));
}

static void
test_prepared_update_is_undone (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ScIntent) intent = make_update (fixture);

  g_assert_true (sc_intent_save (intent, fixture->paths, NULL));
  g_assert_true (sc_switch_write_early (intent, NULL));
  g_assert_true (sc_switching_set (fixture->paths, "web", TRUE, NULL));
  recover (fixture);

  assert_runs (fixture, 0, "[Service]\nold\n");
  g_assert_false (exists (fixture, "var/lib/containers/syscont/web.1"));
}

static void
test_committed_update_is_completed_and_kept_for_a_job (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ScIntent) intent = make_update (fixture);
  g_autoptr (GError) error = NULL;

  g_assert_true (sc_intent_commit (intent, fixture->paths, NULL));
  g_assert_true (sc_switching_set (fixture->paths, "web", TRUE, NULL));
  sc_recover (fixture->paths, fixture->config, NULL, &error);
  g_assert_no_error (error);
  sc_recover (fixture->paths, fixture->config, NULL, &error);
  g_assert_no_error (error);

  assert_runs (fixture, 1, "[Service]\nnew\n");
  g_auto (GStrv) names = sc_recover_list_unfinished (fixture->paths);
  g_assert_cmpstr (names[0], ==, "web");
  g_assert_null (names[1]);
}

static void
test_reverting_update_goes_back_and_is_remembered (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ScIntent) intent = make_update (fixture);

  g_assert_true (sc_intent_save (intent, fixture->paths, NULL));
  g_assert_true (sc_switch_write_early (intent, NULL));
  g_assert_true (sc_switch_publish (intent, fixture->paths, NULL));
  intent->phase = SC_INTENT_REVERTING;
  g_assert_true (sc_intent_save (intent, fixture->paths, NULL));
  recover (fixture);

  assert_runs (fixture, 0, "[Service]\nold\n");
  g_autoptr (ScContainer) container = sc_container_load (fixture->paths, "web", NULL);
  g_assert_nonnull (sc_update_state_find_quarantine (&container->update, NEW_DIGEST));
  g_assert_cmpstr (container->update.outcome, ==, "rolled-back");
  g_assert_cmpuint (container->next_deployment, ==, 2);
}

/* What is taken over from atomic, and was found to work. */
static void
make_adoption (Fixture *fixture)
{
  g_autoptr (ScIntent) intent = make_update (fixture);

  intent->operation = SC_INTENT_ADOPT;
  intent->adopted = g_build_filename (fixture->root, "atomic", NULL);
  make_directory (fixture, "atomic/web.0");
  make_directory (fixture, "atomic/other.0");
  g_assert_true (sc_switch_write_early (intent, NULL));
  g_assert_true (sc_intent_save (intent, fixture->paths, NULL));
  g_assert_true (sc_switch_publish (intent, fixture->paths, NULL));
  g_assert_true (sc_intent_keep (intent, fixture->paths, NULL));
}

static void
test_kept_adoption_is_left_to_a_job (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  make_adoption (fixture);

  sc_recover (fixture->paths, fixture->config, NULL, &error);

  g_assert_no_error (error);
  assert_runs (fixture, 1, "[Service]\nnew\n");
  g_auto (GStrv) names = sc_recover_list_unfinished (fixture->paths);
  g_assert_cmpstr (names[0], ==, "web");
}

static void
test_kept_adoption_forgets_atomic (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  make_adoption (fixture);

  sc_recover_container (fixture->paths, fixture->config, NULL, "web", &error);

  g_assert_no_error (error);
  assert_runs (fixture, 1, "[Service]\nnew\n");
  g_assert_false (exists (fixture, "atomic/web.0"));
  g_assert_true (exists (fixture, "atomic/other.0"));
  g_assert_false (exists (fixture, "var/lib/syscont/intents/7-web.json"));
}

static void
test_content_without_an_intent_is_swept (Fixture *fixture, gconstpointer data)
{
  make_directory (fixture, "var/lib/syscont/intents/7-web.d");

  recover (fixture);

  g_assert_false (exists (fixture, "var/lib/syscont/intents/7-web.d"));
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
  ADD ("/recover/update/prepared-is-undone", test_prepared_update_is_undone);
  ADD ("/recover/update/committed-is-completed",
       test_committed_update_is_completed_and_kept_for_a_job);
  ADD ("/recover/update/reverting-goes-back", test_reverting_update_goes_back_and_is_remembered);
  ADD ("/recover/adopt/kept-is-left-to-a-job", test_kept_adoption_is_left_to_a_job);
  ADD ("/recover/adopt/kept-forgets-atomic", test_kept_adoption_forgets_atomic);
  ADD ("/recover/intents/content-alone-is-swept", test_content_without_an_intent_is_swept);
  return g_test_run ();
}
