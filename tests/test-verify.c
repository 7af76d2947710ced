/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image-fixture.h"
#include "store/sc-checkout-check.h"
#include "store/sc-image-parts.h"
#include "store/sc-verify.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

static const char *const contents[] = { "base", "application", NULL };

static ScProgress *
new_progress (void)
{
  return sc_progress_new (NULL, NULL);
}

/* --- doing harm --- */

/* An object of the repository by what libostree calls it. */
static char *
object_path (StoreFixture *fixture, const char *object)
{
  return g_strdup_printf ("%s/objects/%.2s/%s", fixture->paths->repository, object, object + 2);
}

/* The file object of a layer's file. */
static char *
file_object (StoreFixture *fixture, const char *commit, const char *path)
{
  OstreeRepo *ostree = sc_repo_get_ostree (fixture->repo);
  g_autoptr (GFile) root = NULL;
  g_autoptr (GError) error = NULL;

  ostree_repo_read_commit (ostree, commit, &root, NULL, NULL, &error);
  g_assert_no_error (error);
  g_autoptr (GFile) file = g_file_resolve_relative_path (root, path);
  return g_strconcat (ostree_repo_file_get_checksum (OSTREE_REPO_FILE (file)), ".file", NULL);
}

static char *
tree_object (StoreFixture *fixture, const char *commit, gboolean meta)
{
  OstreeRepo *ostree = sc_repo_get_ostree (fixture->repo);
  g_autoptr (GFile) root = NULL;
  g_autoptr (GError) error = NULL;

  ostree_repo_read_commit (ostree, commit, &root, NULL, NULL, &error);
  g_assert_no_error (error);
  ostree_repo_file_ensure_resolved (OSTREE_REPO_FILE (root), &error);
  g_assert_no_error (error);
  return meta ? g_strconcat (ostree_repo_file_tree_get_metadata_checksum (OSTREE_REPO_FILE (root)),
                             ".dirmeta", NULL)
              : g_strconcat (ostree_repo_file_tree_get_contents_checksum (OSTREE_REPO_FILE (root)),
                             ".dirtree", NULL);
}

static void
flip (const char *path)
{
  int fd = open (path, O_RDWR | O_CLOEXEC);
  char byte;

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (pread (fd, &byte, 1, 0), ==, 1);
  byte ^= 1;
  g_assert_cmpint (pwrite (fd, &byte, 1, 0), ==, 1);
  close (fd);
}

static void
truncate_file (const char *path)
{
  g_assert_cmpint (truncate (path, 1), ==, 0);
}

static void
empty_file (const char *path)
{
  g_assert_cmpint (truncate (path, 0), ==, 0);
}

static void
delete_file (const char *path)
{
  g_assert_cmpint (unlink (path), ==, 0);
}

static void
change_mode (const char *path)
{
  g_assert_cmpint (chmod (path, 0777), ==, 0);
}

static void
change_owner (const char *path)
{
  g_assert_cmpint (chown (path, 1234, 1234), ==, 0);
}

static void
add_xattr (const char *path)
{
  g_assert_cmpint (setxattr (path, "user.syscont.test", "x", 1, 0), ==, 0);
}

typedef struct
{
  const char *name;
  void (*harm) (const char *path);
  gboolean needs_owners; /* only a repository that keeps owners knows of it */
} Harm;

static const Harm file_harms[] = {
  { "flipped", flip, FALSE },       { "truncated", truncate_file, FALSE },
  { "emptied", empty_file, FALSE }, { "deleted", delete_file, FALSE },
  { "mode", change_mode, FALSE },   { "owner", change_owner, TRUE },
  { "xattr", add_xattr, TRUE },
};

static const Harm metadata_harms[] = {
  { "flipped", flip, FALSE },
  { "truncated", truncate_file, FALSE },
  { "emptied", empty_file, FALSE },
  { "deleted", delete_file, FALSE },
};

/* --- looking at it --- */

static ScVerify *
verify_commit (StoreFixture *fixture, const char *commit)
{
  g_autoptr (ScProgress) progress = new_progress ();
  ScVerify *verify = sc_verify_new (fixture->repo, progress);
  g_autoptr (GError) error = NULL;

  sc_verify_add (verify, commit, NULL, &error);
  g_assert_no_error (error);
  sc_verify_run (verify, NULL, &error);
  g_assert_no_error (error);
  return verify;
}

static void
assert_damaged (StoreFixture *fixture, const char *commit, const char *object)
{
  g_autoptr (ScVerify) verify = verify_commit (fixture, commit);
  g_auto (GStrv) damage = sc_verify_list_damage (verify, commit);

  g_assert_cmpuint (g_strv_length (damage), ==, 1);
  g_assert_cmpstr (damage[0], ==, object);
}

static char *
make_rootfs (StoreFixture *fixture)
{
  g_autofree char *digest = image_add (fixture, "a:1", 1, contents);
  g_autofree char *ref = sc_rootfs_ref (digest);

  return image_resolve (fixture, ref);
}

static gboolean
skip (const Harm *harm)
{
  if (!harm->needs_owners || store_keeps_owners ())
    return FALSE;
  g_test_skip ("a repository of mode bare, which keeps owners, needs root");
  return TRUE;
}

static void
test_file (StoreFixture *fixture, gconstpointer data)
{
  const Harm *harm = data;
  if (skip (harm))
    return;
  g_autofree char *rootfs = make_rootfs (fixture);
  g_autofree char *object = file_object (fixture, rootfs, "application");
  g_autofree char *path = object_path (fixture, object);

  harm->harm (path);

  assert_damaged (fixture, rootfs, object);
}

static void
test_tree (StoreFixture *fixture, gconstpointer data)
{
  const Harm *harm = data;
  g_autofree char *rootfs = make_rootfs (fixture);
  g_autofree char *object = tree_object (fixture, rootfs, FALSE);
  g_autofree char *path = object_path (fixture, object);

  harm->harm (path);

  assert_damaged (fixture, rootfs, object);
}

static void
test_meta (StoreFixture *fixture, gconstpointer data)
{
  const Harm *harm = data;
  g_autofree char *rootfs = make_rootfs (fixture);
  g_autofree char *object = tree_object (fixture, rootfs, TRUE);
  g_autofree char *path = object_path (fixture, object);

  harm->harm (path);

  assert_damaged (fixture, rootfs, object);
}

static void
test_commit (StoreFixture *fixture, gconstpointer data)
{
  const Harm *harm = data;
  g_autofree char *rootfs = make_rootfs (fixture);
  g_autofree char *object = g_strconcat (rootfs, ".commit", NULL);
  g_autofree char *path = object_path (fixture, object);

  harm->harm (path);

  assert_damaged (fixture, rootfs, object);
}

static void
test_clean (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *rootfs = make_rootfs (fixture);

  g_autoptr (ScVerify) verify = verify_commit (fixture, rootfs);

  g_auto (GStrv) damage = sc_verify_list_damage (verify, rootfs);
  g_assert_cmpuint (g_strv_length (damage), ==, 0);
}

/* A merged tree has no files but those of its layers. */
static void
test_shared_objects_are_read_once (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *rootfs = make_rootfs (fixture);
  g_autoptr (ScImage) image = sc_image_store_lookup (fixture->repo, "a:1", NULL);
  g_autoptr (ScImageParts) parts = sc_image_parts_load (fixture->repo, image, NULL);
  g_autoptr (ScProgress) progress = new_progress ();
  g_autoptr (ScVerify) verify = sc_verify_new (fixture->repo, progress);
  ScProgressState state;

  for (guint i = 0; i < parts->layers->len; i++)
    g_assert_true (
        sc_verify_add (verify, ((ScBlobCommit *)parts->layers->pdata[i])->commit, NULL, NULL));
  guint64 bytes = sc_verify_get_bytes (verify);
  g_assert_true (sc_verify_add (verify, rootfs, NULL, NULL));

  g_assert_cmpuint (bytes, >, 0);
  g_assert_cmpuint (sc_verify_get_bytes (verify), ==, bytes);
  g_assert_true (sc_verify_run (verify, NULL, NULL));
  sc_progress_get (progress, &state);
  g_assert_cmpuint (state.bytes_total, ==, bytes);
  g_assert_cmpuint (state.bytes, >=, bytes);
}

static void
test_damage_is_told_of_those_who_have_it (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *rootfs = make_rootfs (fixture);
  g_autoptr (ScImage) image = sc_image_store_lookup (fixture->repo, "a:1", NULL);
  g_autoptr (ScImageParts) parts = sc_image_parts_load (fixture->repo, image, NULL);
  const ScBlobCommit *base = parts->layers->pdata[0];
  const ScBlobCommit *application = parts->layers->pdata[1];
  g_autofree char *object = file_object (fixture, rootfs, "application");
  g_autofree char *path = object_path (fixture, object);
  g_autoptr (ScProgress) progress = new_progress ();
  g_autoptr (ScVerify) verify = sc_verify_new (fixture->repo, progress);

  flip (path);
  g_assert_true (sc_verify_add (verify, base->commit, NULL, NULL));
  g_assert_true (sc_verify_add (verify, application->commit, NULL, NULL));
  g_assert_true (sc_verify_run (verify, NULL, NULL));

  g_auto (GStrv) of_base = sc_verify_list_damage (verify, base->commit);
  g_auto (GStrv) of_application = sc_verify_list_damage (verify, application->commit);
  g_assert_cmpuint (g_strv_length (of_base), ==, 0);
  g_assert_cmpuint (g_strv_length (of_application), ==, 1);
}

static void
test_cancelled (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *rootfs = make_rootfs (fixture);
  g_autoptr (ScProgress) progress = new_progress ();
  g_autoptr (ScVerify) verify = sc_verify_new (fixture->repo, progress);
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (sc_verify_add (verify, rootfs, cancellable, NULL));
  g_cancellable_cancel (cancellable);

  g_assert_false (sc_verify_run (verify, cancellable, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* What was taken away is nobody's to believe: the layer counts as not stored, and storing it again
 * makes all of it whole. */
static void
test_drop_makes_layer_be_stored_again (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *rootfs = make_rootfs (fixture);
  g_autofree char *digest = image_layer_digest ("application");
  g_autofree char *layer = sc_layer_find (fixture->repo, digest, NULL);
  g_autofree char *object = file_object (fixture, rootfs, "application");
  g_autofree char *path = object_path (fixture, object);
  g_autoptr (GError) error = NULL;

  flip (path);
  {
    g_autoptr (ScVerify) verify = verify_commit (fixture, layer);
    g_auto (GStrv) damage = sc_verify_list_damage (verify, layer);
    sc_verify_drop (verify, layer, (const char *const *)damage, TRUE, NULL, &error);
    g_assert_no_error (error);
  }
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  g_autofree char *found = sc_layer_find (fixture->repo, digest, NULL);
  g_autoptr (ScImage) image = sc_image_store_lookup (fixture->repo, "a:1", NULL);
  g_assert_null (found);
  g_assert_false (sc_image_is_whole (fixture->repo, image));

  g_free (image_add (fixture, "a:1", 1, contents));
  g_autoptr (ScImage) again = sc_image_store_lookup (fixture->repo, "a:1", NULL);
  g_autoptr (ScVerify) verify = verify_commit (fixture, rootfs);
  g_auto (GStrv) damage = sc_verify_list_damage (verify, rootfs);
  g_assert_true (sc_image_is_whole (fixture->repo, again));
  g_assert_cmpuint (g_strv_length (damage), ==, 0);
}

/* --- checkouts --- */

static int
check_out (StoreFixture *fixture, const char *commit)
{
  g_autoptr (GError) error = NULL;
  int parent = open (fixture->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

  sc_repo_checkout (fixture->repo, commit, parent, "out", NULL, &error);
  g_assert_no_error (error);
  int fd = openat (parent, "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  close (parent);
  return fd;
}

static void
check (StoreFixture *fixture, const char *commit, int fd, gboolean repair, ScCheckoutFaults *faults)
{
  g_autoptr (GError) error = NULL;

  sc_checkout_faults_clear (faults);
  sc_checkout_check (fixture->repo, commit, fd, repair, faults, &error);
  g_assert_no_error (error);
}

/* As after an object was damaged and stored again: the checkout has the damaged file. */
static void
test_checkout_gets_whole_file (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *rootfs = make_rootfs (fixture);
  int fd = check_out (fixture, rootfs);
  g_autofree char *object = file_object (fixture, rootfs, "application");
  g_autofree char *path = object_path (fixture, object);
  g_autofree char *file = g_build_filename (fixture->directory, "out", "application", NULL);
  g_auto (ScCheckoutFaults) faults = { 0 };
  struct stat here;
  struct stat stored;

  check (fixture, rootfs, fd, FALSE, &faults);
  g_assert_cmpuint (faults.wrong->len, ==, 0);
  delete_file (path);
  flip (file);
  {
    g_autoptr (ScVerify) verify = verify_commit (fixture, rootfs);
    g_auto (GStrv) damage = sc_verify_list_damage (verify, rootfs);
    g_autofree char *digest = image_layer_digest ("application");
    g_autofree char *layer = sc_layer_find (fixture->repo, digest, NULL);
    g_assert_true (sc_verify_drop (verify, layer, (const char *const *)damage, TRUE, NULL, NULL));
  }
  g_free (image_add (fixture, "a:1", 1, contents));

  check (fixture, rootfs, fd, FALSE, &faults);
  g_assert_cmpuint (faults.wrong->len, ==, 2); /* both names of the file */
  g_assert_cmpstr (faults.wrong->pdata[0], ==, "application");
  check (fixture, rootfs, fd, TRUE, &faults);
  g_assert_cmpuint (faults.wrong->len, ==, 0);
  g_assert_cmpuint (faults.n_replaced, ==, 2);

  g_assert_cmpint (stat (file, &here), ==, 0);
  g_assert_cmpint (stat (path, &stored), ==, 0);
  g_assert_cmpuint (here.st_ino, ==, stored.st_ino);
  close (fd);
}

static void
test_checkout_lacks_file (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *rootfs = make_rootfs (fixture);
  int fd = check_out (fixture, rootfs);
  g_auto (ScCheckoutFaults) faults = { 0 };

  g_assert_cmpint (unlinkat (fd, "application", 0), ==, 0);
  g_assert_cmpint (symlinkat ("/etc/passwd", fd, "extra"), ==, 0);

  check (fixture, rootfs, fd, FALSE, &faults);
  g_assert_cmpuint (faults.wrong->len, ==, 1);
  check (fixture, rootfs, fd, TRUE, &faults);
  g_assert_cmpuint (faults.wrong->len, ==, 0);
  g_assert_cmpint (faccessat (fd, "application", F_OK, 0), ==, 0);
  close (fd);
}

/* A copy, made because an object can have no more links, is as good. */
static void
test_checkout_may_be_a_copy (StoreFixture *fixture, gconstpointer data)
{
  g_autofree char *rootfs = make_rootfs (fixture);
  int fd = check_out (fixture, rootfs);
  g_autofree char *file = g_build_filename (fixture->directory, "out", "application", NULL);
  g_auto (ScCheckoutFaults) faults = { 0 };
  struct stat st;

  g_assert_cmpint (stat (file, &st), ==, 0);
  g_assert_cmpint (unlink (file), ==, 0);
  g_assert_true (g_file_set_contents (file, "application", -1, NULL));
  g_assert_cmpint (chmod (file, st.st_mode & 07777), ==, 0);

  check (fixture, rootfs, fd, FALSE, &faults);
  g_assert_cmpuint (faults.wrong->len, ==, 0);
  close (fd);
}

#define ADD(path, data, func)                                                                      \
  g_test_add (path, StoreFixture, data, store_set_up, func, store_tear_down_damaged)

static void
add_harms (const char *prefix,
           const Harm *harms,
           gsize n,
           void (*func) (StoreFixture *fixture, gconstpointer data))
{
  for (gsize i = 0; i < n; i++)
    {
      g_autofree char *path = g_strconcat ("/verify/", prefix, "/", harms[i].name, NULL);
      ADD (path, &harms[i], func);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_harms ("file", file_harms, G_N_ELEMENTS (file_harms), test_file);
  add_harms ("directory", metadata_harms, G_N_ELEMENTS (metadata_harms), test_tree);
  add_harms ("directory-metadata", metadata_harms, G_N_ELEMENTS (metadata_harms), test_meta);
  add_harms ("commit", metadata_harms, G_N_ELEMENTS (metadata_harms), test_commit);
  ADD ("/verify/run/clean", NULL, test_clean);
  ADD ("/verify/run/shared-objects-are-read-once", NULL, test_shared_objects_are_read_once);
  ADD ("/verify/run/cancelled", NULL, test_cancelled);
  ADD ("/verify/damage/is-told-of-those-who-have-it", NULL,
       test_damage_is_told_of_those_who_have_it);
  ADD ("/verify/drop/makes-layer-be-stored-again", NULL, test_drop_makes_layer_be_stored_again);
  ADD ("/verify/checkout/gets-whole-file", NULL, test_checkout_gets_whole_file);
  ADD ("/verify/checkout/lacks-file", NULL, test_checkout_lacks_file);
  ADD ("/verify/checkout/may-be-a-copy", NULL, test_checkout_may_be_a_copy);
  return g_test_run ();
}
