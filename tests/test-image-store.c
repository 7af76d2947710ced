/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-fixture.h"

static const char *const base_only[] = { "base", NULL };
static const char *const base_and_app[] = { "base", "app", NULL };
static const char *const other[] = { "other", NULL };

#define LAYER_BYTES 4000 /* as store_layer_info says */

static void
test_add_writes_contract (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *digest = image_add (fixture, "reg.example.com/a_b/app:1", 77, base_and_app);
  g_autofree char *rootfs_ref = sc_rootfs_ref (digest);
  g_autofree char *commit = image_resolve (fixture, "ociimage/reg.example.com_2Fa_5Fb_2Fapp_3A1");
  g_autofree char *rootfs = image_resolve (fixture, rootfs_ref);
  g_autofree char *layer_digest = image_layer_digest ("app");
  g_autofree char *layer_ref = sc_reference_blob_ref (layer_digest);
  g_autofree char *layer = image_resolve (fixture, layer_ref);
  g_autoptr (GError) error = NULL;

  g_assert_nonnull (commit);
  g_assert_nonnull (layer);
  g_autoptr (GHashTable) strings = sc_repo_get_commit_strings (fixture->repo, commit, &error);
  g_assert_cmpstr (g_hash_table_lookup (strings, "docker.digest"), ==, digest);
  g_assert_cmpstr (g_hash_table_lookup (strings, "signatures"), ==, "0");
  g_assert_cmpstr (g_hash_table_lookup (strings, "syscont.source"), ==,
                   "docker://reg.example.com/a_b/app:1");
  g_autoptr (GBytes) manifest
      = sc_repo_read_file (fixture->repo, commit, "manifest.json", 10000, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_hash_table_lookup (strings, "docker.manifest"),
                   strlen (g_hash_table_lookup (strings, "docker.manifest")),
                   g_bytes_get_data (manifest, NULL), g_bytes_get_size (manifest));

  g_autofree char *tree = store_list_tree (fixture, rootfs);
  g_assert_cmpstr (tree, ==, "app 644 \"app\"\nbase 644 \"base\"\ntop 644 \"app\"\n");
  g_autoptr (GVariant) variant = NULL;
  g_assert_true (
      ostree_repo_load_commit (sc_repo_get_ostree (fixture->repo), rootfs, &variant, NULL, &error));
  g_assert_cmpuint (ostree_commit_get_timestamp (variant), ==, 77);
}

static void
test_add_without_layers (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *config = image_config_text (0, 1);
  g_autoptr (GBytes) config_bytes = g_bytes_new (config, strlen (config));
  g_autoptr (GBytes) manifest_bytes = g_bytes_new ("{}", 2);
  g_autoptr (GPtrArray) none = g_ptr_array_new ();
  ScDescriptor descriptor = { 0 };
  ScManifest manifest = { .config = &descriptor, .layers = none };
  char *commits[] = { NULL };
  g_autofree char *digest = image_layer_digest ("x");
  ScNewImage image = { "app:latest", "", digest, manifest_bytes, &manifest, config_bytes, commits };
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_assert_false (sc_image_store_add (fixture->repo, &image, NULL, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
  store_assert_contains (error, "app:latest");
  sc_repo_abort (fixture->repo);
}

static void
test_list (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *app = image_add (fixture, "b-app:latest", 77, base_and_app);
  g_autofree char *base = image_add (fixture, "a-base:latest", 5, base_only);
  g_autofree char *again = image_add (fixture, "c-app:2", 77, base_and_app);
  g_autoptr (GError) error = NULL;

  g_autoptr (GPtrArray) images = sc_image_store_list (fixture->repo, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (images->len, ==, 2);
  const ScImage *first = images->pdata[0];
  const ScImage *second = images->pdata[1];
  g_assert_cmpstr (first->digest, ==, base);
  g_assert_cmpstr (second->digest, ==, app);
  g_assert_cmpstr (again, ==, app);
  g_assert_cmpstr (second->references[0], ==, "b-app:latest");
  g_assert_cmpstr (second->references[1], ==, "c-app:2");
  g_assert_null (second->references[2]);
  g_assert_cmpstr (second->platform, ==, "linux/amd64");
  g_assert_cmpint (second->created_usec, ==, 77 * G_USEC_PER_SEC);
  g_assert_cmpint (second->pulled_usec, >, G_USEC_PER_SEC);
  g_assert_cmpstr (g_hash_table_lookup (second->labels, "atomic.type"), ==, "system");
  g_assert_cmpuint (second->size_bytes, ==, 2 * LAYER_BYTES);
  g_assert_cmpuint (second->exclusive_bytes, ==, LAYER_BYTES);
  g_assert_cmpuint (first->size_bytes, ==, LAYER_BYTES);
  g_assert_cmpuint (first->exclusive_bytes, ==, 0);
}

static void
test_list_counts_repeated_layer_once (StoreFixture *fixture, gconstpointer data)
{
  static const char *const twice[] = { "base", "app", "base", NULL };
  g_free (image_add (fixture, "a:1", 1, twice));
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) images = sc_image_store_list (fixture->repo, &error);
  const ScImage *image = images->pdata[0];

  g_assert_cmpuint (image->size_bytes, ==, 2 * LAYER_BYTES);
  g_assert_cmpuint (image->exclusive_bytes, ==, 2 * LAYER_BYTES);
}

static void
test_list_leaves_out_unreadable (StoreFixture *fixture, gconstpointer data)
{
  static const char *const bad[] = { "docker.manifest", "{\"layers\":[{}]}", NULL };
  g_autofree char *digest = image_add (fixture, "good:1", 1, base_only);
  g_autoptr (GError) error = NULL;

  image_store_foreign (fixture, "bad:1", bad);
  GString *warnings = store_expect_warnings ();
  g_autoptr (GPtrArray) images = sc_image_store_list (fixture->repo, &error);

  g_assert_no_error (error);
  g_assert_nonnull (strstr (warnings->str, "bad:1"));
  g_assert_cmpuint (images->len, ==, 1);
  g_assert_cmpstr (((ScImage *)images->pdata[0])->digest, ==, digest);
}

static void
test_list_schema1 (StoreFixture *fixture, gconstpointer data)
{
  static const char history[] = "{\\\"os\\\":\\\"linux\\\",\\\"architecture\\\":\\\"arm64\\\","
                                "\\\"config\\\":{\\\"Labels\\\":{\\\"a\\\":\\\"b\\\"}}}";
  g_autofree char *base = image_layer_digest ("base");
  g_autofree char *app = image_layer_digest ("app");
  g_free (image_add (fixture, "first:1", 1, base_and_app));
  g_autofree char *text
      = g_strdup_printf ("{\"fsLayers\":[{\"blobSum\":\"%s\"},{\"blobSum\":\"%s\"}],\"history\":"
                         "[{\"v1Compatibility\":\"%s\"}]}",
                         app, base, history);
  const char *const pairs[] = { "docker.manifest", text, NULL };
  g_autoptr (GError) error = NULL;

  image_store_foreign (fixture, "old:1", pairs);
  g_autoptr (ScImage) image = sc_image_store_lookup (fixture->repo, "old:1", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (image->platform, ==, "linux/arm64");
  g_assert_cmpstr (g_hash_table_lookup (image->labels, "a"), ==, "b");
  g_assert_cmpstr (image->source, ==, "");
  g_assert_cmpuint (image->size_bytes, ==, 2 * LAYER_BYTES);

  g_autofree char *rootfs = sc_image_store_ensure_rootfs (fixture->repo, image, NULL, &error);
  g_assert_no_error (error);
  g_autofree char *tree = store_list_tree (fixture, rootfs);
  g_assert_cmpstr (tree, ==, "app 644 \"app\"\nbase 644 \"base\"\ntop 644 \"app\"\n");
}

static void
test_list_tree_made_in_ostree (StoreFixture *fixture, gconstpointer data)
{
  static const char *const none[] = { NULL };
  g_autoptr (GError) error = NULL;

  image_store_foreign (fixture, "flat:latest", none);
  g_autoptr (ScImage) image = sc_image_store_lookup (fixture->repo, "flat", &error);
  g_assert_no_error (error);
  g_autofree char *rootfs = sc_image_store_ensure_rootfs (fixture->repo, image, NULL, &error);
  g_assert_cmpstr (rootfs, ==, image->commit);
  g_assert_null (sc_image_store_get_manifest (fixture->repo, image, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_SUPPORTED);
}

typedef struct
{
  const char *name;
  const char *text; /* NULL: made of the digest */
  gsize n_hex;
  gboolean with_prefix;
  int code; /* -1: found */
} LookupCase;

static const LookupCase lookups[] = {
  { "full-name", "reg.example.com:5000/foo:v1", 0, FALSE, -1 },
  { "default-tag", "app", 0, FALSE, -1 },
  { "other-tag", "app:2", 0, FALSE, SYSCONT_ERROR_NOT_FOUND },
  { "port-is-no-tag", "reg.example.com:5000/foo", 0, FALSE, SYSCONT_ERROR_NOT_FOUND },
  { "whole-digest", NULL, 64, TRUE, -1 },
  { "all-digits", NULL, 64, FALSE, -1 },
  { "twelve-digits", NULL, 12, FALSE, -1 },
  { "twelve-digits-of-digest", NULL, 12, TRUE, -1 },
  { "eleven-digits", NULL, 11, FALSE, SYSCONT_ERROR_NOT_FOUND },
  { "unknown-digits", "000000000000", 0, FALSE, SYSCONT_ERROR_NOT_FOUND },
  { "empty", "", 0, FALSE, SYSCONT_ERROR_NOT_FOUND },
  { "upper-case-digits", "AAAAAAAAAAAA", 0, FALSE, SYSCONT_ERROR_NOT_FOUND },
};

static void
test_lookup (StoreFixture *fixture, gconstpointer data)
{
  const LookupCase *row = data;
  g_autofree char *digest = image_add (fixture, "app:latest", 1, base_and_app);
  g_free (image_add (fixture, "reg.example.com:5000/foo:v1", 1, base_and_app));
  g_autofree char *hex = g_strndup (sc_digest_hex (digest), row->n_hex);
  g_autofree char *text = row->text != NULL
                              ? g_strdup (row->text)
                              : g_strconcat (row->with_prefix ? "sha256:" : "", hex, NULL);
  g_autoptr (GError) error = NULL;

  g_autoptr (ScImage) image = sc_image_store_lookup (fixture->repo, text, &error);
  if (row->code >= 0)
    {
      g_assert_null (image);
      g_assert_error (error, SYSCONT_ERROR, row->code);
      store_assert_contains (error, text);
      return;
    }
  g_assert_no_error (error);
  g_assert_cmpstr (image->digest, ==, digest);
}

static void
test_lookup_ambiguous (StoreFixture *fixture, gconstpointer data)
{
  static const char *const first[]
      = { "docker.digest",
          "sha256:aaaaaaaaaaaaaaaa000000000000000000000000000000000000000000000001",
          "docker.manifest", "{\"Layers\":[]}", NULL };
  static const char *const second[]
      = { "docker.digest",
          "sha256:aaaaaaaaaaaaaaaa000000000000000000000000000000000000000000000002",
          "docker.manifest", "{\"Layers\":[]}", NULL };
  g_autoptr (GError) error = NULL;

  image_store_foreign (fixture, "a:1", first);
  image_store_foreign (fixture, "b:1", second);
  g_assert_null (sc_image_store_lookup (fixture->repo, "aaaaaaaaaaaaaa", &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
}

/* "cafe:26" becomes cafe_3A26, which is no blob. */
static void
test_lookup_name_before_digits (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *digest = image_add (fixture, "app:1", 1, base_only);
  g_autofree char *hex = g_strndup (sc_digest_hex (digest), 12);
  g_autofree char *name = g_strconcat (hex, ":latest", NULL);
  g_autofree char *named = image_add (fixture, name, 1, other);
  g_autoptr (GError) error = NULL;

  g_autoptr (ScImage) image = sc_image_store_lookup (fixture->repo, hex, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (image->digest, ==, named);
}

static void
test_lookup_gives_source_of_name (StoreFixture *fixture, gconstpointer data)
{
  g_free (image_add (fixture, "a:1", 1, base_only));
  g_free (image_add (fixture, "b:1", 1, base_only));
  g_autoptr (GError) error = NULL;

  g_autoptr (ScImage) a = sc_image_store_lookup (fixture->repo, "a:1", &error);
  g_autoptr (ScImage) b = sc_image_store_lookup (fixture->repo, "b:1", &error);
  g_assert_cmpstr (a->digest, ==, b->digest);
  g_assert_cmpstr (a->source, ==, "docker://a:1");
  g_assert_cmpstr (b->source, ==, "docker://b:1");
}

static void
test_names (StoreFixture *fixture, gconstpointer data)
{
  g_free (image_add (fixture, "a:1", 1, base_only));
  g_autoptr (GError) error = NULL;
  g_autoptr (ScImage) image = sc_image_store_lookup (fixture->repo, "a:1", &error);

  store_begin (fixture);
  g_assert_true (sc_image_store_set_name (fixture->repo, image, "b:1", NULL));
  sc_image_store_remove_name (fixture->repo, "a:1");
  store_commit (fixture);

  g_autoptr (ScImage) renamed = sc_image_store_lookup (fixture->repo, "b:1", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (renamed->commit, ==, image->commit);
  g_assert_cmpuint (g_strv_length (renamed->references), ==, 1);
  g_assert_null (sc_image_store_lookup (fixture->repo, "a:1", &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND);
}

static void
test_get_documents (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *digest = image_add (fixture, "a:1", 9, base_only);
  g_autofree char *config_text = image_config_text (1, 9);
  g_autoptr (GError) error = NULL;
  g_autoptr (ScImage) image = sc_image_store_lookup (fixture->repo, "a:1", &error);

  g_autoptr (GBytes) manifest = sc_image_store_get_manifest (fixture->repo, image, &error);
  g_assert_no_error (error);
  g_autofree char *actual
      = sc_digest_of_bytes (g_bytes_get_data (manifest, NULL), g_bytes_get_size (manifest));
  g_assert_cmpstr (actual, ==, digest);
  g_autoptr (GBytes) config = sc_image_store_get_config (fixture->repo, image, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (config, NULL), g_bytes_get_size (config), config_text,
                   strlen (config_text));
}

/* FC11 */
static void
test_get_config_damaged (StoreFixture *fixture, gconstpointer data)
{
  g_free (image_add (fixture, "a:1", 9, base_only));
  g_autofree char *config_text = image_config_text (1, 9);
  g_autofree char *config_digest = sc_digest_of_bytes (config_text, strlen (config_text));
  g_autofree char *ref = sc_reference_blob_ref (config_digest);
  g_autofree char *other_layer = NULL;
  g_autoptr (GError) error = NULL;
  static const LayerEntry rows[] = { { SC_ENTRY_REGULAR, "content", "{}", 0 }, { 0 } };

  store_begin (fixture);
  other_layer = store_make_layer (fixture, rows);
  sc_repo_set_ref (fixture->repo, ref, other_layer);
  store_commit (fixture);
  g_autoptr (ScImage) image = sc_image_store_lookup (fixture->repo, "a:1", &error);
  g_assert_null (sc_image_store_get_config (fixture->repo, image, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_STORAGE_CORRUPT);
  store_assert_contains (error, config_digest);
}

static void
test_get_config_missing (StoreFixture *fixture, gconstpointer data)
{
  g_free (image_add (fixture, "a:1", 9, base_only));
  g_autofree char *config_text = image_config_text (1, 9);
  g_autofree char *config_digest = sc_digest_of_bytes (config_text, strlen (config_text));
  g_autofree char *ref = sc_reference_blob_ref (config_digest);
  g_autoptr (GError) error = NULL;

  image_set_ref (fixture, ref, NULL);
  g_autoptr (ScImage) image = sc_image_store_lookup (fixture->repo, "a:1", &error);
  g_assert_no_error (error);
  g_assert_cmpstr (image->platform, ==, "");
  g_assert_null (sc_image_store_get_config (fixture->repo, image, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND);
}

static void
test_rootfs_is_made_again (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *digest = image_add (fixture, "a:1", 9, base_and_app);
  g_autofree char *ref = sc_rootfs_ref (digest);
  g_autofree char *before = image_resolve (fixture, ref);
  g_autoptr (GError) error = NULL;
  g_autoptr (ScImage) image = sc_image_store_lookup (fixture->repo, "a:1", &error);

  g_autofree char *present = sc_image_store_ensure_rootfs (fixture->repo, image, NULL, &error);
  g_assert_cmpstr (present, ==, before);
  image_set_ref (fixture, ref, NULL);
  g_autofree char *made = sc_image_store_ensure_rootfs (fixture->repo, image, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (made, ==, before);
  g_autofree char *resolved = image_resolve (fixture, ref);
  g_assert_cmpstr (resolved, ==, before);
}

static void
test_rootfs_incomplete_is_made_again (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *digest = image_add (fixture, "a:1", 9, base_and_app);
  g_autofree char *ref = sc_rootfs_ref (digest);
  g_autofree char *before = image_resolve (fixture, ref);
  g_autoptr (GError) error = NULL;
  g_autoptr (ScImage) image = sc_image_store_lookup (fixture->repo, "a:1", &error);
  OstreeRepoCommitState state = OSTREE_REPO_COMMIT_STATE_PARTIAL;

  ostree_repo_mark_commit_partial (sc_repo_get_ostree (fixture->repo), before, TRUE, &error);
  g_assert_no_error (error);
  g_autofree char *made = sc_image_store_ensure_rootfs (fixture->repo, image, NULL, &error);
  g_assert_no_error (error);
  g_assert_true (
      ostree_repo_load_commit (sc_repo_get_ostree (fixture->repo), made, NULL, &state, &error));
  g_assert_cmpint (state, ==, OSTREE_REPO_COMMIT_STATE_NORMAL);
}

static void
test_rootfs_layer_missing (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *digest = image_add (fixture, "a:1", 9, base_and_app);
  g_autofree char *ref = sc_rootfs_ref (digest);
  g_autofree char *layer = image_layer_digest ("app");
  g_autofree char *layer_ref = sc_reference_blob_ref (layer);
  g_autoptr (GError) error = NULL;
  g_autoptr (ScImage) image = sc_image_store_lookup (fixture->repo, "a:1", &error);

  image_set_ref (fixture, ref, NULL);
  image_set_ref (fixture, layer_ref, NULL);
  g_assert_null (sc_image_store_ensure_rootfs (fixture->repo, image, NULL, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND);
  store_assert_contains (error, layer);
  g_assert_false (sc_repo_is_in_transaction (fixture->repo));
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*function) (StoreFixture *, gconstpointer);
  } tests[] = {
    { "/image-store/add/writes-contract", test_add_writes_contract },
    { "/image-store/add/without-layers", test_add_without_layers },
    { "/image-store/list/two-images", test_list },
    { "/image-store/list/counts-repeated-layer-once", test_list_counts_repeated_layer_once },
    { "/image-store/list/leaves-out-unreadable", test_list_leaves_out_unreadable },
    { "/image-store/list/schema1", test_list_schema1 },
    { "/image-store/list/tree-made-in-ostree", test_list_tree_made_in_ostree },
    { "/image-store/lookup/ambiguous", test_lookup_ambiguous },
    { "/image-store/lookup/name-before-digits", test_lookup_name_before_digits },
    { "/image-store/lookup/gives-source-of-name", test_lookup_gives_source_of_name },
    { "/image-store/set-name/and-remove-name", test_names },
    { "/image-store/get/documents", test_get_documents },
    { "/image-store/get/config-damaged", test_get_config_damaged },
    { "/image-store/get/config-missing", test_get_config_missing },
    { "/image-store/ensure-rootfs/is-made-again", test_rootfs_is_made_again },
    { "/image-store/ensure-rootfs/incomplete-is-made-again", test_rootfs_incomplete_is_made_again },
    { "/image-store/ensure-rootfs/layer-missing", test_rootfs_layer_missing },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, StoreFixture, NULL, store_set_up, tests[i].function,
                store_tear_down);
  for (gsize i = 0; i < G_N_ELEMENTS (lookups); i++)
    {
      g_autofree char *path = g_strconcat ("/image-store/lookup/", lookups[i].name, NULL);
      g_test_add (path, StoreFixture, &lookups[i], store_set_up, test_lookup, store_tear_down);
    }
  return g_test_run ();
}
