/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The variables that every template has, and which of them an image or a caller may change.
 */
#pragma once

#include "deploy/sc-rendering.h"

/** sc_builtin_is_reserved: computed by us for every container; nobody may give it */
gboolean sc_builtin_is_reserved (const char *name);

/** sc_builtin_is_overridable: has a value from us that a caller may replace; of these an image may
 * only replace UUID */
gboolean sc_builtin_is_overridable (const char *name);

/**
 * sc_builtin_values_new:
 *
 * All values for @request, in the order of precedence: reserved, the caller's, our overridable
 * ones, the image's defaults, UUID. Appends to @notes what was ignored.
 */
ScValues *sc_builtin_values_new (const ScRenderRequest *request, GPtrArray *notes, GError **error);

/** sc_builtin_destdir: (transfer full): DESTDIR, the stable path of the container's current
 * deployment */
char *sc_builtin_destdir (const ScPaths *paths, const char *name);
