/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Secrets on their way from the user to the service: read from a file or standard input, and handed
 * over as a file in memory. None is ever an argument of anything.
 */
#pragma once

#include "sc-client.h"

/**
 * sc_secret_input_read:
 * @path: a file; "-" for standard input
 *
 * Returns: (transfer full) (nullable): all of it; LIMIT_EXCEEDED for more than 1 MiB
 */
char *sc_secret_input_read (const char *path, GError **error);

/**
 * sc_secret_input_to_fds:
 *
 * Returns: (transfer full) (nullable): a list with one file in memory that holds @text
 */
GUnixFDList *sc_secret_input_to_fds (const char *text, GError **error);
