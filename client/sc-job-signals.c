/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-job-signals.h"

#include <glib-unix.h>
#include <signal.h>

static const int numbers[] = { SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2 };

typedef struct
{
  ScJobSignals *owner;
  int number;
  guint id; /* of its source */
} Watch;

struct _ScJobSignals
{
  ScClient *client; /* (lent) */
  const char *job;  /* (lent) path */
  ScUnheardFunc unheard;
  gpointer user_data;
  Watch watches[G_N_ELEMENTS (numbers)];
};

static gboolean
on_signal (gpointer user_data)
{
  const Watch *watch = user_data;
  ScJobSignals *self = watch->owner;
  g_autoptr (GVariant) reply
      = sc_client_call_object (self->client, self->job, SYSCONT_JOB_INTERFACE, "Signal",
                               g_variant_new ("(i)", watch->number), NULL);

  if (reply == NULL && watch->number != SIGUSR1 && watch->number != SIGUSR2)
    self->unheard (self->user_data);
  return G_SOURCE_CONTINUE;
}

ScJobSignals *
sc_job_signals_new (ScClient *client, const char *job, ScUnheardFunc unheard, gpointer user_data)
{
  ScJobSignals *self = g_new0 (ScJobSignals, 1);

  self->client = client;
  self->job = job;
  self->unheard = unheard;
  self->user_data = user_data;
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    {
      self->watches[i].owner = self;
      self->watches[i].number = numbers[i];
      self->watches[i].id = g_unix_signal_add (numbers[i], on_signal, &self->watches[i]);
    }
  return self;
}

void
sc_job_signals_free (ScJobSignals *self)
{
  for (gsize i = 0; i < G_N_ELEMENTS (numbers); i++)
    g_source_remove (self->watches[i].id);
  g_free (self);
}
