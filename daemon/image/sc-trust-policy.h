/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * containers-policy.json(5), as far as signatures are not verified yet: only insecureAcceptAnything
 * lets an image in.
 */
#pragma once

#include "image/sc-reference.h"

/**
 * sc_trust_policy_check:
 * @path: of policy.json; a missing file accepts everything
 * @transport: "docker" for registries, "oci-archive" for archives
 * @scope: (nullable): full name of the image for "docker": the longest matching scope decides; NULL
 * takes the
 *   transport's "" or the default
 *
 * POLICY_REJECTED names file, scope and the requirement's type.
 */
gboolean
sc_trust_policy_check (const char *path, const char *transport, const char *scope, GError **error);
