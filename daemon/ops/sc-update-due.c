/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-update-due.h"

#include "base/sc-calendar.h"

#include <string.h>

static gboolean
is_staged (const ScContainer *container)
{
  gint64 id = container->staged;
  const ScDeploymentRecord *record
      = id != SC_NO_DEPLOYMENT ? sc_container_find (container, (guint64)id) : NULL;

  return record != NULL && strcmp (record->digest, container->update.available) == 0;
}

/* (nullable): static */
static const char *
find_obstacle (const ScContainer *container, gint64 now_usec)
{
  const ScUpdateState *state = &container->update;
  const ScUpdatePolicy *policy = &state->policy;

  if (policy->mode == SC_POLICY_STAGE && is_staged (container))
    return "staged";
  if (sc_update_state_is_held (state, now_usec))
    return "held";
  if (sc_update_state_find_quarantine (state, state->available) != NULL)
    return "quarantined";
  if (sc_update_state_is_blocked (state))
    return "blocked";
  if (state->available_usec + policy->min_age_usec > now_usec)
    return "too recent";
  if (policy->mode == SC_POLICY_APPLY && policy->window != NULL
      && !sc_calendar_is_open (policy->window, policy->window_usec, now_usec))
    return "outside the window";
  return NULL;
}

void
sc_update_due_look (const ScContainer *container, gint64 now_usec, ScUpdateReport *report)
{
  const ScUpdateState *state = &container->update;
  gboolean is_wanted
      = state->policy.mode == SC_POLICY_STAGE || state->policy.mode == SC_POLICY_APPLY;

  if (state->available == NULL || !is_wanted)
    return;
  const char *obstacle = find_obstacle (container, now_usec);
  sc_set_text (&report->skipped, obstacle);
  report->due = obstacle == NULL ? sc_policy_mode_name (state->policy.mode) : NULL;
}
