/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a machine must have, or must not do, before a container is put on it.
 */
#pragma once

#include "base/sc-config.h"
#include "base/sc-error-util.h"

/** sc_host_check: RUNTIME_MISSING; NOT_SUPPORTED on a machine where SELinux is enforcing */
gboolean sc_host_check (const ScConfig *config, GError **error);
