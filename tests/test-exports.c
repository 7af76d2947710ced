/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-exports.h"

#include "base/sc-fd.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  char *root;
  char *tree;
  ScPaths *paths;
  ScRepo *repo;
} Fixture;

/* A repository that needs no privileges; the daemon opens what exists. */
static void
create_repository (const char *path)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) file = g_file_new_for_path (path);
  g_autoptr (OstreeRepo) repo = ostree_repo_new (file);
  g_assert_cmpint (g_mkdir_with_parents (path, 0700), ==, 0);
  ostree_repo_create (repo, OSTREE_REPO_MODE_BARE_USER_ONLY, NULL, &error);
  g_assert_no_error (error);
}

static void
setup (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  fixture->root = g_dir_make_tmp ("syscont-exports-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->tree = g_build_filename (fixture->root, "tree", NULL);
  g_assert_cmpint (g_mkdir (fixture->tree, 0755), ==, 0);
  fixture->paths = sc_paths_new (fixture->root);
  create_repository (fixture->paths->repository);
  fixture->repo = sc_repo_open (fixture->paths, &error);
  g_assert_no_error (error);
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  g_autofree char *parent = g_path_get_dirname (fixture->root);
  g_autofree char *name = g_path_get_basename (fixture->root);
  sc_autofd fd = sc_fd_open_dir (parent, NULL);
  sc_repo_free (fixture->repo);
  sc_fd_remove_tree (fd, name, NULL);
  sc_paths_free (fixture->paths);
  g_free (fixture->tree);
  g_free (fixture->root);
}

static char *
in_tree (Fixture *fixture, const char *path)
{
  char *full = g_build_filename (fixture->tree, path, NULL);
  g_autofree char *directory = g_path_get_dirname (full);
  g_assert_cmpint (g_mkdir_with_parents (directory, 0755), ==, 0);
  return full;
}

static void
add_file (Fixture *fixture, const char *path, const char *text)
{
  g_autofree char *full = in_tree (fixture, path);
  g_assert_true (g_file_set_contents (full, text, -1, NULL));
}

static void
add_link (Fixture *fixture, const char *path, const char *target)
{
  g_autofree char *full = in_tree (fixture, path);
  g_assert_cmpint (symlink (target, full), ==, 0);
}

static void
add_directory (Fixture *fixture, const char *path)
{
  g_autofree char *full = in_tree (fixture, path);
  g_assert_cmpint (g_mkdir (full, 0755), ==, 0);
}

static char *
commit_tree (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) root = NULL;
  g_autoptr (GFile) directory = g_file_new_for_path (fixture->tree);
  g_autoptr (OstreeMutableTree) tree = ostree_mutable_tree_new ();
  g_autoptr (OstreeRepoCommitModifier) modifier = ostree_repo_commit_modifier_new (
      OSTREE_REPO_COMMIT_MODIFIER_FLAGS_CANONICAL_PERMISSIONS, NULL, NULL, NULL);
  OstreeRepo *repo = sc_repo_get_ostree (fixture->repo);
  char *commit = NULL;
  sc_repo_begin (fixture->repo, NULL, &error);
  g_assert_no_error (error);
  ostree_repo_write_directory_to_mtree (repo, directory, tree, modifier, NULL, &error);
  g_assert_no_error (error);
  ostree_repo_write_mtree (repo, tree, &root, NULL, &error);
  g_assert_no_error (error);
  ostree_repo_write_commit (repo, NULL, NULL, NULL, NULL, OSTREE_REPO_FILE (root), &commit, NULL,
                            &error);
  g_assert_no_error (error);
  sc_repo_commit (fixture->repo, NULL, &error);
  g_assert_no_error (error);
  return commit;
}

static ScExports *
load (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *commit = commit_tree (fixture);
  ScExports *exports = sc_exports_load (fixture->repo, commit, NULL, &error);
  g_assert_no_error (error);
  return exports;
}

static void
assert_load_fails (Fixture *fixture, int code, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *commit = commit_tree (fixture);
  g_assert_null (sc_exports_load (fixture->repo, commit, NULL, &error));
  g_assert_error (error, SYSCONT_ERROR, code);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, part));
  g_assert_null (strstr (error->message, "root:"));
}

static void
test_load_nothing (Fixture *fixture, gconstpointer data)
{
  add_file (fixture, "bin/x", "x");

  g_autoptr (ScExports) exports = load (fixture);

  g_assert_false (exports->has_exports);
  g_assert_null (exports->host_nodes);
  g_assert_null (exports->service_template);
  g_assert_cmpuint (g_hash_table_size (exports->default_values), ==, 0);
}

static void
test_load_everything (Fixture *fixture, gconstpointer data)
{
  add_file (fixture, "exports/config.json.template", "{}");
  add_file (fixture, "exports/service.template", "[Service]\n");
  add_file (fixture, "exports/tmpfiles.template", "");
  add_file (fixture, "exports/manifest.json",
            "{\"version\": \"1.0\", \"defaultValues\": {\"PORT\": \"8081\", \"N\": 5},"
            "\"renameFiles\": {\"/a\": \"/b\"}, \"noContainerService\": true, \"other\": []}");

  g_autoptr (ScExports) exports = load (fixture);

  g_assert_true (exports->has_exports);
  g_assert_null (exports->config);
  g_assert_cmpuint (g_bytes_get_size (exports->config_template), ==, 2);
  g_assert_cmpuint (g_bytes_get_size (exports->service_template), ==, 10);
  g_assert_cmpuint (g_bytes_get_size (exports->tmpfiles_template), ==, 0);
  g_assert_true (exports->no_container_service);
  g_assert_cmpstr (g_hash_table_lookup (exports->default_values, "PORT"), ==, "8081");
  g_assert_cmpstr (g_hash_table_lookup (exports->default_values, "N"), ==, "5");
  g_assert_null (exports->host_nodes);
}

static void
test_load_host_files (Fixture *fixture, gconstpointer data)
{
  add_directory (fixture, "exports/hostfs");
  g_autoptr (ScExports) without = load (fixture);
  add_directory (fixture, "exports/hostfs/etc");
  g_autoptr (ScExports) with = load (fixture);

  g_assert_cmpuint (without->host_nodes->len, ==, 0);
  g_assert_cmpuint (with->host_nodes->len, ==, 1);
}

/* TH01 */
static void
test_load_link_exports (Fixture *fixture, gconstpointer data)
{
  add_link (fixture, "exports", "/etc");

  assert_load_fails (fixture, SYSCONT_ERROR_TEMPLATE_INVALID, "/exports: is a symbolic link");
}

/* TH01 */
static void
test_load_link_template (Fixture *fixture, gconstpointer data)
{
  add_link (fixture, "exports/config.json.template", "/etc/passwd");

  assert_load_fails (fixture, SYSCONT_ERROR_TEMPLATE_INVALID, "/exports/config.json.template");
}

/* TH01 */
static void
test_load_link_inside (Fixture *fixture, gconstpointer data)
{
  add_file (fixture, "exports/x", "[Service]");
  add_link (fixture, "exports/service.template", "x");

  assert_load_fails (fixture, SYSCONT_ERROR_TEMPLATE_INVALID, "/exports/service.template");
}

/* TH01 */
static void
test_load_link_host_files (Fixture *fixture, gconstpointer data)
{
  add_link (fixture, "exports/hostfs", "/");

  assert_load_fails (fixture, SYSCONT_ERROR_TEMPLATE_INVALID, "/exports/hostfs");
}

static void
test_load_directory_template (Fixture *fixture, gconstpointer data)
{
  add_directory (fixture, "exports/manifest.json");

  assert_load_fails (fixture, SYSCONT_ERROR_TEMPLATE_INVALID, "/exports/manifest.json: is a dir");
}

/* TH20 */
static void
test_load_too_large (Fixture *fixture, gconstpointer data)
{
  g_autofree char *text = g_strnfill (1024 * 1024 + 1, 'x');
  add_file (fixture, "exports/service.template", text);

  assert_load_fails (fixture, SYSCONT_ERROR_LIMIT_EXCEEDED, "/exports/service.template");
}

/* MJ15 */
static void
test_load_manifest_types (Fixture *fixture, gconstpointer data)
{
  static const char *const texts[] = {
    "",
    "[]",
    "{",
    "{\"defaultValues\": []}",
    "{\"defaultValues\": {\"A\": null}}",
    "{\"defaultValues\": {\"A\": {}}}",
    "{\"defaultValues\": {\"A\": [\"x\"]}}",
    "{\"defaultValues\": {\"A\": true}}",
    "{\"defaultValues\": {\"A-B\": \"x\"}}",
    "{\"defaultValues\": {\"A\": \"x\", \"A\": \"y\"}}",
    "{\"renameFiles\": []}",
    "{\"renameFiles\": {\"/a\": 1}}",
    "{\"renameFiles\": {\"/a\": null}}",
    "{\"renameFiles\": {\"/a\": {\"/b\": \"/c\"}}}",
    "{\"installedFilesTemplate\": {}}",
    "{\"installedFilesTemplate\": [1]}",
    "{\"noContainerService\": \"yes\"}",
    "{\"useLinks\": 0}",
  };
  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      g_test_message ("%s", texts[i]);
      add_file (fixture, "exports/manifest.json", texts[i]);

      assert_load_fails (fixture, SYSCONT_ERROR_TEMPLATE_INVALID, "/exports/manifest.json: ");
    }
}

static void
test_variables (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  add_file (fixture, "exports/config.json.template", "$PORT $MUST $RUN_DIRECTORY $UUID $NAME");
  add_file (fixture, "exports/service.template", "$EXEC_START ${DESTDIR} $ALSO $RUNTIME");
  add_file (fixture, "exports/tmpfiles.template", "$HOST_UID $STATE_DIRECTORY");
  add_file (fixture, "exports/manifest.json",
            "{\"defaultValues\": {\"PORT\": \"8081\", \"ALSO\": \"\", \"UNUSED\": \"x\","
            "\"STATE_DIRECTORY\": \"/x\"}}");
  g_autoptr (ScExports) exports = load (fixture);

  g_autoptr (GHashTable) table = sc_exports_variables (exports, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (table), ==, 7);
  g_assert_cmpstr (g_hash_table_lookup (table, "PORT"), ==, "8081");
  g_assert_cmpstr (g_hash_table_lookup (table, "ALSO"), ==, "");
  g_assert_true (g_hash_table_contains (table, "MUST"));
  g_assert_null (g_hash_table_lookup (table, "MUST"));
  g_assert_cmpstr (g_hash_table_lookup (table, "RUN_DIRECTORY"), ==, "{SET_BY_OS}");
  g_assert_cmpstr (g_hash_table_lookup (table, "STATE_DIRECTORY"), ==, "{SET_BY_OS}");
  g_assert_cmpstr (g_hash_table_lookup (table, "UUID"), ==, "{SET_BY_OS}");
  g_assert_cmpstr (g_hash_table_lookup (table, "RUNTIME"), ==, "{SET_BY_OS}");
}

static void
test_variables_config_wins (Fixture *fixture, gconstpointer data)
{
  add_file (fixture, "exports/config.json", "{\"x\": \"$A\"}");
  add_file (fixture, "exports/config.json.template", "$B");
  g_autoptr (ScExports) exports = load (fixture);

  g_autoptr (GHashTable) table = sc_exports_variables (exports, NULL, NULL);

  g_assert_cmpuint (g_hash_table_size (table), ==, 0);
}

static void
test_variables_invalid (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  add_file (fixture, "exports/service.template", "a\n$(x)");
  g_autoptr (ScExports) exports = load (fixture);

  g_assert_null (sc_exports_variables (exports, NULL, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TEMPLATE_INVALID);
  g_assert_true (g_str_has_prefix (error->message, "service.template: line 2"));
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
    { "load/nothing", test_load_nothing },
    { "load/everything", test_load_everything },
    { "load/host-files", test_load_host_files },
    { "load/link-exports", test_load_link_exports },
    { "load/link-template", test_load_link_template },
    { "load/link-inside", test_load_link_inside },
    { "load/link-host-files", test_load_link_host_files },
    { "load/directory-template", test_load_directory_template },
    { "load/too-large", test_load_too_large },
    { "load/manifest-types", test_load_manifest_types },
    { "variables/defaults-and-built-ins", test_variables },
    { "variables/config-wins", test_variables_config_wins },
    { "variables/invalid", test_variables_invalid },
  };
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/exports/%s", tests[i].path);
      g_test_add (path, Fixture, NULL, setup, tests[i].func, teardown);
    }
  return g_test_run ();
}
