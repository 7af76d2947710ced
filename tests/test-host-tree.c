/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/sc-host-tree.h"

#include "base/sc-digest.h"
#include "scratch.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  char *root;
  ScPaths *paths;
  ScHostTree *tree;
} Fixture;

static char *
path_of (Fixture *fixture, const char *path)
{
  return g_build_filename (fixture->root, path, NULL);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  static const char *const prefixes[] = { "/etc", "/usr/local", NULL };
  g_autoptr (GError) error = NULL;

  fixture->root = scratch_new ();
  fixture->paths = sc_paths_new (fixture->root);
  g_autofree char *etc = path_of (fixture, "etc");
  g_assert_cmpint (g_mkdir (etc, 0755), ==, 0);
  fixture->tree = sc_host_tree_open (fixture->paths, prefixes, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  sc_host_tree_free (fixture->tree);
  sc_paths_free (fixture->paths);
  scratch_free (fixture->root);
}

static void
write_file (Fixture *fixture, const char *path, const char *text)
{
  g_autofree char *full = path_of (fixture, path);
  g_assert_true (g_file_set_contents (full, text, -1, NULL));
}

static void
assert_text (Fixture *fixture, const char *path, const char *expected)
{
  g_autofree char *full = path_of (fixture, path);
  g_autofree char *text = NULL;
  (void)g_file_get_contents (full, &text, NULL, NULL);
  g_assert_cmpstr (text, ==, expected);
}

static ScHostEntry *
file_entry (const char *path, const char *text)
{
  ScHostEntry *entry = sc_host_entry_new (path, SC_HOST_FILE);
  g_autofree char *digest = sc_digest_of_bytes (text, strlen (text));
  entry->mode = 0644;
  entry->checksum = g_strdup (sc_digest_hex (digest));
  return entry;
}

static gboolean
put (Fixture *fixture, const ScHostEntry *old, const char *path, const char *text, GError **error)
{
  g_autoptr (ScHostEntry) new = file_entry (path, text);
  g_autoptr (GInputStream) content
      = g_memory_input_stream_new_from_data (text, (gssize)strlen (text), NULL);
  return sc_host_tree_put (fixture->tree, old, new, content, error);
}

static void
assert_nothing_else (Fixture *fixture, const char *directory, guint n_entries)
{
  g_autofree char *full = path_of (fixture, directory);
  g_autoptr (GDir) dir = g_dir_open (full, 0, NULL);
  guint n = 0;
  while (g_dir_read_name (dir) != NULL)
    n++;
  g_assert_cmpuint (n, ==, n_entries);
}

static void
test_put_new (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (put (fixture, NULL, "/etc/a", "text", &error));
  g_assert_no_error (error);
  assert_text (fixture, "etc/a", "text");
  g_assert_true (put (fixture, NULL, "/etc/a", "text", &error));
  assert_nothing_else (fixture, "etc", 1);
}

static void
test_put_where_something_is (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  write_file (fixture, "etc/a", "mine");

  g_assert_false (put (fixture, NULL, "/etc/a", "text", &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_HOST_FILE_CONFLICT);
  assert_text (fixture, "etc/a", "mine");
  assert_nothing_else (fixture, "etc", 1);
}

static void
test_put_over_what_is_expected (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScHostEntry) old = file_entry ("/etc/a", "old");
  write_file (fixture, "etc/a", "old");

  g_assert_true (put (fixture, old, "/etc/a", "new", &error));

  g_assert_no_error (error);
  assert_text (fixture, "etc/a", "new");
  assert_nothing_else (fixture, "etc", 1);
}

static void
test_put_other_content (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScHostEntry) new = file_entry ("/etc/a", "planned");
  g_autoptr (GInputStream) content = g_memory_input_stream_new_from_data ("damaged", 7, NULL);

  g_assert_false (sc_host_tree_put (fixture->tree, NULL, new, content, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_STORAGE_CORRUPT);
  assert_nothing_else (fixture, "etc", 0);
}

/* TH03 */
static void
test_links_are_not_followed (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *obstacle = NULL;
  g_autofree char *link = path_of (fixture, "etc/link");
  g_assert_cmpint (symlink ("..", link), ==, 0);

  g_autoptr (ScHostEntry) found
      = sc_host_tree_look (fixture->tree, "/etc/link/x", &obstacle, &error);
  g_assert_no_error (error);
  g_assert_cmpint (found->type, ==, SC_HOST_NONE);
  g_assert_cmpstr (obstacle, ==, "/etc/link");
  g_assert_false (put (fixture, NULL, "/etc/link/x", "text", &error));
}

static void
test_prefix_may_be_a_link (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *usr = path_of (fixture, "usr");
  g_autofree char *local = path_of (fixture, "usr/local");
  g_autofree char *target = path_of (fixture, "usrlocal");
  g_assert_cmpint (g_mkdir (usr, 0755) | g_mkdir (target, 0755), ==, 0);
  g_assert_cmpint (symlink ("/usrlocal", local), ==, 0);

  g_assert_true (put (fixture, NULL, "/usr/local/x", "text", &error));

  g_assert_no_error (error);
  assert_text (fixture, "usrlocal/x", "text");
}

static void
test_remove_expected_only (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScHostEntry) old = file_entry ("/etc/a", "old");
  gboolean is_gone = TRUE;
  write_file (fixture, "etc/a", "mine");

  g_assert_true (sc_host_tree_remove (fixture->tree, old, &is_gone, &error));
  g_assert_false (is_gone);
  write_file (fixture, "etc/a", "old");
  g_assert_true (sc_host_tree_remove (fixture->tree, old, &is_gone, &error));
  g_assert_true (is_gone);
  g_assert_true (sc_host_tree_remove (fixture->tree, old, &is_gone, &error));
  g_assert_true (is_gone);
  assert_nothing_else (fixture, "etc", 0);
}

static void
test_remove_full_directory (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScHostEntry) directory = sc_host_entry_new ("/etc", SC_HOST_DIRECTORY);
  gboolean is_gone = TRUE;
  write_file (fixture, "etc/a", "mine");

  g_assert_true (sc_host_tree_remove (fixture->tree, directory, &is_gone, &error));

  g_assert_false (is_gone);
  assert_text (fixture, "etc/a", "mine");
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*run) (Fixture *fixture, gconstpointer data);
  } tests[] = {
    { "put/new", test_put_new },
    { "put/occupied", test_put_where_something_is },
    { "put/over", test_put_over_what_is_expected },
    { "put/other-content", test_put_other_content },
    { "look/links", test_links_are_not_followed },
    { "look/prefix", test_prefix_may_be_a_link },
    { "remove/expected", test_remove_expected_only },
    { "remove/full-directory", test_remove_full_directory },
  };
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/host-tree/", tests[i].name, NULL);
      g_test_add (path, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
  return g_test_run ();
}
