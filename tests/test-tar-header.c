/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-error-util.h"
#include "tar-fixture.h"

#include <locale.h>
#include <signal.h>

/* --- fields of a header: AR20, AR31 --- */

typedef struct
{
  const char *name;
  gsize offset;
  const char *bytes;
  gsize n_bytes;
  int code; /* -1: accepted */
  const char *needle;
} FieldRow;

#define FIELD(member_) G_STRUCT_OFFSET (Header, member_)

static const FieldRow field_rows[] = {
  { "size-2-63", FIELD (size), BYTES ("\x80\0\0\0\x80\0\0\0\0\0\0\0"), SYSCONT_ERROR_IMAGE_INVALID,
    "" },
  { "size-negative", FIELD (size), BYTES ("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
    SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "size-letters", FIELD (size), BYTES ("000000x00\0\0\0"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "size-eight", FIELD (size), BYTES ("00000000008\0"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "size-inner-blank", FIELD (size), BYTES ("0000 0000 0\0"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "size-blanks-around", FIELD (size), BYTES ("     0000  \0"), -1, NULL },
  { "size-base-256", FIELD (size), BYTES ("\x80\0\0\0\0\0\0\0\0\0\0\0"), -1, NULL },
  { "uid-negative", FIELD (uid), BYTES ("\xff\xff\xff\xff\xff\xff\xff\xff"),
    SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "uid-2-31", FIELD (uid), BYTES ("\x80\0\0\0\x80\0\0\0"), SYSCONT_ERROR_IMAGE_INVALID,
    "out of range" },
  { "uid-2-32", FIELD (uid), BYTES ("\x80\0\0\1\0\0\0\0"), SYSCONT_ERROR_IMAGE_INVALID,
    "out of range" },
  { "uid-largest", FIELD (uid), BYTES ("\x80\0\0\0\x7f\xff\xff\xff"), -1, NULL },
  { "gid-2-31", FIELD (gid), BYTES ("\x80\0\0\0\x80\0\0\0"), SYSCONT_ERROR_IMAGE_INVALID,
    "out of range" },
  { "gid-letters", FIELD (gid), BYTES ("rootgrp\0"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "mode-type-bits", FIELD (mode), BYTES ("0177777\0"), -1, NULL },
  { "mode-letters", FIELD (mode), BYTES ("-rwxr-x\0"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "mtime-before-1970", FIELD (mtime), BYTES ("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
    -1, NULL },
  { "mtime-2-40", FIELD (mtime), BYTES ("\x80\0\0\0\0\0\1\0\0\0\0\0"), -1, NULL },
};

/* In the second member: libarchive looks more closely at the first one. */
static void
test_field_row (gconstpointer data)
{
  const FieldRow *row = data;
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  Header header;
  tar_append (tar, '0', "first", NULL, NULL);
  header_init (&header, '0', "second", NULL, 0);
  memcpy ((char *)&header + row->offset, row->bytes, row->n_bytes);
  tar_append_header (tar, &header);
  tar_append_end (tar);

  unpack (&result, tar);

  if (row->code == -1)
    assert_accepted (&result);
  else
    assert_refused (&result, row->code, row->needle);
}

typedef struct
{
  const char *name;
  char type;
  const char *mode;
  guint32 expected;
} ModeRow;

static const ModeRow mode_rows[] = {
  { "symlink-0644", '2', "0000644", 0777 },    { "symlink-0000", '2', "0000000", 0777 },
  { "symlink-07777", '2', "0007777", 0777 },   { "file-setuid", '0', "0004755", 04755 },
  { "file-type-bits", '0', "0107644", 07644 }, { "file-all-bits", '0', "0177777", 07777 },
  { "directory-0000", '5', "0000000", 0 },     { "directory-sticky", '5', "0041777", 01777 },
};

static void
test_mode_row (gconstpointer data)
{
  const ModeRow *row = data;
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  Header header;
  header_init (&header, row->type, "x", row->type == '2' ? "y" : NULL, 0);
  memcpy (header.mode, row->mode, 8);
  memcpy (header.uid, "0001750", 8);
  memcpy (header.gid, "0000144", 8);
  tar_append_header (tar, &header);

  unpack (&result, tar);

  assert_accepted (&result);
  const ScEntry *entry = result.entries->pdata[0];
  g_assert_cmpuint (entry->mode, ==, row->expected);
  g_assert_cmpuint (entry->uid, ==, 1000);
  g_assert_cmpuint (entry->gid, ==, 100);
}

/* --- long names and pax: AR17, AR18, AR20, AR26 --- */

static char *
make_path (gsize component_bytes, gsize n_components)
{
  g_autofree char *component = g_strnfill (component_bytes, 'n');
  GString *path = g_string_new (component);

  for (gsize i = 1; i < n_components; i++)
    g_string_append_printf (path, "/%s", component);
  return g_string_free (path, FALSE);
}

typedef struct
{
  const char *name;
  gsize component_bytes;
  gsize n_components;
  int code; /* -1: accepted */
} PathRow;

static const PathRow path_rows[] = {
  { "long", 200, 10, -1 },
  { "component-255", 255, 2, -1 },
  { "component-256", 256, 2, SYSCONT_ERROR_LIMIT_EXCEEDED },
  { "path-4096", 240, 17, -1 },
  { "path-4097", 255, 17, SYSCONT_ERROR_LIMIT_EXCEEDED },
  { "depth-128", 1, 128, -1 },
  { "depth-129", 1, 129, SYSCONT_ERROR_LIMIT_EXCEEDED },
  { "depth-10000", 1, 10000, SYSCONT_ERROR_LIMIT_EXCEEDED },
};

static void
assert_path_row (const GByteArray *tar, const PathRow *row, const char *path)
{
  g_auto (Result) result = { 0 };

  unpack (&result, tar);

  if (row->code != -1)
    {
      assert_refused (&result, row->code, "member");
      return;
    }
  assert_accepted (&result);
  const ScEntry *entry = result.entries->pdata[0];
  g_assert_cmpstr (entry->path, ==, path);
}

static void
test_long_name_row (gconstpointer data)
{
  const PathRow *row = data;
  g_autofree char *path = make_path (row->component_bytes, row->n_components);
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  tar_append_extension (tar, 'L', path, strlen (path) + 1);
  tar_append (tar, '0', "short", NULL, NULL);

  assert_path_row (tar, row, path);
}

static void
test_pax_path_row (gconstpointer data)
{
  const PathRow *row = data;
  g_autofree char *path = make_path (row->component_bytes, row->n_components);
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  tar_append_pax_text (tar, "path", path);
  tar_append (tar, '0', "short", NULL, NULL);

  assert_path_row (tar, row, path);
}

static void
test_long_link (void)
{
  g_autofree char *target = make_path (100, 5);
  g_autofree char *expected = g_strdup_printf ("symlink s -> %s; hardlink h -> %s; symlink p -> %s",
                                               target, target, target);
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  tar_append_extension (tar, 'K', target, strlen (target) + 1);
  tar_append (tar, '2', "s", "short", NULL);
  tar_append_extension (tar, 'K', target, strlen (target)); /* without a NUL */
  tar_append (tar, '1', "h", "short", NULL);
  tar_append_pax_text (tar, "linkpath", target);
  tar_append (tar, '2', "p", "short", NULL);
  tar_append_end (tar);

  unpack (&result, tar);

  g_autofree char *text = describe (&result);
  assert_accepted (&result);
  g_assert_cmpstr (text, ==, expected);
}

static void
test_ustar_prefix (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  Header header;
  header_init (&header, '0', "name", NULL, 0);
  strncpy (header.prefix, "./some/prefix", sizeof header.prefix);
  tar_append_header (tar, &header);

  unpack (&result, tar);

  g_autofree char *text = describe (&result);
  g_assert_cmpstr (text, ==, "file some/prefix/name");
}

/* A name in Unicode's form D stays what it is, as it does in the header of the other formats. */
static void
test_pax_name_bytes (void)
{
  static const char decomposed[] = "cafe\xcc\x81";
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  tar_append_pax_text (tar, "path", decomposed);
  tar_append (tar, '0', "cafe", NULL, NULL);
  tar_append_pax_text (tar, "linkpath", decomposed);
  tar_append (tar, '2', "s", "cafe", NULL);
  tar_append (tar, '0', decomposed, NULL, NULL);

  unpack (&result, tar);

  g_autofree char *text = describe (&result);
  assert_accepted (&result);
  g_assert_cmpstr (text, ==, "file cafe\xcc\x81; symlink s -> cafe\xcc\x81; file cafe\xcc\x81");
}

typedef struct
{
  const char *name;
  const char *body; /* of an 'x' header */
  gsize body_bytes;
  int code; /* -1: accepted */
  const char *needle;
} PaxRow;

static const PaxRow pax_rows[] = {
  { "unknown-key", BYTES ("12 foo=bar1\n"), -1, NULL },
  { "empty-value", BYTES ("8 path=\n"), -1, NULL },
  { "empty-header", BYTES (""), -1, NULL },
  { "length-too-small", BYTES ("11 foo=bar1\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "length-too-large", BYTES ("13 foo=bar1\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "length-zero", BYTES ("0 foo=bar\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "length-missing", BYTES (" foo=bar\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "length-negative", BYTES ("-1 foo=bar\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "length-huge", BYTES ("99999999999999999999999999 foo=bar\n"), SYSCONT_ERROR_IMAGE_INVALID,
    "" },
  { "length-only", BYTES ("12"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "no-equals", BYTES ("9 foobar\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "no-key", BYTES ("7 =bar\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "no-newline", BYTES ("11 foo=barx"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "zeros", BYTES ("\0\0\0\0\0\0\0\0"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "nul-in-key", BYTES ("12 f\0o=bar1\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "nul-in-path", BYTES ("13 path=a\0bc\n"), SYSCONT_ERROR_IMAGE_INVALID, "NUL" },
  { "nul-in-linkpath", BYTES ("15 linkpath=a\0\n"), SYSCONT_ERROR_IMAGE_INVALID, "NUL" },
  { "path-not-utf8", BYTES ("11 path=\xff\xfe\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "uname-not-utf8", BYTES ("11 uname=\xff\n"), SYSCONT_ERROR_IMAGE_INVALID, "Uname" },
  { "path-dotdot", BYTES ("13 path=../x\n"), SYSCONT_ERROR_IMAGE_INVALID, "\"../x\"" },
  { "path-twice", BYTES ("10 path=a\n10 path=b\n"), -1, NULL },
  { "linkpath-of-file", BYTES ("14 linkpath=x\n"), SYSCONT_ERROR_IMAGE_INVALID, "no link" },
  { "uid-negative", BYTES ("10 uid=-1\n"), SYSCONT_ERROR_IMAGE_INVALID, "uid" },
  { "uid-2-31", BYTES ("18 uid=2147483648\n"), SYSCONT_ERROR_IMAGE_INVALID, "out of range" },
  { "uid-2-32", BYTES ("18 uid=4294967295\n"), SYSCONT_ERROR_IMAGE_INVALID, "out of range" },
  { "uid-2-64", BYTES ("28 uid=18446744073709551616\n"), SYSCONT_ERROR_IMAGE_INVALID,
    "out of range" },
  { "uid-letters", BYTES ("12 uid=12ab\n"), SYSCONT_ERROR_IMAGE_INVALID, "uid" },
  { "gid-largest", BYTES ("18 gid=2147483647\n"), -1, NULL },
  { "size-negative", BYTES ("11 size=-1\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "size-empty", BYTES ("8 size=\n"), SYSCONT_ERROR_IMAGE_INVALID, "size" },
  { "size-2-63", BYTES ("28 size=9223372036854775808\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "charset-binary", BYTES ("21 hdrcharset=BINARY\n"), -1, NULL },
  { "charset-utf8", BYTES ("38 hdrcharset=ISO-IR 10646 2000 UTF-8\n"), -1, NULL },
  { "charset-latin1", BYTES ("32 hdrcharset=ISO-IR 8859 1998\x31\n"), SYSCONT_ERROR_NOT_SUPPORTED,
    "character set" },
  { "charset-binary-not-utf8", BYTES ("21 hdrcharset=BINARY\n10 path=\xff\n"),
    SYSCONT_ERROR_IMAGE_INVALID, "not UTF-8" },
  { "sparse-0.1", BYTES ("23 GNU.sparse.map=0,0\x30\n26 GNU.sparse.numblocks=1\n"),
    SYSCONT_ERROR_NOT_SUPPORTED, "sparse" },
  { "sparse-star", BYTES ("41 SCHILY.realsize=9223372036854775806\x30\x30\n"),
    SYSCONT_ERROR_NOT_SUPPORTED, "sparse" },
  { "sparse-solaris", BYTES ("23 SUN.holesdata= 0 10\n"), SYSCONT_ERROR_NOT_SUPPORTED, "sparse" },
};

static void
test_pax_row (gconstpointer data)
{
  const PaxRow *row = data;
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  tar_append (tar, '0', "first", NULL, NULL);
  tar_append_extension (tar, 'x', row->body, row->body_bytes);
  tar_append (tar, '0', "second", NULL, NULL);
  tar_append_end (tar);

  unpack (&result, tar);

  if (row->code == -1)
    assert_accepted (&result);
  else
    assert_refused (&result, row->code, row->needle);
}

static void
test_pax_size_of_file (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  tar_append_pax_text (tar, "size", "5");
  tar_append (tar, '0', "a", NULL, NULL);
  tar_append_content (tar, "12345", 5);
  tar_append (tar, '0', "b", NULL, "6");

  unpack (&result, tar);

  g_autofree char *text = describe (&result);
  assert_accepted (&result);
  g_assert_cmpstr (text, ==, "file a = 12345; file b = 6");
}

/* Readers disagree on whether content follows: it could be another member to the next one. */
static void
test_pax_size_of_others (gconstpointer data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  tar_append_pax_text (tar, "size", "512");
  tar_append (tar, *(const char *)data, "a", *(const char *)data <= '2' ? "b" : NULL, NULL);
  tar_append (tar, '0', "evil", NULL, NULL);
  tar_append_end (tar);

  unpack (&result, tar);

  assert_refused (&result, SYSCONT_ERROR_IMAGE_INVALID, "content");
}

static void
test_large_pax_record (void)
{
  g_autofree char *value = g_strnfill (100 * 1024, 'c');
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  tar_append_pax_text (tar, "comment", value);
  tar_append (tar, '0', "a", NULL, NULL);

  unpack (&result, tar);

  assert_refused (&result, SYSCONT_ERROR_LIMIT_EXCEEDED, "pax record");
}

/* In the header itself the size of a hard link counts for nobody: what follows must be a header. */
static void
test_size_of_hardlink (gconstpointer data)
{
  gboolean followed = GPOINTER_TO_INT (data);
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  Header header;
  tar_append (tar, '0', "a", NULL, NULL);
  header_init (&header, '1', "h", "a", 3);
  tar_append_header (tar, &header);
  if (followed)
    tar_append (tar, '0', "b", NULL, NULL);
  else
    tar_append_content (tar, "abc", 3);

  unpack (&result, tar);

  if (!followed)
    {
      assert_refused (&result, SYSCONT_ERROR_IMAGE_INVALID, "damaged");
      return;
    }
  g_autofree char *text = describe (&result);
  g_assert_cmpstr (text, ==, "file a; hardlink h -> a; file b");
}

static void
test_global_header_is_not_heeded (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  tar_append_extension (tar, 'g', "15 path=global\n", 15);
  tar_append (tar, '0', "a", NULL, NULL);
  tar_append_extension (tar, 'g', "14 comment=x y\n", 15);
  tar_append_end (tar);

  unpack (&result, tar);

  g_autofree char *text = describe (&result);
  g_assert_cmpstr (text, ==, "file a");
}

typedef struct
{
  const char *name;
  const char *extensions; /* their types */
  gsize body_bytes;       /* 0: a short name */
  guint n_repeats;
  int code;
  const char *needle;
} ExtensionRow;

static const ExtensionRow extension_rows[] = {
  { "two-long-names", "LL", 0, 1, SYSCONT_ERROR_IMAGE_INVALID, "two long names" },
  { "two-long-links", "KK", 0, 1, SYSCONT_ERROR_IMAGE_INVALID, "two long names" },
  { "two-pax-headers", "xx", 0, 1, SYSCONT_ERROR_IMAGE_INVALID, "two pax headers" },
  { "name-and-path", "Lx", 0, 1, SYSCONT_ERROR_IMAGE_INVALID, "both a long name" },
  { "path-and-name", "xL", 0, 1, SYSCONT_ERROR_IMAGE_INVALID, "both a long name" },
  { "solaris-acl", "A", 0, 1, SYSCONT_ERROR_NOT_SUPPORTED, "0x41" },
  { "sun-pax", "X", 0, 1, SYSCONT_ERROR_NOT_SUPPORTED, "0x58" },
  { "long-name-over-limit", "L", 65 * 1024, 1, SYSCONT_ERROR_LIMIT_EXCEEDED, "65536" },
  { "pax-over-limit", "g", 257 * 1024, 1, SYSCONT_ERROR_LIMIT_EXCEEDED, "262144" },
  { "long-name-2-mib", "L", 2 * MIB, 1, SYSCONT_ERROR_IMAGE_INVALID, "damaged" },
  { "headers-3-mib", "g", MIB, 3, SYSCONT_ERROR_LIMIT_EXCEEDED, "headers of more than" },
  { "chain", "L", 0, 100000, SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "chain-of-globals", "g", 0, 100000, SYSCONT_ERROR_IMAGE_INVALID, "too many headers" },
};

static void
test_extension_row (gconstpointer data)
{
  const ExtensionRow *row = data;
  g_autofree char *filler = g_strnfill (row->body_bytes, 'n');
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  tar_append (tar, '0', "first", NULL, NULL);
  for (guint i = 0; i < row->n_repeats; i++)
    for (const char *type = row->extensions; *type != '\0'; type++)
      if (row->body_bytes > 0)
        tar_append_extension (tar, *type, filler, row->body_bytes);
      else if (*type == 'x' || *type == 'X' || *type == 'g')
        tar_append_extension (tar, *type, "10 path=n\n", 10);
      else
        tar_append_extension (tar, *type, "0123", 5);
  tar_append (tar, '2', "second", "target", NULL);
  tar_append_end (tar);

  unpack (&result, tar);

  assert_refused (&result, row->code, row->needle);
}

static void
test_long_name_with_nul (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  tar_append_extension (tar, 'L', "a\0b", 4);
  tar_append (tar, '0', "short", NULL, NULL);

  unpack (&result, tar);

  assert_refused (&result, SYSCONT_ERROR_IMAGE_INVALID, "NUL");
}

/* AR26: a map in the old GNU form, which is in the header itself */
static void
test_old_sparse_file (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  Header header;
  header_init (&header, 'S', "sparse", NULL, 512);
  memcpy (header.magic, "ustar  ", 8);
  memcpy ((char *)&header + 386,
          "00000000000\0"
          "00000001000\0",
          24);
  memcpy ((char *)&header + 483, "77777777777\0", 12);
  tar_append_header (tar, &header);
  tar_append_content (tar, &header, 512);
  tar_append_end (tar);

  unpack (&result, tar);

  assert_refused (&result, SYSCONT_ERROR_NOT_SUPPORTED, "sparse");
}

/* AR26: a map in the content, as GNU tar has it now */
static void
unpack_sparse (Result *result, const char *map, gsize map_bytes)
{
  g_autoptr (GByteArray) pax = g_byte_array_new ();
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  Header header;

  pax_append (pax, "GNU.sparse.major", "1", 1);
  pax_append (pax, "GNU.sparse.minor", "0", 1);
  pax_append (pax, "GNU.sparse.realsize", "9223372036854775806", 19);
  tar_append_extension (tar, 'x', pax->data, pax->len);
  header_init (&header, '0', "sparse", NULL, map_bytes + (-map_bytes % BLOCK) + BLOCK);
  tar_append_header (tar, &header);
  tar_append_content (tar, map, map_bytes);
  tar_append_content (tar, "content", 7);
  tar_append_end (tar);
  unpack (result, tar);
}

static void
test_sparse_file (void)
{
  g_auto (Result) result = { 0 };

  unpack_sparse (&result, BYTES ("1\n4096\n512\n"));

  assert_refused (&result, SYSCONT_ERROR_NOT_SUPPORTED, "sparse");
}

static void
test_sparse_file_with_large_map (void)
{
  g_autoptr (GString) map = g_string_new ("1000000\n");
  g_auto (Result) result = { 0 };
  for (guint i = 0; i < 1000000; i++)
    g_string_append (map, "0\n0\n");

  unpack_sparse (&result, map->str, map->len);

  assert_refused (&result, SYSCONT_ERROR_LIMIT_EXCEEDED, "headers of more than");
}

/* The header of a member may begin in one chunk of the stream and go on in later ones. */
static void
test_headers_across_chunks (void)
{
  static const guint8 zeros[BLOCK];
  g_autofree char *path = make_path (200, 10);

  for (guint before = 0; before < 8; before++)
    {
      g_autoptr (GByteArray) tar = g_byte_array_new ();
      g_auto (Result) result = { 0 };
      Header header;
      header_init (&header, '0', "filler", NULL, 256 * 1024 - (before + 1) * BLOCK);
      tar_append_header (tar, &header);
      while (tar->len < 256 * 1024 - before * BLOCK)
        g_byte_array_append (tar, zeros, BLOCK);
      tar_append_pax_text (tar, "path", path);
      tar_append (tar, '0', "short", NULL, "content");
      tar_append_end (tar);

      unpack (&result, tar);

      assert_accepted (&result);
      g_assert_cmpuint (result.entries->len, ==, 2);
      const ScEntry *entry = result.entries->pdata[1];
      g_assert_cmpstr (entry->path, ==, path);
    }
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
  (void)signal (SIGPIPE, SIG_IGN);
  ADD_ROWS (field_rows, "/tar-header/field/", test_field_row);
  ADD_ROWS (mode_rows, "/tar-header/mode/", test_mode_row);
  ADD_ROWS (path_rows, "/tar-header/long-name/", test_long_name_row);
  ADD_ROWS (path_rows, "/tar-header/pax-path/", test_pax_path_row);
  ADD_ROWS (pax_rows, "/tar-header/pax/", test_pax_row);
  ADD_ROWS (extension_rows, "/tar-header/extension/", test_extension_row);
  g_test_add_func ("/tar-header/long-name/of-links", test_long_link);
  g_test_add_func ("/tar-header/long-name/ustar-prefix", test_ustar_prefix);
  g_test_add_func ("/tar-header/long-name/with-nul", test_long_name_with_nul);
  g_test_add_func ("/tar-header/pax/keeps-bytes-of-names", test_pax_name_bytes);
  g_test_add_func ("/tar-header/pax/size-of-file", test_pax_size_of_file);
  g_test_add_data_func ("/tar-header/pax/size-of-hardlink", "1", test_pax_size_of_others);
  g_test_add_data_func ("/tar-header/pax/size-of-symlink", "2", test_pax_size_of_others);
  g_test_add_data_func ("/tar-header/pax/size-of-directory", "5", test_pax_size_of_others);
  g_test_add_data_func ("/tar-header/pax/size-of-fifo", "6", test_pax_size_of_others);
  g_test_add_data_func ("/tar-header/field/size-of-hardlink", GINT_TO_POINTER (TRUE),
                        test_size_of_hardlink);
  g_test_add_data_func ("/tar-header/field/content-of-hardlink", GINT_TO_POINTER (FALSE),
                        test_size_of_hardlink);
  g_test_add_func ("/tar-header/pax/large-record", test_large_pax_record);
  g_test_add_func ("/tar-header/pax/global-header-is-not-heeded", test_global_header_is_not_heeded);
  g_test_add_func ("/tar-header/pax/headers-across-chunks", test_headers_across_chunks);
  g_test_add_func ("/tar-header/sparse/old-form", test_old_sparse_file);
  g_test_add_func ("/tar-header/sparse/new-form", test_sparse_file);
  g_test_add_func ("/tar-header/sparse/new-form-with-large-map", test_sparse_file_with_large_map);
  return g_test_run ();
}
