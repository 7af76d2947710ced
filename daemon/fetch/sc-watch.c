/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "fetch/sc-watch.h"

struct _ScWatch
{
  GCancellable *parent; /* (owned) (nullable) */
  gulong cancelled_id;
  GCancellable *cancellable; /* (owned) */
  GSource *timer;            /* (owned) */
  guint timeout_ms;
  const char *reason;
  gboolean has_fired;
};

static void
on_parent_cancelled (GCancellable *parent, gpointer user_data)
{
  g_cancellable_cancel (user_data);
}

static gboolean
on_timer (gpointer user_data)
{
  ScWatch *self = user_data;

  g_source_set_ready_time (self->timer, -1);
  self->has_fired = TRUE;
  g_cancellable_cancel (self->cancellable);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch_timer (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs timer_funcs = { .dispatch = dispatch_timer };

ScWatch *
sc_watch_new (GCancellable *parent)
{
  ScWatch *self = g_new0 (ScWatch, 1);

  self->cancellable = g_cancellable_new ();
  self->timer = g_source_new (&timer_funcs, sizeof (GSource));
  g_source_set_callback (self->timer, on_timer, self, NULL);
  g_source_attach (self->timer, g_main_context_get_thread_default ());
  if (parent != NULL)
    {
      self->parent = g_object_ref (parent);
      self->cancelled_id = g_cancellable_connect (parent, G_CALLBACK (on_parent_cancelled),
                                                  self->cancellable, NULL);
    }
  return self;
}

void
sc_watch_free (ScWatch *self)
{
  if (self->cancelled_id != 0)
    g_cancellable_disconnect (self->parent, self->cancelled_id);
  g_clear_object (&self->parent);
  g_object_unref (self->cancellable);
  g_source_destroy (self->timer);
  g_source_unref (self->timer);
  g_free (self);
}

GCancellable *
sc_watch_get_cancellable (ScWatch *self)
{
  return self->cancellable;
}

void
sc_watch_start (ScWatch *self, guint timeout_ms, const char *reason)
{
  self->timeout_ms = timeout_ms;
  self->reason = reason;
  g_source_set_ready_time (self->timer, g_get_monotonic_time () + (gint64)timeout_ms * 1000);
}

void
sc_watch_stop (ScWatch *self)
{
  g_source_set_ready_time (self->timer, -1);
}

void
sc_watch_explain (ScWatch *self, GError **error)
{
  if (!self->has_fired || error == NULL
      || !g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    return;

  g_clear_error (error);
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT, "%s within %u s", self->reason,
               MAX (1, self->timeout_ms / 1000));
}
