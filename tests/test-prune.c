/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-fixture.h"
#include "store/sc-prune.h"

static const char *const base_only[] = { "base", NULL };
static const char *const base_and_app[] = { "base", "app", NULL };

static void
prune (StoreFixture *fixture,
       const char *const *deploy_refs,
       gboolean dry_run,
       ScPruneResult *result)
{
  g_autoptr (GError) error = NULL;

  sc_prune (fixture->repo, deploy_refs, dry_run, result, NULL, &error);
  g_assert_no_error (error);
}

static void
remove_name (StoreFixture *fixture, const char *name)
{
  store_begin (fixture);
  sc_image_store_remove_name (fixture->repo, name);
  store_commit (fixture);
}

static guint
count_objects (StoreFixture *fixture)
{
  g_autoptr (GHashTable) objects = NULL;
  g_autoptr (GError) error = NULL;

  ostree_repo_list_objects (sc_repo_get_ostree (fixture->repo), OSTREE_REPO_LIST_OBJECTS_ALL,
                            &objects, NULL, &error);
  g_assert_no_error (error);
  return g_hash_table_size (objects);
}

static gboolean
has_ref (StoreFixture *fixture, const char *ref)
{
  g_autofree char *commit = image_resolve (fixture, ref);
  return commit != NULL;
}

static char *
layer_ref (const char *content)
{
  g_autofree char *digest = image_layer_digest (content);
  return sc_reference_blob_ref (digest);
}

static void
test_keeps_what_images_need (StoreFixture *fixture, gconstpointer data)
{
  g_free (image_add (fixture, "a:1", 1, base_and_app));
  g_auto (ScPruneResult) result = { 0 };
  guint before = count_objects (fixture);
  g_autoptr (GError) error = NULL;

  prune (fixture, NULL, FALSE, &result);
  g_assert_cmpuint (g_strv_length (result.refs), ==, 0);
  g_assert_cmpuint (result.n_objects, ==, 0);
  g_assert_cmpuint (count_objects (fixture), ==, before);

  g_autoptr (ScImage) image = sc_image_store_lookup (fixture->repo, "a:1", &error);
  g_autoptr (GBytes) config = sc_image_store_get_config (fixture->repo, image, &error);
  g_assert_no_error (error);
  g_assert_nonnull (config);
}

static void
test_removes_what_nobody_needs (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *base = image_add (fixture, "base:1", 1, base_only);
  guint before = count_objects (fixture);
  g_autofree char *app = image_add (fixture, "app:1", 1, base_and_app);
  g_autofree char *app_ref = layer_ref ("app");
  g_autofree char *base_ref = layer_ref ("base");
  g_autofree char *rootfs_ref = sc_rootfs_ref (app);
  g_autofree char *base_rootfs_ref = sc_rootfs_ref (base);
  g_auto (ScPruneResult) result = { 0 };

  remove_name (fixture, "app:1");
  guint full = count_objects (fixture);
  prune (fixture, NULL, FALSE, &result);

  g_assert_true (g_strv_contains ((const char *const *)result.refs, app_ref));
  g_assert_true (g_strv_contains ((const char *const *)result.refs, rootfs_ref));
  g_assert_cmpuint (g_strv_length (result.refs), ==, 3);
  g_assert_false (has_ref (fixture, app_ref));
  g_assert_false (has_ref (fixture, rootfs_ref));
  g_assert_true (has_ref (fixture, base_ref));
  g_assert_true (has_ref (fixture, base_rootfs_ref));
  g_assert_cmpuint (result.n_objects, ==, full - count_objects (fixture));
  g_assert_cmpuint (result.freed_bytes, >, 0);
  /* The layer that both have was stored again under a new commit, which is the one that stays. */
  g_assert_cmpuint (count_objects (fixture), <=, before);
}

static void
test_dry_run_says_the_same (StoreFixture *fixture, gconstpointer data)
{
  g_free (image_add (fixture, "base:1", 1, base_only));
  g_free (image_add (fixture, "app:1", 1, base_and_app));
  g_auto (ScPruneResult) planned = { 0 };
  g_auto (ScPruneResult) done = { 0 };

  remove_name (fixture, "app:1");
  guint before = count_objects (fixture);
  prune (fixture, NULL, TRUE, &planned);
  g_assert_cmpuint (count_objects (fixture), ==, before);
  g_assert_true (has_ref (fixture, planned.refs[0]));

  prune (fixture, NULL, FALSE, &done);
  g_assert_cmpuint (planned.n_objects, >, 0);
  g_assert_cmpuint (planned.n_objects, ==, done.n_objects);
  g_assert_cmpuint (planned.freed_bytes, ==, done.freed_bytes);
  g_assert_true (g_strv_equal ((const char *const *)planned.refs, (const char *const *)done.refs));
}

static void
test_deployments_hold_their_tree (StoreFixture *fixture, gconstpointer data)
{
  static const char *const deployed[] = { "syscont/deploy/app/1", NULL };
  g_autofree char *digest = image_add (fixture, "app:1", 1, base_and_app);
  g_autofree char *rootfs_ref = sc_rootfs_ref (digest);
  g_autofree char *rootfs = image_resolve (fixture, rootfs_ref);
  g_autofree char *second = sc_deploy_ref ("app", 2);
  g_auto (ScPruneResult) result = { 0 };

  image_set_ref (fixture, "syscont/deploy/app/1", rootfs);
  image_set_ref (fixture, second, rootfs);
  remove_name (fixture, "app:1");
  prune (fixture, deployed, FALSE, &result);

  g_assert_true (g_strv_contains ((const char *const *)result.refs, "syscont/deploy/app/2"));
  g_assert_true (has_ref (fixture, "syscont/deploy/app/1"));
  g_assert_false (has_ref (fixture, rootfs_ref));
  g_autofree char *tree = store_list_tree (fixture, rootfs);
  g_assert_cmpstr (tree, ==, "app 644 \"app\"\nbase 644 \"base\"\ntop 644 \"app\"\n");
}

static void
test_keeps_all_deployments (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *digest = image_add (fixture, "app:1", 1, base_and_app);
  g_autofree char *rootfs_ref = sc_rootfs_ref (digest);
  g_autofree char *rootfs = image_resolve (fixture, rootfs_ref);
  g_auto (ScPruneResult) result = { 0 };

  image_set_ref (fixture, "syscont/deploy/app/1", rootfs);
  prune (fixture, NULL, FALSE, &result);
  g_assert_true (has_ref (fixture, "syscont/deploy/app/1"));
}

/* The operating system of an OSTree host and other tools' refs below our own prefixes */
static void
test_leaves_others_alone (StoreFixture *fixture, gconstpointer data)
{
  static const char *const others[] = { "fedora/38/x86_64/host", "ostree/0/1/0", "syscont/note",
                                        "syscontainer/x", "ociimagex/y" };
  static const LayerEntry rows[] = { { SC_ENTRY_REGULAR, "os", "os", 0 }, { 0 } };
  g_auto (ScPruneResult) result = { 0 };

  store_begin (fixture);
  g_autofree char *commit = store_make_layer (fixture, rows);
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    sc_repo_set_ref (fixture->repo, others[i], commit);
  store_commit (fixture);
  guint before = count_objects (fixture);
  prune (fixture, NULL, FALSE, &result);

  g_assert_cmpuint (g_strv_length (result.refs), ==, 0);
  g_assert_cmpuint (count_objects (fixture), ==, before);
  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    g_assert_true (has_ref (fixture, others[i]));
}

/* A remote's branch, and history behind a ref */
static void
test_keeps_remotes_and_history (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry rows[] = { { SC_ENTRY_REGULAR, "os", "os", 0 }, { 0 } };
  OstreeRepo *ostree = sc_repo_get_ostree (fixture->repo);
  g_autofree char *child = NULL;
  g_autoptr (GFile) root = NULL;
  g_autoptr (GError) error = NULL;
  g_auto (ScPruneResult) result = { 0 };

  store_begin (fixture);
  g_autofree char *parent = store_make_layer (fixture, rows);
  ostree_repo_read_commit (ostree, parent, &root, NULL, NULL, &error);
  g_assert_no_error (error);
  ostree_repo_write_commit (ostree, parent, "child", NULL, NULL, OSTREE_REPO_FILE (root), &child,
                            NULL, &error);
  g_assert_no_error (error);
  store_commit (fixture);
  ostree_repo_set_ref_immediate (ostree, "fedora", "stable", child, NULL, &error);
  g_assert_no_error (error);
  guint before = count_objects (fixture);
  prune (fixture, NULL, FALSE, &result);

  g_assert_cmpuint (count_objects (fixture), ==, before);
}

static void
test_schema1_layers_are_needed (StoreFixture *fixture, gconstpointer data)
{
  g_free (image_add (fixture, "new:1", 1, base_and_app));
  g_autofree char *base = image_layer_digest ("base");
  g_autofree char *text = g_strdup_printf ("{\"fsLayers\":[{\"blobSum\":\"%s\"}]}", base);
  const char *const pairs[] = { "docker.manifest", text, NULL };
  g_autofree char *base_ref = layer_ref ("base");
  g_autofree char *app_ref = layer_ref ("app");
  g_auto (ScPruneResult) result = { 0 };

  image_store_foreign (fixture, "old:1", pairs);
  remove_name (fixture, "new:1");
  prune (fixture, NULL, FALSE, &result);
  g_assert_true (has_ref (fixture, base_ref));
  g_assert_false (has_ref (fixture, app_ref));
}

static void
test_refuses_with_unreadable_image (StoreFixture *fixture, gconstpointer data)
{
  static const char *const bad[] = { "docker.manifest", "{\"layers\":[{}]}", NULL };
  g_free (image_add (fixture, "app:1", 1, base_and_app));
  g_autofree char *app_ref = layer_ref ("app");
  g_auto (ScPruneResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  image_store_foreign (fixture, "bad:1", bad);
  remove_name (fixture, "app:1");
  g_assert_false (sc_prune (fixture->repo, NULL, FALSE, &result, NULL, &error));
  g_assert_nonnull (error);
  store_assert_contains (error, "bad:1");
  g_assert_true (has_ref (fixture, app_ref));
}

/* I15 */
static void
test_refuses_inside_transaction (StoreFixture *fixture, gconstpointer data)
{
  g_auto (ScPruneResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_assert_false (sc_prune (fixture->repo, NULL, FALSE, &result, NULL, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED);
  sc_repo_abort (fixture->repo);
}

/* I15: what another handle is about to commit is not in the way of a prune, and the prune not in
 * its. */
static void
test_waits_for_transaction_of_another (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_auto (ScPruneResult) result = { 0 };
  g_autoptr (GKeyFile) config = ostree_repo_copy_config (sc_repo_get_ostree (fixture->repo));

  g_key_file_set_integer (config, "core", "lock-timeout-secs", 0);
  ostree_repo_write_config (sc_repo_get_ostree (fixture->repo), config, &error);
  g_assert_no_error (error);
  g_autoptr (ScRepo) other = sc_repo_open (fixture->paths, &error);
  g_assert_no_error (error);

  store_begin (fixture);
  g_assert_false (sc_prune (other, NULL, FALSE, &result, NULL, &error));
  store_assert_contains (error, "waiting for the repository");
  g_clear_error (&error);
  sc_repo_abort (fixture->repo);
  g_assert_true (sc_prune (other, NULL, FALSE, &result, NULL, &error));
  g_assert_no_error (error);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*function) (StoreFixture *, gconstpointer);
  } tests[] = {
    { "/prune/images/keeps-what-they-need", test_keeps_what_images_need },
    { "/prune/images/removes-what-nobody-needs", test_removes_what_nobody_needs },
    { "/prune/images/schema1-layers-are-needed", test_schema1_layers_are_needed },
    { "/prune/images/refuses-with-unreadable", test_refuses_with_unreadable_image },
    { "/prune/dry-run/says-the-same", test_dry_run_says_the_same },
    { "/prune/deployments/hold-their-tree", test_deployments_hold_their_tree },
    { "/prune/deployments/all-kept", test_keeps_all_deployments },
    { "/prune/others/left-alone", test_leaves_others_alone },
    { "/prune/others/remotes-and-history", test_keeps_remotes_and_history },
    { "/prune/transaction/own-refused", test_refuses_inside_transaction },
    { "/prune/transaction/of-another-is-waited-for", test_waits_for_transaction_of_another },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, StoreFixture, NULL, store_set_up, tests[i].function,
                store_tear_down);
  return g_test_run ();
}
