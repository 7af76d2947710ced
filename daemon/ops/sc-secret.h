/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A secret that a caller sent as a file descriptor, because bus monitors see every argument: not read
 * before it is wanted, and never for long.
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScSecret ScSecret;

/**
 * sc_secret_new:
 * @fd: (transfer full): a pipe, or a file in memory (memfd_create(2)), open for reading
 *
 * Looks at @fd, but does not read.
 *
 * Returns: (transfer full) (nullable): INVALID_ARGUMENT for any other kind of file: reading could
 * block for ever
 */
ScSecret *sc_secret_new (int fd, GError **error);
void sc_secret_free (ScSecret *self);

/**
 * sc_secret_read:
 *
 * Reads it, a file from its beginning. Blocks for at most ten seconds, whatever the caller does with
 * his end; once only for a pipe.
 *
 * Returns: (transfer full) (nullable): INVALID_ARGUMENT for more than @max_bytes, or when its end does
 * not come
 */
GBytes *sc_secret_read (ScSecret *self, gsize max_bytes, GCancellable *cancellable, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScSecret, sc_secret_free)
