/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The file info of a deployment: JSON with the keys that other tools read since the days of atomic.
 * Written once, never changed.
 */
#pragma once

#include "deploy/sc-rendering.h"

/** sc_info_build: (transfer full): indented by four spaces, with a newline at the end */
char *sc_info_build (const ScRenderRequest *request, const ScValues *values, gboolean has_service);
