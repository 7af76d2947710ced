/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-observe.h"

#include "host/sc-unit-status.h"

#include <string.h>

#define INTERVAL_MS         200
#define PROBE_INTERVAL_USEC (G_USEC_PER_SEC / 2)
#define PROBE_GRACE_USEC    (2 * G_USEC_PER_SEC) /* for one that has begun when the time is over */

/* The health checks so far. */
typedef struct
{
  gint64 next_usec; /* monotonic */
  gboolean has_run;
  GError *failure; /* (owned) (nullable) of the last one */
} Probing;

static void
probing_clear (Probing *self)
{
  g_clear_error (&self->failure);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Probing, probing_clear)

static gboolean
is_oneshot (const ScUnitStatus *status)
{
  return strcmp (status->type, "oneshot") == 0;
}

static gboolean
start (const ScObservation *self, GError **error)
{
  g_auto (ScUnitStatus) status = { 0 };
  guint timeout_s = self->start_timeout_s;

  if (!sc_systemd_get_status (self->systemd, self->unit, &status, NULL, error))
    return FALSE;
  if (self->observe_usec > 0 && !is_oneshot (&status))
    timeout_s = (guint)((self->observe_usec + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC);
  /* That it was started often lately, by failing before or by being switched, is no reason against
   * what it runs now. */
  sc_systemd_reset_failed (self->systemd, self->unit, NULL);
  return sc_systemd_start (self->systemd, self->unit, timeout_s, NULL, error);
}

static gboolean
start_dependants (const ScObservation *self, GError **error)
{
  for (guint i = 0; self->dependants[i] != NULL; i++)
    if (!sc_systemd_enqueue_start (self->systemd, self->dependants[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
fail (const ScObservation *self, const ScUnitStatus *now, const char *what, GError **error)
{
  return sc_error_set (error, SYSCONT_ERROR_HEALTH_CHECK_FAILED, "\"%s\" %s (state %s, result %s)",
                       self->unit, what, now->active_state,
                       *now->result != '\0' ? now->result : "unknown");
}

/* What happened between two looks is seen too: a new run has another id. */
static gboolean
check_service (const ScObservation *self, const ScUnitStatus *first, GError **error)
{
  g_auto (ScUnitStatus) now = { 0 };

  if (!sc_systemd_get_status (self->systemd, self->unit, &now, NULL, error))
    return FALSE;
  if (is_oneshot (&now) && strcmp (now.result, "success") == 0
      && strcmp (now.active_state, "failed") != 0)
    return TRUE;
  if (now.n_restarts != first->n_restarts || strcmp (now.invocation_id, first->invocation_id) != 0)
    return fail (self, &now, "was restarted", error);
  if (!sc_unit_status_is_active (&now))
    return fail (self, &now, "did not stay up", error);
  /* with a PID file the process that started it ends, and another takes its place */
  if (now.main_pid != first->main_pid && *now.pid_file == '\0')
    return fail (self, &now, "has another main process", error);
  return TRUE;
}

static gboolean
check_dependants (const ScObservation *self, gboolean is_end, GError **error)
{
  for (guint i = 0; self->dependants[i] != NULL; i++)
    {
      g_auto (ScUnitStatus) now = { 0 };
      const char *unit = self->dependants[i];

      if (!sc_systemd_get_status (self->systemd, unit, &now, NULL, error))
        return FALSE;
      if (strcmp (now.active_state, "failed") == 0 || (is_end && !sc_unit_status_is_active (&now)))
        return sc_error_set (error, SYSCONT_ERROR_HEALTH_CHECK_FAILED,
                             "\"%s\", which depends on \"%s\" and was active, is %s", unit,
                             self->unit, now.active_state);
    }
  return TRUE;
}

/* A check that only the end of the time has cut short says nothing. */
static void
probe (const ScObservation *self, Probing *probing, gint64 left_usec)
{
  gint64 now_usec = g_get_monotonic_time ();
  gint64 max_usec = MAX (left_usec, 0) + PROBE_GRACE_USEC;
  GError *failure = NULL;

  if (now_usec < probing->next_usec)
    return;
  gboolean passed = sc_health_probe_run (self->probe, max_usec, &failure);
  probing->next_usec = g_get_monotonic_time () + PROBE_INTERVAL_USEC;
  if (!passed && g_error_matches (failure, SYSCONT_ERROR, SYSCONT_ERROR_TIMED_OUT)
      && max_usec < self->probe->health->timeout_usec && probing->failure == NULL
      && probing->has_run)
    {
      g_error_free (failure);
      return;
    }
  probing->has_run = TRUE;
  g_clear_error (&probing->failure);
  probing->failure = failure;
}

static gboolean
check_health (const ScObservation *self, const Probing *probing, GError **error)
{
  return probing->failure == NULL
         || sc_error_set (error, SYSCONT_ERROR_HEALTH_CHECK_FAILED, "\"%s\" is unhealthy: %s",
                          self->unit, probing->failure->message);
}

gboolean
sc_observe (const ScObservation *self, GError **error)
{
  gint64 deadline_usec = g_get_monotonic_time () + self->observe_usec;
  g_auto (ScUnitStatus) first = { 0 };
  g_auto (Probing) probing = { 0 };

  if (!start (self, error)
      || !sc_systemd_get_status (self->systemd, self->unit, &first, NULL, error)
      || !start_dependants (self, error))
    return FALSE;
  if (self->observe_usec == 0)
    return TRUE;

  while (TRUE)
    {
      gint64 left_usec = deadline_usec - g_get_monotonic_time ();
      gboolean is_end = left_usec <= 0;

      if (!check_service (self, &first, error) || !check_dependants (self, is_end, error))
        return FALSE;
      if (self->probe != NULL && !is_oneshot (&first))
        probe (self, &probing, left_usec);
      if (is_end)
        return check_health (self, &probing, error);
      sc_systemd_wait (self->systemd, (guint)CLAMP (left_usec / 1000, 1, INTERVAL_MS), NULL);
    }
}
