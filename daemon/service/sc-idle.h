/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Whether anybody needs the service: jobs, calls that are being answered and subscribers hold it;
 * when nobody has done so for a while, it may go. Says when, and decides nothing else.
 */
#pragma once

#include "service/sc-caller.h"

typedef struct _ScIdle ScIdle;

typedef void (*ScIdleFunc) (gpointer user_data);

/** sc_idle_new: @timeout_s: 0 = never idle */
ScIdle *sc_idle_new (guint timeout_s, ScIdleFunc func, gpointer user_data);
void sc_idle_free (ScIdle *self);

/** sc_idle_hold: once for each sc_idle_release() */
void sc_idle_hold (ScIdle *self);
void sc_idle_release (ScIdle *self);

/**
 * sc_idle_subscribe:
 *
 * holds until sc_idle_unsubscribe() or until @caller leaves the bus; more than once is as once
 */
void sc_idle_subscribe (ScIdle *self, ScCaller *caller);
void sc_idle_unsubscribe (ScIdle *self, ScCaller *caller);

/**
 * sc_idle_hurry:
 *
 * subscribers do not count any more, and the function is called as soon as nothing holds and no
 * message waits
 */
void sc_idle_hurry (ScIdle *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScIdle, sc_idle_free)
