/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-deployment.h"

#include "base/sc-fd.h"
#include "deploy/sc-deployment-files.h"
#include "deploy/sc-mount-point.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  char *root;
  ScPaths *paths;
  ScRepo *repo; /* (nullable): only where hard links and modes of a bare repository matter */
  ScRendering rendering;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  fixture->root = g_dir_make_tmp ("syscont-deployment-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->paths = sc_paths_new (fixture->root);
  g_assert_cmpint (g_mkdir_with_parents (fixture->paths->checkout, 0700), ==, 0);
  fixture->rendering = (ScRendering){
    .config_json = (char *)"{}",
    .texts.service = (char *)"[Service]\n",
    .texts.tmpfiles = (char *)"d /run/x\n",
    .info = (char *)"{\"image\": \"x\"}",
    .mount_points = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_mount_point_free),
  };
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  g_autofree char *parent = g_path_get_dirname (fixture->root);
  g_autofree char *name = g_path_get_basename (fixture->root);
  sc_autofd fd = sc_fd_open_dir (parent, NULL);
  g_clear_pointer (&fixture->repo, sc_repo_free);
  sc_fd_remove_tree (fd, name, NULL);
  sc_paths_free (fixture->paths);
  g_ptr_array_unref (fixture->rendering.mount_points);
  g_free (fixture->root);
}

static char *
in_checkout (Fixture *fixture, const char *path)
{
  return g_build_filename (fixture->paths->checkout, path, NULL);
}

static void
make_directory (Fixture *fixture, const char *path)
{
  g_autofree char *full = in_checkout (fixture, path);
  g_assert_cmpint (g_mkdir_with_parents (full, 0755), ==, 0);
}

static void
make_link (Fixture *fixture, const char *path, const char *target)
{
  g_autofree char *full = in_checkout (fixture, path);
  g_assert_cmpint (symlink (target, full), ==, 0);
}

static gboolean
exists (Fixture *fixture, const char *path)
{
  g_autofree char *full = in_checkout (fixture, path);
  struct stat st;
  return lstat (full, &st) == 0;
}

static guint
mode_of (Fixture *fixture, const char *path)
{
  g_autofree char *full = in_checkout (fixture, path);
  struct stat st;
  g_assert_cmpint (lstat (full, &st), ==, 0);
  return st.st_mode;
}

static char *
make_commit (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) root = NULL;
  g_autoptr (OstreeMutableTree) tree = ostree_mutable_tree_new ();
  g_autofree char *source = g_build_filename (fixture->root, "tree", NULL);
  g_autofree char *file = g_build_filename (source, "bin/x", NULL);
  g_autofree char *link = g_build_filename (source, "var/run", NULL);
  g_autofree char *bin = g_path_get_dirname (file);
  g_autofree char *var = g_path_get_dirname (link);
  g_assert_cmpint (g_mkdir_with_parents (bin, 0755), ==, 0);
  g_assert_cmpint (g_mkdir_with_parents (var, 0755), ==, 0);
  g_assert_true (g_file_set_contents (file, "x", 1, NULL));
  g_assert_cmpint (symlink ("/run", link), ==, 0);
  g_autoptr (GFile) directory = g_file_new_for_path (source);
  OstreeRepo *repo = sc_repo_get_ostree (fixture->repo);
  char *commit = NULL;
  g_assert_true (sc_repo_begin (fixture->repo, NULL, NULL));
  ostree_repo_write_directory_to_mtree (repo, directory, tree, NULL, NULL, &error);
  g_assert_no_error (error);
  ostree_repo_write_mtree (repo, tree, &root, NULL, &error);
  g_assert_no_error (error);
  ostree_repo_write_commit (repo, NULL, NULL, NULL, NULL, OSTREE_REPO_FILE (root), &commit, NULL,
                            &error);
  g_assert_no_error (error);
  g_assert_true (sc_repo_commit (fixture->repo, NULL, NULL));
  return commit;
}

/* A bare repository keeps owners, so that only root can fill one. */
static gboolean
open_repository (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  if (geteuid () != 0)
    {
      g_test_skip ("a bare repository needs root");
      return FALSE;
    }
  fixture->repo = sc_repo_open (fixture->paths, &error);
  g_assert_no_error (error);
  return TRUE;
}

static void
stage (Fixture *fixture, const char *commit, guint64 n)
{
  g_autoptr (GError) error = NULL;
  gboolean result = sc_deployment_stage (fixture->paths, fixture->repo, "web", n, commit,
                                         &fixture->rendering, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (result);
}

static void
test_stage_writes_everything (Fixture *fixture, gconstpointer data)
{
  if (!open_repository (fixture))
    return;
  g_autofree char *commit = make_commit (fixture);
  g_ptr_array_add (fixture->rendering.mount_points, sc_mount_point_new ("var/run/web", TRUE, 0755));

  stage (fixture, commit, 0);

  g_assert_cmpuint (mode_of (fixture, "web.0"), ==, (S_IFDIR | 0700));
  g_assert_cmpuint (mode_of (fixture, "web.0/config.json"), ==, (S_IFREG | 0600));
  g_assert_cmpuint (mode_of (fixture, "web.0/info"), ==, (S_IFREG | 0600));
  g_assert_cmpuint (mode_of (fixture, "web.0/web.service"), ==, (S_IFREG | 0600));
  g_assert_cmpuint (mode_of (fixture, "web.0/tmpfiles-web.conf"), ==, (S_IFREG | 0600));
  g_assert_cmpuint (mode_of (fixture, "web.0/rootfs/run/web"), ==, (S_IFDIR | 0755));
  g_assert_false (exists (fixture, ".web.0.partial"));
  g_autofree char *file = in_checkout (fixture, "web.0/rootfs/bin/x");
  struct stat st;
  g_assert_cmpint (lstat (file, &st), ==, 0);
  g_assert_cmpuint (st.st_nlink, ==, 2);
  g_autofree char *ref = sc_repo_resolve (fixture->repo, "syscont/deploy/web/0", NULL);
  g_assert_cmpstr (ref, ==, commit);
}

static void
test_stage_replaces_leftovers (Fixture *fixture, gconstpointer data)
{
  if (!open_repository (fixture))
    return;
  g_autofree char *commit = make_commit (fixture);
  make_directory (fixture, "web.1/rootfs/old");
  make_directory (fixture, ".web.1.partial/rootfs/old");

  stage (fixture, commit, 1);

  g_assert_true (exists (fixture, "web.1/rootfs/bin/x"));
  g_assert_false (exists (fixture, "web.1/rootfs/old"));
  g_assert_false (exists (fixture, ".web.1.partial"));
}

static void
test_stage_without_service (Fixture *fixture, gconstpointer data)
{
  if (!open_repository (fixture))
    return;
  g_autofree char *commit = make_commit (fixture);
  fixture->rendering.texts.service = NULL;
  fixture->rendering.texts.tmpfiles = NULL;

  stage (fixture, commit, 0);

  g_assert_true (exists (fixture, "web.0/config.json"));
  g_assert_false (exists (fixture, "web.0/web.service"));
  g_assert_false (exists (fixture, "web.0/tmpfiles-web.conf"));
}

/* FC02 */
static void
test_stage_failure_leaves_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  if (!open_repository (fixture))
    return;
  g_autofree char *commit = make_commit (fixture);
  g_ptr_array_add (fixture->rendering.mount_points, sc_mount_point_new ("bin/x/y", TRUE, 0755));

  g_assert_false (sc_deployment_stage (fixture->paths, fixture->repo, "web", 0, commit,
                                       &fixture->rendering, NULL, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TEMPLATE_INVALID);
  g_assert_true (g_str_has_prefix (error->message, "deployment \"web.0\": "));
  g_assert_nonnull (strstr (error->message, "\"/bin/x/y\""));
  g_assert_false (exists (fixture, "web.0"));
  g_assert_false (exists (fixture, ".web.0.partial"));
  g_assert_null (sc_repo_resolve (fixture->repo, "syscont/deploy/web/0", NULL));
}

static void
test_drop_ref_may_be_repeated (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  if (!open_repository (fixture))
    return;
  g_autofree char *commit = make_commit (fixture);
  stage (fixture, commit, 7);

  g_assert_true (sc_deployment_drop_ref (fixture->repo, "web", 7, NULL, &error));
  g_assert_true (sc_deployment_drop_ref (fixture->repo, "web", 7, NULL, &error));

  g_assert_no_error (error);
  g_assert_null (sc_repo_resolve (fixture->repo, "syscont/deploy/web/7", NULL));
}

static void
test_switch_points_to_deployment (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint64 n = 99;
  char target[64] = { 0 };
  g_autofree char *link = in_checkout (fixture, "web");
  make_directory (fixture, "web.0");
  make_directory (fixture, "web.12");
  g_assert_false (sc_deployment_current (fixture->paths, "web", &n));

  g_assert_true (sc_deployment_switch (fixture->paths, "web", 0, &error));
  g_assert_true (sc_deployment_current (fixture->paths, "web", &n));
  g_assert_cmpuint (n, ==, 0);
  g_assert_true (sc_deployment_switch (fixture->paths, "web", 12, &error));
  g_assert_true (sc_deployment_current (fixture->paths, "web", &n));
  g_assert_cmpuint (n, ==, 12);

  g_assert_no_error (error);
  g_assert_cmpint (readlink (link, target, sizeof target - 1), ==, 6);
  g_assert_cmpstr (target, ==, "web.12");
}

static void
test_switch_to_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sc_deployment_switch (fixture->paths, "web", 3, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "\"web.3\""));
  g_assert_false (exists (fixture, "web"));
}

static void
test_current_of_foreign_link (Fixture *fixture, gconstpointer data)
{
  static const char *const targets[]
      = { "other.0", "web", "web.", "web.x", "web.01", "web.0/", "../web.0", "/etc" };
  for (guint i = 0; i < G_N_ELEMENTS (targets); i++)
    {
      guint64 n = 0;
      g_autofree char *link = in_checkout (fixture, "web");
      make_link (fixture, "web", targets[i]);
      g_test_message ("%s", targets[i]);

      g_assert_false (sc_deployment_current (fixture->paths, "web", &n));

      g_assert_cmpint (unlink (link), ==, 0);
    }
}

static void
test_unlink (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  make_link (fixture, "web", "web.0");

  g_assert_true (sc_deployment_unlink (fixture->paths, "web", &error));
  g_assert_true (sc_deployment_unlink (fixture->paths, "web", &error));
  g_assert_no_error (error);
  g_assert_false (exists (fixture, "web"));

  make_directory (fixture, "web");
  g_assert_false (sc_deployment_unlink (fixture->paths, "web", &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_DAMAGED);
  g_assert_true (exists (fixture, "web"));
}

static void
test_list_is_sorted (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  static const char *const names[]
      = { "web.10", "web.2", "web.0", "web.x", ".web.5.partial", "webx.3", "webx3", "web.02" };
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    make_directory (fixture, names[i]);
  make_link (fixture, "web.4", "web.2");

  g_autoptr (GArray) numbers = sc_deployment_list (fixture->paths, "web", &error);

  g_assert_no_error (error);
  g_assert_cmpuint (numbers->len, ==, 3);
  g_assert_cmpuint (g_array_index (numbers, guint64, 0), ==, 0);
  g_assert_cmpuint (g_array_index (numbers, guint64, 1), ==, 2);
  g_assert_cmpuint (g_array_index (numbers, guint64, 2), ==, 10);
}

static void
test_remove_both_names (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  make_directory (fixture, "web.1/rootfs");
  make_directory (fixture, ".web.1.partial/rootfs");
  make_directory (fixture, "web.10");

  g_assert_true (sc_deployment_remove (fixture->paths, "web", 1, &error));
  g_assert_true (sc_deployment_remove (fixture->paths, "web", 1, &error));

  g_assert_no_error (error);
  g_assert_false (exists (fixture, "web.1"));
  g_assert_false (exists (fixture, ".web.1.partial"));
  g_assert_true (exists (fixture, "web.10"));
}

static void
test_read_file (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *info = in_checkout (fixture, "web.3/info");
  g_assert_null (sc_deployment_read_file (fixture->paths, "web", "info", &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND);
  g_clear_error (&error);
  make_directory (fixture, "web.3");
  make_link (fixture, "web", "web.3");
  g_assert_true (g_file_set_contents (info, "text", -1, NULL));

  g_autoptr (GBytes) bytes = sc_deployment_read_file (fixture->paths, "web", "info", &error);

  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "text", 4);
  g_assert_null (sc_deployment_read_file (fixture->paths, "web", "config.json", &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND);
}

static void
ensure_point (Fixture *fixture, const char *path, gboolean is_directory)
{
  ScMountPoint point = { .path = (char *)path, .is_directory = is_directory, .mode = 0755 };
  g_autoptr (GError) error = NULL;
  g_autofree char *rootfs = in_checkout (fixture, "rootfs");
  sc_autofd fd = sc_fd_open_dir (rootfs, &error);
  g_assert_no_error (error);
  gboolean result = sc_mount_point_ensure (&point, fd, &error);
  g_assert_no_error (error);
  g_assert_true (result);
}

static void
test_mount_points_inside_links (Fixture *fixture, gconstpointer data)
{
  make_directory (fixture, "rootfs/var");
  make_directory (fixture, "outside");
  make_link (fixture, "rootfs/var/run", "/run");
  make_link (fixture, "rootfs/var/lib", "../../../../data/lib");
  make_link (fixture, "rootfs/etc", "var/etc");
  make_link (fixture, "rootfs/up", "../outside");

  ensure_point (fixture, "var/run/web/", TRUE);
  ensure_point (fixture, "var/lib/a/b", TRUE);
  ensure_point (fixture, "etc/hosts", FALSE);
  ensure_point (fixture, "up/x", TRUE);

  g_assert_cmpuint (mode_of (fixture, "rootfs/run/web"), ==, (S_IFDIR | 0755));
  g_assert_cmpuint (mode_of (fixture, "rootfs/data/lib/a/b"), ==, (S_IFDIR | 0755));
  g_assert_cmpuint (mode_of (fixture, "rootfs/var/etc/hosts"), ==, (S_IFREG | 0644));
  g_assert_true (exists (fixture, "rootfs/outside/x"));
  g_assert_false (exists (fixture, "outside/x"));
}

static void
test_mount_points_keep_what_is_there (Fixture *fixture, gconstpointer data)
{
  g_autofree char *file = in_checkout (fixture, "rootfs/etc/hosts");
  g_autofree char *text = NULL;
  make_directory (fixture, "rootfs/etc");
  g_assert_true (g_file_set_contents (file, "text", -1, NULL));

  ensure_point (fixture, "etc/hosts", FALSE);
  ensure_point (fixture, "etc/hosts", TRUE);
  ensure_point (fixture, "etc", TRUE);

  g_assert_true (g_file_get_contents (file, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "text");
}

static void
test_mount_points_link_loop (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *rootfs = in_checkout (fixture, "rootfs");
  make_directory (fixture, "rootfs");
  make_link (fixture, "rootfs/a", "b");
  make_link (fixture, "rootfs/b", "a/x");
  sc_autofd fd = sc_fd_open_dir (rootfs, NULL);

  const ScMountPoint point = { .path = (char *)"a/c", .is_directory = TRUE, .mode = 0755 };
  g_assert_false (sc_mount_point_ensure (&point, fd, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TEMPLATE_INVALID);
  g_assert_nonnull (strstr (error->message, "\"/a/c\""));
}

static void
test_mount_points_mode (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *rootfs = in_checkout (fixture, "rootfs");
  make_directory (fixture, "rootfs");
  sc_autofd fd = sc_fd_open_dir (rootfs, NULL);
  const ScMountPoint point = { .path = (char *)"a/tmp", .is_directory = TRUE, .mode = 01777 };

  g_assert_true (sc_mount_point_ensure (&point, fd, &error));

  g_assert_no_error (error);
  g_assert_cmpuint (mode_of (fixture, "rootfs/a"), ==, (S_IFDIR | 0755));
  g_assert_cmpuint (mode_of (fixture, "rootfs/a/tmp"), ==, (S_IFDIR | 01777));
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
    { "stage/writes-everything", test_stage_writes_everything },
    { "stage/replaces-leftovers", test_stage_replaces_leftovers },
    { "stage/without-service", test_stage_without_service },
    { "stage/failure-leaves-nothing", test_stage_failure_leaves_nothing },
    { "drop-ref/may-be-repeated", test_drop_ref_may_be_repeated },
    { "switch/points-to-deployment", test_switch_points_to_deployment },
    { "switch/to-nothing", test_switch_to_nothing },
    { "current/of-foreign-link", test_current_of_foreign_link },
    { "unlink/only-links", test_unlink },
    { "list/is-sorted", test_list_is_sorted },
    { "remove/both-names", test_remove_both_names },
    { "read-file/of-current", test_read_file },
    { "mount-points/inside-links", test_mount_points_inside_links },
    { "mount-points/keep-what-is-there", test_mount_points_keep_what_is_there },
    { "mount-points/mode", test_mount_points_mode },
    { "mount-points/link-loop", test_mount_points_link_loop },
  };
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/deployment/%s", tests[i].path);
      g_test_add (path, Fixture, NULL, setup, tests[i].func, teardown);
    }
  return g_test_run ();
}
