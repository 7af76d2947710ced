/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Questions that need the disk but change nothing. All block: the service asks them on a thread.
 */
#pragma once

#include "base/sc-config.h"
#include "base/sc-error-util.h"

/**
 * sc_query_inspect_image:
 * @name: of a stored image, or one without a registry that the configuration completes to such a name
 *
 * Returns: (transfer full): the JSON of Manager.InspectImage; NOT_FOUND
 */
char *sc_query_inspect_image (const ScPaths *paths,
                              const ScConfig *config,
                              const char *name,
                              GError **error);

/** sc_query_values: (transfer full): variables of the current deployment, char* to char*; NOT_FOUND
 */
GHashTable *sc_query_values (const ScPaths *paths, const char *container, GError **error);
