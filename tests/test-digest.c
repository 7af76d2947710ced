/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The grammar of digests (MJ07) and SHA-256 against the vectors of FIPS 180-4.
 */
#include "base/sc-digest.h"

#include <string.h>

#define HEX_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEX_ABC   "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HEX_63    "a7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

typedef struct
{
  const char *name;
  const char *text;
  gboolean is_valid;
} Row;

static const Row rows[] = {
  { "sha256", "sha256:" HEX_ABC, TRUE },
  { "empty", "", FALSE },
  { "colon", ":", FALSE },
  { "no-hex", "sha256:", FALSE },
  { "no-algorithm", HEX_ABC, FALSE },
  { "short", "sha256:" HEX_63, FALSE },
  { "long", "sha256:" HEX_ABC "0", FALSE },
  { "upper-hex", "sha256:B" HEX_63, FALSE },
  { "upper-algorithm", "SHA256:" HEX_ABC, FALSE },
  { "no-hex-digit", "sha256:g" HEX_63, FALSE },
  { "path", "sha256:../../etc/passwd", FALSE },
  { "space-before", " sha256:" HEX_ABC, FALSE },
  { "space-after", "sha256:" HEX_ABC " ", FALSE },
  { "newline-after", "sha256:" HEX_ABC "\n", FALSE },
  { "sha512", "sha512:" HEX_ABC HEX_ABC, FALSE },
  { "sha1", "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709", FALSE },
  { "multi-part-algorithm", "sha256+b64:" HEX_ABC, FALSE },
  { "digits-of-others", "sha256:\u0661" HEX_63, FALSE },
};

static void
test_is_valid (gconstpointer data)
{
  const Row *row = data;

  g_assert_cmpint (sc_digest_is_valid (row->text), ==, row->is_valid);
}

static void
test_hex_is_valid (void)
{
  g_assert_true (sc_hex_is_valid (HEX_ABC));
  g_assert_false (sc_hex_is_valid (HEX_63));
  g_assert_false (sc_hex_is_valid (HEX_ABC "0"));
  g_assert_false (sc_hex_is_valid (""));
}

static void
test_hex_is_the_part_after_the_colon (void)
{
  g_assert_cmpstr (sc_digest_hex ("sha256:" HEX_ABC), ==, HEX_ABC);
}

static void
test_of_bytes (void)
{
  g_autofree char *empty = sc_digest_of_bytes ("", 0);
  g_autofree char *abc = sc_digest_of_bytes ("abc", 3);

  g_assert_cmpstr (empty, ==, "sha256:" HEX_EMPTY);
  g_assert_cmpstr (abc, ==, "sha256:" HEX_ABC);
}

static void
test_hasher_joins_pieces (void)
{
  g_autoptr (ScHasher) hasher = sc_hasher_new ();
  sc_hasher_update (hasher, "a", 1);
  sc_hasher_update (hasher, NULL, 0);
  sc_hasher_update (hasher, "bc", 2);

  g_autofree char *hex = sc_hasher_finish (hasher);

  g_assert_cmpstr (hex, ==, HEX_ABC);
}

static void
test_hasher_is_reset (void)
{
  g_autoptr (ScHasher) hasher = sc_hasher_new ();
  guint8 raw[32];
  sc_hasher_update (hasher, "something", 9);
  sc_hasher_finish_raw (hasher, raw);

  g_autofree char *empty = sc_hasher_finish (hasher);
  sc_hasher_update (hasher, "abc", 3);
  sc_hasher_finish_raw (hasher, raw);

  g_assert_cmpstr (empty, ==, HEX_EMPTY);
  g_assert_cmpmem (raw, 4, "\xba\x78\x16\xbf", 4);
  g_assert_cmphex (raw[31], ==, 0xad);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strconcat ("/digest/is-valid/", rows[i].name, NULL);
      g_test_add_data_func (path, &rows[i], test_is_valid);
    }
  g_test_add_func ("/digest/hex-is-valid/exact-length", test_hex_is_valid);
  g_test_add_func ("/digest/hex/after-the-colon", test_hex_is_the_part_after_the_colon);
  g_test_add_func ("/digest/of-bytes/known-vectors", test_of_bytes);
  g_test_add_func ("/digest/hasher/joins-pieces", test_hasher_joins_pieces);
  g_test_add_func ("/digest/hasher/is-reset", test_hasher_is_reset);

  return g_test_run ();
}
