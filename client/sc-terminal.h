/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A terminal for a program that the service runs: a pseudo-terminal, one end of which goes to the
 * service, and all that passes between its other end and our own terminal, which is raw meanwhile.
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScTerminal ScTerminal;

/**
 * sc_terminal_new:
 * @reads_input: whether our standard input goes to it; otherwise it gets none
 *
 * It is as large as our terminal, if we have one.
 */
ScTerminal *sc_terminal_new (gboolean reads_input, GError **error);

/** sc_terminal_free: our own terminal is as before again */
void sc_terminal_free (ScTerminal *self);

/** sc_terminal_get_end: the descriptor for the program; it is ours until sc_terminal_start() */
int sc_terminal_get_end (const ScTerminal *self);

typedef void (*ScResizeFunc) (guint rows, guint columns, gpointer user_data);

/**
 * sc_terminal_start:
 * @resized: our terminal has another size now
 *
 * From now on, in the default main context, input and output pass, and our terminal is raw.
 */
void sc_terminal_start (ScTerminal *self, ScResizeFunc resized, gpointer user_data);

/**
 * sc_terminal_stop:
 *
 * The program has ended: passes on what it wrote, until nobody has the other end any more, and
 * restores our terminal.
 */
void sc_terminal_stop (ScTerminal *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScTerminal, sc_terminal_free)
