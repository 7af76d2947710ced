/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The files of a deployment beside its root: written once, never changed, and read back.
 */
#pragma once

#include "deploy/sc-deployment-record.h"
#include "deploy/sc-rendering.h"
#include "store/sc-image-store.h"

/** sc_deployment_write_files: @dir_fd: of the deployment, which is empty */
gboolean sc_deployment_write_files (int dir_fd,
                                    const char *name,
                                    const ScRendering *rendering,
                                    GError **error);

/** sc_deployment_read_file_of: (transfer full) (nullable): a file of a deployment, e.g. "info";
 * NOT_FOUND */
GBytes *sc_deployment_read_file_of (
    const ScPaths *paths, const char *name, guint64 n, const char *file, GError **error);

/** sc_deployment_load_texts: as they were rendered for deployment @n; @texts: (out) */
gboolean sc_deployment_load_texts (
    const ScPaths *paths, const char *name, guint64 n, ScUnitTexts *texts, GError **error);

/**
 * sc_deployment_load_image:
 * @config_bytes: (out) (transfer full) (nullable): of the image
 *
 * What is left of an image that has no name in the store any more: its commit is that of the
 * deployment's tree.
 *
 * Returns: (transfer full) (nullable): NULL without @error when the tree is gone too
 */
ScImage *sc_deployment_load_image (const ScPaths *paths,
                                   ScRepo *repo,
                                   const char *name,
                                   const ScDeploymentRecord *record,
                                   GBytes **config_bytes,
                                   GError **error);

/** sc_deployment_read_file: the same of the current deployment */
GBytes *
sc_deployment_read_file (const ScPaths *paths, const char *name, const char *file, GError **error);
