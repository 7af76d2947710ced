/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store-fixture.h"

#include <fcntl.h>
#include <sys/xattr.h>

static const LayerEntry tree_rows[] = {
  { SC_ENTRY_DIRECTORY, "", NULL, 0755 },      { SC_ENTRY_REGULAR, "etc/conf", "hello", 0640 },
  { SC_ENTRY_SYMLINK, "etc/link", "conf", 0 }, { SC_ENTRY_SYMLINK, "lib", "etc", 0 },
  { SC_ENTRY_REGULAR, "etc/empty", NULL, 0 },  { 0 },
};

static char *
store_tree (StoreFixture *fixture)
{
  store_begin (fixture);
  char *commit = store_make_layer (fixture, tree_rows);
  sc_repo_set_ref (fixture->repo, "syscont/test/tree", commit);
  store_commit (fixture);
  return commit;
}

static void
test_open_makes_private_directory (StoreFixture *fixture, gconstpointer data)
{
  struct stat st;

  g_assert_cmpint (stat (fixture->paths->checkout, &st), ==, 0);
  g_assert_cmpint (st.st_mode & 0777, ==, 0700);
}

static void
test_open_creates_bare (StoreFixture *fixture, gconstpointer data)
{
  if (!store_keeps_owners ())
    {
      g_test_skip ("a repository of mode bare needs root");
      return;
    }
  g_assert_cmpint (ostree_repo_get_mode (sc_repo_get_ostree (fixture->repo)), ==,
                   OSTREE_REPO_MODE_BARE);
}

static void
test_open_finishes_half_created (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *objects = g_build_filename (fixture->paths->repository, "objects", NULL);
  g_autoptr (GError) error = NULL;
  sc_autofd fd = -1;

  if (!store_keeps_owners ())
    {
      g_test_skip ("a repository of mode bare needs root");
      return;
    }
  g_clear_pointer (&fixture->repo, sc_repo_free);
  fd = sc_fd_open_dir (fixture->paths->repository, &error);
  g_assert_true (sc_fd_remove_tree (fd, "objects", &error));
  fixture->repo = sc_repo_open (fixture->paths, &error);

  g_assert_no_error (error);
  g_assert_true (g_file_test (objects, G_FILE_TEST_IS_DIR));
}

static void
test_open_keeps_fsync (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  OstreeRepo *ostree = sc_repo_get_ostree (fixture->repo);
  g_autoptr (GKeyFile) config = ostree_repo_copy_config (ostree);

  g_key_file_set_boolean (config, "core", "fsync", FALSE);
  ostree_repo_write_config (ostree, config, &error);
  g_assert_no_error (error);
  g_clear_pointer (&fixture->repo, sc_repo_free);
  fixture->repo = sc_repo_open (fixture->paths, &error);

  g_assert_no_error (error);
  g_assert_false (ostree_repo_get_disable_fsync (sc_repo_get_ostree (fixture->repo)));
}

static void
test_open_refuses_archive_mode (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *other = g_build_filename (fixture->directory, "other", NULL);
  g_autoptr (GFile) file = g_file_new_for_path (other);
  g_autoptr (OstreeRepo) ostree = ostree_repo_new (file);
  g_autoptr (ScPaths) paths = sc_paths_new (fixture->directory);
  g_autoptr (GError) error = NULL;

  g_assert_true (ostree_repo_create (ostree, OSTREE_REPO_MODE_ARCHIVE, NULL, NULL));
  sc_paths_set_storage (paths, "/var/lib/containers/syscont", "/other");
  g_autoptr (ScRepo) repo = sc_repo_open (paths, &error);

  g_assert_null (repo);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_SUPPORTED);
  store_assert_contains (error, other);
}

static void
test_open_needs_one_mount (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *shm = g_dir_make_tmp ("syscont-test-XXXXXX", NULL);
  g_autoptr (ScPaths) paths = sc_paths_new (NULL);
  g_autofree char *elsewhere = g_strdup_printf ("/dev/shm/%s", strrchr (shm, '/') + 1);
  g_autoptr (GError) error = NULL;
  struct stat here;
  struct stat there;

  g_assert_cmpint (rmdir (shm), ==, 0);
  if (stat ("/dev/shm", &there) != 0 || stat (fixture->directory, &here) != 0
      || here.st_dev == there.st_dev || access ("/dev/shm", W_OK) != 0)
    {
      g_test_skip ("/dev/shm is no second file system");
      return;
    }
  sc_paths_set_storage (paths, elsewhere, fixture->paths->repository);
  g_autoptr (ScRepo) repo = sc_repo_open (paths, &error);

  g_assert_null (repo);
  g_assert_nonnull (error);
  store_assert_contains (error, elsewhere);
  store_assert_contains (error, fixture->paths->repository);
  g_assert_cmpint (rmdir (elsewhere), ==, 0);
}

static void
test_begin_twice (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_assert_false (sc_repo_begin (fixture->repo, NULL, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED);
  g_clear_error (&error);
  sc_repo_abort (fixture->repo);
  sc_repo_abort (fixture->repo);
  g_assert_true (sc_repo_begin (fixture->repo, NULL, &error));
  sc_repo_abort (fixture->repo);
}

static void
test_commit_without_begin (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sc_repo_commit (fixture->repo, NULL, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED);
}

static void
test_refs_appear_at_commit (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  g_autofree char *commit = store_make_layer (fixture, tree_rows);
  sc_repo_set_ref (fixture->repo, "syscont/test/a", commit);
  sc_repo_set_ref (fixture->repo, "syscont/testing", commit);
  g_autofree char *before = sc_repo_resolve (fixture->repo, "syscont/test/a", &error);
  g_assert_no_error (error);
  g_assert_null (before);
  store_commit (fixture);

  g_autofree char *after = sc_repo_resolve (fixture->repo, "syscont/test/a", &error);
  g_assert_cmpstr (after, ==, commit);
  g_autoptr (GHashTable) refs = sc_repo_list_refs (fixture->repo, "syscont/test", &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (refs), ==, 1);
  g_assert_cmpstr (g_hash_table_lookup (refs, "syscont/test/a"), ==, commit);
}

static void
test_refs_of_missing_prefix (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) refs = sc_repo_list_refs (fixture->repo, "syscont/nothing", &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (refs), ==, 0);
}

static void
test_refs_without_prefix_itself (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_free (store_tree (fixture));
  g_autoptr (GHashTable) refs = sc_repo_list_refs (fixture->repo, "syscont/test/tree", &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (refs), ==, 0);
}

static void
test_abort_leaves_nothing (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gboolean found = TRUE;
  g_autofree char *commit = NULL;

  store_begin (fixture);
  {
    g_autoptr (ScRepoTransaction) transaction = fixture->repo;
    commit = store_make_layer (fixture, tree_rows);
    sc_repo_set_ref (transaction, "syscont/test/a", commit);
  }
  g_assert_false (sc_repo_is_in_transaction (fixture->repo));
  g_assert_true (ostree_repo_has_object (sc_repo_get_ostree (fixture->repo),
                                         OSTREE_OBJECT_TYPE_COMMIT, commit, &found, NULL, &error));
  g_assert_false (found);
  store_begin (fixture);
  store_commit (fixture);
  g_autofree char *resolved = sc_repo_resolve (fixture->repo, "syscont/test/a", &error);
  g_assert_null (resolved);
}

static void
test_ref_removed (StoreFixture *fixture, gconstpointer data)
{
  g_free (store_tree (fixture));
  g_autoptr (GError) error = NULL;

  store_begin (fixture);
  sc_repo_set_ref (fixture->repo, "syscont/test/tree", NULL);
  sc_repo_set_ref (fixture->repo, "syscont/test/never", NULL);
  store_commit (fixture);
  g_autofree char *resolved = sc_repo_resolve (fixture->repo, "syscont/test/tree", &error);

  g_assert_no_error (error);
  g_assert_null (resolved);
}

static void
test_refs_change_without_transaction (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *commit = store_tree (fixture);
  const char *const refs[] = { "syscont/test/a", "syscont/test/b", NULL };
  g_autoptr (GError) error = NULL;

  g_assert_true (sc_repo_change_refs (fixture->repo, refs, commit, NULL, &error));
  g_autofree char *resolved = sc_repo_resolve (fixture->repo, "syscont/test/b", &error);
  g_assert_cmpstr (resolved, ==, commit);
  g_assert_true (sc_repo_change_refs (fixture->repo, refs, NULL, NULL, &error));

  g_assert_no_error (error);
  g_assert_null (sc_repo_resolve (fixture->repo, "syscont/test/a", NULL));
  g_assert_null (sc_repo_resolve (fixture->repo, "syscont/test/b", NULL));
}

static void
test_ref_that_cannot_be_written (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *commit = store_tree (fixture);
  const char *const refs[] = { "syscont/test/tree/below", NULL };
  g_autoptr (GError) error = NULL;

  g_assert_false (sc_repo_change_refs (fixture->repo, refs, commit, NULL, &error));
  g_assert_nonnull (strstr (error->message, "ref \"syscont/test/tree/below\": "));
}

typedef struct
{
  const char *name;
  const char *path;
  gsize max_bytes;
  int code; /* -1: succeeds */
  ScNodeType type;
} PathCase;

static const PathCase paths[] = {
  { "file", "etc/conf", 5, -1, SC_NODE_REGULAR },
  { "absolute-spelling", "/etc//conf", 5, -1, SC_NODE_REGULAR },
  { "too-large", "etc/conf", 4, SYSCONT_ERROR_LIMIT_EXCEEDED, SC_NODE_REGULAR },
  { "missing", "etc/none", 5, SYSCONT_ERROR_NOT_FOUND, SC_NODE_NONE },
  { "missing-directory", "none/conf", 5, SYSCONT_ERROR_NOT_FOUND, SC_NODE_NONE },
  { "below-file", "etc/conf/x", 5, SYSCONT_ERROR_NOT_FOUND, SC_NODE_NONE },
  { "link", "etc/link", 5, SYSCONT_ERROR_IMAGE_INVALID, SC_NODE_SYMLINK },
  { "below-link", "lib/conf", 5, SYSCONT_ERROR_IMAGE_INVALID, SC_NODE_NONE },
  { "directory", "etc", 5, SYSCONT_ERROR_IMAGE_INVALID, SC_NODE_DIRECTORY },
  { "root", "", 5, SYSCONT_ERROR_IMAGE_INVALID, SC_NODE_DIRECTORY },
  { "dot-dot", "etc/../etc/conf", 5, SYSCONT_ERROR_NOT_FOUND, SC_NODE_NONE },
};

static void
test_read_file (StoreFixture *fixture, gconstpointer data)
{
  const PathCase *row = data;
  g_autofree char *commit = store_tree (fixture);
  g_autoptr (GError) error = NULL;
  ScNodeType type = SC_NODE_NONE;

  g_autoptr (GBytes) bytes
      = sc_repo_read_file (fixture->repo, commit, row->path, row->max_bytes, &error);
  if (row->code < 0)
    {
      g_assert_no_error (error);
      g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "hello", 5);
    }
  else
    {
      g_assert_null (bytes);
      g_assert_error (error, SYSCONT_ERROR, row->code);
      store_assert_contains (error, row->path);
      g_clear_error (&error);
    }
  g_assert_true (sc_repo_lookup (fixture->repo, commit, row->path, &type, &error));
  g_assert_cmpint (type, ==, row->type);
}

static void
test_commit_strings (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *commit = store_tree (fixture);
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) strings = sc_repo_get_commit_strings (fixture->repo, commit, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (g_hash_table_size (strings), ==, 3);
  g_assert_cmpstr (g_hash_table_lookup (strings, "docker.size"), ==, "1000");
}

static void
assert_linked (StoreFixture *fixture, const char *name, guint n_links)
{
  g_autofree char *path = g_build_filename (fixture->paths->checkout, name, "etc", "conf", NULL);
  struct stat st;

  g_assert_cmpint (stat (path, &st), ==, 0);
  g_assert_cmpuint (st.st_nlink, ==, n_links);
}

static void
test_checkout_links (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *commit = store_tree (fixture);
  g_autoptr (GError) error = NULL;
  sc_autofd fd = sc_fd_open_dir (fixture->paths->checkout, &error);

  g_assert_true (sc_repo_checkout (fixture->repo, commit, fd, "root", NULL, &error));
  g_assert_no_error (error);
  assert_linked (fixture, "root", 2);
  g_autofree char *link = g_build_filename (fixture->paths->checkout, "root", "lib", NULL);
  g_autofree char *target = g_file_read_link (link, NULL);
  g_assert_cmpstr (target, ==, "etc");
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* What lstat(2) and the kernel say of a tree, without the names of its owners. */
static void
describe (int dir_fd, const char *name, GString *out)
{
  g_autofree char *path = g_strdup_printf ("/proc/self/fd/%d/%s", dir_fd, name);
  char xattrs[256];
  struct stat st;

  g_assert_cmpint (fstatat (dir_fd, name, &st, AT_SYMLINK_NOFOLLOW), ==, 0);
  ssize_t n = llistxattr (path, xattrs, sizeof xattrs);
  g_assert_cmpint (n, >=, 0);
  g_string_append_printf (out, "%s %o %u:%u %lu ino %lu xattr %.*s\n", name, st.st_mode, st.st_uid,
                          st.st_gid, (gulong)st.st_mtim.tv_sec,
                          S_ISDIR (st.st_mode) ? 0 : (gulong)st.st_ino, (int)n, xattrs);
  if (!S_ISDIR (st.st_mode))
    return;

  sc_autofd fd = openat (dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
  const char *child;
  while ((child = g_dir_read_name (dir)) != NULL)
    g_ptr_array_add (names, g_strdup (child));
  g_ptr_array_sort (names, compare_names);
  for (guint i = 0; i < names->len; i++)
    describe (fd, names->pdata[i], out);
}

/* Owners, modes, attributes and times are what libostree would make of the commit. An empty file is not
 * compared: libostree copies it, to be later at the limit of links. */
static void
test_checkout_is_that_of_ostree (StoreFixture *fixture, gconstpointer data)
{
  g_autoptr (ScLayerWriter) writer = sc_layer_writer_new (fixture->repo, 1 << 20, 100);
  g_autoptr (GString) ours = g_string_new (NULL);
  g_autoptr (GString) theirs = g_string_new (NULL);
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) value = g_bytes_new_static ("v", 1);
  sc_autofd fd = sc_fd_open_dir (fixture->paths->checkout, &error);
  static const LayerEntry rows[] = { { SC_ENTRY_DIRECTORY, "tmp", NULL, 01777 },
                                     { SC_ENTRY_DIRECTORY, "d", NULL, 02750 },
                                     { SC_ENTRY_REGULAR, "d/f", "x", 04755 },
                                     { SC_ENTRY_DIRECTORY, "d/e", NULL, 0700 },
                                     { SC_ENTRY_SYMLINK, "d/l", "/etc/passwd", 0 } };

  store_begin (fixture);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (ScEntry) entry = store_make_entry (&rows[i]);

      entry->uid = 5 + i;
      entry->gid = 7 + i;
      if (i < 3)
        sc_entry_add_xattr (entry, "user.test", value);
      g_assert_true (sc_layer_writer_add (writer, entry, NULL, &error));
      if (entry->size_bytes > 0)
        g_assert_true (
            sc_layer_writer_write (writer, rows[i].text, entry->size_bytes, NULL, &error));
    }
  g_autofree char *commit = sc_layer_writer_finish (writer, &store_layer_info, NULL, &error);
  g_assert_no_error (error);
  store_commit (fixture);

  g_assert_true (sc_repo_checkout (fixture->repo, commit, fd, "root", NULL, &error));
  describe (fd, "root", ours);
  g_assert_true (sc_fd_remove_tree (fd, "root", &error));
  OstreeRepoCheckoutAtOptions options
      = { .mode = store_keeps_owners () ? OSTREE_REPO_CHECKOUT_MODE_NONE
                                        : OSTREE_REPO_CHECKOUT_MODE_USER };
  ostree_repo_checkout_at (sc_repo_get_ostree (fixture->repo), &options, fd, "root", commit, NULL,
                           &error);
  g_assert_no_error (error);
  describe (fd, "root", theirs);
  g_assert_cmpstr (ours->str, ==, theirs->str);
}

static void
test_checkout_refuses_existing (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *commit = store_tree (fixture);
  g_autoptr (GError) error = NULL;
  sc_autofd fd = sc_fd_open_dir (fixture->paths->checkout, &error);
  struct stat st;

  g_assert_cmpint (mkdirat (fd, "root", 0700), ==, 0);
  g_assert_false (sc_repo_checkout (fixture->repo, commit, fd, "root", NULL, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_ALREADY_EXISTS);
  g_assert_cmpint (fstatat (fd, "root", &st, 0), ==, 0);
}

static void
test_checkout_failure_leaves_nothing (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *commit = store_tree (fixture);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;
  sc_autofd fd = sc_fd_open_dir (fixture->paths->checkout, &error);
  struct stat st;

  g_cancellable_cancel (cancellable);
  g_assert_false (sc_repo_checkout (fixture->repo, commit, fd, "root", cancellable, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_CANCELLED);
  g_assert_cmpint (fstatat (fd, "root", &st, 0), <, 0);
}

/* AR24 */
static void
test_checkout_copies_at_link_limit (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *commit = store_tree (fixture);
  g_autofree char *links = g_build_filename (fixture->directory, "links", NULL);
  g_autofree char *file = g_build_filename (fixture->paths->checkout, "first", "etc", "conf", NULL);
  g_autoptr (GError) error = NULL;
  sc_autofd fd = sc_fd_open_dir (fixture->paths->checkout, &error);
  guint n_links = 2;

  g_assert_true (sc_repo_checkout (fixture->repo, commit, fd, "first", NULL, &error));
  g_assert_cmpint (mkdir (links, 0700), ==, 0);
  for (; n_links < 70000; n_links++)
    {
      g_autofree char *path = g_strdup_printf ("%s/%u", links, n_links);
      if (link (file, path) < 0)
        break;
    }
  if (n_links == 70000)
    {
      g_test_skip ("this file system has no limit of 65 000 links");
      return;
    }
  g_assert_true (sc_repo_checkout (fixture->repo, commit, fd, "second", NULL, &error));
  g_assert_no_error (error);
  assert_linked (fixture, "second", 1);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*function) (StoreFixture *, gconstpointer);
  } tests[] = {
    { "/repo/open/makes-private-directory", test_open_makes_private_directory },
    { "/repo/open/creates-bare", test_open_creates_bare },
    { "/repo/open/finishes-half-created", test_open_finishes_half_created },
    { "/repo/open/keeps-fsync", test_open_keeps_fsync },
    { "/repo/open/refuses-archive-mode", test_open_refuses_archive_mode },
    { "/repo/open/needs-one-mount", test_open_needs_one_mount },
    { "/repo/begin/twice", test_begin_twice },
    { "/repo/commit/without-begin", test_commit_without_begin },
    { "/repo/commit/makes-refs-appear", test_refs_appear_at_commit },
    { "/repo/commit/removes-refs", test_ref_removed },
    { "/repo/change-refs/without-transaction", test_refs_change_without_transaction },
    { "/repo/change-refs/names-ref", test_ref_that_cannot_be_written },
    { "/repo/abort/leaves-nothing", test_abort_leaves_nothing },
    { "/repo/list-refs/missing-prefix", test_refs_of_missing_prefix },
    { "/repo/list-refs/without-prefix-itself", test_refs_without_prefix_itself },
    { "/repo/get-commit-strings/only-strings", test_commit_strings },
    { "/repo/checkout/links", test_checkout_links },
    { "/repo/checkout/is-that-of-ostree", test_checkout_is_that_of_ostree },
    { "/repo/checkout/refuses-existing", test_checkout_refuses_existing },
    { "/repo/checkout/failure-leaves-nothing", test_checkout_failure_leaves_nothing },
    { "/repo/checkout/copies-at-link-limit", test_checkout_copies_at_link_limit },
  };

  g_test_init (&argc, &argv, NULL);
  for (gsize i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, StoreFixture, NULL, store_set_up, tests[i].function,
                store_tear_down);
  for (gsize i = 0; i < G_N_ELEMENTS (paths); i++)
    {
      g_autofree char *path = g_strconcat ("/repo/read-file/", paths[i].name, NULL);
      g_test_add (path, StoreFixture, &paths[i], store_set_up, test_read_file, store_tear_down);
    }
  return g_test_run ();
}
