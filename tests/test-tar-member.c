/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Members of a docker-archive: links are told, and compressed content comes unpacked.
 */
#include "unpack/sc-member.h"

#include "base/sc-digest.h"
#include "base/sc-error-util.h"
#include "tar-fixture.h"

#include <locale.h>
#include <signal.h>
#include <zlib.h>
#include <zstd.h>

static GByteArray *
gzip (const void *data, gsize size_bytes)
{
  GByteArray *out = g_byte_array_new ();
  z_stream stream = { 0 };

  g_assert_cmpint (deflateInit2 (&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), ==,
                   Z_OK);
  g_byte_array_set_size (out, (guint)deflateBound (&stream, size_bytes));
  stream.next_in = (guint8 *)(gsize)data;
  stream.avail_in = (guint)size_bytes;
  stream.next_out = out->data;
  stream.avail_out = out->len;
  g_assert_cmpint (deflate (&stream, Z_FINISH), ==, Z_STREAM_END);
  g_byte_array_set_size (out, (guint)stream.total_out);
  deflateEnd (&stream);
  return out;
}

static GByteArray *
zstd (const void *data, gsize size_bytes)
{
  GByteArray *out = g_byte_array_new ();

  g_byte_array_set_size (out, (guint)ZSTD_compressBound (size_bytes));
  gsize n = ZSTD_compress (out->data, out->len, data, size_bytes, 3);
  g_assert_false (ZSTD_isError (n));
  g_byte_array_set_size (out, (guint)n);
  return out;
}

static void
append_bytes (GByteArray *tar, const char *name, const GByteArray *content)
{
  Header header;

  header_init (&header, '0', name, NULL, content->len);
  tar_append_header (tar, &header);
  tar_append_content (tar, content->data, content->len);
}

static void
test_links_and_files (void)
{
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  tar_append (tar, '0', "a/layer.tar", NULL, "1");
  tar_append (tar, '2', "b/layer.tar", "../a/layer.tar", NULL);
  tar_append (tar, '1', "c/layer.tar", "./a/layer.tar", NULL);
  tar_append (tar, '6', "p", NULL, NULL);
  tar_append (tar, '5', "d/", NULL, NULL);
  tar_append_end (tar);

  unpack_with (&result, tar, &docker_task);

  assert_accepted (&result);
  g_autofree char *text = describe (&result);
  g_assert_cmpstr (text, ==,
                   "file a/layer.tar = 1; symlink b/layer.tar -> ../a/layer.tar; "
                   "hardlink c/layer.tar -> a/layer.tar; dropped p");
}

static void
test_packed (gconstpointer data)
{
  gboolean is_gzip = GPOINTER_TO_INT (data);
  const gsize size_bytes = 3 * SC_INFLATE_CHUNK_BYTES + 17;
  g_autofree guint8 *content = g_malloc (size_bytes);
  for (gsize i = 0; i < size_bytes; i++)
    content[i] = (guint8)(i * 2654435761u >> 13);
  g_autoptr (GByteArray) packed = is_gzip ? gzip (content, size_bytes) : zstd (content, size_bytes);
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  append_bytes (tar, "layer", packed);
  tar_append (tar, '0', "after", NULL, "2");
  tar_append_end (tar);

  unpack_with (&result, tar, &docker_task);

  assert_accepted (&result);
  g_assert_cmpuint (result.entries->len, ==, 2);
  const ScEntry *entry = result.entries->pdata[0];
  const GByteArray *got = result.contents->pdata[0];
  g_assert_cmpint (entry->type, ==, SC_ENTRY_PACKED);
  g_assert_cmpmem (got->data, got->len, content, size_bytes);
  const ScEntry *after = result.entries->pdata[1];
  g_assert_cmpint (after->type, ==, SC_ENTRY_REGULAR);
}

static void
test_other_archives_stay_packed (void)
{
  g_autoptr (GByteArray) packed = gzip ("x", 1);
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  append_bytes (tar, "blob", packed);
  tar_append_end (tar);

  unpack_with (&result, tar, &archive_task);

  assert_accepted (&result);
  const GByteArray *got = result.contents->pdata[0];
  g_assert_cmpmem (got->data, got->len, packed->data, packed->len);
}

static void
test_damaged (void)
{
  g_autofree guint8 *content = g_malloc0 (MIB);
  g_autoptr (GByteArray) packed = gzip (content, MIB);
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  packed->data[packed->len - 6] ^= 1;
  append_bytes (tar, "bad\x1b", packed);
  tar_append_end (tar);

  unpack_with (&result, tar, &docker_task);

  assert_refused (&result, SYSCONT_ERROR_IMAGE_INVALID, "member \"bad\\x1b\"");
}

static void
test_cut_off (void)
{
  g_autofree guint8 *content = g_malloc0 (MIB);
  g_autoptr (GByteArray) packed = zstd (content, MIB);
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  g_byte_array_set_size (packed, packed->len - 1);
  append_bytes (tar, "cut", packed);
  tar_append_end (tar);

  unpack_with (&result, tar, &docker_task);

  assert_refused (&result, SYSCONT_ERROR_IMAGE_INVALID, "cut off");
}

/* AR23: together, not each for itself */
static void
test_members_share_the_limit (void)
{
  g_autofree guint8 *content = g_malloc0 (3 * MIB);
  g_autoptr (GByteArray) packed = zstd (content, 3 * MIB);
  g_autoptr (GByteArray) tar = g_byte_array_new ();
  g_auto (Result) result = { 0 };
  append_bytes (tar, "first", packed);
  append_bytes (tar, "second", packed);
  append_bytes (tar, "third", packed);
  tar_append_end (tar);

  unpack_with (&result, tar, &docker_task);

  assert_refused (&result, SYSCONT_ERROR_LIMIT_EXCEEDED, "\"third\"");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_assert_nonnull (setlocale (LC_ALL, "C.UTF-8"));
  (void)signal (SIGPIPE, SIG_IGN);
  g_test_add_func ("/tar-member/links-and-files", test_links_and_files);
  g_test_add_data_func ("/tar-member/packed/gzip", GINT_TO_POINTER (TRUE), test_packed);
  g_test_add_data_func ("/tar-member/packed/zstd", GINT_TO_POINTER (FALSE), test_packed);
  g_test_add_func ("/tar-member/packed/not-in-other-archives", test_other_archives_stay_packed);
  g_test_add_func ("/tar-member/packed/damaged", test_damaged);
  g_test_add_func ("/tar-member/packed/cut-off", test_cut_off);
  g_test_add_func ("/tar-member/packed/members-share-the-limit", test_members_share_the_limit);
  return g_test_run ();
}
