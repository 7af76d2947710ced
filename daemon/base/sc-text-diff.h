/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What differs between two texts, line by line, as diff -u shows it. Pure.
 */
#pragma once

#include <glib.h>

/**
 * sc_text_diff:
 * @before, @after: (nullable): NULL for no text at all
 *
 * Texts that have very many different lines are shown as taken away and put there as a whole.
 *
 * Returns: (transfer full) (nullable): hunks with three lines around them, without file names; NULL
 *   when nothing differs
 */
char *sc_text_diff (const char *before, const char *after);
