/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-digest.h"
#include "base/sc-error-util.h"
#include "tar-fixture.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <zlib.h>

static GByteArray *
gzip (const GByteArray *bytes)
{
  GByteArray *out = g_byte_array_new ();
  z_stream stream = { 0 };

  g_assert_cmpint (deflateInit2 (&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), ==,
                   Z_OK);
  g_byte_array_set_size (out, (guint)deflateBound (&stream, bytes->len));
  stream.next_in = bytes->data;
  stream.avail_in = bytes->len;
  stream.next_out = out->data;
  stream.avail_out = out->len;
  g_assert_cmpint (deflate (&stream, Z_FINISH), ==, Z_STREAM_END);
  g_byte_array_set_size (out, (guint)stream.total_out);
  deflateEnd (&stream);
  return out;
}

/* --- tables of members --- */

typedef struct
{
  char type;
  const char *name;
  const char *link;
  const char *content;
} Member;

typedef struct
{
  const char *name;
  Member members[5];
  const char *expected; /* as describe() has it; NULL when refused */
  int code;
  const char *needle;
} Row;

#define INVALID(needle_) NULL, SYSCONT_ERROR_IMAGE_INVALID, needle_
#define LIMIT(needle_)   NULL, SYSCONT_ERROR_LIMIT_EXCEEDED, needle_
#define NEITHER(needle_) NULL, SYSCONT_ERROR_NOT_SUPPORTED, needle_

static const Row layer_rows[] = {
  { "plain-entries",
    { { '5', "etc/" },
      { '0', "etc/f", NULL, "text" },
      { '2', "l", "etc/f" },
      { '1', "h", "etc/f" } },
    "dir etc; file etc/f = text; symlink l -> etc/f; hardlink h -> etc/f" },

  /* AR01 */
  { "dotdot-first", { { '0', "../evil" } }, INVALID ("\"../evil\"") },
  { "dotdot-inside", { { '0', "a/../../evil" } }, INVALID ("\"..\" component") },
  { "dotdot-after-dot", { { '0', "./../x" } }, INVALID ("\"..\" component") },
  { "dotdot-after-slashes", { { '0', "a//../../b" } }, INVALID ("\"..\" component") },
  { "dotdot-last", { { '5', "a/.." } }, INVALID ("\"..\" component") },
  { "dotdot-harmless", { { '0', "a/../b" } }, INVALID ("\"..\" component") },
  { "dots-in-names",
    { { '0', "..a" }, { '0', "b.." }, { '0', "..." } },
    "file ..a; file b..; file ..." },

  /* AR02 */
  { "absolute",
    { { '0', "/etc/evil" }, { '0', "//etc/evil" }, { '0', "///x" } },
    "file etc/evil; file etc/evil; file x" },
  { "dots-and-slashes",
    { { '0', "./a" }, { '0', ".//./b/./c" }, { '5', "./d//" } },
    "file a; file b/c; dir d" },
  { "root-directory", { { '5', "./" }, { '5', "/" }, { '5', "." } }, "dir ; dir ; dir " },
  { "root-symlink", { { '2', ".", "/etc" } }, INVALID ("root directory") },
  { "root-file", { { '0', "." } }, INVALID ("root directory") },
  { "root-fifo", { { '6', "/" } }, INVALID ("root directory") },
  { "empty-name", { { '0', "", NULL, "x" } }, INVALID ("empty path") },

  /* AR03 and AR19: what they mean together is decided by who merges */
  { "below-symlink",
    { { '2', "l", "/tmp/t" }, { '0', "l/evil" } },
    "symlink l -> /tmp/t; file l/evil" },
  { "same-path-twice",
    { { '0', "a", NULL, "1" }, { '0', "a", NULL, "2" } },
    "file a = 1; file a = 2" },
  { "directory-and-file", { { '5', "a" }, { '0', "a" } }, "dir a; file a" },
  { "below-file", { { '0', "a" }, { '0', "a/b" } }, "file a; file a/b" },
  { "symlink-and-directory", { { '2', "a", "b" }, { '5', "a" } }, "symlink a -> b; dir a" },

  /* AR06 */
  { "hardlink-absolute", { { '1', "h", "/etc/shadow" } }, "hardlink h -> etc/shadow" },
  { "hardlink-dotdot", { { '1', "h", "../../etc/shadow" } }, INVALID ("\"h\"") },
  { "hardlink-dotdot-inside",
    { { '1', "h", "x/../../../etc/shadow" } },
    INVALID ("\"..\" component") },
  { "hardlink-to-root", { { '1', "h", "./" } }, INVALID ("cannot be linked") },
  { "hardlink-to-itself", { { '1', "h", "./h" } }, INVALID ("cannot be linked") },
  { "hardlink-to-nothing", { { '1', "h" } }, INVALID ("link to nothing") },
  { "hardlink-to-whiteout", { { '1', "h", ".wh.x" } }, INVALID ("cannot be linked") },
  { "symlink-to-nothing", { { '2', "s" } }, INVALID ("link to nothing") },
  { "symlink-as-written", { { '2', "s", "/../..//x/./" } }, "symlink s -> /../..//x/./" },

  /* AR08, AR09 */
  { "whiteout", { { '0', "a/.wh.b" }, { '0', ".wh.c" } }, "whiteout a/b; whiteout c" },
  { "opaque", { { '0', "a/.wh..wh..opq" }, { '0', "./.wh..wh..opq" } }, "opaque a; opaque " },
  { "whiteout-dotdot", { { '0', ".wh..." } }, INVALID ("no possible name") },
  { "whiteout-dotdot-below", { { '0', "sub/.wh..." } }, INVALID ("no possible name") },
  { "whiteout-dot", { { '0', ".wh.." } }, INVALID ("no possible name") },
  { "whiteout-nothing", { { '0', ".wh." } }, INVALID ("no possible name") },
  { "whiteout-nothing-below", { { '0', "sub/.wh." } }, INVALID ("no possible name") },
  { "whiteout-of-whiteout", { { '0', ".wh..wh.x" } }, INVALID ("no possible name") },
  { "whiteout-of-nothing-twice", { { '0', ".wh..wh." } }, INVALID ("no possible name") },
  { "whiteout-of-dot-twice", { { '0', ".wh..wh.." } }, INVALID ("no possible name") },
  { "whiteout-of-reserved", { { '0', ".wh..ostree-wh.x" } }, INVALID ("no possible name") },
  { "whiteout-parent", { { '0', ".wh.a/b" } }, INVALID ("below a whiteout") },
  { "whiteout-parent-opaque", { { '0', ".wh..wh..opq/b" } }, INVALID ("below a whiteout") },
  { "whiteout-content", { { '0', ".wh.a", NULL, "x" } }, INVALID ("whiteout with content") },
  { "opaque-content", { { '0', ".wh..wh..opq", NULL, "x" } }, INVALID ("whiteout with content") },
  { "whiteout-directory", { { '5', ".wh.a" } }, INVALID ("no regular file") },
  { "whiteout-directory-slash", { { '0', ".wh.a/" } }, INVALID ("no regular file") },
  { "whiteout-symlink", { { '2', ".wh.a", "b" } }, INVALID ("no regular file") },
  { "whiteout-hardlink", { { '1', ".wh.a", "b" } }, INVALID ("no regular file") },
  { "whiteout-hardlink-of-aufs",
    { { '0', ".wh.a" }, { '1', "d/.wh.b", ".wh.a" } },
    "whiteout a; whiteout d/b" },
  { "whiteout-fifo", { { '6', ".wh.a" } }, INVALID ("no regular file") },
  { "aufs-names",
    { { '5', "d/.wh..wh.plnk/" },
      { '0', "d/.wh..wh.aufs", NULL, "x" },
      { '0', "d/.wh..wh.plnk/1.2", NULL, "y" },
      { '0', ".wh..wh.aufs" },
      { '0', "f", NULL, "z" } },
    "file f = z" },

  /* AR12 */
  { "ostree-whiteout", { { '0', ".ostree-wh.foo" } }, INVALID (".ostree-wh.") },
  { "ostree-whiteout-below", { { '0', "a/.ostree-wh.foo/b" } }, INVALID (".ostree-wh.") },

  /* AR13 */
  { "nodes", { { '3', "c" }, { '4', "b" }, { '6', "p" } }, "dropped c; dropped b; dropped p" },
  { "type-contiguous", { { '7', "x", NULL, "y" } }, NEITHER ("type 0x37") },
  { "type-sparse", { { 'S', "x" } }, NEITHER ("sparse") },
  { "type-volume", { { 'V', "x" }, { '0', "a" } }, NEITHER ("type 0x56") },
  { "type-multivolume", { { 'M', "x", NULL, "y" } }, NEITHER ("type 0x4d") },
  { "type-dumpdir", { { 'D', "x", NULL, "y" } }, NEITHER ("type 0x44") },
  { "type-old-names", { { 'N', "x", NULL, "y" } }, NEITHER ("type 0x4e") },
  { "type-255", { { '0', "a" }, { '\xff', "x", NULL, "y" } }, NEITHER ("type 0xff") },
  { "type-eight", { { '8', "x" } }, NEITHER ("type 0x38") },
  { "old-type", { { '\0', "x", NULL, "y" }, { '\0', "d/" } }, "file x = y; dir d" },

  /* AR18 */
  { "control-characters", { { '0', "a\nb\033[2J" } }, "file a\nb\033[2J" },
  { "right-to-left", { { '0', "a\u202eb" } }, "file a\u202eb" },
  { "not-utf8", { { '0', "caf\xe9" } }, INVALID ("its path is not UTF-8") },
  { "not-utf8-hardlink", { { '1', "h", "caf\xe9" } }, INVALID ("is not UTF-8") },
  { "not-utf8-symlink", { { '2', "s", "caf\xe9" } }, INVALID ("is not UTF-8") },
  { "escaped-in-message", { { '0', "../\033[2J" } }, INVALID ("\"../\\x1b[2J\"") },

  { "content-of-directory-name", { { '0', "d/", NULL, "x" } }, INVALID ("content") },
};

static void
build_members (GByteArray *tar, const Row *row)
{
  for (const Member *member = row->members; member < row->members + G_N_ELEMENTS (row->members);
       member++)
    if (member->name != NULL)
      tar_append (tar, member->type, member->name, member->link, member->content);
  tar_append_end (tar);
}

static void
assert_row (const Result *result, const Row *row)
{
  if (row->expected == NULL)
    {
      assert_refused (result, row->code, row->needle);
      return;
    }
  g_autofree char *text = describe (result);
  assert_accepted (result);
  g_assert_cmpstr (text, ==, row->expected);
}

static void
test_layer_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  build_members (tar, row);

  unpack (&result, tar);

  assert_row (&result, row);
}

static const Row archive_rows[] = {
  { "members",
    { { '5', "blobs/" },
      { '0', "./blobs/x", NULL, "1" },
      { '2', "l", "x" },
      { '1', "h", "x" },
      { '6', "p" } },
    "file blobs/x = 1; dropped l; dropped h; dropped p" },
  { "whiteout-names",
    { { '0', ".wh.x", NULL, "1" }, { '0', "a/.wh..wh..opq" }, { '0', "b", NULL, "2" } },
    "file b = 2" },
  { "dotdot", { { '0', "../x" } }, INVALID ("\"..\" component") },
  { "root-file", { { '0', "./." } }, INVALID ("root directory") },
  { "not-utf8", { { '0', "\xff" } }, INVALID ("is not UTF-8") },
};

static void
test_archive_row (gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  build_members (tar, row);

  unpack_with (&result, tar, &archive_task);

  assert_row (&result, row);
}

/* --- the ends of an archive: AR21 --- */

static void
test_truncated_anywhere (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  tar_append_pax_text (tar, "path", "some/name");
  tar_append (tar, '0', "a", NULL, "content"); /* 0 header, 512 pax, 1024 header, 1536 content */

  for (guint length = 2047; length > 0; length--)
    {
      g_auto (Result) result = { 0 };
      g_byte_array_set_size (tar, length);
      unpack (&result, tar);
      assert_refused (&result, SYSCONT_ERROR_IMAGE_INVALID, "");
    }
}

typedef struct
{
  const char *name;
  guint n_zero_blocks;
  const char *tail;
} EndRow;

static const EndRow end_rows[] = {
  { "no-end", 0, "" },
  { "half-an-end", 1, "" },
  { "end", 2, "" },
  { "padded-end", 20, "" },
  { "garbage-after-end", 2, "garbage that nobody reads" },
  { "garbage-after-half-an-end", 1, "garbage that nobody reads" },
};

static void
test_end_row (gconstpointer data)
{
  static const guint8 zeros[20 * BLOCK];
  const EndRow *row = data;
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  tar_append (tar, '0', "a", NULL, "content");
  g_byte_array_append (tar, zeros, row->n_zero_blocks * BLOCK);
  g_byte_array_append (tar, (const guint8 *)row->tail, (guint)strlen (row->tail));

  unpack (&result, tar);

  g_autofree char *text = describe (&result);
  g_autofree char *digest = sc_digest_of_bytes (tar->data, tar->len);
  assert_accepted (&result);
  g_assert_cmpstr (text, ==, "file a = content");
  g_assert_cmpuint (result.unpacked_bytes, ==, tar->len);
  g_assert_cmpstr (result.digest, ==, digest);
}

static void
test_second_archive_is_hashed_only (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  tar_append (tar, '0', "a", NULL, NULL);
  tar_append_end (tar);
  tar_append (tar, '0', "b", NULL, NULL);
  tar_append_end (tar);
  g_byte_array_set_size (tar, tar->len + MIB);
  memset (tar->data + tar->len - MIB, 'x', MIB);

  unpack (&result, tar);

  g_autofree char *text = describe (&result);
  g_autofree char *digest = sc_digest_of_bytes (tar->data, tar->len);
  g_assert_cmpstr (text, ==, "file a");
  g_assert_cmpstr (result.digest, ==, digest);
}

static void
test_empty_archives (gconstpointer data)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  if (GPOINTER_TO_INT (data))
    tar_append_end (tar);

  unpack (&result, tar);

  g_autofree char *digest = sc_digest_of_bytes (tar->data, tar->len);
  assert_accepted (&result);
  g_assert_cmpuint (result.entries->len, ==, 0);
  g_assert_cmpstr (result.digest, ==, digest);
}

static void
test_damaged_checksum (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  tar_append (tar, '0', "a", NULL, NULL);
  tar_append (tar, '0', "b", NULL, NULL);
  tar_append_end (tar);
  tar->data[BLOCK] ^= 1;

  unpack (&result, tar);

  assert_refused (&result, SYSCONT_ERROR_IMAGE_INVALID, "damaged");
}

/* --- other formats: AR22 --- */

typedef struct
{
  const char *name;
  const char *bytes;
  gsize n_bytes;
  int code;
} ForeignRow;

static const ForeignRow foreign_rows[] = {
  { "gzip", BYTES ("\x1f\x8b\x08\0\0\0\0\0\0\3"), SYSCONT_ERROR_NOT_SUPPORTED },
  { "zstd", BYTES ("\x28\xb5\x2f\xfd"), SYSCONT_ERROR_NOT_SUPPORTED },
  { "xz",
    BYTES ("\xfd"
           "7zXZ\0"),
    SYSCONT_ERROR_NOT_SUPPORTED },
  { "bzip2", BYTES ("BZh91AY"), SYSCONT_ERROR_NOT_SUPPORTED },
  { "zip", BYTES ("PK\3\4\x14"), SYSCONT_ERROR_NOT_SUPPORTED },
  { "7z", BYTES ("7z\xbc\xaf\x27\x1c"), SYSCONT_ERROR_NOT_SUPPORTED },
  { "rar", BYTES ("Rar!\x1a\7\1\0"), SYSCONT_ERROR_NOT_SUPPORTED },
  { "xar", BYTES ("xar!\0\x1c"), SYSCONT_ERROR_NOT_SUPPORTED },
  { "cpio", BYTES ("070701"), SYSCONT_ERROR_NOT_SUPPORTED },
  { "lrz", BYTES ("LRZI"), SYSCONT_ERROR_IMAGE_INVALID },
  { "uuencode", BYTES ("begin 644 x\n"), SYSCONT_ERROR_IMAGE_INVALID },
  { "rpm", BYTES ("\xed\xab\xee\xdb"), SYSCONT_ERROR_IMAGE_INVALID },
  { "mtree", BYTES ("#mtree\n./x type=file\n"), SYSCONT_ERROR_IMAGE_INVALID },
  { "ar", BYTES ("!<arch>\n"), SYSCONT_ERROR_IMAGE_INVALID },
  { "text", BYTES ("hello, world\n"), SYSCONT_ERROR_IMAGE_INVALID },
};

static void
test_foreign_row (gconstpointer data)
{
  const ForeignRow *row = data;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  g_byte_array_set_size (bytes, 40 * 1024);
  memset (bytes->data, 'x', bytes->len);
  memcpy (bytes->data, row->bytes, row->n_bytes);

  unpack (&result, bytes);

  assert_refused (&result, row->code, "what should be a tar archive is");
}

static void
test_gzip_of_gzip (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  ScUnpackTask task = layer_task;
  task.compression = SC_COMPRESSION_GZIP;
  tar_append (tar, '0', "a", NULL, NULL);
  tar_append_end (tar);
  g_autoptr (GByteArray) once = gzip (tar);
  g_autoptr (GByteArray) twice = gzip (once);

  unpack_with (&result, twice, &task);

  assert_refused (&result, SYSCONT_ERROR_NOT_SUPPORTED, "is compressed with gzip");
}

/* --- compressed streams --- */

static void
test_gzip_layer (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  ScUnpackTask task = layer_task;
  task.compression = SC_COMPRESSION_GZIP;
  tar_append (tar, '0', "a", NULL, "content");
  tar_append_end (tar);
  g_autoptr (GByteArray) bytes = gzip (tar);

  unpack_with (&result, bytes, &task);

  g_autofree char *text = describe (&result);
  g_autofree char *digest = sc_digest_of_bytes (tar->data, tar->len);
  g_assert_cmpstr (text, ==, "file a = content");
  g_assert_cmpstr (result.digest, ==, digest);
}

/* The fault is behind the end of the archive, where libarchive does not look any more. */
static void
test_gzip_fault_after_end (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  ScUnpackTask task = layer_task;
  task.compression = SC_COMPRESSION_GZIP;
  tar_append (tar, '0', "a", NULL, "content");
  tar_append_end (tar);
  g_autoptr (GByteArray) bytes = gzip (tar);
  bytes->data[bytes->len - 8] ^= 1;

  unpack_with (&result, bytes, &task);

  assert_refused (&result, SYSCONT_ERROR_IMAGE_INVALID, "checksum is wrong");
}

static void
test_wrong_compression (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  ScUnpackTask task = layer_task;
  task.compression = SC_COMPRESSION_ZSTD;
  tar_append (tar, '0', "a", NULL, "content");
  g_autoptr (GByteArray) bytes = gzip (tar);

  unpack_with (&result, bytes, &task);

  assert_refused (&result, SYSCONT_ERROR_IMAGE_INVALID, "not compressed with zstd");
}

/* --- limits: AR23, AR24 --- */

static void
test_limits_entries (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) fits = { 0 };
  g_auto (Result) exceeds = { 0 };
  ScUnpackTask task = layer_task;
  for (guint i = 0; i < 4; i++)
    tar_append (tar, i == 2 ? '6' : '0', "a", NULL, NULL);

  task.max_entries = 4;
  unpack_with (&fits, tar, &task);
  task.max_entries = 3;
  unpack_with (&exceeds, tar, &task);

  assert_accepted (&fits);
  assert_refused (&exceeds, SYSCONT_ERROR_LIMIT_EXCEEDED, "more than 3 members");
}

static void
test_limits_bytes (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  ScUnpackTask task = layer_task;
  task.max_bytes = 1536;
  tar_append (tar, '0', "a", NULL, "content");
  tar_append_end (tar);

  unpack_with (&result, tar, &task);

  assert_refused (&result, SYSCONT_ERROR_LIMIT_EXCEEDED, "more than 1536 bytes");
}

static void
test_large_file (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (GByteArray) content = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  Header header;
  g_byte_array_set_size (content, 5 * MIB + 1);
  for (guint i = 0; i < content->len; i++)
    content->data[i] = (guint8)(i * 7 + i / 1000);
  header_init (&header, '0', "large", NULL, content->len);
  tar_append_header (tar, &header);
  tar_append_content (tar, content->data, content->len);
  tar_append (tar, '0', "next", NULL, NULL);

  unpack (&result, tar);

  assert_accepted (&result);
  const GByteArray *got = result.contents->pdata[0];
  g_assert_cmpmem (got->data, got->len, content->data, content->len);
  g_assert_cmpuint (result.entries->len, ==, 2);
}

/* --- the other end of the pipe --- */

static void
test_reader_has_gone (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  int fds[2];
  int input_fds[2];
  tar_append (tar, '0', "a", NULL, NULL);
  tar_append_end (tar);
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  g_assert_true (g_unix_open_pipe (input_fds, FD_CLOEXEC, NULL));
  g_assert_true (sc_fd_write_all (input_fds[1], tar->data, tar->len, NULL));
  close (input_fds[1]);
  close (fds[0]);

  gboolean ok = sc_unpack_run (&layer_task, input_fds[0], fds[1], &error);

  g_assert_false (ok);
  g_assert_nonnull (error);
  g_assert_cmpint (fcntl (input_fds[0], F_GETFD), ==, -1);
  g_assert_cmpint (fcntl (fds[1], F_GETFD), ==, -1);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
  (void)signal (SIGPIPE, SIG_IGN);
  ADD_ROWS (layer_rows, "/tar/layer/", test_layer_row);
  ADD_ROWS (archive_rows, "/tar/archive/", test_archive_row);
  ADD_ROWS (end_rows, "/tar/end/", test_end_row);
  ADD_ROWS (foreign_rows, "/tar/foreign/", test_foreign_row);
  g_test_add_func ("/tar/end/truncated-anywhere", test_truncated_anywhere);
  g_test_add_func ("/tar/end/second-archive-is-hashed-only", test_second_archive_is_hashed_only);
  g_test_add_data_func ("/tar/end/no-byte", GINT_TO_POINTER (FALSE), test_empty_archives);
  g_test_add_data_func ("/tar/end/only-end", GINT_TO_POINTER (TRUE), test_empty_archives);
  g_test_add_func ("/tar/header/damaged-checksum", test_damaged_checksum);
  g_test_add_func ("/tar/foreign/gzip-of-gzip", test_gzip_of_gzip);
  g_test_add_func ("/tar/gzip/layer", test_gzip_layer);
  g_test_add_func ("/tar/gzip/fault-after-end", test_gzip_fault_after_end);
  g_test_add_func ("/tar/gzip/wrong-compression", test_wrong_compression);
  g_test_add_func ("/tar/limits/entries", test_limits_entries);
  g_test_add_func ("/tar/limits/bytes", test_limits_bytes);
  g_test_add_func ("/tar/content/large-file", test_large_file);
  g_test_add_func ("/tar/run/reader-has-gone", test_reader_has_gone);
  return g_test_run ();
}
