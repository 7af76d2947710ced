/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The files of the spool: who shares them, and how long they stay.
 */
#include "ops/sc-spool.h"

#include "scratch.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <utime.h>

#define NOW_S G_GINT64_CONSTANT (1700000000)

typedef struct
{
  char *root;
  ScPaths *paths;
  ScConfig *config;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->root = scratch_new ();
  fixture->paths = sc_paths_new (fixture->root);
  fixture->config = sc_config_load (fixture->paths, NULL);
  g_assert_nonnull (fixture->config);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  sc_config_free (fixture->config);
  sc_paths_free (fixture->paths);
  scratch_free (fixture->root);
}

static char *
digest_of (const char *content)
{
  return sc_digest_of_bytes (content, strlen (content));
}

static char *
path_of (Fixture *fixture, const char *content)
{
  g_autofree char *digest = digest_of (content);

  return g_build_filename (fixture->paths->spool, sc_digest_hex (digest), NULL);
}

static ScBlob *
take (Fixture *fixture, const char *content)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *digest = digest_of (content);
  ScBlob *blob = sc_spool_take (fixture->paths, digest, strlen (content), &error);

  g_assert_no_error (error);
  return blob;
}

/* Leaves the first bytes of @content in the spool. */
static void
leave (Fixture *fixture, const char *content, gsize size_bytes, gint64 age_s)
{
  ScBlob *blob = take (fixture, content);
  g_autofree char *path = path_of (fixture, content);
  struct utimbuf times = { .actime = NOW_S - age_s, .modtime = NOW_S - age_s };

  g_assert_true (sc_blob_append (blob, content, size_bytes, NULL));
  sc_spool_give_back (blob, TRUE);
  g_assert_cmpint (utime (path, &times), ==, 0);
}

static gboolean
is_there (Fixture *fixture, const char *content)
{
  g_autofree char *path = path_of (fixture, content);

  return g_file_test (path, G_FILE_TEST_EXISTS);
}

static void
test_take_resumes (Fixture *fixture, gconstpointer data)
{
  guint8 buffer[3];

  leave (fixture, "content", 5, 0);
  ScBlob *blob = take (fixture, "content");
  while (sc_blob_has_prefix (blob))
    g_assert_true (sc_blob_hash_prefix (blob, buffer, sizeof buffer, NULL));

  g_assert_cmpuint (blob->written_bytes, ==, 5);
  g_assert_true (sc_blob_append (blob, "nt", 2, NULL));
  g_assert_true (sc_blob_finish (blob, NULL));
  g_autoptr (GBytes) bytes = sc_blob_read_all (blob, 100, NULL);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "content", 7);
  sc_spool_give_back (blob, FALSE);
  g_assert_false (is_there (fixture, "content"));
}

static void
test_take_private_to_root (Fixture *fixture, gconstpointer data)
{
  struct stat file;
  struct stat directory;
  g_autofree char *path = path_of (fixture, "content");
  ScBlob *blob = take (fixture, "content");

  g_assert_cmpint (stat (path, &file), ==, 0);
  g_assert_cmpint (stat (fixture->paths->spool, &directory), ==, 0);
  g_assert_cmpint (file.st_mode & 07777, ==, 0600);
  g_assert_cmpint (directory.st_mode & 07777, ==, 0700);
  sc_spool_give_back (blob, TRUE);
}

static void
test_take_nothing_stays_nothing (Fixture *fixture, gconstpointer data)
{
  sc_spool_give_back (take (fixture, "content"), TRUE);

  g_assert_false (is_there (fixture, "content"));
}

static void
test_take_longer_file (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = path_of (fixture, "content");

  leave (fixture, "content", 5, 0);
  g_assert_true (g_file_set_contents (path, "content and more", -1, NULL));
  ScBlob *blob = take (fixture, "content");

  g_assert_false (sc_blob_has_prefix (blob));
  sc_spool_give_back (blob, TRUE);
}

static void
test_take_link (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = path_of (fixture, "content");
  g_autofree char *digest = digest_of ("content");
  g_autofree char *other = g_build_filename (fixture->root, "other", NULL);
  g_autoptr (GError) error = NULL;

  leave (fixture, "content", 5, 0);
  g_assert_cmpint (g_unlink (path), ==, 0);
  g_assert_true (g_file_set_contents (other, "con", -1, NULL));
  g_assert_cmpint (symlink (other, path), ==, 0);

  g_assert_null (sc_spool_take (fixture->paths, digest, 7, &error));
  g_assert_nonnull (strstr (error->message, path));
}

static void
test_take_same_twice (Fixture *fixture, gconstpointer data)
{
  ScBlob *one = take (fixture, "content");
  ScBlob *two = take (fixture, "content");

  g_assert_true (one == two);
  g_assert_true (sc_blob_append (one, "con", 3, NULL));
  sc_spool_give_back (one, FALSE);
  g_assert_true (is_there (fixture, "content"));
  sc_spool_give_back (two, TRUE);
  g_assert_true (is_there (fixture, "content"));
}

/* A manifest that lies about a size must not disturb the pull of one that does not. */
static void
test_take_other_size (Fixture *fixture, gconstpointer data)
{
  g_autofree char *digest = digest_of ("content");
  ScBlob *one = take (fixture, "content");
  ScBlob *two = sc_spool_take (fixture->paths, digest, 3, NULL);

  g_assert_true (one != two);
  g_assert_true (sc_blob_append (one, "content", 7, NULL));
  g_assert_true (sc_blob_append (two, "xxx", 3, NULL));
  g_assert_true (sc_blob_finish (one, NULL));
  g_assert_false (sc_blob_finish (two, NULL));
  sc_spool_give_back (two, FALSE);
  g_assert_true (is_there (fixture, "content"));
  sc_spool_give_back (one, TRUE);
}

static guint64
count_news (int fd)
{
  eventfd_t count = 0;

  (void)eventfd_read (fd, &count);
  return count;
}

static void
test_share_one_writer (Fixture *fixture, gconstpointer data)
{
  sc_autofd first = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  sc_autofd second = eventfd (0, EFD_NONBLOCK | EFD_CLOEXEC);
  ScBlob *blob = take (fixture, "content");

  sc_blob_watch (blob, first);
  sc_blob_watch (blob, second);
  g_assert_true (sc_blob_claim (blob, first));
  g_assert_false (sc_blob_claim (blob, second));
  g_assert_true (sc_blob_append (blob, "con", 3, NULL));
  g_assert_cmpuint (count_news (first), ==, 0);
  g_assert_cmpuint (count_news (second), ==, 1);

  sc_blob_unwatch (blob, first);
  g_assert_cmpuint (count_news (second), ==, 1);
  g_assert_true (sc_blob_claim (blob, second));
  g_assert_true (sc_blob_append (blob, "tent", 4, NULL));
  g_assert_true (sc_blob_finish (blob, NULL));
  sc_blob_unwatch (blob, second);
  sc_spool_give_back (blob, TRUE);
}

static void
test_clean_old (Fixture *fixture, gconstpointer data)
{
  fixture->config->spool_retention_s = 100;
  leave (fixture, "old", 2, 100);
  leave (fixture, "young", 2, 99);

  g_assert_true (sc_spool_clean (fixture->paths, fixture->config, NOW_S, NULL));

  g_assert_false (is_there (fixture, "old"));
  g_assert_true (is_there (fixture, "young"));
}

static void
test_clean_large (Fixture *fixture, gconstpointer data)
{
  fixture->config->spool_max_bytes = 10;
  leave (fixture, "oldest", 6, 30);
  leave (fixture, "middle", 6, 20);
  leave (fixture, "newest", 4, 10);

  g_assert_true (sc_spool_clean (fixture->paths, fixture->config, NOW_S, NULL));

  g_assert_false (is_there (fixture, "oldest"));
  g_assert_true (is_there (fixture, "middle"));
  g_assert_true (is_there (fixture, "newest"));
}

static void
test_clean_in_use (Fixture *fixture, gconstpointer data)
{
  fixture->config->spool_max_bytes = 0;
  leave (fixture, "content", 3, 0);
  ScBlob *blob = take (fixture, "content");

  g_assert_true (sc_spool_clean (fixture->paths, fixture->config, NOW_S, NULL));
  g_assert_true (is_there (fixture, "content"));

  sc_spool_give_back (blob, TRUE);
  g_assert_true (sc_spool_clean (fixture->paths, fixture->config, NOW_S, NULL));
  g_assert_false (is_there (fixture, "content"));
}

static void
test_clean_no_spool (Fixture *fixture, gconstpointer data)
{
  ScSpoolUsage usage;

  g_assert_true (sc_spool_clean (fixture->paths, fixture->config, NOW_S, NULL));
  sc_spool_measure (fixture->paths, &usage);

  g_assert_cmpuint (usage.total_bytes, ==, 0);
  g_assert_false (g_file_test (fixture->paths->spool, G_FILE_TEST_EXISTS));
}

static void
test_clear (Fixture *fixture, gconstpointer data)
{
  g_autofree char *foreign = g_build_filename (fixture->paths->spool, "foreign", NULL);
  guint64 freed_bytes = 0;

  leave (fixture, "content", 3, 0);
  leave (fixture, "more content", 5, 0);
  g_assert_true (g_file_set_contents (foreign, "x", -1, NULL));

  g_assert_true (sc_spool_clear (fixture->paths, TRUE, &freed_bytes, NULL));
  g_assert_cmpuint (freed_bytes, ==, 8);
  g_assert_true (is_there (fixture, "content"));
  g_assert_true (sc_spool_clear (fixture->paths, FALSE, &freed_bytes, NULL));
  g_assert_cmpuint (freed_bytes, ==, 8);
  g_assert_false (is_there (fixture, "content"));
  g_assert_false (is_there (fixture, "more content"));
  g_assert_true (g_file_test (foreign, G_FILE_TEST_EXISTS));
}

static void
test_measure (Fixture *fixture, gconstpointer data)
{
  ScSpoolUsage usage;

  leave (fixture, "content", 3, 0);
  leave (fixture, "more content", 5, 0);
  ScBlob *blob = take (fixture, "content");
  sc_spool_measure (fixture->paths, &usage);

  g_assert_cmpuint (usage.total_bytes, ==, 8);
  g_assert_cmpuint (usage.reclaimable_bytes, ==, 5);
  sc_spool_give_back (blob, TRUE);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/spool/take/resumes", test_take_resumes);
  ADD ("/spool/take/private-to-root", test_take_private_to_root);
  ADD ("/spool/take/nothing-stays-nothing", test_take_nothing_stays_nothing);
  ADD ("/spool/take/longer-file", test_take_longer_file);
  ADD ("/spool/take/link", test_take_link);
  ADD ("/spool/take/same-twice", test_take_same_twice);
  ADD ("/spool/take/other-size", test_take_other_size);
  ADD ("/spool/share/one-writer", test_share_one_writer);
  ADD ("/spool/clean/old", test_clean_old);
  ADD ("/spool/clean/large", test_clean_large);
  ADD ("/spool/clean/in-use", test_clean_in_use);
  ADD ("/spool/clean/no-spool", test_clean_no_spool);
  ADD ("/spool/clear", test_clear);
  ADD ("/spool/measure", test_measure);
  return g_test_run ();
}
