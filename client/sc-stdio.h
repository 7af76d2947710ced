/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a program that the service runs reads from and writes to.
 */
#pragma once

#include "sc-terminal.h"

#include <gio/gunixfdlist.h>

/**
 * sc_stdio_new_handles:
 * @terminal: (nullable): NULL for our own input and output
 * @reads_input: without it the program's input is empty
 * @fds: (inout): what goes with the call
 *
 * Returns: (transfer floating) (nullable): an ah of three
 */
GVariant *sc_stdio_new_handles (const ScTerminal *terminal,
                                gboolean reads_input,
                                GUnixFDList **fds,
                                GError **error);

/**
 * sc_stdio_add_env:
 * @env: (nullable): NAME=VALUE, or the name of a variable of ours
 * @has_terminal: then the program is also told of which kind our terminal is
 *
 * Adds the option "env" to @builder.
 */
void sc_stdio_add_env (char **env, gboolean has_terminal, GVariantBuilder *builder);
