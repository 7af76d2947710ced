/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When and how often progress is reported.
 */
#include "base/sc-progress.h"

#define DEADLINE_USEC (10 * G_USEC_PER_SEC)

typedef struct
{
  ScProgress *progress; /* (owned) */
  guint n_calls;
  ScProgressState last;
  gint64 last_at_usec;
  gint64 shortest_gap_usec;
} Fixture;

static void
on_progress (const ScProgressState *state, gpointer user_data)
{
  Fixture *self = user_data;
  gint64 now_usec = g_get_monotonic_time ();

  if (self->n_calls++ > 0)
    self->shortest_gap_usec = MIN (self->shortest_gap_usec, now_usec - self->last_at_usec);
  self->last = *state;
  self->last_at_usec = now_usec;
}

static void
set_up (Fixture *self, gconstpointer data)
{
  self->progress = sc_progress_new (on_progress, self);
  self->shortest_gap_usec = G_MAXINT64;
}

static void
tear_down (Fixture *self, gconstpointer data)
{
  sc_progress_close (self->progress);
  sc_progress_unref (self->progress);
}

static gboolean
on_deadline (gpointer user_data)
{
  gboolean *is_over = user_data;

  *is_over = TRUE;
  return G_SOURCE_REMOVE;
}

/* Runs the main loop until @n_calls reports were made; FALSE when none comes any more. */
static gboolean
wait_for_calls (Fixture *self, guint n_calls)
{
  gint64 deadline = g_get_monotonic_time () + DEADLINE_USEC;

  while (self->n_calls < n_calls && g_get_monotonic_time () < deadline)
    {
      gboolean is_over = FALSE;
      guint id = g_timeout_add (1000, on_deadline, &is_over);

      while (self->n_calls < n_calls && !is_over)
        g_main_context_iteration (NULL, TRUE);
      if (is_over)
        return FALSE;
      g_source_remove (id);
    }
  return self->n_calls >= n_calls;
}

static void
run_what_is_due (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

static void
test_get_initial (Fixture *self, gconstpointer data)
{
  ScProgressState state;

  sc_progress_get (self->progress, &state);

  g_assert_cmpstr (state.phase, ==, "");
  g_assert_cmpuint (state.bytes, ==, 0);
  g_assert_cmpuint (state.bytes_total, ==, 0);
  g_assert_true (state.cancellable);
}

static void
test_get_current (Fixture *self, gconstpointer data)
{
  ScProgressState state;

  sc_progress_set_phase (self->progress, "download");
  sc_progress_set_total (self->progress, 100);
  sc_progress_add_bytes (self->progress, 3);
  sc_progress_add_bytes (self->progress, 4);
  sc_progress_set_cancellable (self->progress, FALSE);
  sc_progress_get (self->progress, &state);

  g_assert_cmpstr (state.phase, ==, "download");
  g_assert_cmpuint (state.bytes, ==, 7);
  g_assert_cmpuint (state.bytes_total, ==, 100);
  g_assert_false (state.cancellable);
}

static void
test_phase_resets_bytes (Fixture *self, gconstpointer data)
{
  ScProgressState state;

  sc_progress_set_total (self->progress, 100);
  sc_progress_add_bytes (self->progress, 7);
  sc_progress_set_phase (self->progress, "import");
  sc_progress_get (self->progress, &state);

  g_assert_cmpuint (state.bytes, ==, 0);
  g_assert_cmpuint (state.bytes_total, ==, 0);
}

static void
test_blobs_add_up (Fixture *self, gconstpointer data)
{
  GPtrArray *blobs = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_blob_progress_free);
  ScProgressState state;

  g_ptr_array_add (blobs, sc_blob_progress_new ("sha256:a", 5, 10));
  g_ptr_array_add (blobs, sc_blob_progress_new ("sha256:b", 0, 20));
  sc_progress_begin_blobs (self->progress, "download", blobs);
  sc_progress_set_blob_bytes (self->progress, 1, 12);
  sc_progress_set_blob_bytes (self->progress, 0, 0); /* it begins anew */
  sc_progress_set_blob_bytes (self->progress, 2, 99);

  sc_progress_get (self->progress, &state);
  g_assert_cmpuint (state.bytes, ==, 12);
  g_assert_cmpuint (state.bytes_total, ==, 30);
  g_autoptr (GPtrArray) now = sc_progress_list_blobs (self->progress);
  const ScBlobProgress *second = now->pdata[1];
  g_assert_cmpuint (now->len, ==, 2);
  g_assert_cmpstr (second->digest, ==, "sha256:b");
  g_assert_cmpuint (second->bytes, ==, 12);

  sc_progress_set_phase (self->progress, "import");
  g_autoptr (GPtrArray) none = sc_progress_list_blobs (self->progress);
  g_assert_cmpuint (none->len, ==, 0);
}

static void
test_bytes_do_not_overflow (Fixture *self, gconstpointer data)
{
  ScProgressState state;

  sc_progress_add_bytes (self->progress, G_MAXUINT64);
  sc_progress_add_bytes (self->progress, 5);
  sc_progress_get (self->progress, &state);

  g_assert_cmpuint (state.bytes, ==, G_MAXUINT64);
}

static void
test_first_change_is_reported_at_once (Fixture *self, gconstpointer data)
{
  sc_progress_set_phase (self->progress, "resolve");
  run_what_is_due ();

  g_assert_cmpuint (self->n_calls, ==, 1);
  g_assert_cmpstr (self->last.phase, ==, "resolve");
}

static void
test_reports_are_limited_and_the_last_state_comes (Fixture *self, gconstpointer data)
{
  sc_progress_set_phase (self->progress, "download");
  run_what_is_due ();
  for (guint i = 0; i < 1000; i++)
    {
      sc_progress_add_bytes (self->progress, 1);
      run_what_is_due ();
    }
  g_assert_cmpuint (self->n_calls, ==, 1);

  g_assert_true (wait_for_calls (self, 2));

  g_assert_cmpuint (self->last.bytes, ==, 1000);
  g_assert_cmpint (self->shortest_gap_usec, >=, 490 * 1000);
}

/* What a change of the state is worth, with a total of 1000 bytes. */
static void
test_less_than_one_percent_is_not_reported (Fixture *self, gconstpointer data)
{
  sc_progress_set_total (self->progress, 1000);
  run_what_is_due ();
  sc_progress_add_bytes (self->progress, 9);
  g_assert_false (wait_for_calls (self, 2));

  sc_progress_add_bytes (self->progress, 1);

  g_assert_true (wait_for_calls (self, 2));
  g_assert_cmpuint (self->last.bytes, ==, 10);
}

static void
test_the_end_is_reported (Fixture *self, gconstpointer data)
{
  sc_progress_set_total (self->progress, 1000);
  sc_progress_add_bytes (self->progress, 999);
  run_what_is_due ();
  g_assert_cmpuint (self->n_calls, ==, 1);

  sc_progress_add_bytes (self->progress, 1);

  g_assert_true (wait_for_calls (self, 2));
  g_assert_cmpuint (self->last.bytes, ==, 1000);
}

static void
test_cancellable_is_reported (Fixture *self, gconstpointer data)
{
  sc_progress_set_cancellable (self->progress, FALSE);
  run_what_is_due ();

  g_assert_cmpuint (self->n_calls, ==, 1);
  g_assert_false (self->last.cancellable);
}

static void
test_no_change_is_not_reported (Fixture *self, gconstpointer data)
{
  sc_progress_set_cancellable (self->progress, TRUE);
  sc_progress_set_phase (self->progress, "");
  sc_progress_add_bytes (self->progress, 0);
  run_what_is_due ();

  g_assert_cmpuint (self->n_calls, ==, 0);
}

static void
test_close_drops_what_is_pending (Fixture *self, gconstpointer data)
{
  sc_progress_set_phase (self->progress, "resolve");
  sc_progress_close (self->progress);
  sc_progress_set_phase (self->progress, "download");
  run_what_is_due ();

  g_assert_cmpuint (self->n_calls, ==, 0);
}

static void
test_no_function (void)
{
  g_autoptr (ScProgress) progress = sc_progress_new (NULL, NULL);

  sc_progress_set_phase (progress, "resolve");
  run_what_is_due ();
}

static gpointer
add_in_thread (gpointer data)
{
  g_autoptr (ScProgress) progress = data;

  for (guint i = 0; i < 50000; i++)
    sc_progress_add_bytes (progress, 1);
  return NULL;
}

static void
test_threads_add_up (Fixture *self, gconstpointer data)
{
  GThread *threads[4];
  sc_progress_set_total (self->progress, 4 * 50000);
  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    threads[i] = g_thread_new ("adder", add_in_thread, sc_progress_ref (self->progress));

  gint64 deadline = g_get_monotonic_time () + DEADLINE_USEC;
  while (self->last.bytes < 4 * 50000 && g_get_monotonic_time () < deadline)
    g_main_context_iteration (NULL, TRUE);

  for (guint i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (self->last.bytes, ==, 4 * 50000);
  g_assert_cmpint (self->shortest_gap_usec, >=, 490 * 1000);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  ADD ("/progress/get/initial", test_get_initial);
  ADD ("/progress/get/current", test_get_current);
  ADD ("/progress/set-phase/resets-bytes", test_phase_resets_bytes);
  ADD ("/progress/begin-blobs/add-up", test_blobs_add_up);
  ADD ("/progress/add-bytes/does-not-overflow", test_bytes_do_not_overflow);
  ADD ("/progress/report/first-change-at-once", test_first_change_is_reported_at_once);
  ADD ("/progress/report/limited-and-last", test_reports_are_limited_and_the_last_state_comes);
  ADD ("/progress/report/not-below-one-percent", test_less_than_one_percent_is_not_reported);
  ADD ("/progress/report/the-end", test_the_end_is_reported);
  ADD ("/progress/report/cancellable", test_cancellable_is_reported);
  ADD ("/progress/report/no-change", test_no_change_is_not_reported);
  ADD ("/progress/close/drops-pending", test_close_drops_what_is_pending);
  g_test_add_func ("/progress/new/without-function", test_no_function);
  ADD ("/progress/threads/add-up", test_threads_add_up);

  return g_test_run ();
}
