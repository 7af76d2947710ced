/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-job-queue.h"

#include <string.h>

typedef struct
{
  ScJobQueue *queue;
  GPtrArray *claims; /* of GPtrArray: what the tickets lend */
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->queue = sc_job_queue_new (4);
  fixture->claims = g_ptr_array_new_with_free_func ((GDestroyNotify)g_ptr_array_unref);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  sc_job_queue_free (fixture->queue);
  g_ptr_array_unref (fixture->claims);
}

static void
claim_free (gpointer data)
{
  ScClaim *claim = data;

  g_free (claim->what);
  g_free (claim);
}

/* @text: claims with spaces between; "!" before an exclusive one */
static GPtrArray *
make_claims (Fixture *fixture, const char *text)
{
  GPtrArray *claims = g_ptr_array_new_with_free_func (claim_free);
  g_auto (GStrv) words = g_strsplit (text, " ", -1);

  for (gsize i = 0; words[i] != NULL; i++)
    {
      ScClaim *claim = g_new0 (ScClaim, 1);

      claim->exclusive = words[i][0] == '!';
      claim->what = g_strdup (words[i] + claim->exclusive);
      g_ptr_array_add (claims, claim);
    }
  g_ptr_array_add (fixture->claims, claims);
  return claims;
}

static gboolean
try_add (Fixture *fixture, ScTicket ticket, const char *claims, GError **error)
{
  ticket.claims = make_claims (fixture, claims);
  if (!sc_job_queue_add (fixture->queue, &ticket, error))
    return FALSE;
  sc_job_queue_set_ready (fixture->queue, ticket.id);
  return TRUE;
}

static void
add (Fixture *fixture, guint64 id, const char *claims)
{
  g_assert_true (try_add (fixture, (ScTicket){ .id = id, .uid = (guint)id }, claims, NULL));
}

/* Returns the number of the job that may start now, 0 for none */
static guint64
take (Fixture *fixture)
{
  guint64 id = 0;

  return sc_job_queue_take (fixture->queue, &id) ? id : 0;
}

static void
test_take_in_order (Fixture *fixture, gconstpointer data)
{
  add (fixture, 1, "!container:a");
  add (fixture, 2, "!container:b");

  g_assert_cmpuint (take (fixture), ==, 1);
  g_assert_cmpuint (take (fixture), ==, 2);
  g_assert_cmpuint (take (fixture), ==, 0);
}

static void
test_take_conflict_waits (Fixture *fixture, gconstpointer data)
{
  add (fixture, 1, "!container:a");
  add (fixture, 2, "!container:a");

  g_assert_cmpuint (take (fixture), ==, 1);
  g_assert_cmpuint (take (fixture), ==, 0);
  sc_job_queue_remove (fixture->queue, 1);
  g_assert_cmpuint (take (fixture), ==, 2);
}

static void
test_take_shared_run_together (Fixture *fixture, gconstpointer data)
{
  add (fixture, 1, "!container:a repository");
  add (fixture, 2, "!container:b repository");

  g_assert_cmpuint (take (fixture), ==, 1);
  g_assert_cmpuint (take (fixture), ==, 2);
}

static void
test_take_other_passes_waiting (Fixture *fixture, gconstpointer data)
{
  add (fixture, 1, "!container:a");
  add (fixture, 2, "!container:a");
  add (fixture, 3, "!container:b");

  g_assert_cmpuint (take (fixture), ==, 1);
  g_assert_cmpuint (take (fixture), ==, 3);
}

/* Jobs that share something must not keep one that wants it for itself waiting for ever. */
static void
test_take_exclusive_is_not_starved (Fixture *fixture, gconstpointer data)
{
  add (fixture, 1, "repository");
  g_assert_cmpuint (take (fixture), ==, 1);
  add (fixture, 2, "!repository");
  add (fixture, 3, "repository");

  g_assert_cmpuint (take (fixture), ==, 0);
  sc_job_queue_remove (fixture->queue, 1);
  g_assert_cmpuint (take (fixture), ==, 2);
  g_assert_cmpuint (take (fixture), ==, 0);
  sc_job_queue_remove (fixture->queue, 2);
  g_assert_cmpuint (take (fixture), ==, 3);
}

static void
test_take_waiting_one_leaves (Fixture *fixture, gconstpointer data)
{
  add (fixture, 1, "repository");
  add (fixture, 2, "!repository");
  add (fixture, 3, "repository");
  g_assert_cmpuint (take (fixture), ==, 1);

  sc_job_queue_remove (fixture->queue, 2);

  g_assert_cmpuint (take (fixture), ==, 3);
}

static void
test_take_at_most_max_running (Fixture *fixture, gconstpointer data)
{
  for (guint64 id = 1; id <= 5; id++)
    {
      g_autofree char *claim = g_strdup_printf ("!container:%" G_GUINT64_FORMAT, id);
      add (fixture, id, claim);
    }
  for (guint64 id = 1; id <= 4; id++)
    g_assert_cmpuint (take (fixture), ==, id);

  g_assert_cmpuint (take (fixture), ==, 0);
  sc_job_queue_remove (fixture->queue, 3);
  g_assert_cmpuint (take (fixture), ==, 5);
}

static void
test_take_needs_ready (Fixture *fixture, gconstpointer data)
{
  const ScTicket ticket = { .id = 1, .claims = make_claims (fixture, "!container:a") };
  g_assert_true (sc_job_queue_add (fixture->queue, &ticket, NULL));
  add (fixture, 2, "!container:a");

  g_assert_cmpuint (take (fixture), ==, 0);
  sc_job_queue_set_ready (fixture->queue, 1);
  g_assert_cmpuint (take (fixture), ==, 1);
}

static void
test_no_queue_names_job (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  add (fixture, 17, "!container:a");
  add (fixture, 18, "!container:b");
  take (fixture);

  g_assert_false (
      try_add (fixture, (ScTicket){ .id = 19, .no_queue = TRUE }, "!container:b", &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "job 18 "));
  g_assert_cmpuint (sc_job_queue_get_length (fixture->queue), ==, 2);
}

static void
test_no_queue_runs_when_free (Fixture *fixture, gconstpointer data)
{
  add (fixture, 1, "!container:a");
  add (fixture, 2, "!container:a");
  g_assert_cmpuint (take (fixture), ==, 1);

  g_assert_true (try_add (fixture, (ScTicket){ .id = 3, .no_queue = TRUE }, "!container:b", NULL));

  g_assert_cmpuint (take (fixture), ==, 3);
}

static void
test_no_queue_refuses_when_full (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  add (fixture, 1, "!container:a");
  add (fixture, 2, "!container:b");
  add (fixture, 3, "!container:c");
  add (fixture, 4, "!container:d");
  while (take (fixture) != 0)
    ;

  g_assert_false (
      try_add (fixture, (ScTicket){ .id = 5, .no_queue = TRUE }, "!container:e", &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "job 1 "));
}

static void
test_no_queue_counts_arriving (Fixture *fixture, gconstpointer data)
{
  const char *const claims[] = { "!container:a", "!container:b", "!container:c", "!container:d" };
  for (guint64 id = 1; id <= 4; id++)
    {
      const ScTicket ticket = { .id = id, .claims = make_claims (fixture, claims[id - 1]) };
      g_assert_true (sc_job_queue_add (fixture->queue, &ticket, NULL));
    }
  g_autoptr (GError) error = NULL;

  g_assert_false (
      try_add (fixture, (ScTicket){ .id = 5, .no_queue = TRUE }, "!container:e", &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_BUSY);
}

/* DB07 */
static void
test_add_limits_one_uid (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  add (fixture, 1, "!repository");
  take (fixture);
  for (guint64 id = 2; id < 2 + SC_JOB_QUEUE_MAX_WAITING; id++)
    g_assert_true (try_add (fixture, (ScTicket){ .id = id, .uid = 1000 }, "repository", NULL));

  g_assert_false (try_add (fixture, (ScTicket){ .id = 50, .uid = 1000 }, "!container:x", &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "1000"));
  g_assert_true (try_add (fixture, (ScTicket){ .id = 51, .uid = 1001 }, "repository", NULL));
}

static void
test_add_limits_running_not_counted (Fixture *fixture, gconstpointer data)
{
  for (guint64 id = 1; id <= 4; id++)
    {
      g_autofree char *claim = g_strdup_printf ("!container:%" G_GUINT64_FORMAT, id);
      g_assert_true (try_add (fixture, (ScTicket){ .id = id, .uid = 1000 }, claim, NULL));
      g_assert_cmpuint (take (fixture), ==, id);
    }

  for (guint64 id = 5; id < 5 + SC_JOB_QUEUE_MAX_WAITING; id++)
    g_assert_true (try_add (fixture, (ScTicket){ .id = id, .uid = 1000 }, "repository", NULL));
}

/* DB07 */
static void
test_add_limits_all (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  for (guint64 id = 1; id <= SC_JOB_QUEUE_MAX_JOBS; id++)
    add (fixture, id, "!repository");

  g_assert_false (try_add (fixture, (ScTicket){ .id = 65, .uid = 65 }, "!repository", &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_BUSY);
  g_assert_nonnull (strstr (error->message, "64 jobs"));
}

#define ADD(path, func) g_test_add (path, Fixture, NULL, set_up, func, tear_down)

/* However many programs run in containers, other jobs do not wait for them. */
static void
test_apart_takes_no_place (Fixture *fixture, gconstpointer data)
{
  for (guint64 id = 1; id <= 6; id++)
    {
      g_assert_true (
          try_add (fixture, (ScTicket){ .id = id, .uid = 1, .is_apart = TRUE }, "", NULL));
      g_assert_cmpuint (take (fixture), ==, id);
    }
  for (guint64 id = 7; id <= 10; id++)
    {
      add (fixture, id, "");
      g_assert_cmpuint (take (fixture), ==, id);
    }
  add (fixture, 11, "");
  g_assert_cmpuint (take (fixture), ==, 0);
  g_assert_true (try_add (fixture, (ScTicket){ .id = 12, .uid = 1, .is_apart = TRUE }, "", NULL));
  g_assert_cmpuint (take (fixture), ==, 12);
}

static void
test_apart_limits_one_uid (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  for (guint64 id = 1; id <= SC_JOB_QUEUE_MAX_APART_UID; id++)
    g_assert_true (try_add (fixture, (ScTicket){ .id = id, .uid = 1, .is_apart = TRUE }, "", NULL));

  g_assert_false (
      try_add (fixture, (ScTicket){ .id = 100, .uid = 1, .is_apart = TRUE }, "", &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_BUSY);
  g_assert_true (try_add (fixture, (ScTicket){ .id = 101, .uid = 2, .is_apart = TRUE }, "", NULL));
  g_assert_true (try_add (fixture, (ScTicket){ .id = 102, .uid = 1 }, "", NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/job-queue/take/in-order", test_take_in_order);
  ADD ("/job-queue/take/conflict-waits", test_take_conflict_waits);
  ADD ("/job-queue/take/shared-run-together", test_take_shared_run_together);
  ADD ("/job-queue/take/other-passes-waiting", test_take_other_passes_waiting);
  ADD ("/job-queue/take/exclusive-is-not-starved", test_take_exclusive_is_not_starved);
  ADD ("/job-queue/take/waiting-one-leaves", test_take_waiting_one_leaves);
  ADD ("/job-queue/take/at-most-max-running", test_take_at_most_max_running);
  ADD ("/job-queue/take/needs-ready", test_take_needs_ready);
  ADD ("/job-queue/apart/takes-no-place", test_apart_takes_no_place);
  ADD ("/job-queue/apart/limits-one-uid", test_apart_limits_one_uid);
  ADD ("/job-queue/no-queue/names-job", test_no_queue_names_job);
  ADD ("/job-queue/no-queue/runs-when-free", test_no_queue_runs_when_free);
  ADD ("/job-queue/no-queue/refuses-when-full", test_no_queue_refuses_when_full);
  ADD ("/job-queue/no-queue/counts-arriving", test_no_queue_counts_arriving);
  ADD ("/job-queue/add/limits-one-uid", test_add_limits_one_uid);
  ADD ("/job-queue/add/limits-running-not-counted", test_add_limits_running_not_counted);
  ADD ("/job-queue/add/limits-all", test_add_limits_all);
  return g_test_run ();
}
