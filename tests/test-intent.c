/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-intent.h"
#include "scratch.h"

#include <glib/gstdio.h>

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
save (Fixture *fixture, guint64 job, const char *name, gboolean commit)
{
  g_autoptr (ScIntent) intent = sc_intent_new (job, SC_INTENT_INSTALL, name);
  g_autoptr (GError) error = NULL;

  intent->deployment = 3;
  sc_intent_save (intent, fixture->paths, &error);
  g_assert_no_error (error);
  if (commit)
    g_assert_true (sc_intent_commit (intent, fixture->paths, NULL));
}

static void
write_raw (Fixture *fixture, const char *text)
{
  g_autofree char *dir = g_build_filename (fixture->paths->state, "intents", NULL);
  g_autofree char *path = g_build_filename (dir, "9-x.json", NULL);

  g_assert_cmpint (g_mkdir_with_parents (dir, 0700), ==, 0);
  g_assert_true (g_file_set_contents (path, text, -1, NULL));
}

static void
test_list_reads_back (Fixture *fixture, gconstpointer data)
{
  save (fixture, 12, "web", FALSE);

  g_autoptr (GPtrArray) intents = sc_intent_list (fixture->paths, NULL);

  g_assert_cmpuint (intents->len, ==, 1);
  const ScIntent *intent = intents->pdata[0];
  g_assert_cmpuint (intent->job, ==, 12);
  g_assert_cmpint (intent->operation, ==, SC_INTENT_INSTALL);
  g_assert_cmpint (intent->phase, ==, SC_INTENT_PREPARED);
  g_assert_cmpstr (intent->container, ==, "web");
  g_assert_cmpuint (intent->deployment, ==, 3);
  g_assert_cmpint (intent->time_usec, >, 0);
}

static void
test_commit_replaces (Fixture *fixture, gconstpointer data)
{
  save (fixture, 12, "web", TRUE);

  g_autoptr (GPtrArray) intents = sc_intent_list (fixture->paths, NULL);

  g_assert_cmpuint (intents->len, ==, 1);
  g_assert_cmpint (((const ScIntent *)intents->pdata[0])->phase, ==, SC_INTENT_COMMITTED);
}

static void
test_list_is_by_job (Fixture *fixture, gconstpointer data)
{
  save (fixture, 10, "b", FALSE);
  save (fixture, 9, "a", FALSE);

  g_autoptr (GPtrArray) intents = sc_intent_list (fixture->paths, NULL);

  g_assert_cmpuint (intents->len, ==, 2);
  g_assert_cmpuint (((const ScIntent *)intents->pdata[0])->job, ==, 9);
}

static void
test_delete_leaves_nothing (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ScIntent) intent = sc_intent_new (1, SC_INTENT_UNINSTALL, "web");

  g_assert_true (sc_intent_save (intent, fixture->paths, NULL));
  g_assert_true (sc_intent_delete (intent, fixture->paths, NULL));
  g_assert_true (sc_intent_delete (intent, fixture->paths, NULL));

  g_autoptr (GPtrArray) intents = sc_intent_list (fixture->paths, NULL);
  g_assert_cmpuint (intents->len, ==, 0);
}

static void
test_list_leaves_strange_ones_alone (Fixture *fixture, gconstpointer text)
{
  write_raw (fixture, text);

  g_autoptr (GPtrArray) intents = sc_intent_list (fixture->paths, NULL);

  g_assert_cmpuint (intents->len, ==, 0);
  g_autofree char *path = g_build_filename (fixture->paths->state, "intents", "9-x.json", NULL);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
}

static GLogWriterOutput
drop_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  return G_LOG_WRITER_HANDLED;
}

int
main (int argc, char **argv)
{
  static const char *const strange[] = {
    "",
    "{\"version\":3,\"job\":9,\"operation\":\"install\",\"phase\":\"prepared\",\"container\":"
    "\"x\"}",
    "{\"version\":1,\"job\":9,\"operation\":\"explode\",\"phase\":\"prepared\",\"container\":"
    "\"x\"}",
    "{\"version\":1,\"job\":9,\"operation\":\"install\",\"phase\":\"prepared\",\"container\":\"../"
    "x\"}",
    "{\"version\":1,\"job\":9,\"operation\":\"install\",\"phase\":\"prepared\"}",
  };

  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (drop_log, NULL, NULL);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/intent/list/reads-back", test_list_reads_back);
  ADD ("/intent/commit/replaces", test_commit_replaces);
  ADD ("/intent/list/is-by-job", test_list_is_by_job);
  ADD ("/intent/delete/leaves-nothing", test_delete_leaves_nothing);
  for (gsize i = 0; i < G_N_ELEMENTS (strange); i++)
    {
      g_autofree char *path = g_strdup_printf ("/intent/list/leaves-strange-ones-alone-%zu", i);
      g_test_add (path, Fixture, strange[i], set_up, test_list_leaves_strange_ones_alone,
                  tear_down);
    }
  return g_test_run ();
}
