/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * org.freedesktop.LogControl1: how much is logged and where to. Everybody may look, root may change
 * it. Writing a property is no method call of ours, so this answers org.freedesktop.DBus.Properties
 * itself, after it has asked who calls.
 */
#pragma once

#include "service/sc-authority.h"

typedef struct _ScLogControl ScLogControl;

/** sc_log_control_new: @authority: lent, must live longer */
ScLogControl *sc_log_control_new (GDBusConnection *bus, ScAuthority *authority, GError **error);
void sc_log_control_free (ScLogControl *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScLogControl, sc_log_control_free)
