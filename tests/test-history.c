/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-history.h"
#include "ops/sc-seen.h"
#include "scratch.h"

#include <glib/gstdio.h>
#include <string.h>

#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

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

static void
add (Fixture *fixture, const char *container, gint64 time_usec, const char *reason)
{
  g_autoptr (GError) error = NULL;
  const ScHistoryEvent event = { .time_usec = time_usec,
                                 .event = "update",
                                 .container = container,
                                 .to_digest = DIGEST,
                                 .from = -1,
                                 .to = 1,
                                 .uid = 17,
                                 .result = "done",
                                 .reason = reason };

  sc_history_add (fixture->paths, &event, &error);
  g_assert_no_error (error);
}

static GVariant *
read_all (Fixture *fixture, const ScHistoryFilter *filter)
{
  g_autoptr (GError) error = NULL;
  GVariant *events = sc_history_read (fixture->paths, filter, &error);

  g_assert_no_error (error);
  return events;
}

static void
test_reads_back (Fixture *fixture, gconstpointer data)
{
  guint32 uid = 0;
  guint64 to = 0;
  const char *reason = NULL;

  add (fixture, "web", 5, "line\nend \"x\"");

  g_autoptr (GVariant) events = read_all (fixture, &(ScHistoryFilter){ 0 });
  g_assert_cmpuint (g_variant_n_children (events), ==, 1);
  g_autoptr (GVariant) event = g_variant_get_child_value (events, 0);
  g_assert_true (g_variant_lookup (event, "uid", "u", &uid));
  g_assert_true (g_variant_lookup (event, "to-deployment", "t", &to));
  g_assert_true (g_variant_lookup (event, "reason", "&s", &reason));
  g_assert_false (g_variant_lookup (event, "from-deployment", "t", &to));
  g_assert_cmpuint (uid, ==, 17);
  g_assert_cmpuint (to, ==, 1);
  g_assert_cmpstr (reason, ==, "line\nend \"x\"");
}

static void
test_filters (Fixture *fixture, gconstpointer data)
{
  add (fixture, "web", 5, NULL);
  add (fixture, "db", 6, NULL);
  add (fixture, "web", 7, NULL);

  g_autoptr (GVariant) of_one = read_all (fixture, &(ScHistoryFilter){ .container = "web" });
  g_autoptr (GVariant) late = read_all (fixture, &(ScHistoryFilter){ .since_usec = 6 });
  g_autoptr (GVariant) newest = read_all (fixture, &(ScHistoryFilter){ .limit = 1 });
  g_assert_cmpuint (g_variant_n_children (of_one), ==, 2);
  g_assert_cmpuint (g_variant_n_children (late), ==, 2);
  g_assert_cmpuint (g_variant_n_children (newest), ==, 1);
}

static void
test_line_that_was_cut_off_is_left_out (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->paths->state, "history.jsonl", NULL);
  g_autofree char *text = NULL;

  add (fixture, "web", 5, NULL);
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_autofree char *cut = g_strconcat (text, "{\"time\":6,\"conta", NULL);
  g_assert_true (g_file_set_contents (path, cut, -1, NULL));

  add (fixture, "web", 7, NULL);

  g_autoptr (GVariant) events = read_all (fixture, &(ScHistoryFilter){ 0 });
  g_assert_cmpuint (g_variant_n_children (events), ==, 2);
}

static void
test_large_file_is_put_aside (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = g_build_filename (fixture->paths->state, "history.jsonl", NULL);
  g_autofree char *old = g_build_filename (fixture->paths->state, "history.jsonl.1", NULL);
  g_autofree char *filler = g_strnfill (1024 * 1024, ' ');

  add (fixture, "web", 5, NULL);
  g_autofree char *text = NULL;
  g_assert_true (g_file_get_contents (path, &text, NULL, NULL));
  g_autofree char *large = g_strconcat (text, filler, "\n", NULL);
  g_assert_true (g_file_set_contents (path, large, -1, NULL));
  add (fixture, "web", 6, NULL);

  g_assert_true (g_file_test (old, G_FILE_TEST_EXISTS));
  g_autoptr (GVariant) events = read_all (fixture, &(ScHistoryFilter){ 0 });
  g_assert_cmpuint (g_variant_n_children (events), ==, 2);
}

static void
test_first_sighting_stays (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  gint64 first = 0;
  gint64 second = 0;

  g_assert_true (sc_seen_add (fixture->paths, DIGEST, &first, &error));
  g_assert_true (sc_seen_add (fixture->paths, DIGEST, &second, &error));

  g_assert_cmpint (first, >, 0);
  g_assert_cmpint (first, ==, second);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/history/read/reads-back", test_reads_back);
  ADD ("/history/read/filters", test_filters);
  ADD ("/history/read/leaves-out-a-cut-line", test_line_that_was_cut_off_is_left_out);
  ADD ("/history/add/puts-a-large-file-aside", test_large_file_is_put_aside);
  ADD ("/seen/add/first-sighting-stays", test_first_sighting_stays);
  return g_test_run ();
}
