/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The local Docker Engine, or podman's socket that speaks its protocol: connects, makes sure that
 * root is at the other end, and writes one request. The answer is not read here: whoever takes
 * untrusted bytes apart gets the connection.
 */
#pragma once

#include "base/sc-config.h"

/**
 * sc_engine_find_id:
 * @id: (out) (transfer full): "sha256:…": of the image's config, with engines that store it so
 *
 * Asks the same engine what @image is. The answer is small, and read here: root is at the other end.
 * MANIFEST_UNKNOWN when it has none of that name.
 */
gboolean sc_engine_find_id (const ScConfig *config, const char *image, char **id, GError **error);

/**
 * sc_engine_export:
 * @image: a name as sc_reference_parse() accepts it, with its tag
 * @socket_path: (out) (transfer full): of the engine that was asked
 *
 * Asks the first engine of [Engine] Socket= that can be connected to for the archive of @image.
 * REGISTRY_UNREACHABLE says what is wrong with each.
 *
 * Returns: the connection, or -1 with @error
 */
int
sc_engine_export (const ScConfig *config, const char *image, char **socket_path, GError **error);
