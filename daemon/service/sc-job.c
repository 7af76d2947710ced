/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-job.h"

#include "base/sc-log.h"
#include "dbus/sc-bus-path.h"

#include <string.h>

struct _ScJob
{
  ScJobRecord *record;       /* (owned) */
  SyscontJob *object;        /* (owned) */
  char *path;                /* (owned) of the object */
  ScOp *op;                  /* (owned) (nullable) NULL for a job of an earlier run */
  ScProgress *progress;      /* (owned) (nullable) while it runs */
  GCancellable *cancellable; /* (owned) (nullable) as op */
  gboolean interrupted;
  ScJobFunc done;
  gpointer user_data;
};

/* What the thread works with: nothing of it is touched by the main thread while it runs. */
typedef struct
{
  const ScJobEnvironment *environment;
  ScOp *op;
  ScProgress *progress; /* (owned) */
  SyscontJob *object;   /* (owned) only to be handed to the main thread again */
  guint64 job_id;
  guint caller_uid;
  char *caller_unit; /* (owned) */
} Run;

/* Which state may follow which */
static const guint successors[] = {
  [SC_JOB_QUEUED] = 1 << SC_JOB_RUNNING | 1 << SC_JOB_CANCELLED | 1 << SC_JOB_FAILED,
  [SC_JOB_RUNNING]
  = 1 << SC_JOB_CANCELLING | 1 << SC_JOB_DONE | 1 << SC_JOB_FAILED | 1 << SC_JOB_CANCELLED,
  [SC_JOB_CANCELLING] = 1 << SC_JOB_DONE | 1 << SC_JOB_FAILED | 1 << SC_JOB_CANCELLED,
  [SC_JOB_DONE] = 0,
  [SC_JOB_FAILED] = 0,
  [SC_JOB_CANCELLED] = 0,
};

static void
run_free (gpointer data)
{
  Run *run = data;

  sc_progress_unref (run->progress);
  g_object_unref (run->object);
  g_free (run->caller_unit);
  g_free (run);
}

void
sc_job_outcome_free (ScJobOutcome *self)
{
  g_clear_pointer (&self->result, g_variant_unref);
  g_strfreev (self->objects);
  g_clear_error (&self->error);
  g_clear_pointer (&self->inventory, sc_inventory_free);
  g_free (self);
}

/* Everything that does not come from the progress */
static void
publish (ScJob *self)
{
  const ScJobRecord *record = self->record;

  syscont_job_set_state (self->object, sc_job_state_name (record->state));
  syscont_job_set_start_time (self->object, (guint64)record->start_usec);
  syscont_job_set_end_time (self->object, (guint64)record->end_usec);
  syscont_job_set_objects (self->object, (const char *const *)record->objects);
  syscont_job_set_result (self->object, record->result);
  syscont_job_set_error_name (self->object, record->error_name);
  syscont_job_set_error_message (self->object, record->error_message);
  if (sc_job_state_has_ended (record->state))
    syscont_job_set_cancellable (self->object, FALSE);
}

static void
set_state (ScJob *self, ScJobState state)
{
  g_assert ((successors[self->record->state] & 1 << state) != 0);
  self->record->state = state;
  if (state == SC_JOB_RUNNING)
    self->record->start_usec = g_get_real_time ();
  if (sc_job_state_has_ended (state))
    self->record->end_usec = g_get_real_time ();
  publish (self);
}

static ScJob *
new_from_record (ScJobRecord *record)
{
  ScJob *self = g_new0 (ScJob, 1);

  self->record = record;
  self->path = sc_bus_path_job (record->id);
  self->object = syscont_job_skeleton_new ();
  syscont_job_set_id (self->object, record->id);
  syscont_job_set_type_ (self->object, record->type);
  syscont_job_set_targets (self->object, (const char *const *)record->targets);
  syscont_job_set_phase (self->object, "");
  syscont_job_set_owner_uid (self->object, record->owner_uid);
  syscont_job_set_owner_unit (self->object, record->owner_unit);
  publish (self);
  return self;
}

ScJob *
sc_job_new (guint64 id, ScOp *op, const ScCaller *owner)
{
  ScJobRecord *record
      = sc_job_record_new (id, op->op_class->type, (const char *const *)op->targets);

  record->owner_uid = owner->uid;
  g_free (record->owner_unit);
  record->owner_unit = g_strdup (owner->unit);

  ScJob *self = new_from_record (record);
  self->op = op;
  self->cancellable = g_cancellable_new ();
  syscont_job_set_cancellable (self->object, TRUE);
  return self;
}

ScJob *
sc_job_new_ended (ScJobRecord *record)
{
  return new_from_record (record);
}

void
sc_job_free (ScJob *self)
{
  if (self->progress != NULL)
    {
      sc_progress_close (self->progress);
      sc_progress_unref (self->progress);
    }
  g_clear_pointer (&self->op, sc_op_free);
  g_clear_object (&self->cancellable);
  g_object_unref (self->object);
  sc_job_record_free (self->record);
  g_free (self->path);
  g_free (self);
}

const ScJobRecord *
sc_job_get_record (const ScJob *self)
{
  return self->record;
}

SyscontJob *
sc_job_get_object (ScJob *self)
{
  return self->object;
}

const char *
sc_job_get_path (const ScJob *self)
{
  return self->path;
}

GPtrArray *
sc_job_get_claims (const ScJob *self)
{
  return self->op->claims;
}

ScProgram *
sc_job_get_program (const ScJob *self)
{
  return self->op != NULL ? self->op->program : NULL;
}

void
sc_job_drop_op (ScJob *self)
{
  g_return_if_fail (sc_job_state_has_ended (self->record->state));

  g_clear_pointer (&self->op, sc_op_free);
  g_clear_object (&self->cancellable);
}

static GVariant *
describe_blobs (ScProgress *progress)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GPtrArray) blobs = sc_progress_list_blobs (progress);

  for (guint i = 0; i < blobs->len; i++)
    {
      const ScBlobProgress *blob = blobs->pdata[i];

      g_variant_builder_open (&builder, G_VARIANT_TYPE_VARDICT);
      g_variant_builder_add (&builder, "{sv}", "digest", g_variant_new_string (blob->digest));
      g_variant_builder_add (&builder, "{sv}", "bytes", g_variant_new_uint64 (blob->bytes));
      g_variant_builder_add (&builder, "{sv}", "bytes-total",
                             g_variant_new_uint64 (blob->bytes_total));
      g_variant_builder_close (&builder);
    }
  return g_variant_builder_end (&builder);
}

static void
show_progress (ScJob *self, const ScProgressState *state)
{
  double fraction = state->bytes_total > 0 ? (double)state->bytes / (double)state->bytes_total : 0;

  syscont_job_set_phase (self->object, state->phase != NULL ? state->phase : "");
  syscont_job_set_bytes (self->object, state->bytes);
  syscont_job_set_bytes_total (self->object, state->bytes_total);
  syscont_job_set_progress_valid (self->object, state->bytes_total > 0);
  syscont_job_set_progress (self->object, CLAMP (fraction, 0, 1));
  syscont_job_set_cancellable (self->object, state->cancellable);
  syscont_job_set_blobs (self->object, describe_blobs (self->progress));
}

static void
on_progress (const ScProgressState *state, gpointer user_data)
{
  show_progress (user_data, state);
}

static guint
take_inventory_serial (void)
{
  static guint serial;

  return (guint)g_atomic_int_add (&serial, 1) + 1;
}

static void
load_inventory (const Run *run, ScJobOutcome *outcome)
{
  g_autoptr (GError) error = NULL;

  outcome->inventory_serial = take_inventory_serial ();
  outcome->inventory = sc_inventory_load (run->environment->paths, &error);
  if (outcome->inventory == NULL)
    sc_log (G_LOG_LEVEL_WARNING, &(ScLogFields){ .job = run->job_id },
            "the objects on the bus may be old: %s", error->message);
}

typedef struct
{
  SyscontJob *object; /* (owned) */
  guint priority;
  char *line; /* (owned) */
} Message;

static void
message_free (gpointer data)
{
  Message *message = data;

  g_object_unref (message->object);
  g_free (message->line);
  g_free (message);
}

static gboolean
emit_message (gpointer data)
{
  const Message *message = data;
  GVariant *info = g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0);

  syscont_job_emit_log_message (message->object, message->priority, message->line, info);
  return G_SOURCE_REMOVE;
}

/* From the job's thread; the signal is sent by the main thread, as everything on the bus. */
static void
log_message (gpointer log_data, guint priority, const char *line)
{
  const Run *run = log_data;
  Message *message = g_new0 (Message, 1);

  message->object = g_object_ref (run->object);
  message->priority = priority;
  message->line = g_strdup (line);
  g_main_context_invoke_full (NULL, G_PRIORITY_DEFAULT, emit_message, message, message_free);
}

static void
run_op (const Run *run, ScJobOutcome *outcome, GCancellable *cancellable)
{
  g_autoptr (GVariantDict) result = g_variant_dict_new (NULL);
  g_autoptr (GPtrArray) objects = g_ptr_array_new_with_free_func (g_free);
  ScOpContext context = {
    .paths = run->environment->paths,
    .config = run->environment->config,
    .bus = run->environment->bus,
    .progress = run->progress,
    .job_id = run->job_id,
    .caller_uid = run->caller_uid,
    .caller_unit = run->caller_unit,
    .result = result,
    .objects = objects,
    .log = log_message,
    .log_data = (gpointer)run,
  };

  if (!sc_op_run (run->op, &context, cancellable, &outcome->error) && outcome->error == NULL)
    g_set_error_literal (&outcome->error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED,
                         "the operation failed without saying why");
  outcome->result = g_variant_ref_sink (g_variant_dict_end (result));
  g_ptr_array_add (objects, NULL);
  outcome->objects = g_strdupv ((char **)objects->pdata);
}

/* libostree and the client of systemd iterate the thread's main context, which therefore must be
 * the job's own. */
static void
run_in_thread (GTask *task, gpointer source, gpointer task_data, GCancellable *cancellable)
{
  const Run *run = task_data;
  ScJobOutcome *outcome = g_new0 (ScJobOutcome, 1);
  g_autoptr (GMainContext) context = g_main_context_new ();
  G_GNUC_UNUSED g_autoptr (GMainContextPusher) pusher = g_main_context_pusher_new (context);

  run_op (run, outcome, cancellable);
  if (!run->op->op_class->leaves_state)
    load_inventory (run, outcome);
  g_task_return_pointer (task, outcome, (GDestroyNotify)sc_job_outcome_free);
}

static gpointer
run_in_own_thread (gpointer data)
{
  g_autoptr (GTask) task = data;

  run_in_thread (task, NULL, g_task_get_task_data (task), g_task_get_cancellable (task));
  return NULL;
}

static void
on_thread_ended (GObject *source, GAsyncResult *result, gpointer user_data)
{
  ScJob *self = user_data;
  ScJobOutcome *outcome = g_task_propagate_pointer (G_TASK (result), NULL);
  ScProgressState state;

  sc_progress_get (self->progress, &state);
  sc_progress_close (self->progress);
  show_progress (self, &state);
  g_clear_pointer (&self->progress, sc_progress_unref);
  self->done (self, outcome, self->user_data);
}

void
sc_job_start (ScJob *self, const ScJobEnvironment *environment, ScJobFunc done, gpointer user_data)
{
  g_autoptr (GTask) task = g_task_new (NULL, self->cancellable, on_thread_ended, self);
  Run *run = g_new0 (Run, 1);

  self->done = done;
  self->user_data = user_data;
  self->progress = sc_progress_new (on_progress, self);
  run->environment = environment;
  run->op = self->op;
  run->progress = sc_progress_ref (self->progress);
  run->object = g_object_ref (self->object);
  run->job_id = self->record->id;
  run->caller_uid = self->record->owner_uid;
  run->caller_unit = g_strdup (self->record->owner_unit);
  set_state (self, SC_JOB_RUNNING);

  /* A job is over only when its input and output are; and the outcome counts, not that somebody
   * wanted to cancel. */
  g_task_set_return_on_cancel (task, FALSE);
  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, run, run_free);
  /* GTask's threads are few, and meant for what ends soon. */
  if (self->op->is_apart)
    g_thread_unref (g_thread_new ("program", run_in_own_thread, g_steal_pointer (&task)));
  else
    g_task_run_in_thread (task, run_in_thread);
}

/* How a job ended; what it did on the host, the operation has said itself. */
static void
log_end (const ScJob *self)
{
  const ScJobRecord *record = self->record;
  g_autofree char *targets = g_strjoinv (", ", record->targets);
  g_autofree char *subject = sc_text_escape (targets);
  g_autofree char *title = *subject != '\0'
                               ? g_strdup_printf ("%s of \"%s\"", record->type, subject)
                               : g_strdup (record->type);
  gboolean is_container = sc_job_record_is_about_containers (record);
  double seconds = record->start_usec > 0
                       ? (double)(record->end_usec - record->start_usec) / G_USEC_PER_SEC
                       : 0;
  const ScLogFields fields = {
    .job = record->id,
    .operation = record->type,
    .container = is_container ? subject : NULL,
    .image = is_container ? NULL : subject,
    .error_name = *record->error_name != '\0' ? record->error_name : NULL,
    .message_id = record->state == SC_JOB_FAILED ? SC_MESSAGE_FAILED : NULL,
    .has_caller_uid = TRUE,
    .caller_uid = record->owner_uid,
  };

  if (record->state == SC_JOB_FAILED)
    sc_log (G_LOG_LEVEL_WARNING, &fields, "%s failed: %s", title, record->error_message);
  else
    sc_log (G_LOG_LEVEL_INFO, &fields, "%s %s in %.1f s", title, sc_job_state_name (record->state),
            seconds);
}

static void
emit_finished (ScJob *self)
{
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self->object));
  syscont_job_emit_finished (self->object, sc_job_state_name (self->record->state),
                             self->record->result);
}

static ScJobState
take_error (ScJob *self, const GError *error)
{
  g_autoptr (GError) normal = syscont_error_normalize (error);

  if (g_error_matches (normal, SYSCONT_ERROR, SYSCONT_ERROR_CANCELLED) && self->interrupted)
    {
      g_clear_error (&normal);
      normal = g_error_new_literal (SYSCONT_ERROR, SYSCONT_ERROR_INTERRUPTED,
                                    "the service was stopped before the job ended");
    }
  sc_job_record_set_error (self->record, normal);
  return g_error_matches (normal, SYSCONT_ERROR, SYSCONT_ERROR_CANCELLED) ? SC_JOB_CANCELLED
                                                                          : SC_JOB_FAILED;
}

void
sc_job_end (ScJob *self, ScJobOutcome *outcome)
{
  g_autoptr (ScJobOutcome) owned = outcome;
  ScJobState state = SC_JOB_DONE;

  g_variant_unref (self->record->result);
  g_strfreev (self->record->objects);
  self->record->result = g_steal_pointer (&owned->result);
  self->record->objects = g_steal_pointer (&owned->objects);
  if (owned->error != NULL)
    state = take_error (self, owned->error);
  else
    {
      syscont_job_set_progress (self->object, 1);
      syscont_job_set_progress_valid (self->object, TRUE);
    }
  set_state (self, state);
  log_end (self);
  emit_finished (self);
}

static void
end_queued (ScJob *self)
{
  g_autoptr (GError) error = g_error_new_literal (SYSCONT_ERROR, SYSCONT_ERROR_CANCELLED,
                                                  "the job was cancelled before it began");

  set_state (self, take_error (self, error));
  log_end (self);
  emit_finished (self);
}

gboolean
sc_job_cancel (ScJob *self, gboolean interrupted, GError **error)
{
  ScProgressState state;

  if (sc_job_state_has_ended (self->record->state))
    return TRUE;
  if (self->record->state == SC_JOB_QUEUED)
    {
      self->interrupted = interrupted;
      end_queued (self);
      return TRUE;
    }
  if (self->progress == NULL)
    return sc_error_set (error, SYSCONT_ERROR_BUSY, "job %" G_GUINT64_FORMAT " is about to end",
                         self->record->id);
  sc_progress_get (self->progress, &state);
  if (!state.cancellable)
    return sc_error_set (error, SYSCONT_ERROR_BUSY,
                         "job %" G_GUINT64_FORMAT " is past the point of no return",
                         self->record->id);

  self->interrupted = interrupted;
  if (self->record->state == SC_JOB_RUNNING)
    set_state (self, SC_JOB_CANCELLING);
  g_cancellable_cancel (self->cancellable);
  return TRUE;
}
