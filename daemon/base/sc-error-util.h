/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Makes and prefixes errors the way the whole daemon does: the bottom says what happened, each
 * level says to what. Messages are lower case, without a full stop, with user data quoted.
 */
#pragma once

#include "dbus/sc-error.h"

/**
 * sc_error_set:
 *
 * Like g_set_error() in SYSCONT_ERROR.
 *
 * Returns: always FALSE, so that a caller can say "return sc_error_set (…)"
 */
gboolean sc_error_set (GError **error, SyscontError code, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/**
 * sc_error_set_errno:
 * @saved_errno: errno of the failed call
 * @format: what was done, e.g. "creating \"%s\""; ": " and the text of @saved_errno are appended
 *
 * ENOSPC and EDQUOT become NO_SPACE, EROFS STORAGE_READ_ONLY, all others FAILED.
 *
 * Returns: always FALSE
 */
gboolean sc_error_set_errno (GError **error, int saved_errno, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/**
 * sc_prefix_error:
 *
 * Puts text in front of the message of @error.
 *
 * Returns: always FALSE
 */
gboolean sc_prefix_error (GError **error, const char *format, ...) G_GNUC_PRINTF (2, 3);

/**
 * sc_text_escape:
 * @text: bytes of an outsider, not necessarily UTF-8
 *
 * Returns: (transfer full): UTF-8 that is safe in a message or on a terminal: control characters,
 *   bidirectional controls and invalid bytes as \xNN or \u{…}, at most 512 bytes
 */
char *sc_text_escape (const char *text);

/** sc_text_escape_max: like sc_text_escape(), at most @max_bytes, which must be 3 or more */
char *sc_text_escape_max (const char *text, gsize max_bytes);
