/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-health-check.h"

#include "base/sc-log.h"
#include "deploy/sc-container.h"
#include "deploy/sc-secrets.h"
#include "host/sc-unit-status.h"
#include "ops/sc-health-probe.h"
#include "ops/sc-health-state.h"

#include <string.h>

static void
log_change (const char *name,
            const ScHealthState *before,
            const ScHealthState *after,
            const GError *failure)
{
  const ScLogFields fields = { .operation = "health", .container = name };

  if (failure != NULL)
    sc_log (G_LOG_LEVEL_INFO, &fields, "\"%s\": %s", name, failure->message);
  if (before->verdict == after->verdict)
    return;
  if (after->verdict == SC_HEALTH_UNHEALTHY)
    sc_log (G_LOG_LEVEL_WARNING, &fields, "\"%s\" is unhealthy: %s", name, failure->message);
  else
    sc_log (G_LOG_LEVEL_MESSAGE, &fields, "\"%s\" is %s", name,
            sc_health_verdict_name (after->verdict));
}

/* What a check prints goes into the journal. */
static void
hide_values (const ScContainer *container, const ScPaths *paths, GError *failure)
{
  if (failure == NULL)
    return;
  g_autoptr (GHashTable) secrets
      = sc_secrets_load (paths, container->name, container->current, NULL);
  g_autofree char *hidden = sc_secrets_hide (failure->message, container->set_values);

  g_free (failure->message);
  failure->message
      = secrets != NULL ? sc_secrets_hide (hidden, secrets) : g_steal_pointer (&hidden);
}

static gboolean
check (const ScPaths *paths,
       const ScContainer *container,
       const ScHealthProbe *probe,
       GError **error)
{
  g_autofree char *unit = g_strconcat (probe->name, ".service", NULL);
  g_auto (ScUnitStatus) before = { 0 };
  g_auto (ScUnitStatus) after = { 0 };
  g_autoptr (GError) failure = NULL;
  ScHealthState state;

  if (!sc_systemd_get_status (probe->systemd, unit, &before, NULL, error))
    return FALSE;
  if (!sc_unit_status_is_active (&before))
    return TRUE;
  gboolean passed = sc_health_probe_run (probe, G_MAXINT64 / 2, &failure);
  if (!sc_systemd_get_status (probe->systemd, unit, &after, NULL, error))
    return FALSE;
  if (!sc_unit_status_is_active (&after) || strcmp (before.invocation_id, after.invocation_id) != 0)
    return TRUE; /* it ended meanwhile, which fails every check */

  hide_values (container, paths, failure);
  sc_health_state_load (&state, paths, probe->name);
  const ScHealthState old = state;
  sc_health_state_add (&state, probe->health, passed,
                       g_get_real_time () - (gint64)after.active_enter_usec);
  log_change (probe->name, &old, &state, failure);
  return sc_health_state_save (&state, paths, probe->name, error);
}

gboolean
sc_health_check_container (const ScPaths *paths,
                           const ScConfig *config,
                           GDBusConnection *bus,
                           const char *name,
                           GError **error)
{
  g_autoptr (ScContainer) container = sc_container_load (paths, name, error);
  const ScDeploymentRecord *record
      = container != NULL ? sc_container_find (container, container->current) : NULL;
  if (container == NULL)
    return FALSE;
  if (record == NULL || record->health == NULL)
    return sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "the container \"%s\" has no health check",
                         name);

  g_autoptr (ScSystemd) systemd = sc_systemd_new (bus, error);
  const ScHealthProbe probe
      = { .systemd = systemd, .name = name, .runtime = config->runtime, .health = record->health };
  return systemd != NULL && check (paths, container, &probe, error);
}
