/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A container of the inventory as org.syscont.Container.
 */
#pragma once

#include "ops/sc-inventory.h"
#include "sc-bus-generated.h"

/** sc_container_unit: (transfer full): name of its unit, "" when it has none */
char *sc_container_unit (const ScContainer *container);

/**
 * sc_exported_container_digest:
 *
 * (transfer none): of its current deployment, "" when that is not known
 */
const char *sc_exported_container_digest (const ScContainer *container);

/**
 * sc_exported_container_update:
 * @inventory: that @entry is of
 * @unit_state: (nullable): what the unit does: "running", "stopped", "failed" or "installed"; NULL
 * when it is not known
 *
 * Sets all properties but LastJob and Health; only those that differ are announced.
 */
void sc_exported_container_update (SyscontContainer *object,
                                   const ScInventory *inventory,
                                   const ScContainerEntry *entry,
                                   const char *unit_state);

/** sc_container_is_checked: whether its current deployment has a health check */
gboolean sc_container_is_checked (const ScContainer *container);

/** sc_exported_container_set_state: sets State alone */
void sc_exported_container_set_state (SyscontContainer *object,
                                      const ScContainerEntry *entry,
                                      const char *unit_state);
