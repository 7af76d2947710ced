/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Questions about the store that need the disk but change nothing. All block: the service asks them
 * on a thread.
 */
#pragma once

#include "base/sc-config.h"
#include "base/sc-error-util.h"

/** sc_storage_query_sizes: (transfer floating): the a{sv} of Manager.GetStorageInfo */
GVariant *sc_storage_query_sizes (const ScPaths *paths, GError **error);

/** sc_storage_query_blobs: (transfer floating): the aa{sv} that Manager.ListImages adds with "all" */
GVariant *sc_storage_query_blobs (const ScPaths *paths, GError **error);
