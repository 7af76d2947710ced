/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-idle.h"

struct _ScIdle
{
  guint timeout_s;
  gboolean in_a_hurry;
  ScIdleFunc func;
  gpointer user_data;
  guint holds;
  guint source;
  GHashTable *subscribers; /* (owned) char* of the sender to Subscriber */
};

typedef struct
{
  ScIdle *idle;
  ScCaller *caller; /* (owned) */
  gulong handler;   /* for its leaving */
} Subscriber;

static void
subscriber_free (gpointer data)
{
  Subscriber *subscriber = data;

  g_signal_handler_disconnect (subscriber->caller->gone, subscriber->handler);
  sc_caller_unref (subscriber->caller);
  g_free (subscriber);
}

static gboolean
on_idle (gpointer user_data)
{
  ScIdle *self = user_data;

  self->source = 0;
  self->func (self->user_data);
  return G_SOURCE_REMOVE;
}

static void
update (ScIdle *self)
{
  gboolean is_idle
      = self->holds == 0 && (self->in_a_hurry || g_hash_table_size (self->subscribers) == 0);

  if (self->source != 0)
    {
      g_source_remove (self->source);
      self->source = 0;
    }
  if (!is_idle)
    return;
  if (self->in_a_hurry)
    self->source = g_idle_add_full (G_PRIORITY_LOW, on_idle, self, NULL);
  else if (self->timeout_s > 0)
    self->source = g_timeout_add_seconds (self->timeout_s, on_idle, self);
}

static void
on_subscriber_gone (GCancellable *gone, gpointer user_data)
{
  Subscriber *subscriber = user_data;

  sc_idle_unsubscribe (subscriber->idle, subscriber->caller);
}

ScIdle *
sc_idle_new (guint timeout_s, ScIdleFunc func, gpointer user_data)
{
  ScIdle *self = g_new0 (ScIdle, 1);

  self->timeout_s = timeout_s;
  self->func = func;
  self->user_data = user_data;
  self->subscribers = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, subscriber_free);
  update (self);
  return self;
}

void
sc_idle_free (ScIdle *self)
{
  if (self->source != 0)
    g_source_remove (self->source);
  g_hash_table_unref (self->subscribers);
  g_free (self);
}

void
sc_idle_hold (ScIdle *self)
{
  self->holds++;
  update (self);
}

void
sc_idle_release (ScIdle *self)
{
  g_return_if_fail (self->holds > 0);

  self->holds--;
  update (self);
}

void
sc_idle_subscribe (ScIdle *self, ScCaller *caller)
{
  if (g_hash_table_contains (self->subscribers, caller->sender))
    return;

  Subscriber *subscriber = g_new0 (Subscriber, 1);
  subscriber->idle = self;
  subscriber->caller = sc_caller_ref (caller);
  subscriber->handler
      = g_signal_connect (caller->gone, "cancelled", G_CALLBACK (on_subscriber_gone), subscriber);
  g_hash_table_insert (self->subscribers, subscriber->caller->sender, subscriber);
  update (self);
}

void
sc_idle_unsubscribe (ScIdle *self, ScCaller *caller)
{
  g_hash_table_remove (self->subscribers, caller->sender);
  update (self);
}

void
sc_idle_hurry (ScIdle *self)
{
  self->in_a_hurry = TRUE;
  update (self);
}
