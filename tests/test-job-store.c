/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-fd.h"
#include "service/sc-job-store.h"

#include <string.h>

#define NOW_USEC ((gint64)1700000000 * G_USEC_PER_SEC)

typedef struct
{
  char *root;
  char *jobs;
  ScPaths *paths;
  ScJobStore *store;
  GPtrArray *records;
} Fixture;

static void
reopen (Fixture *fixture, gint64 now_usec)
{
  g_autoptr (GError) error = NULL;

  g_clear_pointer (&fixture->store, sc_job_store_close);
  g_clear_pointer (&fixture->records, g_ptr_array_unref);
  fixture->store = sc_job_store_open (fixture->paths, now_usec, &fixture->records, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->root = g_dir_make_tmp ("syscont-job-store-XXXXXX", NULL);
  fixture->paths = sc_paths_new (fixture->root);
  fixture->jobs = g_build_filename (fixture->paths->state, "jobs", NULL);
  reopen (fixture, NOW_USEC);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  sc_autofd parent_fd = sc_fd_open_dir (g_get_tmp_dir (), NULL);
  g_autofree char *name = g_path_get_basename (fixture->root);

  sc_job_store_close (fixture->store);
  g_ptr_array_unref (fixture->records);
  sc_fd_remove_tree (parent_fd, name, NULL);
  sc_paths_free (fixture->paths);
  g_free (fixture->jobs);
  g_free (fixture->root);
}

static ScJobRecord *
make_record (Fixture *fixture, ScJobState state)
{
  const char *const targets[] = { "etcd", NULL };
  ScJobRecord *record
      = sc_job_record_new (sc_job_store_next_id (fixture->store), "install", targets);

  record->state = state;
  record->owner_uid = 1000;
  record->end_usec = sc_job_state_has_ended (state) ? NOW_USEC : 0;
  return record;
}

static guint64
save_new (Fixture *fixture, ScJobState state)
{
  g_autoptr (ScJobRecord) record = make_record (fixture, state);

  sc_job_store_save (fixture->store, record, NULL, NULL);
  return record->id;
}

static char *
record_path (Fixture *fixture, const char *name)
{
  return g_build_filename (fixture->jobs, name, NULL);
}

static void
test_open_empty_starts_at_one (Fixture *fixture, gconstpointer data)
{
  g_assert_cmpuint (fixture->records->len, ==, 0);
  g_assert_cmpuint (sc_job_store_next_id (fixture->store), ==, 1);
}

static void
test_open_reads_everything (Fixture *fixture, gconstpointer data)
{
  const char *const objects[] = { "/org/syscont/containers/etcd", NULL };
  g_autoptr (ScJobRecord) record = make_record (fixture, SC_JOB_DONE);
  g_strfreev (record->objects);
  record->objects = g_strdupv ((char **)objects);
  record->start_usec = NOW_USEC - 5;
  g_variant_unref (record->result);
  record->result = g_variant_parse (
      G_VARIANT_TYPE_VARDICT, "{'changed': <true>, 'deployment': <uint64 3>, 'x': <\"a'b\\n\">}",
      NULL, NULL, NULL);
  sc_job_store_save (fixture->store, record, NULL, NULL);

  reopen (fixture, NOW_USEC);

  g_assert_cmpuint (fixture->records->len, ==, 1);
  const ScJobRecord *read = fixture->records->pdata[0];
  g_assert_cmpuint (read->id, ==, 1);
  g_assert_cmpstr (read->type, ==, "install");
  g_assert_cmpstr (read->targets[0], ==, "etcd");
  g_assert_cmpint (read->state, ==, SC_JOB_DONE);
  g_assert_cmpint (read->start_usec, ==, NOW_USEC - 5);
  g_assert_cmpint (read->end_usec, ==, NOW_USEC);
  g_assert_cmpuint (read->owner_uid, ==, 1000);
  g_assert_cmpstr (read->objects[0], ==, objects[0]);
  g_assert_true (g_variant_equal (read->result, record->result));
}

static void
test_open_interrupts_unended (Fixture *fixture, gconstpointer data)
{
  save_new (fixture, SC_JOB_RUNNING);
  save_new (fixture, SC_JOB_QUEUED);
  reopen (fixture, NOW_USEC + 7);

  /* what is on disk says so too */
  reopen (fixture, NOW_USEC + 9);

  for (guint i = 0; i < 2; i++)
    {
      const ScJobRecord *record = fixture->records->pdata[i];

      g_assert_cmpint (record->state, ==, SC_JOB_FAILED);
      g_assert_cmpstr (record->error_name, ==, "org.syscont.Error.Interrupted");
      g_assert_cmpint (record->end_usec, ==, NOW_USEC + 7);
    }
}

static void
test_open_drops_old (Fixture *fixture, gconstpointer data)
{
  g_autofree char *path = record_path (fixture, "1.json");
  save_new (fixture, SC_JOB_DONE);
  reopen (fixture, NOW_USEC + SC_JOB_RETENTION_S * G_USEC_PER_SEC);
  g_assert_cmpuint (fixture->records->len, ==, 1);

  reopen (fixture, NOW_USEC + SC_JOB_RETENTION_S * G_USEC_PER_SEC + 1);

  g_assert_cmpuint (fixture->records->len, ==, 0);
  g_clear_pointer (&fixture->store, sc_job_store_close);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  reopen (fixture, NOW_USEC);
}

static void
test_next_id_never_repeats (Fixture *fixture, gconstpointer data)
{
  guint64 id = save_new (fixture, SC_JOB_DONE);
  sc_job_store_delete (fixture->store, id);

  reopen (fixture, NOW_USEC);
  guint64 later = save_new (fixture, SC_JOB_DONE);
  reopen (fixture, NOW_USEC);

  g_assert_cmpuint (later, ==, id + 1);
  g_assert_cmpuint (sc_job_store_next_id (fixture->store), ==, later + 1);
}

static void
test_open_sorts_by_number (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 12; i++)
    save_new (fixture, SC_JOB_DONE);

  reopen (fixture, NOW_USEC);

  for (guint i = 0; i < 12; i++)
    g_assert_cmpuint (((const ScJobRecord *)fixture->records->pdata[i])->id, ==, i + 1);
}

typedef struct
{
  const char *name;
  const char *file;
  const char *text;
} Broken;

static const Broken broken[] = {
  { "no-json", "7.json", "{" },
  { "other-number", "7.json", "{\"version\":1,\"id\":8,\"state\":\"done\"}" },
  { "newer-version", "7.json", "{\"version\":2,\"id\":7,\"state\":\"done\"}" },
  { "unknown-state", "7.json", "{\"version\":1,\"id\":7,\"state\":\"maybe\"}" },
  { "bad-result", "7.json", "{\"version\":1,\"id\":7,\"state\":\"done\",\"result\":\"{\"}" },
  { "no-path", "7.json", "{\"version\":1,\"id\":7,\"state\":\"done\",\"objects\":[\"x\"]}" },
};

static void
test_open_leaves_broken_alone (Fixture *fixture, gconstpointer data)
{
  const Broken *row = data;
  g_autofree char *path = record_path (fixture, row->file);
  g_assert_true (g_file_set_contents (path, row->text, -1, NULL));

  reopen (fixture, NOW_USEC);

  g_assert_cmpuint (fixture->records->len, ==, 0);
  g_assert_true (g_file_test (path, G_FILE_TEST_EXISTS));
  g_assert_cmpuint (sc_job_store_next_id (fixture->store), ==, 8);
}

static void
test_open_ignores_other_names (Fixture *fixture, gconstpointer data)
{
  static const char *const names[] = { "x.json", "-1.json", "0.json", "1.json.tmp", "01x.json" };
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_autofree char *path = record_path (fixture, names[i]);
      g_assert_true (g_file_set_contents (path, "{}", -1, NULL));
    }

  reopen (fixture, NOW_USEC);

  g_assert_cmpuint (fixture->records->len, ==, 0);
  g_assert_cmpuint (sc_job_store_next_id (fixture->store), ==, 1);
}

#define ADD(path, data, func) g_test_add (path, Fixture, data, set_up, func, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR
                          | G_LOG_LEVEL_CRITICAL); /* a broken record is a warning */
  ADD ("/job-store/open/empty-starts-at-one", NULL, test_open_empty_starts_at_one);
  ADD ("/job-store/open/reads-everything", NULL, test_open_reads_everything);
  ADD ("/job-store/open/interrupts-unended", NULL, test_open_interrupts_unended);
  ADD ("/job-store/open/drops-old", NULL, test_open_drops_old);
  ADD ("/job-store/open/sorts-by-number", NULL, test_open_sorts_by_number);
  ADD ("/job-store/open/ignores-other-names", NULL, test_open_ignores_other_names);
  for (gsize i = 0; i < G_N_ELEMENTS (broken); i++)
    {
      g_autofree char *path = g_strconcat ("/job-store/open/leaves-alone-", broken[i].name, NULL);
      ADD (path, &broken[i], test_open_leaves_broken_alone);
    }
  ADD ("/job-store/next-id/never-repeats", NULL, test_next_id_never_repeats);
  return g_test_run ();
}
