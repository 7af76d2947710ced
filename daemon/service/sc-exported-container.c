/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-exported-container.h"

#include "dbus/sc-bus-path.h"
#include "service/sc-exported.h"

#include <string.h>

char *
sc_container_unit (const ScContainer *container)
{
  return container->has_service ? g_strconcat (container->name, ".service", NULL) : g_strdup ("");
}

const char *
sc_exported_container_digest (const ScContainer *container)
{
  const ScDeploymentRecord *current = sc_container_find (container, container->current);

  return current != NULL && current->digest != NULL ? current->digest : "";
}

gboolean
sc_container_is_checked (const ScContainer *container)
{
  const ScDeploymentRecord *current = sc_container_find (container, container->current);

  return current != NULL && current->health != NULL;
}

static GVariant *
make_deployment (const ScDeploymentRecord *record)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  const char *digest = record->digest != NULL ? record->digest : "";
  const char *reference = record->reference != NULL ? record->reference : "";

  g_variant_builder_add (&builder, "{sv}", "id", g_variant_new_uint64 (record->id));
  g_variant_builder_add (&builder, "{sv}", "digest", g_variant_new_string (digest));
  g_variant_builder_add (&builder, "{sv}", "reference", g_variant_new_string (reference));
  g_variant_builder_add (&builder, "{sv}", "created",
                         g_variant_new_uint64 ((guint64)MAX (record->created_usec, 0)));
  g_variant_builder_add (&builder, "{sv}", "installed-by",
                         g_variant_new_uint32 (record->installed_by));
  g_variant_builder_add (&builder, "{sv}", "pinned", g_variant_new_boolean (record->pinned));
  return g_variant_builder_end (&builder);
}

static GVariant *
make_deployments (const ScContainer *container)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));

  for (guint i = 0; i < container->deployments->len; i++)
    g_variant_builder_add_value (&builder, make_deployment (container->deployments->pdata[i]));
  return g_variant_builder_end (&builder);
}

static GVariant *
make_policy (const ScUpdatePolicy *policy)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  g_variant_builder_add (&builder, "{sv}", "mode",
                         g_variant_new_string (sc_policy_mode_name (policy->mode)));
  g_variant_builder_add (&builder, "{sv}", "min-age-usec",
                         g_variant_new_uint64 ((guint64)policy->min_age_usec));
  g_variant_builder_add (&builder, "{sv}", "window",
                         g_variant_new_string (policy->window != NULL ? policy->window : ""));
  g_variant_builder_add (&builder, "{sv}", "window-usec",
                         g_variant_new_uint64 ((guint64)policy->window_usec));
  return g_variant_builder_end (&builder);
}

static GVariant *
make_available (const ScUpdateState *state)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  if (state->checked_usec > 0)
    g_variant_builder_add (&builder, "{sv}", "checked",
                           g_variant_new_uint64 ((guint64)state->checked_usec));
  if (state->available != NULL)
    {
      gboolean quarantined = sc_update_state_find_quarantine (state, state->available) != NULL;
      g_variant_builder_add (&builder, "{sv}", "digest", g_variant_new_string (state->available));
      g_variant_builder_add (&builder, "{sv}", "first-seen",
                             g_variant_new_uint64 ((guint64)state->available_usec));
      g_variant_builder_add (&builder, "{sv}", "quarantined", g_variant_new_boolean (quarantined));
    }
  return g_variant_builder_end (&builder);
}

static void
set_update_state (SyscontContainer *object, const ScUpdateState *state)
{
  g_autofree const char **digests = g_new0 (const char *, state->quarantine->len + 1);

  for (guint i = 0; i < state->quarantine->len; i++)
    digests[i] = ((const ScQuarantine *)state->quarantine->pdata[i])->digest;
  syscont_container_set_quarantine (object, digests);
  syscont_container_set_update_policy (object, sc_variant_compact (make_policy (&state->policy)));
  syscont_container_set_available_update (object, sc_variant_compact (make_available (state)));
  syscont_container_set_held_until (object, (guint64)state->held_until_usec);
  syscont_container_set_hold_reason (object, state->hold_reason != NULL ? state->hold_reason : "");
  syscont_container_set_state_reason (object,
                                      state->outcome_reason != NULL ? state->outcome_reason : "");
}

static const char *
state_of (const ScContainerEntry *entry, const char *unit_state)
{
  if (entry->damage != NULL)
    return "damaged";
  if (!entry->container->has_service)
    return "installed";
  if (unit_state == NULL)
    return "stopped";
  if (strcmp (unit_state, "running") != 0)
    return unit_state;
  if (sc_update_state_is_blocked (&entry->container->update))
    return "blocked";
  if (g_strcmp0 (entry->container->update.outcome, "rolled-back") == 0)
    return "rolled-back";
  return entry->container->staged != SC_NO_DEPLOYMENT ? "staged" : "running";
}

void
sc_exported_container_set_state (SyscontContainer *object,
                                 const ScContainerEntry *entry,
                                 const char *unit_state)
{
  syscont_container_set_state (object, state_of (entry, unit_state));
}

void
sc_exported_container_update (SyscontContainer *object,
                              const ScInventory *inventory,
                              const ScContainerEntry *entry,
                              const char *unit_state)
{
  const ScContainer *container = entry->container;
  const char *digest = sc_exported_container_digest (container);
  const ScImage *image = *digest != '\0' ? sc_inventory_find_image (inventory, digest) : NULL;
  g_autofree char *image_path = image != NULL ? sc_bus_path_image (digest) : g_strdup ("/");
  g_autofree char *unit = sc_container_unit (container);

  syscont_container_set_name (object, container->name);
  syscont_container_set_reference (object,
                                   container->reference != NULL ? container->reference : "");
  syscont_container_set_source (object, container->source != NULL ? container->source : "");
  syscont_container_set_digest (object, digest);
  syscont_container_set_image (object, image_path);
  syscont_container_set_unit (object, unit);
  sc_exported_container_set_state (object, entry, unit_state);
  syscont_container_set_current_deployment (object, container->current);
  syscont_container_set_previous_deployment (object, (guint64)container->previous);
  syscont_container_set_staged_deployment (object, (guint64)container->staged);
  syscont_container_set_rollback_ready (object, entry->rollback_ready);
  syscont_container_set_privileges (
      object, sc_variant_compact (sc_privilege_list_to_variant (entry->privileges)));
  set_update_state (object, &container->update);
  syscont_container_set_deployments (object, sc_variant_compact (make_deployments (container)));
}
