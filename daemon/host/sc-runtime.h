/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The OCI runtime that units call. The daemon never runs it.
 */
#pragma once

#include <glib.h>

/** sc_runtime_check: RUNTIME_MISSING naming package and configuration key when @path is not an
 * executable file */
gboolean sc_runtime_check (const char *path, GError **error);
