/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An image of the inventory as org.syscont.Image.
 */
#pragma once

#include "ops/sc-inventory.h"
#include "sc-bus-generated.h"

/** sc_exported_image_update: sets all properties; only those that differ are announced */
void
sc_exported_image_update (SyscontImage *object, const ScInventory *inventory, const ScImage *image);

/**
 * sc_exported_image_find:
 * @text: a name, ":latest" may be left out, or 12 to 64 hex digits, with or without "sha256:", that
 * the digest begins with
 *
 * Returns: (transfer none) (nullable): NOT_FOUND, or INVALID_ARGUMENT when the digits fit several
 */
const ScImage *
sc_exported_image_find (const ScInventory *inventory, const char *text, GError **error);
