/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-install-again.h"

#include "deploy/sc-container.h"
#include "deploy/sc-secrets.h"
#include "host/sc-unit-status.h"
#include "ops/sc-inventory.h"
#include "ops/sc-op-private.h"
#include "ops/sc-plan.h"

#include <string.h>

static gboolean
finish_same (const ScInstallAgain *self,
             const ScContainer *installed,
             GCancellable *cancellable,
             GError **error)
{
  g_autofree char *unit = g_strconcat (self->name, ".service", NULL);
  gboolean started = FALSE;

  if (self->start && installed->has_service)
    {
      g_auto (ScUnitStatus) status = { 0 };
      if (!sc_systemd_get_status (self->systemd, unit, &status, cancellable, error))
        return FALSE;
      started = strcmp (status.active_state, "active") != 0;
      if (started
          && !sc_systemd_start (self->systemd, unit, self->context->config->start_timeout_s,
                                cancellable, error))
        return FALSE;
    }

  g_variant_dict_insert (self->context->result, "deployment", "t", installed->current);
  sc_op_set_changed (self->context, started);
  return TRUE;
}

/* TRUE also when they cannot be told: then values decide. */
static gboolean
has_same_secrets (const ScInstallAgain *self, const ScContainer *installed)
{
  g_autoptr (GHashTable) none = sc_secrets_new ();
  g_autoptr (GHashTable) stored
      = sc_secrets_load (self->context->paths, self->name, installed->current, NULL);
  GHashTable *given = self->context->secrets != NULL ? self->context->secrets : none;

  return stored == NULL || sc_container_same_values (stored, given);
}

static gboolean
is_same (const ScInstallAgain *self, const ScContainer *installed)
{
  const ScDeploymentRecord *current = sc_container_find (installed, installed->current);

  return current != NULL && strcmp (current->digest, self->digest) == 0
         && sc_container_same_values (installed->set_values, self->values)
         && sc_health_is_same (installed->health, self->health)
         && has_same_secrets (self, installed);
}

gboolean
sc_install_again (const ScInstallAgain *self,
                  gboolean *done,
                  GCancellable *cancellable,
                  GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (ScContainer) installed
      = sc_container_load (self->context->paths, self->name, &local_error);

  *done = FALSE;
  if (installed == NULL)
    {
      if (g_error_matches (local_error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND))
        return TRUE;
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }

  g_autofree char *damage = sc_inventory_find_damage (self->context->paths, installed);
  if (damage != NULL)
    return sc_error_set (error, SYSCONT_ERROR_DAMAGED,
                         "a container of that name is installed, but %s; uninstall it first",
                         damage);

  if (!is_same (self, installed))
    return sc_error_set (
        error, SYSCONT_ERROR_ALREADY_EXISTS,
        "a container of that name is installed with another image, other values or "
        "another health check; choose another name or uninstall it first");
  *done = TRUE;
  if (self->context->terms->plan_only)
    return sc_plan_settle_nothing ("install", self->name, self->digest, self->context, error)
           != SC_PLAN_REFUSED;
  return finish_same (self, installed, cancellable, error);
}
