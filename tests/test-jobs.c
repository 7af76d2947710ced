/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Jobs, with an operation that ends when it is cancelled or told to.
 */
#include "service-fixture.h"

#include "dbus/sc-bus-names.h"

#include <unistd.h>

typedef struct
{
  ScOp op;
  gint go_on;         /* atomic */
  gboolean committed; /* past the point of no return at once */
  GError *error;      /* (owned) (nullable) */
} SlowOp;

static gboolean
slow_run (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  SlowOp *self = (SlowOp *)op;

  sc_progress_set_phase (context->progress, self->committed ? "switch" : "download");
  sc_progress_set_cancellable (context->progress, !self->committed);
  while (g_atomic_int_get (&self->go_on) == 0)
    {
      if (!self->committed && g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
      g_usleep (1000);
    }
  if (self->error != NULL)
    {
      g_propagate_error (error, g_error_copy (self->error));
      return FALSE;
    }
  g_variant_dict_insert (context->result, "changed", "b", TRUE);
  return TRUE;
}

static guint n_freed;

static void
slow_free (ScOp *op)
{
  SlowOp *self = (SlowOp *)op;

  n_freed++;
  g_clear_error (&self->error);
  g_free (self);
}

static void
claim_free (gpointer data)
{
  ScClaim *claim = data;

  g_free (claim->what);
  g_free (claim);
}

static SlowOp *
slow_op_new (const char *container)
{
  static const ScOpClass slow_class = { "start", slow_run, slow_free };
  const char *const targets[] = { container, NULL };
  SlowOp *self = g_new0 (SlowOp, 1);
  ScClaim *claim = g_new0 (ScClaim, 1);

  claim->what = g_strconcat ("container:", container, NULL);
  claim->exclusive = TRUE;
  self->op.op_class = &slow_class;
  self->op.targets = g_strdupv ((char **)targets);
  self->op.claims = g_ptr_array_new_with_free_func (claim_free);
  g_ptr_array_add (self->op.claims, claim);
  return self;
}

static void
on_submitted (ScJob *job, gpointer user_data)
{
  *(ScJob **)user_data = job;
}

static ScJob *
submit (Fixture *fixture, SlowOp *op, guint uid)
{
  ScCaller caller = { .sender = (char *)":1.0", .uid = uid, .unit = (char *)"x.service" };
  ScRequest request = { .op = &op->op };
  ScJob *job = NULL;
  const ScSubmission submission = { &request, &caller, on_submitted, &job };

  g_assert_true (sc_job_registry_submit (fixture->parts.registry, &submission, NULL));
  WAIT_FOR (job != NULL);
  return job;
}

static ScJobState
state_of (ScJob *job)
{
  return sc_job_get_record (job)->state;
}

static char *
cancel_as (ScJob *job, uid_t uid)
{
  g_autofree char *call
      = g_strconcat (sc_job_get_path (job), " ", SYSCONT_JOB_INTERFACE, ".Cancel", NULL);

  return call_run (&(Call){ uid, FALSE, call, "(@a{sv} {},)" });
}

static guint
user_uid (void)
{
  return getuid () == 0 ? NOBODY : (guint)getuid ();
}

static void
test_job_runs_to_its_end (Fixture *fixture, gconstpointer data)
{
  SlowOp *op = slow_op_new ("etcd");
  ScJob *job = submit (fixture, op, 7);
  g_assert_cmpint (state_of (job), ==, SC_JOB_RUNNING);

  g_atomic_int_set (&op->go_on, 1);
  WAIT_FOR (sc_job_state_has_ended (state_of (job)));

  gboolean changed = FALSE;
  g_assert_cmpint (state_of (job), ==, SC_JOB_DONE);
  g_assert_true (g_variant_lookup (sc_job_get_record (job)->result, "changed", "b", &changed));
  g_assert_cmpuint (syscont_job_get_owner_uid (sc_job_get_object (job)), ==, 7);
  g_assert_cmpuint (syscont_manager_get_job_count (SYSCONT_MANAGER (fixture->manager)), ==, 0);
}

/* RX07: what an operation holds open must not stay so for as long as the job can be read. */
static void
test_job_end_frees_operation (Fixture *fixture, gconstpointer data)
{
  SlowOp *op = slow_op_new ("etcd");
  op->go_on = 1;
  n_freed = 0;

  ScJob *job = submit (fixture, op, 0);
  WAIT_FOR (sc_job_state_has_ended (state_of (job)));

  g_assert_cmpuint (n_freed, ==, 1);
}

static void
test_job_failure_has_name (Fixture *fixture, gconstpointer data)
{
  SlowOp *op = slow_op_new ("etcd");
  op->error = g_error_new (G_IO_ERROR, G_IO_ERROR_NO_SPACE, "the disk is full");
  op->go_on = 1;

  ScJob *job = submit (fixture, op, 0);
  WAIT_FOR (sc_job_state_has_ended (state_of (job)));

  g_assert_cmpint (state_of (job), ==, SC_JOB_FAILED);
  g_assert_cmpstr (sc_job_get_record (job)->error_name, ==, "org.syscont.Error.NoSpace");
}

static void
test_job_waits_for_conflict (Fixture *fixture, gconstpointer data)
{
  SlowOp *first_op = slow_op_new ("etcd");
  ScJob *first = submit (fixture, first_op, 0);
  SlowOp *second_op = slow_op_new ("etcd");
  second_op->go_on = 1;
  ScJob *second = submit (fixture, second_op, 0);
  g_assert_cmpint (state_of (second), ==, SC_JOB_QUEUED);

  g_atomic_int_set (&first_op->go_on, 1);
  WAIT_FOR (sc_job_state_has_ended (state_of (second)));

  g_assert_cmpint (state_of (first), ==, SC_JOB_DONE);
}

/* DB19 */
static void
test_cancel_by_owner (Fixture *fixture, gconstpointer data)
{
  ScJob *job = submit (fixture, slow_op_new ("etcd"), user_uid ());

  g_autofree char *answer = cancel_as (job, NOBODY);
  WAIT_FOR (sc_job_state_has_ended (state_of (job)));

  g_assert_cmpstr (answer, ==, "()\n");
  g_assert_cmpint (state_of (job), ==, SC_JOB_CANCELLED);
  g_assert_cmpuint (polkit.questions, ==, 0);
  g_autofree char *again = cancel_as (job, NOBODY);
  g_assert_cmpstr (again, ==, "()\n");
}

/* DB05 */
static void
test_cancel_by_another_is_refused (Fixture *fixture, gconstpointer data)
{
  SlowOp *op = slow_op_new ("etcd");
  ScJob *job = submit (fixture, op, 4242);
  polkit.mood = POLKIT_NO;

  g_autofree char *answer = cancel_as (job, NOBODY);

  assert_starts (answer, ACCESS_DENIED);
  g_assert_cmpstr (polkit.action, ==, "org.syscont.cancel-foreign");
  g_assert_cmpint (state_of (job), ==, SC_JOB_RUNNING);
}

/* DB19 */
static void
test_cancel_after_commit_is_busy (Fixture *fixture, gconstpointer data)
{
  SlowOp *op = slow_op_new ("etcd");
  op->committed = TRUE;
  ScJob *job = submit (fixture, op, user_uid ());
  WAIT_FOR (!syscont_job_get_cancellable (sc_job_get_object (job)));

  g_autofree char *answer = cancel_as (job, NOBODY);

  assert_starts (answer, BUSY);
  g_assert_cmpint (state_of (job), ==, SC_JOB_RUNNING);
  g_atomic_int_set (&op->go_on, 1);
}

/* DB19 */
static void
test_cancel_of_queued (Fixture *fixture, gconstpointer data)
{
  SlowOp *first = slow_op_new ("etcd");
  submit (fixture, first, user_uid ());
  ScJob *second = submit (fixture, slow_op_new ("etcd"), user_uid ());

  g_autofree char *answer = cancel_as (second, NOBODY);

  g_assert_cmpstr (answer, ==, "()\n");
  g_assert_cmpint (state_of (second), ==, SC_JOB_CANCELLED);
}

static void
test_stop_interrupts (Fixture *fixture, gconstpointer data)
{
  gboolean stopped = FALSE;
  ScJob *running = submit (fixture, slow_op_new ("etcd"), 0);
  ScJob *queued = submit (fixture, slow_op_new ("etcd"), 0);

  sc_job_registry_stop (fixture->parts.registry, fixture_on_flag, &stopped);
  WAIT_FOR (stopped);

  g_assert_cmpstr (sc_job_get_record (running)->error_name, ==, "org.syscont.Error.Interrupted");
  g_assert_cmpstr (sc_job_get_record (queued)->error_name, ==, "org.syscont.Error.Interrupted");
}

static void
test_restart_keeps_ended_jobs (Fixture *fixture, gconstpointer data)
{
  SlowOp *op = slow_op_new ("etcd");
  op->go_on = 1;
  ScJob *job = submit (fixture, op, 5);
  WAIT_FOR (sc_job_state_has_ended (state_of (job)));

  fixture_stop_service (fixture);
  fixture_start_service (fixture);

  job = sc_job_registry_find (fixture->parts.registry, 1);
  g_assert_nonnull (job);
  g_assert_cmpint (state_of (job), ==, SC_JOB_DONE);
  g_assert_cmpuint (sc_job_get_record (job)->owner_uid, ==, 5);
  g_assert_cmpstr (sc_job_get_record (job)->owner_unit, ==, "x.service");
  op = slow_op_new ("etcd");
  op->go_on = 1;
  g_assert_cmpuint (sc_job_get_record (submit (fixture, op, 0))->id, ==, 2);
}

/* The one that the list method shows, too */
static char *
listed_last_job (void)
{
  g_autofree char *answer = call_as_user ("ListContainers", "(@a{sv} {},)");
  g_autoptr (GVariant) list = g_variant_parse (NULL, answer, NULL, NULL, NULL);
  g_autoptr (GVariant) first = g_variant_get_child_value (list, 0);
  g_autoptr (GVariant) dict = g_variant_get_child_value (first, 0);
  char *path = NULL;

  g_assert_true (g_variant_lookup (dict, "last-job", "o", &path));
  return path;
}

static void
add_container (Fixture *fixture, const char *name)
{
  g_autoptr (ScContainer) container = sc_container_new (name);
  g_autoptr (GError) error = NULL;

  g_assert_true (sc_container_save (container, fixture->paths, &error));
  fixture_stop_service (fixture);
  fixture_start_service (fixture);
}

static void
test_last_job_is_listed (Fixture *fixture, gconstpointer data)
{
  add_container (fixture, "etcd");
  g_autofree char *before = listed_last_job ();
  SlowOp *op = slow_op_new ("etcd");
  op->go_on = 1;

  ScJob *job = submit (fixture, op, 0);
  WAIT_FOR (sc_job_state_has_ended (state_of (job)));

  g_autofree char *after = listed_last_job ();
  g_assert_cmpstr (before, ==, "/");
  g_assert_cmpstr (after, ==, sc_job_get_path (job));
}

static void
test_restart_keeps_last_job (Fixture *fixture, gconstpointer data)
{
  add_container (fixture, "etcd");
  SlowOp *op = slow_op_new ("etcd");
  op->go_on = 1;
  ScJob *job = submit (fixture, op, 0);
  WAIT_FOR (sc_job_state_has_ended (state_of (job)));

  fixture_stop_service (fixture);
  fixture_start_service (fixture);

  g_autofree char *path = listed_last_job ();
  g_assert_cmpstr (path, ==, "/org/syscont/jobs/1");
}

/* A method that returns no job is answered by the end of its job. */
static void
test_end_answers_call (Fixture *fixture, gconstpointer data)
{
  if (skip_without_root ())
    return;

  g_autofree char *answer = call_as_user ("TagImage", "('no/such:1', 'b:1', @a{sv} {})");

  assert_starts (answer, "org.syscont.Error.NotFound: ");
  g_assert_nonnull (strstr (answer, "naming an image \"b:1\""));
  GPtrArray *jobs = sc_job_registry_list (fixture->parts.registry);
  g_assert_cmpuint (jobs->len, ==, 1);
  g_assert_cmpint (state_of (jobs->pdata[0]), ==, SC_JOB_FAILED);
}

static void
add_tests (void)
{
  ADD ("/jobs/job/runs-to-its-end", NULL, test_job_runs_to_its_end);
  ADD ("/jobs/job/end-frees-operation", NULL, test_job_end_frees_operation);
  ADD ("/jobs/job/failure-has-name", NULL, test_job_failure_has_name);
  ADD ("/jobs/job/waits-for-conflict", NULL, test_job_waits_for_conflict);
  ADD ("/jobs/job/end-answers-call", NULL, test_end_answers_call);
  ADD ("/jobs/cancel/by-owner", NULL, test_cancel_by_owner);
  ADD ("/jobs/cancel/by-another-is-refused", NULL, test_cancel_by_another_is_refused);
  ADD ("/jobs/cancel/after-commit-is-busy", NULL, test_cancel_after_commit_is_busy);
  ADD ("/jobs/cancel/of-queued", NULL, test_cancel_of_queued);
  ADD ("/jobs/stop/interrupts", NULL, test_stop_interrupts);
  ADD ("/jobs/restart/keeps-ended-jobs", NULL, test_restart_keeps_ended_jobs);
  ADD ("/jobs/restart/keeps-last-job", NULL, test_restart_keeps_last_job);
  ADD ("/jobs/last-job/is-listed", NULL, test_last_job_is_listed);
}

int
main (int argc, char **argv)
{
  return fixture_main (argc, argv, add_tests);
}
