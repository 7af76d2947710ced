/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is wrong with something of several parts, for whoever wants to know all of it and not only
 * the first: a list of messages, char*.
 */
#pragma once

#include <glib.h>

/**
 * sc_problems_add:
 * @problems: (nullable)
 * @cause: (transfer full): what a step has failed with that others do not need
 *
 * With @problems its message is added to them, and the caller goes on; without, it is the caller's
 * @error.
 *
 * Returns: whether to go on
 */
gboolean sc_problems_add (GPtrArray *problems, GError *cause, GError **error);
