/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * When this machine saw the digest of an image first, in a registry or stored: seen.json below the
 * state directory. No registry can change that afterwards.
 */
#pragma once

#include "base/sc-error-util.h"
#include "base/sc-paths.h"

/** sc_seen_add: @first_usec: (out) (nullable): since the epoch; now, when it is new. Durable when it
 * returns; thread: any */
gboolean sc_seen_add (const ScPaths *paths, const char *digest, gint64 *first_usec, GError **error);

/** sc_seen_load: (transfer full): digest (char*) to gint64*, microseconds since the epoch; thread:
 * any */
GHashTable *sc_seen_load (const ScPaths *paths, GError **error);
