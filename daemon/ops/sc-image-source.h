/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where a stored image can be had again.
 */
#pragma once

#include "image/sc-reference.h"

/**
 * sc_image_source_parse:
 * @source: of the image, "" for one that another tool stored
 * @name: of the image in the store, which then tells where it came from
 *
 * Returns: (transfer full) (nullable): with a registry; NOT_SUPPORTED for another source
 */
ScReference *sc_image_source_parse (const char *source, const char *name, GError **error);
