/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A runtime-spec config for an image that ships none: what its image config says, as image-spec
 * conversion.md has it, in a container that is a service of the host. It has namespaces of its own
 * for pid, ipc, uts and mount, and the network of the host with its resolv.conf and hosts; root is
 * read-only, /tmp and /run are tmpfs (/run with what the image has there). Capabilities are the
 * fourteen that images are commonly written for, and no new privileges can be gained. Each volume
 * is the directory STATE_DIRECTORY/NAME/<path>, "/" in it as "-", which starts empty and belongs to
 * the user of the process; it stays when the container is updated or uninstalled.
 */
#pragma once

#include "base/sc-json.h"
#include "deploy/sc-rendering.h"

/**
 * sc_convert_config:
 * @is_used: FALSE when no unit starts it: then it needs no program
 * @tmpfiles: lines for the volumes' directories are appended
 *
 * Errors: TEMPLATE_INVALID when there is neither entrypoint nor command; IMAGE_INVALID for a user
 * that is unknown or a volume
 *   where none can be
 */
JsonObject *sc_convert_config (const ScRenderRequest *request,
                               const ScValues *values,
                               gboolean is_used,
                               GString *tmpfiles,
                               GError **error);
