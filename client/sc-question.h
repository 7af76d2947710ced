/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is asked of whoever sits at the terminal.
 */
#pragma once

#include "sc-client.h"

/**
 * sc_question_ask:
 * @prompt: what to write before
 * @echo: whether what is typed is seen
 * @remedy: what to use where there is no terminal
 *
 * One line from the terminal, whatever standard input is. The terminal is as it was afterwards, also
 * after Ctrl-C.
 *
 * Returns: (transfer full) (nullable): INVALID_ARGUMENT without a terminal, CANCELLED
 */
char *sc_question_ask (const char *prompt, gboolean echo, const char *remedy, GError **error);

/** sc_question_is_possible: whether somebody reads what is shown, and waits for the end */
gboolean sc_question_is_possible (const ScClient *client);

/** sc_question_confirm: asks whether to go on: 0 for yes, otherwise an exit status, the reason
 * printed */
int sc_question_confirm (void);
