/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether a container's policy has something done with an image that is available now.
 */
#pragma once

#include "ops/sc-update-report.h"

/**
 * sc_update_due_look:
 * @container: as the last look for a new image has left it
 *
 * Sets what the report says of it: "due", or "skipped" when something is in the way; neither without
 * an image, and when the policy is only to look. Pure.
 */
void sc_update_due_look (const ScContainer *container, gint64 now_usec, ScUpdateReport *report);
