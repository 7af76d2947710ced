/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where everything is, with and without another root.
 */
#include "base/sc-paths.h"

static void
test_new_real_system (void)
{
  g_autoptr (ScPaths) paths = sc_paths_new (NULL);

  g_assert_cmpstr (paths->root, ==, "");
  g_assert_cmpstr (paths->config_file, ==, "/etc/syscont/syscont.conf");
  g_assert_cmpstr (paths->config_dropins, ==, "/etc/syscont/syscont.conf.d");
  g_assert_cmpstr (paths->trust_policy, ==, "/etc/containers/policy.json");
  g_assert_cmpstr (paths->checkout, ==, "/var/lib/containers/syscont");
  g_assert_cmpstr (paths->repository, ==, "/var/lib/containers/syscont/.repo");
  g_assert_cmpstr (paths->spool, ==, "/var/lib/containers/syscont/.spool");
  g_assert_cmpstr (paths->state, ==, "/var/lib/syscont");
  g_assert_cmpstr (paths->units, ==, "/etc/systemd/system");
  g_assert_cmpstr (paths->tmpfiles, ==, "/etc/tmpfiles.d");
  g_assert_cmpstr (paths->runtime, ==, "/run/syscont");
}

static void
test_new_moves_all_below_root (void)
{
  g_autoptr (ScPaths) paths = sc_paths_new ("/srv/image/");
  const char *const all[] = {
    paths->config_file, paths->config_dropins, paths->trust_policy, paths->checkout,
    paths->repository,  paths->spool,          paths->state,        paths->units,
    paths->tmpfiles,    paths->runtime,
  };

  g_assert_cmpstr (paths->root, ==, "/srv/image");
  for (gsize i = 0; i < G_N_ELEMENTS (all); i++)
    g_assert_true (g_str_has_prefix (all[i], "/srv/image/"));
  g_assert_cmpstr (paths->runtime, ==, "/srv/image/run/syscont");
}

static void
test_new_slash_is_the_real_system (void)
{
  const char *const roots[] = { "", "/", "//" };

  for (gsize i = 0; i < G_N_ELEMENTS (roots); i++)
    {
      g_autoptr (ScPaths) paths = sc_paths_new (roots[i]);

      g_assert_cmpstr (paths->units, ==, "/etc/systemd/system");
    }
}

static void
test_new_relative_root (void)
{
  g_autofree char *here = g_get_current_dir ();
  g_autofree char *expected = g_build_filename (here, "image", "run/syscont", NULL);

  g_autoptr (ScPaths) paths = sc_paths_new ("image");

  g_assert_cmpstr (paths->runtime, ==, expected);
}

static void
test_set_storage_below_root (void)
{
  g_autoptr (ScPaths) paths = sc_paths_new ("/srv/image");

  sc_paths_set_storage (paths, "/data/containers", "/ostree/repo");

  g_assert_cmpstr (paths->checkout, ==, "/srv/image/data/containers");
  g_assert_cmpstr (paths->repository, ==, "/srv/image/ostree/repo");
  g_assert_cmpstr (paths->spool, ==, "/srv/image/data/containers/.spool");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/paths/new/real-system", test_new_real_system);
  g_test_add_func ("/paths/new/moves-all-below-root", test_new_moves_all_below_root);
  g_test_add_func ("/paths/new/slash-is-the-real-system", test_new_slash_is_the_real_system);
  g_test_add_func ("/paths/new/relative-root", test_new_relative_root);
  g_test_add_func ("/paths/set-storage/below-root", test_set_storage_below_root);

  return g_test_run ();
}
