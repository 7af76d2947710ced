/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-reference.h"
#include "store/sc-object-writer.h"
#include "store-fixture.h"

#include <sys/xattr.h>

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
#define X(path)                                                                                    \
  {                                                                                                \
    SC_ENTRY_DROPPED, path, NULL, 0                                                                \
  }

#define MAX_ROWS 8

typedef struct
{
  const char *name;
  LayerEntry rows[MAX_ROWS];
  const char *expected;
  const char *implicit; /* with ":" between, "/" for the root */
} LayerCase;

/* AR03 links in the way, AR11 markers, AR19 one path twice */
static const LayerCase cases[] = {
  { "nothing", { { 0 } }, "", "/" },
  { "root-entry", { D ("", 0711), F ("f", "a") }, "f 644 \"a\"\n", "" },
  { "implicit-directories",
    { F ("usr/lib/f", "a"), D ("usr", 0711) },
    "usr/ 711\nusr/lib/ 755\nusr/lib/f 644 \"a\"\n",
    "/:usr/lib" },
  { "file-twice", { F ("f", "a"), F ("f", "b") }, "f 644 \"b\"\n", "/" },
  { "directory-twice",
    { D ("d", 0700), F ("d/f", "a"), D ("d", 0711) },
    "d/ 711\nd/f 644 \"a\"\n",
    "/" },
  { "directory-then-file", { D ("d", 0700), F ("d/f", "a"), F ("d", "b") }, "d 644 \"b\"\n", "/" },
  { "file-then-directory", { F ("d", "a"), D ("d", 0700) }, "d/ 700\n", "/" },
  { "file-then-child", { F ("d", "a"), F ("d/f", "b") }, "d/ 755\nd/f 644 \"b\"\n", "/:d" },
  { "link-then-directory", { L ("d", "e"), D ("d", 0700) }, "d/ 700\n", "/" },
  { "directory-then-link", { D ("d", 0700), F ("d/f", "a"), L ("d", "e") }, "d -> e\n", "/" },
  { "link-then-child",
    { L ("l", "/tmp/t"), F ("l/evil", "a") },
    "l/ 755\nl/evil 644 \"a\"\n",
    "/:l" },
  { "link-up-then-child",
    { L ("l", "../../.."), F ("l/evil", "a") },
    "l/ 755\nl/evil 644 \"a\"\n",
    "/:l" },
  { "links-in-a-row",
    { L ("a", "b"), L ("b", "a"), F ("a/b/evil", "a") },
    "a/ 755\na/b/ 755\na/b/evil 644 \"a\"\nb -> a\n",
    "/:a:a/b" },
  { "closed-directory-then-child", { D ("d", 0100), F ("d/f", "a") }, NULL, "/" },
  { "whiteout", { W ("d/f"), F ("d/f", "a") }, "d/ 755\nd/.wh.f 644 \"\"\nd/f 644 \"a\"\n", "/:d" },
  { "entry-before-whiteout", { F ("f", "a"), W ("f") }, ".wh.f 644 \"\"\nf 644 \"a\"\n", "/" },
  { "opaque",
    { F ("d/f", "a"), O ("d"), F ("d/g", "b") },
    "d/ 755\nd/.wh..wh..opq 644 \"\"\nd/f 644 \"a\"\nd/g 644 \"b\"\n",
    "/:d" },
  { "opaque-root", { O ("") }, ".wh..wh..opq 644 \"\"\n", "/" },
  { "hard-link",
    { F ("d/f", "a"), H ("g", "d/f") },
    "d/ 755\nd/f 644 \"a\"\ng 644 \"a\"\n",
    "/:d" },
  { "hard-link-keeps-content",
    { F ("f", "a"), H ("g", "f"), F ("f", "b") },
    "f 644 \"b\"\ng 644 \"a\"\n",
    "/" },
  { "hard-link-to-link", { L ("l", "f"), H ("g", "l") }, "g -> f\nl -> f\n", "/" },
  { "hard-link-to-itself", { F ("f", "a"), H ("f", "f") }, "f 644 \"a\"\n", "/" },
  { "hard-link-to-hard-link",
    { F ("f", "a"), H ("g", "f"), H ("h", "g") },
    "f 644 \"a\"\ng 644 \"a\"\nh 644 \"a\"\n",
    "/" },
  { "hard-link-over-own-parent", { F ("d/f", "a"), H ("d", "d/f") }, "d 644 \"a\"\n", "/" },
  { "dropped", { X ("dev/null"), F ("f", "a") }, "f 644 \"a\"\n", "/" },
  { "strange-name", { F ("a\nb\033[31m", "a") }, "a\nb\033[31m 644 \"a\"\n", "/" },
};

static GVariant *
get_metadata (StoreFixture *fixture, const char *commit)
{
  g_autoptr (GVariant) variant = NULL;
  g_autoptr (GError) error = NULL;

  ostree_repo_load_commit (sc_repo_get_ostree (fixture->repo), commit, &variant, NULL, &error);
  g_assert_no_error (error);
  return g_variant_get_child_value (variant, 0);
}

static gboolean
has_whiteouts (StoreFixture *fixture, const char *commit)
{
  g_autoptr (GVariant) metadata = get_metadata (fixture, commit);
  gboolean value = FALSE;

  g_assert_true (g_variant_lookup (metadata, "syscont.has-whiteouts", "b", &value));
  return value;
}

static char *
join_implicit (StoreFixture *fixture, const char *commit)
{
  g_autoptr (GVariant) metadata = get_metadata (fixture, commit);
  g_autoptr (GVariant) value
      = g_variant_lookup_value (metadata, "syscont.implicit-dirs", G_VARIANT_TYPE_STRING_ARRAY);
  g_assert_nonnull (value);
  g_auto (GStrv) paths = g_variant_dup_strv (value, NULL);
  if (paths[0] != NULL && paths[0][0] == '\0')
    {
      g_free (paths[0]);
      paths[0] = g_strdup ("/");
    }
  return g_strjoinv (":", paths);
}

/* The root of a layer with entries has one, unless the test is about it. */
static void
test_tree (StoreFixture *fixture, gconstpointer data)
{
  const LayerCase *row = data;
  g_autofree char *expected = g_strdup (row->expected);

  if (expected == NULL)
    expected = g_strdup_printf ("d/ %s\nd/f 644 \"a\"\n", store_keeps_owners () ? "100" : "700");
  store_begin (fixture);
  g_autofree char *commit = store_make_layer (fixture, row->rows);
  store_commit (fixture);

  g_autofree char *tree = store_list_tree (fixture, commit);
  g_assert_cmpstr (tree, ==, expected);
  g_autofree char *implicit = join_implicit (fixture, commit);
  g_assert_cmpstr (implicit, ==, row->implicit);
  g_assert_cmpint (has_whiteouts (fixture, commit), ==, strstr (expected, ".wh.") != NULL);
}

typedef struct
{
  const char *name;
  LayerEntry rows[MAX_ROWS];
  const char *object;
  int code;
} BadCase;

static const BadCase bad_cases[] = {
  { "hard-link-to-nothing", { H ("g", "f") }, "\"g\"", SYSCONT_ERROR_IMAGE_INVALID },
  { "hard-link-forward", { H ("g", "f"), F ("f", "a") }, "\"f\"", SYSCONT_ERROR_IMAGE_INVALID },
  { "hard-link-to-directory",
    { D ("d", 0755), H ("g", "d") },
    "\"d\"",
    SYSCONT_ERROR_IMAGE_INVALID },
  { "hard-link-through-link",
    { F ("d/f", "a"), L ("l", "d"), H ("g", "l/f") },
    "\"l/f\"",
    SYSCONT_ERROR_IMAGE_INVALID },
  { "hard-link-out", { H ("g", "../../etc/shadow") }, "\"g\"", SYSCONT_ERROR_IMAGE_INVALID },
  { "path-out", { F ("../evil", "a") }, "../evil", SYSCONT_ERROR_IMAGE_INVALID },
  { "whiteout-name", { F (".wh.x", NULL) }, ".wh.x", SYSCONT_ERROR_IMAGE_INVALID },
  { "overlay-whiteout-name",
    { F ("a/.ostree-wh.x", NULL) },
    ".ostree-wh.x",
    SYSCONT_ERROR_IMAGE_INVALID },
  { "root-file", { F ("", "a") }, "root", SYSCONT_ERROR_IMAGE_INVALID },
  { "escape-in-message", { H ("g\033[31m", "f") }, "\\x1b", SYSCONT_ERROR_IMAGE_INVALID },
};

static void
test_refuses (StoreFixture *fixture, gconstpointer data)
{
  const BadCase *row = data;
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autofree char *commit = store_try_layer (fixture, row->rows, &error);
  sc_repo_abort (fixture->repo);

  g_assert_null (commit);
  g_assert_error (error, SYSCONT_ERROR, row->code);
  store_assert_contains (error, row->object);
}

static void
test_whiteout_too_long (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *name = g_strnfill (252, 'a');
  const LayerEntry rows[] = { W (name), { 0 } };
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autofree char *commit = store_try_layer (fixture, rows, &error);
  sc_repo_abort (fixture->repo);

  g_assert_null (commit);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
}

/* AR31 */
static void
test_link_mode_is_normalised (StoreFixture *fixture, gconstpointer data)
{
  static const guint32 modes[] = { 0777, 0644, 0001, 07777 };
  g_autofree char *first = NULL;

  store_begin (fixture);
  for (gsize i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      const LayerEntry rows[] = { { SC_ENTRY_SYMLINK, "l", "target", modes[i] }, { 0 } };
      g_autofree char *commit = store_make_layer (fixture, rows);
      g_autofree char *tree = NULL;
      g_autoptr (GError) error = NULL;
      g_autoptr (GFile) root = NULL;

      ostree_repo_read_commit (sc_repo_get_ostree (fixture->repo), commit, &root, NULL, NULL,
                               &error);
      g_assert_no_error (error);
      tree = g_strdup (ostree_repo_file_tree_get_contents_checksum (OSTREE_REPO_FILE (root)));
      if (first == NULL)
        first = g_steal_pointer (&tree);
      else
        g_assert_cmpstr (tree, ==, first);
    }
  store_commit (fixture);
}

/* AR14 */
static void
test_special_modes_and_owners (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry rows[] = {
    { SC_ENTRY_REGULAR, "su", "x", 04755 },
    { SC_ENTRY_REGULAR, "none", "x", 0001 },
    { SC_ENTRY_DIRECTORY, "d", NULL, 03775 },
    { 0 },
  };
  g_autoptr (ScEntry) owned = sc_entry_new (SC_ENTRY_REGULAR, "owned");
  g_autoptr (GError) error = NULL;
  struct stat st;

  if (!store_keeps_owners ())
    {
      g_test_skip ("owners and special modes need a repository of mode bare, and that root");
      return;
    }
  store_begin (fixture);
  g_autoptr (ScLayerWriter) writer = sc_layer_writer_new (fixture->repo, 100, 100);
  for (gsize i = 0; rows[i].path != NULL; i++)
    g_assert_true (store_add_row (writer, &rows[i], NULL));
  owned->uid = 1000;
  owned->gid = G_MAXINT32;
  owned->mode = 0600;
  g_assert_true (sc_layer_writer_add (writer, owned, NULL, NULL));
  g_autofree char *commit = sc_layer_writer_finish (writer, &store_layer_info, NULL, &error);
  g_assert_no_error (error);
  store_commit (fixture);

  sc_autofd fd = sc_fd_open_dir (fixture->paths->checkout, &error);
  g_assert_true (sc_repo_checkout (fixture->repo, commit, fd, "r", NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpint (fstatat (fd, "r/su", &st, 0), ==, 0);
  g_assert_cmpint (st.st_mode, ==, S_IFREG | 04755);
  g_assert_cmpint (fstatat (fd, "r/d", &st, 0), ==, 0);
  g_assert_cmpint (st.st_mode, ==, S_IFDIR | 03775);
  g_assert_cmpint (fstatat (fd, "r/owned", &st, 0), ==, 0);
  g_assert_cmpuint (st.st_uid, ==, 1000);
  g_assert_cmpuint (st.st_gid, ==, G_MAXINT32);
}

/* AR15 */
static void
test_xattrs (StoreFixture *fixture, gconstpointer data)
{
  static const guint8 capability[20] = { 0x01, 0, 0, 0x02, 0x00, 0x20 };
  static const ScEntryType types[] = { SC_ENTRY_REGULAR, SC_ENTRY_SYMLINK, SC_ENTRY_DIRECTORY };
  g_autoptr (GBytes) value = g_bytes_new_static ("v", 1);
  g_autoptr (GBytes) capability_value = g_bytes_new_static (capability, sizeof capability);
  g_autoptr (GError) error = NULL;
  char buffer[64];

  store_begin (fixture);
  g_autoptr (ScLayerWriter) writer = sc_layer_writer_new (fixture->repo, 100, 100);
  for (gsize i = 0; i < G_N_ELEMENTS (types); i++)
    {
      g_autofree char *path = g_strdup_printf ("x%d", (int)types[i]);
      g_autoptr (ScEntry) entry = sc_entry_new (types[i], path);
      entry->mode = 0755;
      entry->link_target = types[i] == SC_ENTRY_SYMLINK ? g_strdup ("t") : NULL;
      if (types[i] == SC_ENTRY_REGULAR)
        sc_entry_add_xattr (entry, "security.capability", capability_value);
      sc_entry_add_xattr (entry, "user.a", value);
      g_assert_true (sc_layer_writer_add (writer, entry, NULL, &error));
    }
  g_autofree char *commit = sc_layer_writer_finish (writer, &store_layer_info, NULL, &error);
  if (error != NULL && strstr (error->message, g_strerror (ENOTSUP)) != NULL)
    {
      g_test_skip ("this file system has no extended attributes");
      sc_repo_abort (fixture->repo);
      return;
    }
  g_assert_no_error (error);
  store_commit (fixture);
  if (!store_keeps_owners ())
    {
      g_test_skip ("attributes are kept in a repository of mode bare only, and that needs root");
      return;
    }

  sc_autofd fd = sc_fd_open_dir (fixture->paths->checkout, &error);
  g_assert_true (sc_repo_checkout (fixture->repo, commit, fd, "r", NULL, &error));
  g_assert_no_error (error);
  g_autofree char *file = g_build_filename (fixture->paths->checkout, "r", "x2", NULL);
  g_autofree char *directory = g_build_filename (fixture->paths->checkout, "r", "x1", NULL);
  g_assert_cmpint (getxattr (file, "user.a", buffer, sizeof buffer), ==, 1);
  g_assert_cmpint (getxattr (file, "security.capability", buffer, sizeof buffer), ==,
                   sizeof capability);
  g_assert_cmpint (getxattr (directory, "user.a", buffer, sizeof buffer), ==, 1);
}

/* AR24 */
static void
test_too_many_entries (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry first = X ("a");
  static const LayerEntry second = F ("b", "b");
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autoptr (ScLayerWriter) writer = sc_layer_writer_new (fixture->repo, 100, 1);
  g_assert_true (store_add_row (writer, &first, &error));
  g_assert_false (store_add_row (writer, &second, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
  store_assert_contains (error, "\"b\"");
  g_assert_cmpuint (sc_layer_writer_get_dropped (writer), ==, 1);
  sc_repo_abort (fixture->repo);
}

/* AR25: many directories out of few entries */
static void
test_too_many_implicit (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry row = F ("a/b/c/d/e", "x");
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autoptr (ScLayerWriter) writer = sc_layer_writer_new (fixture->repo, 100, 3);
  g_assert_false (store_add_row (writer, &row, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
  sc_repo_abort (fixture->repo);
}

static void
test_too_many_bytes (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry first = F ("a", "123");
  static const LayerEntry second = F ("b", "123");
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autoptr (ScLayerWriter) writer = sc_layer_writer_new (fixture->repo, 5, 10);
  g_assert_true (store_add_row (writer, &first, &error));
  g_assert_false (store_add_row (writer, &second, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
  sc_repo_abort (fixture->repo);
}

static void
test_content_and_size (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry row = F ("a", "123");
  static const LayerEntry next = F ("b", NULL);
  g_autoptr (ScEntry) entry = store_make_entry (&row);
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autoptr (ScLayerWriter) writer = sc_layer_writer_new (fixture->repo, 100, 100);
  g_assert_false (sc_layer_writer_write (writer, "x", 1, NULL, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
  g_clear_error (&error);

  g_assert_true (sc_layer_writer_add (writer, entry, NULL, &error));
  g_assert_true (sc_layer_writer_write (writer, "12", 2, NULL, &error));
  g_assert_false (store_add_row (writer, &next, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
  g_clear_error (&error);
  g_assert_null (sc_layer_writer_finish (writer, &store_layer_info, NULL, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
  g_clear_error (&error);
  g_assert_false (sc_layer_writer_write (writer, "34", 2, NULL, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
  sc_repo_abort (fixture->repo);
}

/* Larger than what is held in memory, in pieces; and one just at the border. */
static void
test_large_files (StoreFixture *fixture, gconstpointer data)
{
  static const gsize sizes[] = { 1024 * 1024, 1024 * 1024 + 1, 5 * 1024 * 1024 };
  g_autoptr (GError) error = NULL;
  g_autofree char *block = g_strnfill (100000, 'x');

  store_begin (fixture);
  g_autoptr (ScLayerWriter) writer = sc_layer_writer_new (fixture->repo, 100 * 1024 * 1024, 100);
  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *path = g_strdup_printf ("f%" G_GSIZE_FORMAT, i);
      g_autoptr (ScEntry) entry = sc_entry_new (SC_ENTRY_REGULAR, path);
      entry->mode = 0600;
      entry->size_bytes = sizes[i];
      g_assert_true (sc_layer_writer_add (writer, entry, NULL, &error));
      for (gsize done = 0; done < sizes[i]; done += MIN (100000, sizes[i] - done))
        g_assert_true (
            sc_layer_writer_write (writer, block, MIN (100000, sizes[i] - done), NULL, &error));
    }
  g_autofree char *commit = sc_layer_writer_finish (writer, &store_layer_info, NULL, &error);
  g_assert_no_error (error);
  store_commit (fixture);

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autofree char *path = g_strdup_printf ("f%" G_GSIZE_FORMAT, i);
      g_autoptr (GBytes) bytes = sc_repo_read_file (fixture->repo, commit, path, sizes[i], &error);
      g_assert_no_error (error);
      g_assert_cmpuint (g_bytes_get_size (bytes), ==, sizes[i]);
      g_assert_cmpint (((const char *)g_bytes_get_data (bytes, NULL))[sizes[i] - 1], ==, 'x');
    }
}

/* Returns the inode of the object. */
static ino_t
put_object (StoreFixture *fixture, gsize size_bytes)
{
  OstreeRepo *ostree = sc_repo_get_ostree (fixture->repo);
  const ScFileMeta meta = { .mode = S_IFREG | 0600 };
  g_autoptr (GBytes) content = g_bytes_new_take (g_strnfill (size_bytes, 'y'), size_bytes);
  char hex[OSTREE_SHA256_STRING_LEN + 1];
  g_autoptr (GError) error = NULL;
  ScChecksum checksum;
  struct stat st;

  store_begin (fixture);
  ScObjectWriter *writer = sc_object_writer_new (ostree);
  g_assert_true (sc_object_writer_put (writer, &meta, content, &checksum, NULL, &error));
  g_assert_true (sc_object_writer_finish (writer, &error));
  sc_object_writer_free (writer);
  store_commit (fixture);

  ostree_checksum_inplace_from_bytes (checksum.bytes, hex);
  g_autofree char *path = g_strdup_printf ("objects/%.2s/%s.file", hex, hex + 2);
  g_assert_cmpint (fstatat (ostree_repo_get_dfd (ostree), path, &st, 0), ==, 0);
  g_assert_cmpint (st.st_size, ==, size_bytes);
  return st.st_ino;
}

/* An image that was built anew must not make the disk write again what it has. */
static void
test_known_object_is_not_written_again (StoreFixture *fixture, gconstpointer data)
{
  static const gsize sizes[] = { 100, 3 * 1024 * 1024 };

  for (gsize i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      ino_t inode = put_object (fixture, sizes[i]);

      g_assert_cmpuint (put_object (fixture, sizes[i]), ==, inode);
    }
}

static void
test_deepest_path (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GString) path = g_string_new ("d");
  g_autoptr (GError) error = NULL;

  for (guint i = 1; i < SC_ENTRY_MAX_DEPTH; i++)
    g_string_append (path, "/d");
  const LayerEntry rows[] = { O (path->str), { 0 } };
  store_begin (fixture);
  g_autofree char *commit = store_try_layer (fixture, rows, &error);

  g_assert_no_error (error);
  g_assert_nonnull (commit);
  store_commit (fixture);
}

/* The checksums are computed beside libostree: its own must be the same. */
static void
test_checksum_is_that_of_libostree (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry rows[] = { F ("f", "content"), L ("l", "target"), { 0 } };
  OstreeRepo *ostree = sc_repo_get_ostree (fixture->repo);
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autofree char *commit = store_make_layer (fixture, rows);
  g_autofree char *file = ostree_repo_write_regfile_inline (
      ostree, NULL, 0, 0, S_IFREG | 0644, NULL, (const guint8 *)"content", 7, NULL, &error);
  g_assert_no_error (error);
  g_autofree char *link
      = ostree_repo_write_symlink (ostree, NULL, 0, 0, NULL, "target", NULL, &error);
  g_assert_no_error (error);
  store_commit (fixture);

  g_autoptr (GFile) root = NULL;
  ostree_repo_read_commit (ostree, commit, &root, NULL, NULL, &error);
  g_autoptr (GFile) f = g_file_get_child (root, "f");
  g_autoptr (GFile) l = g_file_get_child (root, "l");
  g_assert_cmpstr (ostree_repo_file_get_checksum (OSTREE_REPO_FILE (f)), ==, file);
  g_assert_cmpstr (ostree_repo_file_get_checksum (OSTREE_REPO_FILE (l)), ==, link);
}

/* FC11 */
static void
test_truncated_object_is_repaired (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry rows[] = { F ("f", "content"), { 0 } };
  g_autoptr (GError) error = NULL;
  g_autoptr (GFile) root = NULL;

  store_begin (fixture);
  g_autofree char *commit = store_make_layer (fixture, rows);
  store_commit (fixture);
  ostree_repo_read_commit (sc_repo_get_ostree (fixture->repo), commit, &root, NULL, NULL, &error);
  g_autoptr (GFile) f = g_file_get_child (root, "f");
  const char *hex = ostree_repo_file_get_checksum (OSTREE_REPO_FILE (f));
  g_autofree char *path
      = g_strdup_printf ("%s/objects/%.2s/%s.file", fixture->paths->repository, hex, hex + 2);
  g_assert_cmpint (truncate (path, 0), ==, 0);

  GString *warnings = store_expect_warnings ();
  store_begin (fixture);
  g_autofree char *again = store_make_layer (fixture, rows);
  store_commit (fixture);
  g_assert_nonnull (strstr (warnings->str, hex));

  g_autofree char *tree = store_list_tree (fixture, again);
  g_assert_cmpstr (tree, ==, "f 644 \"content\"\n");
}

static const char digest[]
    = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

static void
test_find (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry rows[] = { F ("f", "content"), { 0 } };
  g_autofree char *ref = sc_reference_blob_ref (digest);
  g_autoptr (GError) error = NULL;

  g_assert_null (sc_layer_find (fixture->repo, digest, &error));
  g_assert_no_error (error);
  store_begin (fixture);
  g_autofree char *commit = store_make_layer (fixture, rows);
  sc_repo_set_ref (fixture->repo, ref, commit);
  store_commit (fixture);

  g_autofree char *found = sc_layer_find (fixture->repo, digest, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (found, ==, commit);
}

static void
test_find_wants_metadata (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry rows[] = { F ("f", "content"), { 0 } };
  OstreeRepo *ostree = sc_repo_get_ostree (fixture->repo);
  g_autofree char *ref = sc_reference_blob_ref (digest);
  g_autofree char *bare = NULL;
  g_autoptr (GFile) root = NULL;
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autofree char *commit = store_make_layer (fixture, rows);
  ostree_repo_read_commit (ostree, commit, &root, NULL, NULL, &error);
  g_assert_no_error (error);
  ostree_repo_write_commit (ostree, NULL, "old", NULL, NULL, OSTREE_REPO_FILE (root), &bare, NULL,
                            &error);
  g_assert_no_error (error);
  sc_repo_set_ref (fixture->repo, ref, bare);
  store_commit (fixture);

  g_assert_null (sc_layer_find (fixture->repo, digest, &error));
  g_assert_no_error (error);
}

static void
test_find_skips_incomplete (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry rows[] = { F ("f", "content"), { 0 } };
  g_autofree char *ref = sc_reference_blob_ref (digest);
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autofree char *commit = store_make_layer (fixture, rows);
  sc_repo_set_ref (fixture->repo, ref, commit);
  store_commit (fixture);
  ostree_repo_mark_commit_partial (sc_repo_get_ostree (fixture->repo), commit, TRUE, &error);
  g_assert_no_error (error);

  g_assert_null (sc_layer_find (fixture->repo, digest, &error));
  g_assert_no_error (error);
}

/* The repository's own limit, which libostree tells by a text only. */
static void
test_no_space (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry rows[] = { F ("f", "content"), { 0 } };
  OstreeRepo *ostree = sc_repo_get_ostree (fixture->repo);
  g_autoptr (GKeyFile) config = ostree_repo_copy_config (ostree);
  g_autoptr (GError) error = NULL;

  g_key_file_set_string (config, "core", "min-free-space-percent", "99");
  ostree_repo_write_config (ostree, config, &error);
  g_assert_no_error (error);
  g_clear_pointer (&fixture->repo, sc_repo_free);
  fixture->repo = sc_repo_open (fixture->paths, &error);
  g_assert_no_error (error);

  store_begin (fixture);
  g_autofree char *commit = store_try_layer (fixture, rows, &error);
  sc_repo_abort (fixture->repo);
  g_assert_null (commit);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NO_SPACE);
}

static void
test_cancelled (StoreFixture *fixture, gconstpointer data)
{
  static const LayerEntry row = F ("f", "content");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (ScEntry) entry = store_make_entry (&row);
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autoptr (ScLayerWriter) writer = sc_layer_writer_new (fixture->repo, 100, 100);
  g_cancellable_cancel (cancellable);
  g_autofree char *commit = NULL;
  if (sc_layer_writer_add (writer, entry, cancellable, &error)
      && sc_layer_writer_write (writer, row.text, entry->size_bytes, cancellable, &error))
    commit = sc_layer_writer_finish (writer, &store_layer_info, cancellable, &error);

  g_assert_null (commit);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_CANCELLED);
  sc_repo_abort (fixture->repo);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*function) (StoreFixture *, gconstpointer);
  } tests[] = {
    { "/layer-writer/add/whiteout-too-long", test_whiteout_too_long },
    { "/layer-writer/add/link-mode-is-normalised", test_link_mode_is_normalised },
    { "/layer-writer/add/special-modes-and-owners", test_special_modes_and_owners },
    { "/layer-writer/add/xattrs", test_xattrs },
    { "/layer-writer/add/too-many-entries", test_too_many_entries },
    { "/layer-writer/add/too-many-implicit-directories", test_too_many_implicit },
    { "/layer-writer/add/too-many-bytes", test_too_many_bytes },
    { "/layer-writer/write/content-and-size", test_content_and_size },
    { "/layer-writer/write/large-files", test_large_files },
    { "/layer-writer/write/known-object", test_known_object_is_not_written_again },
    { "/layer-writer/write/repairs-truncated-object", test_truncated_object_is_repaired },
    { "/layer-writer/write/cancelled", test_cancelled },
    { "/layer-writer/write/no-space", test_no_space },
    { "/layer-writer/finish/deepest-path", test_deepest_path },
    { "/layer-writer/finish/checksum-is-that-of-libostree", test_checksum_is_that_of_libostree },
    { "/layer-writer/find/stored", test_find },
    { "/layer-writer/find/wants-metadata", test_find_wants_metadata },
    { "/layer-writer/find/skips-incomplete", test_find_skips_incomplete },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autofree char *path = g_strconcat ("/layer-writer/tree/", cases[i].name, NULL);
      g_test_add (path, StoreFixture, &cases[i], store_set_up, test_tree, store_tear_down);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (bad_cases); i++)
    {
      g_autofree char *path = g_strconcat ("/layer-writer/refuses/", bad_cases[i].name, NULL);
      g_test_add (path, StoreFixture, &bad_cases[i], store_set_up, test_refuses, store_tear_down);
    }
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, StoreFixture, NULL, store_set_up, tests[i].function,
                store_tear_down);
  return g_test_run ();
}
