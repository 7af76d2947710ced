/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Turns errors of libostree into codes that a caller of the store can act on. Private to store/.
 */
#pragma once

#include "base/sc-error-util.h"

/**
 * sc_store_fail:
 * @cause: (transfer full): an error of libostree or GIO
 *
 * Too little free space by the repository's own limit is NO_SPACE; everything else as
 * syscont_error_normalize() does.
 *
 * Returns: always FALSE
 */
gboolean sc_store_fail (GError **error, GError *cause);

/**
 * sc_store_fail_damaged:
 * @cause: (transfer full): what was seen when a stored object was read
 *
 * An object that is missing or does not parse is STORAGE_CORRUPT; CANCELLED stays.
 *
 * Returns: always FALSE
 */
gboolean sc_store_fail_damaged (GError **error, GError *cause);
