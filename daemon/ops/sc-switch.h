/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The part of an intent that is files: what an operation does with them, and what recovery does
 * when there is nobody else yet. Each step may be taken any number of times.
 */
#pragma once

#include "ops/sc-intent.h"

/** sc_switch_has_early: whether units change, so that systemd has to be told */
gboolean sc_switch_has_early (const ScIntent *intent);

/** sc_switch_write_early: the files that may change while the service still runs */
gboolean sc_switch_write_early (const ScIntent *intent, GError **error);

/** sc_switch_publish: all other files and the symbolic link; lets the unit be started again */
gboolean sc_switch_publish (const ScIntent *intent, const ScPaths *paths, GError **error);

/**
 * sc_switch_take_back:
 *
 * All files and the symbolic link as they were before. What is to be remembered of an intent that
 * is reverted, e.g. the quarantine, is in the container's state then. The unit can still not be
 * started where it could not before: sc_switching_set().
 */
gboolean sc_switch_take_back (const ScIntent *intent, const ScPaths *paths, GError **error);

/** sc_switch_forget: what atomic has of a container that was adopted; there is no way back then */
gboolean sc_switch_forget (const ScIntent *intent, GError **error);
