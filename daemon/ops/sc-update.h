/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The recipe of an update of one container: find the image, render it, make the deployment, switch.
 */
#pragma once

#include "ops/sc-update-report.h"
#include "store/sc-repo.h"

/** sc_update_one: @report: filled as far as it got, whether it fails or not */
gboolean sc_update_one (ScOpContext *context,
                        ScRepo *repo,
                        const char *name,
                        const ScUpdateRequest *request,
                        ScUpdateReport *report,
                        GCancellable *cancellable,
                        GError **error);
