/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What verbs that switch containers print: one line for each container.
 */
#pragma once

#include "sc-client.h"

/** sc_switch_follow: sc_follow() and the report, as text or JSON; @verb: "updated", "rolled back" */
int sc_switch_follow (ScClient *client, GVariant *reply, GError *error, const char *verb);
