/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-digest.h"

#include <openssl/evp.h>
#include <string.h>

#define PREFIX    "sha256:"
#define RAW_BYTES 32

struct _ScHasher
{
  EVP_MD_CTX *context; /* (owned) always initialised */
};

gboolean
sc_hex_is_valid (const char *text)
{
  for (gsize i = 0; i < SC_DIGEST_HEX_LENGTH; i++)
    {
      char c = text[i];

      if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
        return FALSE;
    }
  return text[SC_DIGEST_HEX_LENGTH] == '\0';
}

gboolean
sc_digest_is_valid (const char *text)
{
  return g_str_has_prefix (text, PREFIX) && sc_hex_is_valid (text + strlen (PREFIX));
}

const char *
sc_digest_hex (const char *digest)
{
  g_return_val_if_fail (sc_digest_is_valid (digest), "");

  return digest + strlen (PREFIX);
}

/* SHA-256 itself cannot fail: only memory or a broken installation of libcrypto can. */
static void
require (gboolean done)
{
  if (!done)
    g_error ("libcrypto cannot compute SHA-256");
}

ScHasher *
sc_hasher_new (void)
{
  ScHasher *self = g_new0 (ScHasher, 1);

  self->context = EVP_MD_CTX_new ();
  require (self->context != NULL && EVP_DigestInit_ex (self->context, EVP_sha256 (), NULL) == 1);
  return self;
}

void
sc_hasher_free (ScHasher *self)
{
  EVP_MD_CTX_free (self->context);
  g_free (self);
}

void
sc_hasher_update (ScHasher *self, gconstpointer data, gsize size_bytes)
{
  require (EVP_DigestUpdate (self->context, data, size_bytes) == 1);
}

void
sc_hasher_finish_raw (ScHasher *self, guint8 out[32])
{
  require (EVP_DigestFinal_ex (self->context, out, NULL) == 1);
  require (EVP_DigestInit_ex (self->context, NULL, NULL) == 1);
}

static void
write_hex (const guint8 raw[RAW_BYTES], char out[SC_DIGEST_HEX_LENGTH + 1])
{
  static const char digits[] = "0123456789abcdef";

  for (gsize i = 0; i < RAW_BYTES; i++)
    {
      out[2 * i] = digits[raw[i] >> 4];
      out[2 * i + 1] = digits[raw[i] & 0xf];
    }
  out[SC_DIGEST_HEX_LENGTH] = '\0';
}

char *
sc_hasher_finish (ScHasher *self)
{
  guint8 raw[RAW_BYTES];
  char *hex = g_malloc (SC_DIGEST_HEX_LENGTH + 1);

  sc_hasher_finish_raw (self, raw);
  write_hex (raw, hex);
  return hex;
}

char *
sc_digest_of_bytes (gconstpointer data, gsize size_bytes)
{
  guint8 raw[RAW_BYTES];
  char hex[SC_DIGEST_HEX_LENGTH + 1];

  require (EVP_Digest (data, size_bytes, raw, NULL, EVP_sha256 (), NULL) == 1);
  write_hex (raw, hex);
  return g_strconcat (PREFIX, hex, NULL);
}
