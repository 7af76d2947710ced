/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-progress.h"

#define INTERVAL_MS 500

struct _ScProgress
{
  gatomicrefcount ref_count;
  ScProgressFunc func; /* (nullable) */
  gpointer user_data;

  GMutex mutex; /* protects all that follows */
  ScProgressState state;
  GPtrArray *blobs;         /* (owned) of ScBlobProgress: of the current phase */
  ScProgressState reported; /* what @func was told last */
  gint64 reported_at_usec;  /* monotonic; 0 = never */
  GSource *pending;         /* (owned) (nullable) the call of @func to come */
  gboolean is_closed;
};

ScBlobProgress *
sc_blob_progress_new (const char *digest, guint64 bytes, guint64 bytes_total)
{
  ScBlobProgress *self = g_new0 (ScBlobProgress, 1);

  self->digest = g_strdup (digest);
  self->bytes = bytes;
  self->bytes_total = bytes_total;
  return self;
}

void
sc_blob_progress_free (ScBlobProgress *self)
{
  g_free (self->digest);
  g_free (self);
}

static GPtrArray *
new_blobs (void)
{
  return g_ptr_array_new_with_free_func ((GDestroyNotify)sc_blob_progress_free);
}

ScProgress *
sc_progress_new (ScProgressFunc func, gpointer user_data)
{
  ScProgress *self = g_new0 (ScProgress, 1);

  g_atomic_ref_count_init (&self->ref_count);
  g_mutex_init (&self->mutex);
  self->func = func;
  self->user_data = user_data;
  self->state = (ScProgressState){ .phase = "", .cancellable = TRUE };
  self->reported = self->state;
  self->blobs = new_blobs ();
  return self;
}

ScProgress *
sc_progress_ref (ScProgress *self)
{
  g_atomic_ref_count_inc (&self->ref_count);
  return self;
}

void
sc_progress_unref (ScProgress *self)
{
  if (!g_atomic_ref_count_dec (&self->ref_count))
    return;

  /* A pending source would hold a reference. */
  g_assert (self->pending == NULL);
  g_ptr_array_unref (self->blobs);
  g_mutex_clear (&self->mutex);
  g_free (self);
}

static gboolean
is_worth_reporting (const ScProgressState *now, const ScProgressState *before)
{
  if (g_strcmp0 (now->phase, before->phase) != 0 || now->cancellable != before->cancellable
      || now->bytes_total != before->bytes_total)
    return TRUE;
  if (now->bytes_total == 0 || now->bytes < before->bytes || now->bytes == now->bytes_total)
    return now->bytes != before->bytes;

  return now->bytes - before->bytes >= MAX (now->bytes_total / 100, 1);
}

static gboolean
on_report_due (gpointer user_data)
{
  ScProgress *self = user_data;

  g_mutex_lock (&self->mutex);
  g_autoptr (GSource) source = g_steal_pointer (&self->pending);
  ScProgressState state = self->state;
  self->reported = state;
  self->reported_at_usec = g_get_monotonic_time ();
  g_mutex_unlock (&self->mutex);

  /* Closing happens in this thread and takes the source away. */
  if (source != NULL)
    self->func (&state, self->user_data);
  return G_SOURCE_REMOVE;
}

/* With the mutex held. */
static void
schedule_report (ScProgress *self)
{
  if (self->func == NULL || self->is_closed || self->pending != NULL
      || !is_worth_reporting (&self->state, &self->reported))
    return;

  gint64 since_ms = (g_get_monotonic_time () - self->reported_at_usec) / 1000;
  gboolean is_first = self->reported_at_usec == 0;
  guint wait_ms = is_first || since_ms >= INTERVAL_MS ? 0 : (guint)(INTERVAL_MS - since_ms);

  self->pending = g_timeout_source_new (wait_ms);
  g_source_set_callback (self->pending, on_report_due, sc_progress_ref (self),
                         (GDestroyNotify)sc_progress_unref);
  g_source_attach (self->pending, NULL);
}

void
sc_progress_close (ScProgress *self)
{
  g_mutex_lock (&self->mutex);
  g_autoptr (GSource) pending = g_steal_pointer (&self->pending);
  self->is_closed = TRUE;
  g_mutex_unlock (&self->mutex);

  /* Lets go of a reference, but of the caller's never. */
  if (pending != NULL)
    g_source_destroy (pending);
}

void
sc_progress_begin_blobs (ScProgress *self, const char *phase, GPtrArray *blobs)
{
  g_mutex_lock (&self->mutex);
  g_autoptr (GPtrArray) old G_GNUC_UNUSED = self->blobs;
  self->blobs = blobs;
  self->state.phase = phase;
  self->state.bytes = 0;
  self->state.bytes_total = 0;
  for (guint i = 0; i < blobs->len; i++)
    {
      const ScBlobProgress *blob = blobs->pdata[i];

      self->state.bytes += blob->bytes;
      self->state.bytes_total += blob->bytes_total;
    }
  schedule_report (self);
  g_mutex_unlock (&self->mutex);
}

void
sc_progress_set_blob_bytes (ScProgress *self, guint index, guint64 bytes)
{
  g_mutex_lock (&self->mutex);
  if (index < self->blobs->len)
    {
      ScBlobProgress *blob = self->blobs->pdata[index];

      self->state.bytes += bytes - blob->bytes;
      blob->bytes = bytes;
      schedule_report (self);
    }
  g_mutex_unlock (&self->mutex);
}

static gpointer
copy_blob (gconstpointer source, gpointer user_data)
{
  const ScBlobProgress *blob = source;

  return sc_blob_progress_new (blob->digest, blob->bytes, blob->bytes_total);
}

GPtrArray *
sc_progress_list_blobs (ScProgress *self)
{
  g_mutex_lock (&self->mutex);
  GPtrArray *blobs = g_ptr_array_copy (self->blobs, copy_blob, NULL);
  g_mutex_unlock (&self->mutex);
  g_ptr_array_set_free_func (blobs, (GDestroyNotify)sc_blob_progress_free);
  return blobs;
}

void
sc_progress_set_phase (ScProgress *self, const char *phase)
{
  sc_progress_begin_blobs (self, phase, new_blobs ());
}

void
sc_progress_set_total (ScProgress *self, guint64 bytes_total)
{
  g_mutex_lock (&self->mutex);
  self->state.bytes_total = bytes_total;
  schedule_report (self);
  g_mutex_unlock (&self->mutex);
}

void
sc_progress_add_bytes (ScProgress *self, guint64 bytes)
{
  g_mutex_lock (&self->mutex);
  self->state.bytes
      = bytes <= G_MAXUINT64 - self->state.bytes ? self->state.bytes + bytes : G_MAXUINT64;
  schedule_report (self);
  g_mutex_unlock (&self->mutex);
}

void
sc_progress_set_cancellable (ScProgress *self, gboolean cancellable)
{
  g_mutex_lock (&self->mutex);
  self->state.cancellable = cancellable;
  schedule_report (self);
  g_mutex_unlock (&self->mutex);
}

void
sc_progress_get (ScProgress *self, ScProgressState *out)
{
  g_mutex_lock (&self->mutex);
  *out = self->state;
  g_mutex_unlock (&self->mutex);
}
