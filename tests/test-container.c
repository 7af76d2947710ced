/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-container.h"

#include "base/sc-json.h"
#include "scratch.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>

#define DIGEST "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

typedef struct
{
  char *root;
  ScPaths *paths;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  fixture->root = scratch_new ();
  fixture->paths = sc_paths_new (fixture->root);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  sc_paths_free (fixture->paths);
  scratch_free (fixture->root);
}

static char *
file_path (Fixture *fixture, const char *file)
{
  return g_build_filename (fixture->paths->state, "containers", file, NULL);
}

static void
write_text (Fixture *fixture, const char *file, const char *text)
{
  g_autofree char *directory = g_build_filename (fixture->paths->state, "containers", NULL);
  g_autofree char *path = file_path (fixture, file);
  g_assert_cmpint (g_mkdir_with_parents (directory, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static ScHealth *
make_health (const char *unit)
{
  ScHealth *health = sc_health_new ();

  health->unit = g_strdup (unit);
  return health;
}

static ScContainer *
make_container (void)
{
  ScContainer *container = sc_container_new ("etcd");
  ScDeploymentRecord *record = sc_deployment_record_new (0);
  record->id = 3;
  record->digest = g_strdup (DIGEST);
  record->reference = g_strdup ("example.com/etcd:1");
  record->created_usec = 1700000000000000;
  record->installed_by = 1000;
  record->health = make_health ("a.service");
  record->set_health = make_health ("b.service");
  g_ptr_array_add (container->deployments, record);
  container->reference = g_strdup ("example.com/etcd:1");
  container->source = g_strdup ("docker:etcd:1");
  container->uuid = g_strdup ("6f1d3f6e-5a77-4d26-9df7-5b8c1d2d7f10");
  container->next_deployment = 4;
  container->current = 3;
  container->has_service = TRUE;
  container->staged = 5;
  container->previous = 2;
  container->update.policy.mode = SC_POLICY_APPLY;
  container->update.policy.window = g_strdup ("Sat 02:00");
  container->update.held_until_usec = 17;
  sc_update_state_quarantine (&container->update, DIGEST, "it failed", 18);
  g_hash_table_replace (container->set_values, g_strdup ("A"), g_strdup ("line\n\"x\""));
  return container;
}

static void
test_save_and_load (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScContainer) written = make_container ();

  g_assert_true (sc_container_save (written, fixture->paths, &error));
  g_assert_no_error (error);
  g_autoptr (ScContainer) read = sc_container_load (fixture->paths, "etcd", &error);

  g_assert_no_error (error);
  g_assert_cmpstr (read->reference, ==, "example.com/etcd:1");
  g_assert_cmpstr (read->source, ==, "docker:etcd:1");
  g_assert_cmpstr (read->uuid, ==, written->uuid);
  g_assert_cmpuint (read->next_deployment, ==, 4);
  g_assert_cmpuint (read->current, ==, 3);
  g_assert_true (read->has_service);
  g_assert_cmpint (read->staged, ==, 5);
  g_assert_cmpint (read->previous, ==, 2);
  g_assert_cmpint (read->update.policy.mode, ==, SC_POLICY_APPLY);
  g_assert_cmpstr (read->update.policy.window, ==, "Sat 02:00");
  g_assert_cmpint (read->update.held_until_usec, ==, 17);
  g_assert_cmpstr (sc_update_state_find_quarantine (&read->update, DIGEST)->reason, ==,
                   "it failed");
  g_assert_cmpstr (g_hash_table_lookup (read->set_values, "A"), ==, "line\n\"x\"");
  const ScDeploymentRecord *record = sc_container_find (read, 3);
  g_assert_cmpstr (record->digest, ==, DIGEST);
  g_assert_cmpint (record->created_usec, ==, 1700000000000000);
  g_assert_cmpuint (record->installed_by, ==, 1000);
  g_assert_cmpstr (record->health->unit, ==, "a.service");
  g_assert_cmpstr (record->set_health->unit, ==, "b.service");
  g_assert_null (sc_container_find (read, 2));
}

static void
test_save_is_private (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ScContainer) container = make_container ();
  g_autofree char *path = file_path (fixture, "etcd.json");
  struct stat st;

  g_assert_true (sc_container_save (container, fixture->paths, NULL));

  g_assert_cmpint (stat (path, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 07777, ==, 0600);
  g_assert_cmpint (stat (fixture->paths->state, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 07777, ==, 0700);
}

static void
test_save_keeps_unknown_members (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  g_autofree char *path = file_path (fixture, "etcd.json");
  write_text (fixture, "etcd.json",
              "{\"version\": 1, \"name\": \"etcd\", \"hold\": {\"reason\": \"x\"},"
              "\"deployments\": [{\"id\": 3, \"digest\": \"" DIGEST "\", \"pinned\": true}]}");

  g_autoptr (ScContainer) container = sc_container_load (fixture->paths, "etcd", &error);
  g_assert_no_error (error);
  g_assert_true (sc_container_save (container, fixture->paths, &error));
  g_assert_no_error (error);

  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_autoptr (JsonObject) object = sc_json_parse_object (text, strlen (text), NULL, &error);
  g_assert_no_error (error);
  JsonObject *hold = json_object_get_object_member (object, "hold");
  g_assert_cmpstr (json_object_get_string_member (hold, "reason"), ==, "x");
  JsonObject *first
      = json_array_get_object_element (json_object_get_array_member (object, "deployments"), 0);
  g_assert_true (json_object_get_boolean_member (first, "pinned"));
}

static void
test_load_missing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sc_container_load (fixture->paths, "etcd", &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND);
  g_assert_nonnull (strstr (error->message, "\"etcd\""));
  g_clear_error (&error);
  write_text (fixture, "other.json", "{}");
  g_assert_null (sc_container_load (fixture->paths, "etcd", &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND);
}

static void
test_load_newer_version (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  write_text (fixture, "etcd.json", "{\"version\": 2, \"name\": 7}");

  g_assert_null (sc_container_load (fixture->paths, "etcd", &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_SUPPORTED);
  g_assert_nonnull (strstr (error->message, "etcd.json"));
}

static void
test_load_damaged (Fixture *fixture, gconstpointer data)
{
  static const char *const texts[] = {
    "",
    "{",
    "[]",
    "{\"name\": \"etcd\"}",
    "{\"version\": 1}",
    "{\"version\": 1, \"name\": \"other\"}",
    "{\"version\": 1, \"name\": \"etcd\", \"values\": {\"A\": 1}}",
    "{\"version\": 1, \"name\": \"etcd\", \"next-deployment\": -1}",
    "{\"version\": 1, \"name\": \"etcd\", \"deployments\": [{\"id\": 1}]}",
    "{\"version\": 1, \"name\": \"etcd\", \"deployments\": [7]}",
    "{\"version\": 1, \"name\": \"etcd\", \"deployments\": [{\"digest\": \"" DIGEST "\"}]}",
    "{\"version\": 1, \"name\": \"etcd\", \"deployments\": [{\"id\": 1, \"digest\": \"" DIGEST
    "\"}, {\"id\": 1, \"digest\": \"" DIGEST "\"}]}",
  };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_autoptr (GError) error = NULL;
      g_test_message ("%s", texts[i]);
      write_text (fixture, "etcd.json", texts[i]);

      g_assert_null (sc_container_load (fixture->paths, "etcd", &error));

      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_DAMAGED);
      g_assert_nonnull (strstr (error->message, "etcd.json"));
    }
}

static void
test_load_refuses_path (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (sc_container_load (fixture->paths, "../etcd", &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_NAME);
}

static void
test_list_is_sorted (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_auto (GStrv) none = sc_container_list (fixture->paths, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (none), ==, 0);
  static const char *const files[] = { "b.json", "e.json", "a.json", "d.json", "c.json" };
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    write_text (fixture, files[i], "{}");
  write_text (fixture, "a.secrets", "{}");
  write_text (fixture, ".tmp.json", "{}");

  g_auto (GStrv) names = sc_container_list (fixture->paths, &error);

  g_assert_no_error (error);
  g_autofree char *joined = g_strjoinv (",", names);
  g_assert_cmpstr (joined, ==, "a,b,c,d,e");
}

static void
test_delete_may_be_repeated (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScContainer) container = make_container ();
  g_assert_true (sc_container_delete (fixture->paths, "etcd", &error));
  g_assert_true (sc_container_save (container, fixture->paths, &error));

  g_assert_true (sc_container_delete (fixture->paths, "etcd", &error));
  g_assert_true (sc_container_delete (fixture->paths, "etcd", &error));

  g_assert_no_error (error);
  g_assert_null (sc_container_load (fixture->paths, "etcd", NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  const struct
  {
    const char *path;
    void (*func) (Fixture *, gconstpointer);
  } tests[] = {
    { "/container/save/and-load", test_save_and_load },
    { "/container/save/is-private", test_save_is_private },
    { "/container/save/keeps-unknown-members", test_save_keeps_unknown_members },
    { "/container/load/missing", test_load_missing },
    { "/container/load/newer-version", test_load_newer_version },
    { "/container/load/damaged", test_load_damaged },
    { "/container/load/refuses-path", test_load_refuses_path },
    { "/container/list/is-sorted", test_list_is_sorted },
    { "/container/delete/may-be-repeated", test_delete_may_be_repeated },
  };
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, setup, tests[i].func, teardown);
  return g_test_run ();
}
