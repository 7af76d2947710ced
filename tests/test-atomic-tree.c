/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-atomic-tree.h"

#include "base/sc-error-util.h"
#include "deploy/sc-atomic-config.h"
#include "deploy/sc-privilege.h"
#include "scratch.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#define UNIT                                                                                       \
  "[Service]\nExecStart=/usr/bin/runc --systemd-cgroup run 'web'\n"                                \
  "WorkingDirectory=/var/lib/containers/atomic/web.1\n"
#define INFO "{\"image\": \"web\", \"remote\": null, \"runtime\": \"/usr/bin/runc\"}"

typedef struct
{
  char *root;
  ScPaths *paths;
} Fixture;

static void
write_file (Fixture *fixture, const char *file, const char *text)
{
  g_autofree char *path
      = g_build_filename (fixture->root, "var/lib/containers/atomic/web.1", file, NULL);

  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->root = scratch_new ();
  fixture->paths = sc_paths_new (fixture->root);
  g_autofree char *directory
      = g_build_filename (fixture->root, "var/lib/containers/atomic/web.1", NULL);
  g_autofree char *link = g_build_filename (fixture->root, "var/lib/containers/atomic/web", NULL);

  g_autofree char *etc = g_build_filename (fixture->root, "etc", NULL);

  g_assert_cmpint (g_mkdir_with_parents (directory, 0700), ==, 0);
  g_assert_cmpint (g_mkdir (etc, 0755), ==, 0);
  g_assert_cmpint (symlink ("/var/lib/containers/atomic/web.1", link), ==, 0);
  write_file (fixture, "info", INFO);
  write_file (fixture, "config.json", "{\"process\": {}}");
  write_file (fixture, "web.service", UNIT);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  sc_paths_free (fixture->paths);
  scratch_free (fixture->root);
}

static gboolean
has_word (GPtrArray *privileges, const char *word)
{
  for (guint i = 0; i < privileges->len; i++)
    if (g_str_equal (((const ScPrivilege *)privileges->pdata[i])->word, word))
      return TRUE;
  return FALSE;
}

/* Capabilities are one list there, as runtimes before 1.0 had them. */
static void
test_privileges_of_an_old_config (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  write_file (fixture, "config.json", "{\"process\": {\"capabilities\": [\"CAP_KILL\"]}}");

  g_autoptr (ScAtomicTree) tree = sc_atomic_tree_load (fixture->paths, "web", &error);
  g_assert_no_error (error);
  g_autoptr (GPtrArray) privileges
      = sc_atomic_tree_list_privileges (tree, fixture->paths, "web", &error);

  g_assert_no_error (error);
  g_assert_true (has_word (privileges, "capability:CAP_KILL"));
}

static void
test_privileges_in_its_own_directory (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  const char *config = "{\"mounts\": [{\"type\": \"bind\", "
                       "\"source\": \"/var/lib/containers/atomic/web.1/data\"}]}";
  write_file (fixture, "config.json", config);

  g_autoptr (ScAtomicTree) tree = sc_atomic_tree_load (fixture->paths, "web", &error);
  g_assert_no_error (error);
  g_autoptr (GPtrArray) privileges
      = sc_atomic_tree_list_privileges (tree, fixture->paths, "web", &error);

  g_assert_no_error (error);
  g_assert_true (has_word (privileges, "bind:/var/lib/containers/syscont/web/data:rw"));
}

static void
test_damaged_config (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  write_file (fixture, "config.json", "{");

  g_autoptr (ScAtomicTree) tree = sc_atomic_tree_load (fixture->paths, "web", &error);

  g_assert_null (tree);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_DAMAGED);
  g_assert_nonnull (strstr (error->message, "config.json"));
}

static const struct
{
  const char *name;
  const char *text;
  const char *checkout; /* NULL: refused */
} configs[] = {
  { "empty", "", "/var/lib/containers/atomic" },
  { "comment", "#checkout_path: /a\n", "/var/lib/containers/atomic" },
  { "no-value", "checkout_path:  # none\n", "/var/lib/containers/atomic" },
  { "plain", "default_storage: docker\ncheckout_path: /a/b/\n", "/a/b" },
  { "comment-behind", "checkout_path : /a#b # c\n", "/a#b" },
  { "quoted", "checkout_path: \"/a b\"\r\n", "/a b" },
  { "upper-case", "CHECKOUT_PATH: '/a'", "/a" },
  { "lower-case-first", "CHECKOUT_PATH: /a\ncheckout_path: /b\n", "/b" },
  { "last-one", "checkout_path: /a\ncheckout_path: /b\n", "/b" },
  { "of-another", "x:\n  checkout_path: /a\nmy_checkout_path: /b\n", "/var/lib/containers/atomic" },
  { "longer-key", "checkout_path_old: /a\ncheckout_path/a\n", "/var/lib/containers/atomic" },
  { "relative", "checkout_path: a/b\n", NULL },
  { "upwards", "checkout_path: /a/../b\n", NULL },
  { "block", "checkout_path: |\n  /a\n", NULL },
};

static void
test_checkout_of_config (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->root, "etc/atomic.conf", NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (configs); i++)
    {
      g_autoptr (GError) error = NULL;
      g_test_message ("%s", configs[i].name);
      g_assert_true (g_file_set_contents (path, configs[i].text, -1, NULL));

      g_autofree char *checkout = sc_atomic_config_find_checkout (fixture->paths, &error);

      g_assert_cmpstr (checkout, ==, configs[i].checkout);
      if (configs[i].checkout == NULL)
        {
          g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_SUPPORTED);
          g_assert_nonnull (strstr (error->message, "checkout_path"));
        }
    }
}

/* What is staged for one would be what the other has. */
static void
test_same_directory (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  sc_paths_set_storage (fixture->paths, "/var/lib/containers/atomic", "/r");

  g_autoptr (ScAtomicTree) tree = sc_atomic_tree_load (fixture->paths, "web", &error);

  g_assert_null (tree);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_SUPPORTED);
  g_assert_nonnull (strstr (error->message, "Checkout="));
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/atomic-tree/list-privileges/of-an-old-config", test_privileges_of_an_old_config);
  ADD ("/atomic-tree/list-privileges/in-its-own-directory", test_privileges_in_its_own_directory);
  ADD ("/atomic-tree/load/damaged-config", test_damaged_config);
  ADD ("/atomic-tree/load/same-directory", test_same_directory);
  ADD ("/atomic-config/find-checkout/of-config", test_checkout_of_config);
  return g_test_run ();
}
