/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The file info of a deployment: JSON with the keys that other tools read since the days of atomic.
 * Written once, never changed.
 */
#pragma once

#include "deploy/sc-host-files.h"
#include "deploy/sc-host-record.h"
#include "deploy/sc-rendering.h"

/** ScInfoFiles: of the host; both (nullable) for an image that has none */
typedef struct
{
  const ScHostFiles *wanted;     /* what the image brings */
  const ScHostRecord *installed; /* what the deployment answers for */
} ScInfoFiles;

/** sc_info_build: (transfer full): indented by four spaces, with a newline at the end */
char *sc_info_build (const ScRenderRequest *request,
                     const ScValues *values,
                     gboolean has_service,
                     const ScInfoFiles *files);

/** sc_info_load: (transfer full): that of the deployment NAME.@n; NOT_FOUND, or DAMAGED when it
 * cannot be read */
JsonObject *sc_info_load (const ScPaths *paths, const char *name, guint64 n, GError **error);
