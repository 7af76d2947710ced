/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"
#include "store/sc-merge.h"

#include <glib/gstdio.h>

#define D(path, mode)                                                                              \
  {                                                                                                \
    SC_ENTRY_DIRECTORY, path, NULL, mode                                                           \
  }
#define F(path, text)                                                                              \
  {                                                                                                \
    SC_ENTRY_REGULAR, path, text, 0                                                                \
  }
#define L(path, text)                                                                              \
  {                                                                                                \
    SC_ENTRY_SYMLINK, path, text, 0                                                                \
  }
#define H(path, text)                                                                              \
  {                                                                                                \
    SC_ENTRY_HARDLINK, path, text, 0                                                               \
  }
#define W(path)                                                                                    \
  {                                                                                                \
    SC_ENTRY_WHITEOUT, path, NULL, 0                                                               \
  }
#define O(path)                                                                                    \
  {                                                                                                \
    SC_ENTRY_OPAQUE, path, NULL, 0                                                                 \
  }

#define MAX_ROWS   8
#define MAX_LAYERS 4

typedef struct
{
  const char *name;
  LayerEntry layers[MAX_LAYERS][MAX_ROWS];
  const char *expected;
} MergeCase;

/* Rows of the test catalogue: AR04 symbolic links below directories, AR11 order of markers. */
static const MergeCase cases[] = {
  { "one-layer",
    { { D ("etc", 0750), F ("etc/f", "a"), L ("l", "etc/f") } },
    "etc/ 750\netc/f 644 \"a\"\nl -> etc/f\n" },
  { "upper-file-wins",
    { { F ("f", "a"), F ("g", "a") }, { F ("f", "b") } },
    "f 644 \"b\"\ng 644 \"a\"\n" },
  { "whiteout-hides-file", { { F ("f", "a"), F ("g", "a") }, { W ("f") } }, "g 644 \"a\"\n" },
  { "whiteout-hides-directory",
    { { F ("d/e/f", "a"), F ("g", "a") }, { W ("d") } },
    "g 644 \"a\"\n" },
  { "whiteout-hides-link-not-target",
    { { F ("f", "a"), L ("l", "f") }, { W ("l") } },
    "f 644 \"a\"\n" },
  { "whiteout-of-nothing", { { F ("f", "a") }, { W ("x"), W ("y/z") } }, "f 644 \"a\"\ny/ 755\n" },
  { "whiteout-in-base",
    { { F ("f", "a"), W ("f"), W ("x"), F ("d/g", "a"), O ("d") } },
    "d/ 755\nd/g 644 \"a\"\nf 644 \"a\"\n" },
  { "whiteout-only-deep-in-base",
    { { F ("d/e/f", "a"), W ("d/e/x"), F ("g", "a") } },
    "d/ 755\nd/e/ 755\nd/e/f 644 \"a\"\ng 644 \"a\"\n" },
  { "whiteout-then-entry",
    { { F ("d/f", "a") }, { W ("d"), D ("d", 0700), F ("d/g", "b") } },
    "d/ 700\nd/g 644 \"b\"\n" },
  { "entry-then-whiteout",
    { { F ("d/f", "a") }, { D ("d", 0700), F ("d/g", "b"), W ("d") } },
    "d/ 700\nd/g 644 \"b\"\n" },
  { "whiteout-then-implicit-directory",
    { { D ("d", 0700), F ("d/f", "a") }, { W ("d"), F ("d/g", "b") } },
    "d/ 755\nd/g 644 \"b\"\n" },
  { "opaque-before-siblings",
    { { F ("d/f", "a"), F ("d/e/f", "a") }, { O ("d"), F ("d/g", "b") } },
    "d/ 755\nd/g 644 \"b\"\n" },
  { "opaque-after-siblings",
    { { F ("d/f", "a"), F ("d/e/f", "a") }, { F ("d/g", "b"), O ("d") } },
    "d/ 755\nd/g 644 \"b\"\n" },
  { "opaque-root",
    { { F ("d/f", "a"), F ("g", "a") }, { F ("h", "b"), O ("") } },
    "h 644 \"b\"\n" },
  { "opaque-keeps-metadata", { { D ("d", 0700), F ("d/f", "a") }, { O ("d") } }, "d/ 700\n" },
  { "re-added-above-whiteout",
    { { F ("f", "a") }, { W ("f") }, { F ("f", "c") } },
    "f 644 \"c\"\n" },
  { "file-over-directory", { { F ("x/f", "a") }, { F ("x", "b") } }, "x 644 \"b\"\n" },
  { "link-over-directory", { { F ("x/f", "a") }, { L ("x", "y") } }, "x -> y\n" },
  { "directory-over-file", { { F ("x", "a") }, { D ("x", 0700) } }, "x/ 700\n" },
  { "directory-over-link",
    { { L ("etc", "/victim") }, { D ("etc", 0755), F ("etc/f", "b") } },
    "etc/ 755\netc/f 644 \"b\"\n" },
  { "implicit-directory-over-link",
    { { L ("etc", "/victim") }, { F ("etc/f", "b") } },
    "etc/ 755\netc/f 644 \"b\"\n" },
  { "implicit-directory-over-inner-link",
    { { F ("usr/f", "a"), L ("etc", "usr") }, { F ("etc/f", "b") } },
    "etc/ 755\netc/f 644 \"b\"\nusr/ 755\nusr/f 644 \"a\"\n" },
  { "implicit-directory-over-dot-link",
    { { L ("etc", ".") }, { F ("etc/f", "b") } },
    "etc/ 755\netc/f 644 \"b\"\n" },
  { "implicit-directory-over-dot-dot-link",
    { { L ("etc", "..") }, { F ("etc/x/f", "b") } },
    "etc/ 755\netc/x/ 755\netc/x/f 644 \"b\"\n" },
  { "upper-directory-metadata", { { D ("d", 0700) }, { D ("d", 0755) } }, "d/ 755\n" },
  { "implicit-keeps-metadata",
    { { D ("d", 0700), D ("d/e", 0711), F ("d/e/f", "a") }, { F ("d/e/g", "b") } },
    "d/ 700\nd/e/ 711\nd/e/f 644 \"a\"\nd/e/g 644 \"b\"\n" },
  { "topmost-real-entry",
    { { D ("d", 0700) }, { D ("d", 0711) }, { F ("d/f", "c") } },
    "d/ 711\nd/f 644 \"c\"\n" },
  { "same-content-other-metadata",
    { { D ("d", 0700), F ("d/f", "a") }, { D ("d", 0755), F ("d/f", "a") } },
    "d/ 755\nd/f 644 \"a\"\n" },
  { "same-content-deeper-metadata",
    { { D ("d/e", 0700), F ("d/e/f", "a") }, { D ("d/e", 0755), F ("d/e/f", "a") } },
    "d/ 755\nd/e/ 755\nd/e/f 644 \"a\"\n" },
  { "hidden-then-same-again",
    { { F ("d/f", "a") }, { W ("d/f") }, { F ("d/f", "a") } },
    "d/ 755\nd/f 644 \"a\"\n" },
  { "empty-layer",
    { { F ("f", "a") }, { { 0 } }, { F ("g", "c") } },
    "f 644 \"a\"\ng 644 \"c\"\n" },
  { "hard-link-across-names", { { F ("f", "a"), H ("g", "f") }, { W ("f") } }, "g 644 \"a\"\n" },
};

/* Up to the last one with entries. */
static guint
count_layers (const MergeCase *row)
{
  guint n = MAX_LAYERS;

  while (n > 0 && row->layers[n - 1][0].path == NULL)
    n--;
  return n;
}

static void
test_layers (StoreFixture *fixture, gconstpointer data)
{
  const MergeCase *row = data;
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  for (guint i = 0; i < count_layers (row); i++)
    {
      g_autofree char *layer = store_make_layer (fixture, row->layers[i]);
      g_strv_builder_add (builder, layer);
    }
  g_auto (GStrv) layers = g_strv_builder_end (builder);
  g_autofree char *commit
      = sc_merge_layers (fixture->repo, (const char *const *)layers, NULL, 0, NULL, &error);
  g_assert_no_error (error);
  store_commit (fixture);

  g_autofree char *tree = store_list_tree (fixture, commit);
  g_assert_cmpstr (tree, ==, row->expected);
}

static char *
merge_two (StoreFixture *fixture, const char *lower, const char *upper, GError **error)
{
  const char *const layers[] = { lower, upper, NULL };

  return sc_merge_layers (fixture->repo, layers, NULL, 7, NULL, error);
}

static void
test_same_commit_again (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry base[] = { F ("d/f", "a"), F ("g", "a"), { 0 } };
  static const LayerEntry upper[] = { W ("g"), F ("d/h", "b"), { 0 } };
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autofree char *base_commit = store_make_layer (fixture, base);
  g_autofree char *upper_commit = store_make_layer (fixture, upper);
  g_autofree char *first = merge_two (fixture, base_commit, upper_commit, &error);
  g_assert_no_error (error);
  g_autofree char *second = merge_two (fixture, base_commit, upper_commit, &error);
  g_assert_no_error (error);
  store_commit (fixture);

  g_assert_cmpstr (first, ==, second);
  g_autoptr (GVariant) variant = NULL;
  ostree_repo_load_commit (sc_repo_get_ostree (fixture->repo), first, &variant, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (ostree_commit_get_timestamp (variant), ==, 7);
  g_assert_null (ostree_commit_get_parent (variant));
}

/* A layer as another tool stores it, with whatever names it likes and no list of implicit
 * directories. */
static char *
make_foreign_layer (StoreFixture *fixture, const LayerEntry *rows)
{
  OstreeRepo *ostree = sc_repo_get_ostree (fixture->repo);
  g_autoptr (OstreeMutableTree) tree = ostree_mutable_tree_new ();
  g_autoptr (GFileInfo) info = g_file_info_new ();
  g_autofree guchar *meta_bytes = NULL;
  g_autofree char *commit = NULL;
  g_autoptr (GFile) root = NULL;
  g_autoptr (GError) error = NULL;

  g_file_info_set_file_type (info, G_FILE_TYPE_DIRECTORY);
  g_file_info_set_attribute_uint32 (info, "unix::uid", 0);
  g_file_info_set_attribute_uint32 (info, "unix::gid", 0);
  g_file_info_set_attribute_uint32 (info, "unix::mode", S_IFDIR | 0711);
  g_autoptr (GVariant) meta = ostree_create_directory_metadata (info, NULL);
  ostree_repo_write_metadata (ostree, OSTREE_OBJECT_TYPE_DIR_META, NULL, meta, &meta_bytes, NULL,
                              &error);
  g_assert_no_error (error);
  g_autofree char *meta_hex = ostree_checksum_from_bytes (meta_bytes);
  ostree_mutable_tree_set_metadata_checksum (tree, meta_hex);

  for (const LayerEntry *row = rows; row->path != NULL; row++)
    {
      g_auto (GStrv) names = g_strsplit (row->path, "/", -1);
      g_autoptr (OstreeMutableTree) directory = g_object_ref (tree);
      guint last = g_strv_length (names) - 1;

      for (guint i = 0; i < last + (row->type == SC_ENTRY_DIRECTORY ? 1 : 0); i++)
        {
          OstreeMutableTree *child = NULL;
          ostree_mutable_tree_ensure_dir (directory, names[i], &child, &error);
          g_assert_no_error (error);
          ostree_mutable_tree_set_metadata_checksum (child, meta_hex);
          g_object_unref (directory);
          directory = child;
        }
      if (row->type == SC_ENTRY_DIRECTORY)
        continue;
      g_autofree char *object
          = row->type == SC_ENTRY_SYMLINK
                ? ostree_repo_write_symlink (ostree, NULL, 0, 0, NULL, row->text, NULL, &error)
                : ostree_repo_write_regfile_inline (
                    ostree, NULL, 0, 0, S_IFREG | 0644, NULL, (const guint8 *)row->text,
                    row->text != NULL ? strlen (row->text) : 0, NULL, &error);
      g_assert_no_error (error);
      ostree_mutable_tree_replace_file (directory, names[last], object, &error);
      g_assert_no_error (error);
    }
  ostree_repo_write_mtree (ostree, tree, &root, NULL, &error);
  g_assert_no_error (error);
  ostree_repo_write_commit (ostree, NULL, "foreign", NULL, NULL, OSTREE_REPO_FILE (root), &commit,
                            NULL, &error);
  g_assert_no_error (error);
  return g_steal_pointer (&commit);
}

typedef struct
{
  const char *name;
  LayerEntry row;
  const char *shown; /* NULL: the whole path */
} BadName;

/* AR08, AR09, AR12 */
static const BadName bad_names[] = {
  { "dot-dot", F (".wh...", NULL) },
  { "inner-dot-dot", F ("sub/.wh...", NULL) },
  { "dot", F (".wh..", NULL) },
  { "empty", F (".wh.", NULL) },
  { "inner-empty", F ("sub/.wh.", NULL) },
  { "marker-of-marker", F (".wh..wh.", NULL) },
  { "marker-dot", F (".wh..wh..", NULL) },
  { "aufs-plink", F (".wh..wh.plnk", NULL) },
  { "aufs", F (".wh..wh.aufs", NULL) },
  { "directory", D (".wh.a", 0) },
  { "below-directory", F (".wh.a/b", NULL), ".wh.a" },
  { "symbolic-link", L (".wh.a", "b") },
  { "overlay", F (".ostree-wh.foo", NULL) },
  { "overlay-directory", D ("sub/.ostree-wh.foo", 0) },
};

static void
test_bad_name (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry base[] = { F ("sub/f", "a"), { 0 } };
  const BadName *bad = data;
  const LayerEntry rows[] = { bad->row, { 0 } };
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autofree char *lower = store_make_layer (fixture, base);
  g_autofree char *upper = make_foreign_layer (fixture, rows);
  g_autofree char *commit = merge_two (fixture, lower, upper, &error);
  g_assert_null (commit);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
  store_assert_contains (error, bad->shown != NULL ? bad->shown : bad->row.path);
  g_clear_error (&error);

  commit = merge_two (fixture, upper, lower, &error);
  g_assert_null (commit);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
  sc_repo_abort (fixture->repo);
}

static void
test_foreign_directories_are_real (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry base[] = { D ("d", 0700), F ("d/f", "a"), { 0 } };
  static const LayerEntry upper[] = { F ("d/g", "b"), F ("d/.wh.f", NULL), { 0 } };
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autofree char *lower = store_make_layer (fixture, base);
  g_autofree char *foreign = make_foreign_layer (fixture, upper);
  g_autofree char *commit = merge_two (fixture, lower, foreign, &error);
  g_assert_no_error (error);
  store_commit (fixture);

  g_autofree char *tree = store_list_tree (fixture, commit);
  g_assert_cmpstr (tree, ==, "d/ 711\nd/g 644 \"b\"\n");
}

static void
test_too_deep (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GString) path = g_string_new ("d");
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < 128; i++)
    g_string_append (path, "/d");
  const LayerEntry rows[] = { { SC_ENTRY_DIRECTORY, path->str, NULL, 0 }, { 0 } };
  store_begin (fixture);
  g_autofree char *layer = make_foreign_layer (fixture, rows);
  g_autofree char *commit = merge_two (fixture, layer, layer, &error);

  g_assert_null (commit);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
  sc_repo_abort (fixture->repo);
}

static void
test_missing_layer (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *missing = g_strnfill (64, 'a');
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autofree char *commit = merge_two (fixture, missing, missing, &error);

  g_assert_null (commit);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_STORAGE_CORRUPT);
  store_assert_contains (error, missing);
  sc_repo_abort (fixture->repo);
}

/* FC11: a directory that has to be opened */
static void
test_damaged_directory (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry rows[] = { F ("d/f", "a"), { 0 } };
  static const LayerEntry upper_rows[] = { F ("g", "a"), { 0 } };
  OstreeRepo *ostree = sc_repo_get_ostree (fixture->repo);
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) commit_variant = NULL;

  store_begin (fixture);
  g_autofree char *layer = store_make_layer (fixture, rows);
  g_autofree char *upper = store_make_layer (fixture, upper_rows);
  store_commit (fixture);
  ostree_repo_load_commit (ostree, layer, &commit_variant, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (GVariant) root = g_variant_get_child_value (commit_variant, 6);
  g_autofree char *hex = ostree_checksum_from_bytes_v (root);
  g_autofree char *path
      = g_strdup_printf ("%s/objects/%.2s/%s.dirtree", fixture->paths->repository, hex, hex + 2);
  g_autofree char *bytes = NULL;
  gsize size = 0;
  g_assert_true (g_file_get_contents (path, &bytes, &size, NULL));
  bytes[2] ^= 1;
  g_assert_true (g_file_set_contents (path, bytes, (gssize)size, NULL));

  store_begin (fixture);
  g_autofree char *commit = merge_two (fixture, layer, upper, &error);
  g_assert_null (commit);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_STORAGE_CORRUPT);
  store_assert_contains (error, hex);
  sc_repo_abort (fixture->repo);
}

static void
test_unchanged_directories_are_reused (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry base[]
      = { F ("big/a/f", "a"), F ("big/b/f", "b"), F ("etc/f", "c"), { 0 } };
  static const LayerEntry upper[] = { F ("etc/g", "d"), { 0 } };
  OstreeRepo *ostree = sc_repo_get_ostree (fixture->repo);
  OstreeRepoTransactionStats before;
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autofree char *lower = store_make_layer (fixture, base);
  g_autofree char *higher = store_make_layer (fixture, upper);
  store_commit (fixture);
  store_begin (fixture);
  g_free (merge_two (fixture, lower, higher, &error));
  g_assert_no_error (error);
  ostree_repo_commit_transaction (ostree, &before, NULL, &error);
  g_assert_no_error (error);
  sc_repo_abort (fixture->repo);

  /* root, etc and the commit */
  g_assert_cmpuint (before.metadata_objects_written, ==, 3);
  g_assert_cmpuint (before.metadata_objects_total, ==, 3);
}

#define RANDOM_MERGES 150

/* An entry somewhere in a tree of three levels with three names: most are in the way of another. */
static void
fill_random_row (LayerEntry *row, char *path)
{
  static const ScEntryType types[]
      = { SC_ENTRY_DIRECTORY, SC_ENTRY_REGULAR,  SC_ENTRY_REGULAR, SC_ENTRY_REGULAR,
          SC_ENTRY_SYMLINK,   SC_ENTRY_WHITEOUT, SC_ENTRY_OPAQUE };
  static const char *const texts[] = { "a", "b" };
  static const guint32 modes[] = { 0700, 0755 };
  gint32 depth = g_test_rand_int_range (1, 4);

  for (gint32 i = 0; i < depth; i++)
    {
      path[2 * i] = (char)('x' + g_test_rand_int_range (0, 3));
      path[2 * i + 1] = i + 1 < depth ? '/' : '\0';
    }
  ScEntryType type = types[g_test_rand_int_range (0, G_N_ELEMENTS (types))];
  gboolean has_text = type == SC_ENTRY_REGULAR || type == SC_ENTRY_SYMLINK;
  *row = (LayerEntry){ type, path, has_text ? texts[g_test_rand_int_range (0, 2)] : NULL,
                       modes[g_test_rand_int_range (0, 2)] };
}

static void
add_random_layers (StoreFixture *fixture, GStrvBuilder *commits, gint32 n)
{
  for (gint32 i = 0; i < n; i++)
    {
      char paths[MAX_ROWS][8];
      LayerEntry rows[MAX_ROWS] = { { 0 } };
      gint32 n_rows = g_test_rand_int_range (1, MAX_ROWS);

      for (gint32 row = 0; row < n_rows; row++)
        fill_random_row (&rows[row], paths[row]);
      g_autofree char *commit = store_make_layer (fixture, rows);
      g_strv_builder_add (commits, commit);
    }
}

static char **
add_to_base (StoreFixture *fixture, char **base, gint32 n)
{
  g_autoptr (GStrvBuilder) commits = g_strv_builder_new ();

  g_strv_builder_addv (commits, (const char **)base);
  add_random_layers (fixture, commits, n);
  return g_strv_builder_end (commits);
}

static char *
merge (StoreFixture *fixture, char **layers, const ScMerged *sibling)
{
  g_autoptr (GError) error = NULL;
  char *commit
      = sc_merge_layers (fixture->repo, (const char *const *)layers, sibling, 0, NULL, &error);

  g_assert_no_error (error);
  return commit;
}

/* Two images with the same lower layers: the second one is the same tree with and without the help of
 * the first. */
static void
test_sibling (StoreFixture *fixture, gconstpointer data)
{
  store_begin (fixture);
  for (guint i = 0; i < RANDOM_MERGES; i++)
    {
      g_autoptr (GStrvBuilder) commits = g_strv_builder_new ();
      add_random_layers (fixture, commits, g_test_rand_int_range (1, 4));
      g_auto (GStrv) base = g_strv_builder_end (commits);
      ScMerged sibling = { .layers = add_to_base (fixture, base, g_test_rand_int_range (0, 3)) };
      g_auto (GStrv) layers = add_to_base (fixture, base, g_test_rand_int_range (0, 3));

      sibling.commit = merge (fixture, sibling.layers, NULL);
      g_autofree char *with = merge (fixture, layers, &sibling);
      g_autofree char *without = merge (fixture, layers, NULL);
      g_assert_cmpstr (with, ==, without);
      g_free (sibling.commit);
      g_strfreev (sibling.layers);
    }
  store_commit (fixture);
}

/* A layer that the image does not touch is not even opened: here one of whose directories is gone. */
static void
test_sibling_spares_reading (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry rows[][3] = { { F ("d/f", "a"), F ("d/g", "a") },
                                        { F ("d/f", "b"), F ("d/h", "b") },
                                        { F ("e/f", "c") },
                                        { F ("e/f", "d") } };
  char *commits[G_N_ELEMENTS (rows)];
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    commits[i] = store_make_layer (fixture, rows[i]);
  char *first[] = { commits[0], commits[1], commits[2], NULL };
  char *second[] = { commits[0], commits[1], commits[3], NULL };
  ScMerged sibling = { merge (fixture, first, NULL), first };
  store_commit (fixture);

  /* "d" of the second layer */
  g_autoptr (GFile) directory = NULL;
  ostree_repo_read_commit (sc_repo_get_ostree (fixture->repo), commits[1], &directory, NULL, NULL,
                           &error);
  g_assert_no_error (error);
  g_autoptr (GFile) child = g_file_get_child (directory, "d");
  ostree_repo_file_ensure_resolved (OSTREE_REPO_FILE (child), &error);
  g_assert_no_error (error);
  const char *hex = ostree_repo_file_tree_get_contents_checksum (OSTREE_REPO_FILE (child));
  g_autofree char *path
      = g_strdup_printf ("%s/objects/%.2s/%s.dirtree", fixture->paths->repository, hex, hex + 2);
  g_assert_cmpint (g_remove (path), ==, 0);

  store_begin (fixture);
  g_autofree char *failed
      = sc_merge_layers (fixture->repo, (const char *const *)second, NULL, 0, NULL, &error);
  g_assert_null (failed);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_STORAGE_CORRUPT);
  g_autofree char *commit = merge (fixture, second, &sibling);
  store_commit (fixture);
  g_autofree char *tree = store_list_tree (fixture, commit);
  g_assert_cmpstr (tree, ==,
                   "d/ 755\nd/f 644 \"b\"\nd/g 644 \"a\"\nd/h 644 \"b\"\ne/ 755\ne/f 644 \"d\"\n");
  g_free (sibling.commit);
  for (guint i = 0; i < G_N_ELEMENTS (commits); i++)
    g_free (commits[i]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/merge/layers/", cases[i].name, NULL);
      g_test_add (path, StoreFixture, &cases[i], store_set_up, test_layers, store_tear_down);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad_names); i++)
    {
      g_autofree char *path = g_strconcat ("/merge/layers/refuses-", bad_names[i].name, NULL);
      g_test_add (path, StoreFixture, &bad_names[i], store_set_up, test_bad_name, store_tear_down);
    }
  g_test_add ("/merge/layers/same-commit-again", StoreFixture, NULL, store_set_up,
              test_same_commit_again, store_tear_down);
  g_test_add ("/merge/layers/foreign-directories-are-real", StoreFixture, NULL, store_set_up,
              test_foreign_directories_are_real, store_tear_down);
  g_test_add ("/merge/layers/too-deep", StoreFixture, NULL, store_set_up, test_too_deep,
              store_tear_down);
  g_test_add ("/merge/layers/missing-layer", StoreFixture, NULL, store_set_up, test_missing_layer,
              store_tear_down);
  g_test_add ("/merge/layers/damaged-directory", StoreFixture, NULL, store_set_up,
              test_damaged_directory, store_tear_down_damaged);
  g_test_add ("/merge/sibling/same-tree", StoreFixture, NULL, store_set_up, test_sibling,
              store_tear_down);
  g_test_add ("/merge/sibling/spares-reading", StoreFixture, NULL, store_set_up,
              test_sibling_spares_reading, store_tear_down_damaged);
  g_test_add ("/merge/layers/unchanged-directories-are-reused", StoreFixture, NULL, store_set_up,
              test_unchanged_directories_are_reused, store_tear_down);
  return g_test_run ();
}
