/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-job-queue.h"

struct _ScJobQueue
{
  guint max_running;
  GPtrArray *places; /* (owned) of Place, in the order in which they came */
};

typedef struct
{
  ScTicket ticket;
  gboolean ready;
  gboolean running;
} Place;

ScJobQueue *
sc_job_queue_new (guint max_running)
{
  ScJobQueue *self = g_new0 (ScJobQueue, 1);

  self->max_running = max_running;
  self->places = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
sc_job_queue_free (ScJobQueue *self)
{
  g_ptr_array_unref (self->places);
  g_free (self);
}

/* Returns the first of the places before @end that must end first, running or waiting, or NULL */
static const Place *
find_obstacle (const ScJobQueue *self, GPtrArray *claims, guint end)
{
  for (guint i = 0; i < end; i++)
    {
      const Place *place = self->places->pdata[i];

      if (sc_claims_conflict (place->ticket.claims, claims))
        return place;
    }
  return NULL;
}

static guint
count_running (const ScJobQueue *self)
{
  guint count = 0;

  for (guint i = 0; i < self->places->len; i++)
    {
      const Place *place = self->places->pdata[i];

      count += place->running && !place->ticket.is_apart;
    }
  return count;
}

/* What runs, or will as soon as it is ready; the others wait for something that is not a free
 * place. */
static guint
count_places_taken (const ScJobQueue *self)
{
  guint count = 0;

  for (guint i = 0; i < self->places->len; i++)
    {
      const Place *place = self->places->pdata[i];

      count += (place->running || !place->ready) && !place->ticket.is_apart;
    }
  return count;
}

static guint
count_waiting (const ScJobQueue *self, guint uid)
{
  guint count = 0;

  for (guint i = 0; i < self->places->len; i++)
    {
      const Place *place = self->places->pdata[i];

      count += !place->running && !place->ticket.is_apart && place->ticket.uid == uid;
    }
  return count;
}

/* @uid: (nullable): NULL for all */
static guint
count_kind (const ScJobQueue *self, gboolean is_apart, const guint *uid)
{
  guint count = 0;

  for (guint i = 0; i < self->places->len; i++)
    {
      const ScTicket *ticket = &((const Place *)self->places->pdata[i])->ticket;

      count += ticket->is_apart == is_apart && (uid == NULL || ticket->uid == *uid);
    }
  return count;
}

static gboolean
check_limits (const ScJobQueue *self, const ScTicket *ticket, GError **error)
{
  guint n_kind = count_kind (self, ticket->is_apart, NULL);

  if (n_kind >= (ticket->is_apart ? SC_JOB_QUEUE_MAX_APART : SC_JOB_QUEUE_MAX_JOBS))
    return sc_error_set (error, SYSCONT_ERROR_BUSY, "%u jobs are there already, try again later",
                         n_kind);
  if (ticket->is_apart && count_kind (self, TRUE, &ticket->uid) >= SC_JOB_QUEUE_MAX_APART_UID)
    return sc_error_set (error, SYSCONT_ERROR_BUSY,
                         "%d programs of the user %u run in containers already",
                         SC_JOB_QUEUE_MAX_APART_UID, ticket->uid);
  if (!ticket->is_apart && count_waiting (self, ticket->uid) >= SC_JOB_QUEUE_MAX_WAITING)
    return sc_error_set (error, SYSCONT_ERROR_BUSY,
                         "%d jobs of the user %u wait already, try again later",
                         SC_JOB_QUEUE_MAX_WAITING, ticket->uid);
  return TRUE;
}

static guint64
find_first_counted (const ScJobQueue *self)
{
  for (guint i = 0; i < self->places->len; i++)
    {
      const Place *place = self->places->pdata[i];

      if (!place->ticket.is_apart)
        return place->ticket.id;
    }
  return 0;
}

static gboolean
check_no_queue (const ScJobQueue *self, const ScTicket *ticket, GError **error)
{
  const Place *obstacle = find_obstacle (self, ticket->claims, self->places->len);

  if (obstacle != NULL)
    return sc_error_set (error, SYSCONT_ERROR_BUSY,
                         "job %" G_GUINT64_FORMAT " works on the same thing", obstacle->ticket.id);
  if (!ticket->is_apart && count_places_taken (self) >= self->max_running)
    return sc_error_set (error, SYSCONT_ERROR_BUSY,
                         "as many jobs run as may, job %" G_GUINT64_FORMAT " is the first of them",
                         find_first_counted (self));
  return TRUE;
}

gboolean
sc_job_queue_add (ScJobQueue *self, const ScTicket *ticket, GError **error)
{
  if (ticket->no_queue && !check_no_queue (self, ticket, error))
    return FALSE;
  if (!check_limits (self, ticket, error))
    return FALSE;

  Place *place = g_new0 (Place, 1);
  place->ticket = *ticket;
  g_ptr_array_add (self->places, place);
  return TRUE;
}

static gboolean
find_place (const ScJobQueue *self, guint64 id, guint *index)
{
  for (guint i = 0; i < self->places->len; i++)
    if (((const Place *)self->places->pdata[i])->ticket.id == id)
      {
        *index = i;
        return TRUE;
      }
  return FALSE;
}

void
sc_job_queue_set_ready (ScJobQueue *self, guint64 id)
{
  guint index;

  if (find_place (self, id, &index))
    ((Place *)self->places->pdata[index])->ready = TRUE;
}

gboolean
sc_job_queue_take (ScJobQueue *self, guint64 *id)
{
  gboolean is_full = count_running (self) >= self->max_running;

  for (guint i = 0; i < self->places->len; i++)
    {
      Place *place = self->places->pdata[i];

      if (place->running || !place->ready || (is_full && !place->ticket.is_apart)
          || find_obstacle (self, place->ticket.claims, i) != NULL)
        continue;
      place->running = TRUE;
      *id = place->ticket.id;
      return TRUE;
    }
  return FALSE;
}

void
sc_job_queue_remove (ScJobQueue *self, guint64 id)
{
  guint index;

  if (find_place (self, id, &index))
    g_ptr_array_remove_index (self->places, index);
}

guint
sc_job_queue_get_length (const ScJobQueue *self)
{
  return self->places->len;
}
