/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-error-util.h"
#include "tar-fixture.h"

#include <locale.h>
#include <signal.h>

/* --- extended attributes: AR12, AR15 --- */

#define CAPABILITY_V2 "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define CAPABILITY_V3 "\1\0\0\3\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xe8\3\0\0"

typedef struct
{
  const char *name;
  char type;
  const char *xattr;
  const char *value;
  gsize value_bytes;
  gboolean kept;
} XattrRow;

static const XattrRow xattr_rows[] = {
  { "user", '0', "user.x", BYTES ("v\0w"), TRUE },
  { "user-of-directory", '5', "user.x", BYTES ("v"), TRUE },
  { "user-of-symlink", '2', "user.x", BYTES ("v"), FALSE },
  { "user-of-hardlink", '1', "user.x", BYTES ("v"), FALSE },
  { "user-empty-name", '0', "user.", BYTES ("v"), FALSE },
  { "user-empty-value", '0', "user.x", BYTES (""), TRUE },
  { "empty-name", '0', "", BYTES ("v"), FALSE },
  { "capability-2", '0', "security.capability", BYTES (CAPABILITY_V2), TRUE },
  { "capability-3", '0', "security.capability", BYTES (CAPABILITY_V3), TRUE },
  { "capability-short", '0', "security.capability", BYTES ("\1\0\0\2"), FALSE },
  { "capability-long", '0', "security.capability", BYTES (CAPABILITY_V2 "x"), FALSE },
  { "capability-revision", '0', "security.capability",
    BYTES ("\1\0\0\7\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), FALSE },
  { "capability-flags", '0', "security.capability",
    BYTES ("\3\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), FALSE },
  { "capability-empty", '0', "security.capability", BYTES (""), FALSE },
  { "capability-of-directory", '5', "security.capability", BYTES (CAPABILITY_V2), FALSE },
  { "selinux", '0', "security.selinux", BYTES ("system_u:object_r:bin_t:s0"), FALSE },
  { "ima", '0', "security.ima", BYTES ("\3\2"), FALSE },
  { "acl", '0', "system.posix_acl_access", BYTES ("\2\0\0\0"), FALSE },
  { "overlay-opaque", '5', "trusted.overlay.opaque", BYTES ("y"), FALSE },
  { "overlay-redirect", '5', "trusted.overlay.redirect", BYTES ("/etc"), FALSE },
  { "unknown", '0', "foo.bar", BYTES ("v"), FALSE },
};

static void
test_xattr_row (gconstpointer data)
{
  const XattrRow *row = data;
  g_autofree char *key = g_strconcat ("SCHILY.xattr.", row->xattr, NULL);
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  tar_append_pax (tar, key, row->value, row->value_bytes);
  tar_append (tar, row->type, "x", row->type == '1' || row->type == '2' ? "y" : NULL, NULL);

  unpack (&result, tar);

  assert_accepted (&result);
  const ScEntry *entry = result.entries->pdata[0];
  guint n_xattrs = entry->xattrs != NULL ? entry->xattrs->len : 0;
  g_assert_cmpuint (n_xattrs, ==, row->kept ? 1 : 0);
  if (!row->kept)
    return;
  const ScXattr *xattr = entry->xattrs->pdata[0];
  g_assert_cmpstr (xattr->name, ==, row->xattr);
  g_assert_cmpmem (g_bytes_get_data (xattr->value, NULL), g_bytes_get_size (xattr->value),
                   row->value, row->value_bytes);
}

static void
unpack_xattrs (Result *result, const GByteArray *pax)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();

  tar_append_extension (tar, 'x', pax->data, pax->len);
  tar_append (tar, '0', "x", NULL, NULL);
  unpack (result, tar);
}

static void
test_xattrs_are_sorted (void)
{
  g_autoptr (GByteArray) pax = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  pax_append (pax, "SCHILY.xattr.user.b", "2", 1);
  pax_append (pax, "SCHILY.xattr.user.a", "1", 1);
  pax_append (pax, "SCHILY.xattr.security.capability", CAPABILITY_V2, 20);
  pax_append (pax, "LIBARCHIVE.xattr.user.a", "MQ", 2); /* the same once more, as bsdtar has it */

  unpack_xattrs (&result, pax);

  assert_accepted (&result);
  const ScEntry *entry = result.entries->pdata[0];
  g_assert_cmpuint (entry->xattrs->len, ==, 3);
  g_assert_cmpstr (((const ScXattr *)entry->xattrs->pdata[0])->name, ==, "security.capability");
  g_assert_cmpstr (((const ScXattr *)entry->xattrs->pdata[1])->name, ==, "user.a");
  g_assert_cmpstr (((const ScXattr *)entry->xattrs->pdata[2])->name, ==, "user.b");
}

static void
test_xattrs_that_differ (void)
{
  g_autoptr (GByteArray) pax = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  pax_append (pax, "SCHILY.xattr.user.a", "1", 1);
  pax_append (pax, "SCHILY.xattr.user.a", "2", 1);

  unpack_xattrs (&result, pax);

  assert_refused (&result, SYSCONT_ERROR_IMAGE_INVALID, "twice");
}

typedef struct
{
  const char *name;
  guint n_xattrs;
  gsize name_bytes; /* with "user." */
  gsize value_bytes;
  int code; /* -1: accepted */
} XattrLimitRow;

static const XattrLimitRow xattr_limit_rows[] = {
  { "count-32", 32, 10, 10, -1 },
  { "count-33", 33, 10, 10, SYSCONT_ERROR_LIMIT_EXCEEDED },
  { "count-1000", 1000, 10, 10, SYSCONT_ERROR_LIMIT_EXCEEDED },
  { "name-255", 1, 255, 1, -1 },
  { "name-300", 1, 300, 1, SYSCONT_ERROR_LIMIT_EXCEEDED },
  { "value-60-kib", 1, 10, 60 * 1024, -1 },
  { "value-64-kib-and-1", 1, 10, 64 * 1024 + 1, SYSCONT_ERROR_LIMIT_EXCEEDED },
  { "sum-over-64-kib", 3, 10, 30 * 1024, SYSCONT_ERROR_LIMIT_EXCEEDED },
  { "record-10-mib", 1, 10, 10 * MIB, SYSCONT_ERROR_IMAGE_INVALID },
  { "record-100-kib", 1, 10, 100 * 1024, SYSCONT_ERROR_LIMIT_EXCEEDED },
};

static void
test_xattr_limit_row (gconstpointer data)
{
  const XattrLimitRow *row = data;
  g_autofree char *value = g_strnfill (row->value_bytes, 'v');
  g_autoptr (GByteArray) pax = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  for (guint i = 0; i < row->n_xattrs; i++)
    {
      g_autofree char *filler = g_strnfill (row->name_bytes - 9, 'n');
      g_autofree char *key = g_strdup_printf ("SCHILY.xattr.user.%04u%s", i, filler);
      pax_append (pax, key, value, row->value_bytes);
    }

  unpack_xattrs (&result, pax);

  if (row->code == -1)
    assert_accepted (&result);
  else
    assert_refused (&result, row->code, "");
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
  (void)signal (SIGPIPE, SIG_IGN);
  ADD_ROWS (xattr_rows, "/tar-xattr/kept/", test_xattr_row);
  ADD_ROWS (xattr_limit_rows, "/tar-xattr/limit/", test_xattr_limit_row);
  g_test_add_func ("/tar-xattr/list/are-sorted", test_xattrs_are_sorted);
  g_test_add_func ("/tar-xattr/list/that-differ", test_xattrs_that_differ);
  return g_test_run ();
}
