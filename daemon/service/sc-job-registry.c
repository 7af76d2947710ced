/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-job-registry.h"

#include "base/sc-log.h"
#include "dbus/sc-bus-path.h"
#include "service/sc-job-methods.h"
#include "service/sc-job-queue.h"
#include "service/sc-job-store.h"

#include <malloc.h>
#include <string.h>
#include <systemd/sd-daemon.h>

struct _ScJobRegistry
{
  ScJobRegistryParts parts;
  ScJobQueue *queue;             /* (owned) */
  ScJobStore *store;             /* (owned) */
  GPtrArray *jobs;               /* (owned) of ScJob, by rising number */
  guint expiry;                  /* source that forgets the next job */
  guint inventory_serial;        /* of what is on the bus */
  const ScJobListener *listener; /* (nullable) */
  gpointer listener_data;
  gboolean stopping;
  ScIdleFunc stopped; /* (nullable) */
  gpointer stopped_data;
};

/* A job that was taken in, until its record is on disk */
typedef struct
{
  ScJobRegistry *registry;
  ScJob *job;
  ScSubmittedFunc func;
  gpointer user_data;
} Arrival;

/* A job whose thread has ended, until what it did is on the bus */
typedef struct
{
  ScJobRegistry *registry;
  ScJob *job;
  ScJobOutcome *outcome;
} Departure;

static void start_jobs (ScJobRegistry *self);

static void
tell_count (ScJobRegistry *self)
{
  guint count = sc_job_queue_get_length (self->queue);

  if (self->listener != NULL)
    self->listener->counted (count, self->listener_data);
  if (count > 0)
    sd_notifyf (0, "STATUS=%u %s", count, count == 1 ? "job" : "jobs");
  else
    sd_notify (0, "STATUS=Idle");
}

static gboolean on_expiry (gpointer user_data);

static void
schedule_expiry (ScJobRegistry *self)
{
  gint64 first = G_MAXINT64;

  g_clear_handle_id (&self->expiry, g_source_remove);
  for (guint i = 0; i < self->jobs->len; i++)
    {
      const ScJobRecord *record = sc_job_get_record (self->jobs->pdata[i]);

      if (sc_job_state_has_ended (record->state))
        first = MIN (first, record->end_usec);
    }
  if (first == G_MAXINT64)
    return;

  /* A clock that was set back must not keep a job for longer. */
  gint64 left_s = SC_JOB_RETENTION_S - (g_get_real_time () - first) / G_USEC_PER_SEC;
  self->expiry
      = g_timeout_add_seconds ((guint)CLAMP (left_s + 1, 1, SC_JOB_RETENTION_S), on_expiry, self);
}

static void
forget (ScJobRegistry *self, ScJob *job)
{
  sc_objects_forget_job (self->parts.objects, sc_job_get_path (job));
  sc_objects_remove (self->parts.objects, sc_job_get_path (job));
  sc_job_store_delete (self->store, sc_job_get_record (job)->id);
  g_ptr_array_remove (self->jobs, job);
}

static gboolean
on_expiry (gpointer user_data)
{
  ScJobRegistry *self = user_data;
  gint64 limit = g_get_real_time () - SC_JOB_RETENTION_S * G_USEC_PER_SEC;

  self->expiry = 0;
  for (guint i = self->jobs->len; i > 0; i--)
    {
      ScJob *job = self->jobs->pdata[i - 1];
      const ScJobRecord *record = sc_job_get_record (job);

      if (sc_job_state_has_ended (record->state) && record->end_usec <= limit)
        forget (self, job);
    }
  schedule_expiry (self);
  return G_SOURCE_REMOVE;
}

static void
set_last_jobs (ScJobRegistry *self, ScJob *job)
{
  const ScJobRecord *record = sc_job_get_record (job);

  if (!sc_job_record_changes_containers (record))
    return;
  for (gsize i = 0; record->targets[i] != NULL; i++)
    sc_objects_set_last_job (self->parts.objects, record->targets[i], sc_job_get_path (job));
}

/* The job has its last state; whoever waits for that has been told already. */
static void
after_end (ScJobRegistry *self, ScJob *job)
{
  sc_job_queue_remove (self->queue, sc_job_get_record (job)->id);
  sc_job_drop_op (job);
  sc_job_store_save (self->store, sc_job_get_record (job), NULL, NULL);
  tell_count (self);
  if (self->listener != NULL)
    self->listener->ended (job, self->listener_data);
  schedule_expiry (self);
  sc_idle_release (self->parts.idle);
  malloc_trim (0);

  start_jobs (self);
  if (self->stopped != NULL && sc_job_queue_get_length (self->queue) == 0)
    {
      ScIdleFunc stopped = self->stopped;

      self->stopped = NULL;
      stopped (self->stopped_data);
    }
}

static void
on_settled (gpointer user_data)
{
  g_autofree Departure *departure = user_data;

  set_last_jobs (departure->registry, departure->job);
  sc_job_end (departure->job, departure->outcome);
  after_end (departure->registry, departure->job);
}

/* What a job made must be on the bus before its end is told: a client that waits for the end looks
 * at once. */
static void
on_job_done (ScJob *job, ScJobOutcome *outcome, gpointer user_data)
{
  ScJobRegistry *self = user_data;
  const ScJobRecord *record = sc_job_get_record (job);
  Departure *departure = g_new0 (Departure, 1);

  if (sc_job_record_changes_containers (record) && record->targets[0] != NULL)
    sc_objects_set_activity (self->parts.objects, record->targets[0], NULL);

  departure->registry = self;
  departure->job = job;
  departure->outcome = outcome;
  if (outcome->inventory == NULL || outcome->inventory_serial <= self->inventory_serial)
    {
      on_settled (departure);
      return;
    }
  self->inventory_serial = outcome->inventory_serial;
  sc_objects_set_inventory (self->parts.objects, g_steal_pointer (&outcome->inventory), on_settled,
                            departure);
}

static void
start_jobs (ScJobRegistry *self)
{
  guint64 id;

  while (sc_job_queue_take (self->queue, &id))
    sc_job_start (sc_job_registry_find (self, id), self->parts.environment, on_job_done, self);
}

gboolean
sc_job_registry_cancel (ScJobRegistry *self, guint64 id, GError **error)
{
  ScJob *job = sc_job_registry_find (self, id);
  gboolean was_queued = job != NULL && sc_job_get_record (job)->state == SC_JOB_QUEUED;

  if (job != NULL && !sc_job_cancel (job, FALSE, error))
    return FALSE;
  if (was_queued)
    after_end (self, job);
  return TRUE;
}

/* What a job on one container does to it shows in the container's state. */
static void
on_phase (GObject *object, GParamSpec *pspec, gpointer user_data)
{
  static const struct
  {
    const char *phase;
    const char *state;
  } activities[] = { { "switch", "switching" },
                     { "stop", "switching" },
                     { "rollback", "switching" },
                     { "observe", "observing" } };
  ScJobRegistry *self = user_data;
  const ScJob *job = sc_job_registry_find (self, syscont_job_get_id (SYSCONT_JOB (object)));
  const char *phase = syscont_job_get_phase (SYSCONT_JOB (object));
  const char *state = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (activities); i++)
    if (strcmp (activities[i].phase, phase) == 0)
      state = activities[i].state;
  if (sc_job_record_changes_containers (sc_job_get_record (job))
      && g_strv_length (sc_job_get_record (job)->targets) == 1)
    sc_objects_set_activity (self->parts.objects, sc_job_get_record (job)->targets[0], state);
}

static void
export_job (ScJobRegistry *self, ScJob *job)
{
  SyscontJob *object = sc_job_get_object (job);

  sc_job_methods_connect (self, &self->parts, object);
  g_signal_connect (object, "notify::phase", G_CALLBACK (on_phase), self);
  sc_objects_add (self->parts.objects, sc_job_get_path (job), G_DBUS_INTERFACE_SKELETON (object));
}

static void
on_recorded (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autofree Arrival *arrival = user_data;
  ScJobRegistry *self = arrival->registry;
  ScJob *job = arrival->job;

  export_job (self, job);
  if (self->listener != NULL)
    self->listener->added (job, self->listener_data);
  arrival->func (job, arrival->user_data);
  if (self->stopping)
    {
      sc_job_cancel (job, TRUE, NULL);
      after_end (self, job);
      return;
    }
  sc_job_queue_set_ready (self->queue, sc_job_get_record (job)->id);
  start_jobs (self);
}

gboolean
sc_job_registry_submit (ScJobRegistry *self, const ScSubmission *submission, GError **error)
{
  ScRequest *request = submission->request;
  const ScTicket ticket = {
    .id = sc_job_store_next_id (self->store),
    .uid = submission->caller->uid,
    .claims = request->op->claims,
    .no_queue = request->no_queue,
    .is_apart = request->op->is_apart,
  };

  if (self->stopping)
    return sc_error_set (error, SYSCONT_ERROR_BUSY, "the service is about to end, try again");
  if (!sc_job_queue_add (self->queue, &ticket, error))
    return FALSE;

  Arrival *arrival = g_new0 (Arrival, 1);
  arrival->registry = self;
  arrival->job = sc_job_new (ticket.id, g_steal_pointer (&request->op), submission->caller);
  arrival->func = submission->func;
  arrival->user_data = submission->user_data;
  g_ptr_array_add (self->jobs, arrival->job);
  sc_idle_hold (self->parts.idle);
  tell_count (self);
  sc_job_store_save (self->store, sc_job_get_record (arrival->job), on_recorded, arrival);
  return TRUE;
}

static void
take_records (ScJobRegistry *self, GPtrArray *records)
{
  g_ptr_array_set_free_func (records, NULL);
  for (guint i = 0; i < records->len; i++)
    {
      ScJob *job = sc_job_new_ended (records->pdata[i]);

      g_ptr_array_add (self->jobs, job);
      export_job (self, job);
      set_last_jobs (self, job);
    }
  schedule_expiry (self);
}

ScJobRegistry *
sc_job_registry_new (const ScJobRegistryParts *parts, GError **error)
{
  const ScJobEnvironment *environment = parts->environment;
  g_autoptr (GPtrArray) records = NULL;
  g_autoptr (ScJobStore) store
      = sc_job_store_open (environment->paths, g_get_real_time (), &records, error);
  if (store == NULL)
    return NULL;

  ScJobRegistry *self = g_new0 (ScJobRegistry, 1);
  self->parts = *parts;
  self->store = g_steal_pointer (&store);
  self->queue = sc_job_queue_new (environment->config->max_jobs);
  self->jobs = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_job_free);
  take_records (self, records);
  return self;
}

void
sc_job_registry_free (ScJobRegistry *self)
{
  g_clear_handle_id (&self->expiry, g_source_remove);
  sc_job_queue_free (self->queue);
  sc_job_store_close (self->store);
  g_ptr_array_unref (self->jobs);
  g_free (self);
}

void
sc_job_registry_set_listener (ScJobRegistry *self,
                              const ScJobListener *listener,
                              gpointer user_data)
{
  self->listener = listener;
  self->listener_data = user_data;
}

ScJob *
sc_job_registry_find (ScJobRegistry *self, guint64 id)
{
  for (guint i = 0; i < self->jobs->len; i++)
    if (sc_job_get_record (self->jobs->pdata[i])->id == id)
      return self->jobs->pdata[i];
  return NULL;
}

GPtrArray *
sc_job_registry_list (ScJobRegistry *self)
{
  return self->jobs;
}

static gboolean
is_on_bus (ScJob *job)
{
  GDBusInterface *interface = G_DBUS_INTERFACE (sc_job_get_object (job));

  return g_dbus_interface_get_object (interface) != NULL;
}

void
sc_job_registry_stop (ScJobRegistry *self, ScIdleFunc done, gpointer user_data)
{
  g_autoptr (GPtrArray) queued = g_ptr_array_new ();

  self->stopping = TRUE;
  if (sc_job_queue_get_length (self->queue) == 0)
    {
      done (user_data);
      return;
    }
  self->stopped = done;
  self->stopped_data = user_data;
  for (guint i = 0; i < self->jobs->len; i++)
    {
      ScJob *job = self->jobs->pdata[i];
      g_autoptr (GError) error = NULL;

      if (!is_on_bus (job))
        continue; /* ends in on_recorded() */
      if (sc_job_get_record (job)->state == SC_JOB_QUEUED)
        g_ptr_array_add (queued, job);
      else if (!sc_job_cancel (job, TRUE, &error))
        sc_log (G_LOG_LEVEL_INFO, &(ScLogFields){ .job = sc_job_get_record (job)->id },
                "the service waits for a job: %s", error->message);
    }
  for (guint i = 0; i < queued->len; i++)
    {
      sc_job_cancel (queued->pdata[i], TRUE, NULL);
      after_end (self, queued->pdata[i]);
    }
}
