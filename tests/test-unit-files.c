/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host-fixture.h"
#include "scratch.h"

#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  char *root;
  ScPaths *paths;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->root = scratch_new ();
  fixture->paths = sc_paths_new (fixture->root);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  sc_paths_free (fixture->paths);
  scratch_free (fixture->root);
}

static char *
path_of (Fixture *fixture, const char *path)
{
  return g_build_filename (fixture->root, path, NULL);
}

static gboolean
exists (Fixture *fixture, const char *path)
{
  g_autofree char *full = path_of (fixture, path);

  return g_file_test (full, G_FILE_TEST_EXISTS) || g_file_test (full, G_FILE_TEST_IS_SYMLINK);
}

static void
make_file (Fixture *fixture, const char *path)
{
  g_autofree char *full = path_of (fixture, path);
  g_autofree char *dir = g_path_get_dirname (full);

  g_assert_cmpint (g_mkdir_with_parents (dir, 0755), ==, 0);
  g_assert_true (g_file_set_contents (full, "x", 1, NULL));
}

static void
write_all (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;

  write_unit_files (fixture->paths, "web", "[Service]\n", "[Unit]\n", "d /run/web\n");
  g_assert_no_error (error);
}

static void
test_write_makes_files (Fixture *fixture, gconstpointer data)
{
  g_autofree char *unit = path_of (fixture, "etc/systemd/system/web.service");
  g_autofree char *text = NULL;
  GStatBuf st;

  write_all (fixture);

  g_assert_true (g_file_get_contents (unit, &text, NULL, NULL));
  g_assert_cmpstr (text, ==, "[Service]\n");
  g_assert_cmpint (g_stat (unit, &st), ==, 0);
  g_assert_cmpuint (st.st_mode & 07777, ==, 0644);
  g_assert_true (exists (fixture, "etc/systemd/system/web.service.d/50-syscont.conf"));
  g_assert_true (exists (fixture, "etc/tmpfiles.d/web.conf"));
}

static void
test_write_without_service (Fixture *fixture, gconstpointer data)
{
  write_unit_files (fixture->paths, "web", NULL, NULL, NULL);

  g_assert_false (exists (fixture, "etc/systemd/system/web.service"));
  g_assert_false (exists (fixture, "etc/systemd/system/web.service.d"));
}

static void
test_remove_leaves_nothing (Fixture *fixture, gconstpointer data)
{
  g_autofree char *wants = path_of (fixture, "etc/systemd/system/multi-user.target.wants");
  g_autofree char *link = g_build_filename (wants, "web.service", NULL);
  g_autoptr (GError) error = NULL;

  write_all (fixture);
  g_assert_cmpint (g_mkdir (wants, 0755), ==, 0);
  g_assert_cmpint (symlink ("../web.service", link), ==, 0);

  sc_unit_files_remove (fixture->paths, "web", &error);

  g_assert_no_error (error);
  g_assert_false (exists (fixture, "etc/systemd/system/web.service"));
  g_assert_false (exists (fixture, "etc/systemd/system/web.service.d"));
  g_assert_false (exists (fixture, "etc/tmpfiles.d/web.conf"));
  g_assert_false (exists (fixture, "etc/systemd/system/multi-user.target.wants"));
}

static void
test_remove_keeps_what_is_not_ours (Fixture *fixture, gconstpointer data)
{
  write_all (fixture);
  make_file (fixture, "etc/systemd/system/web.service.d/90-admin.conf");
  make_file (fixture, "etc/systemd/system/multi-user.target.wants/other.service");

  g_assert_true (sc_unit_files_remove (fixture->paths, "web", NULL));

  g_assert_true (exists (fixture, "etc/systemd/system/web.service.d/90-admin.conf"));
  g_assert_true (exists (fixture, "etc/systemd/system/multi-user.target.wants/other.service"));
}

static void
test_remove_may_be_repeated (Fixture *fixture, gconstpointer data)
{
  g_assert_true (sc_unit_files_remove (fixture->paths, "web", NULL));
  g_assert_true (sc_unit_files_remove (fixture->paths, "web", NULL));
}

static void
test_check_free_names_the_file (Fixture *fixture, gconstpointer path)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (sc_unit_files_check_free (fixture->paths, "web", NULL));
  make_file (fixture, path);

  g_assert_false (sc_unit_files_check_free (fixture->paths, "web", &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_UNIT_CONFLICT);
  g_assert_nonnull (strstr (error->message, path));
}

static void
test_check_free_allows_drop_ins_of_the_administrator (Fixture *fixture, gconstpointer data)
{
  make_file (fixture, "etc/systemd/system/web.service.d/90-admin.conf");

  g_assert_true (sc_unit_files_check_free (fixture->paths, "web", NULL));
}

static void
test_switching_marker (Fixture *fixture, gconstpointer data)
{
  g_assert_true (sc_switching_set (fixture->paths, "web", TRUE, NULL));
  g_assert_true (exists (fixture, "run/syscont/switching/web"));

  g_assert_true (sc_switching_set (fixture->paths, "web", FALSE, NULL));
  g_assert_false (exists (fixture, "run/syscont/switching/web"));
}

int
main (int argc, char **argv)
{
  static const char *const conflicts[] = {
    "etc/systemd/system/web.service",
    "usr/lib/systemd/system/web.service",
    "run/systemd/generator/web.service",
    "etc/tmpfiles.d/web.conf",
    "etc/systemd/system/web.service.d/50-syscont.conf",
  };

  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/unit-files/write/makes-files", test_write_makes_files);
  ADD ("/unit-files/write/without-service", test_write_without_service);
  ADD ("/unit-files/remove/leaves-nothing", test_remove_leaves_nothing);
  ADD ("/unit-files/remove/keeps-what-is-not-ours", test_remove_keeps_what_is_not_ours);
  ADD ("/unit-files/remove/may-be-repeated", test_remove_may_be_repeated);
  ADD ("/unit-files/check-free/allows-drop-ins",
       test_check_free_allows_drop_ins_of_the_administrator);
  ADD ("/unit-files/switching/marker", test_switching_marker);
  for (gsize i = 0; i < G_N_ELEMENTS (conflicts); i++)
    {
      g_autofree char *path = g_strdup_printf ("/unit-files/check-free/names-%zu", i);
      g_test_add (path, Fixture, conflicts[i], set_up, test_check_free_names_the_file, tear_down);
    }
  return g_test_run ();
}
