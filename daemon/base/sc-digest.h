/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * SHA-256 digests as OCI writes them (image-spec descriptor.md, "Digests"): "sha256:" and 64
 * lower-case hex digits. No other algorithm is known.
 */
#pragma once

#include <glib.h>

#define SC_DIGEST_HEX_LENGTH 64

/** sc_digest_is_valid: whether @text is "sha256:" and exactly 64 lower-case hex digits */
gboolean sc_digest_is_valid (const char *text);

/** sc_digest_hex: (transfer none): the 64 hex digits of a valid digest */
const char *sc_digest_hex (const char *digest);

/** sc_hex_is_valid: whether @text is exactly 64 lower-case hex digits */
gboolean sc_hex_is_valid (const char *text);

/** sc_digest_of_bytes: (transfer full): the digest of @data */
char *sc_digest_of_bytes (gconstpointer data, gsize size_bytes);

/** ScHasher: a running SHA-256, by libcrypto (uses the CPU's instructions) */
typedef struct _ScHasher ScHasher;

ScHasher *sc_hasher_new (void);
void sc_hasher_free (ScHasher *self);
void sc_hasher_update (ScHasher *self, gconstpointer data, gsize size_bytes);

/**
 * sc_hasher_finish:
 *
 * Ends the computation and resets @self for the next one.
 *
 * Returns: (transfer full): 64 lower-case hex digits
 */
char *sc_hasher_finish (ScHasher *self);

/** sc_hasher_finish_raw: like sc_hasher_finish(), as 32 bytes */
void sc_hasher_finish_raw (ScHasher *self, guint8 out[32]);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScHasher, sc_hasher_free)
