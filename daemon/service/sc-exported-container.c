/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-exported-container.h"

#include "dbus/sc-bus-path.h"
#include "service/sc-exported.h"

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

static const char *
state_of (const ScContainerEntry *entry, const char *unit_state)
{
  if (entry->damage != NULL)
    return "damaged";
  if (!entry->container->has_service)
    return "installed";
  return unit_state != NULL ? unit_state : "stopped";
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
  syscont_container_set_deployments (object, sc_variant_compact (make_deployments (container)));
}
