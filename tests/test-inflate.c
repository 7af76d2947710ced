/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-error-util.h"
#include "base/sc-fd.h"
#include "unpack/sc-decoder.h"
#include "unpack/sc-inflate.h"

#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#define NO_LIMIT G_MAXUINT64
#define MIB      (1024 * 1024)

static GByteArray *
make_content (gsize size_bytes)
{
  GByteArray *content = g_byte_array_sized_new ((guint)size_bytes);
  guint32 state = 1;

  g_byte_array_set_size (content, (guint)size_bytes);
  for (gsize i = 0; i < size_bytes; i++)
    {
      state = state * 1664525 + 1013904223;
      content->data[i] = (guint8) "abcdefgh01234567"[state >> 28];
    }
  return content;
}

static void
append_gzip (GByteArray *out, const void *data, gsize size_bytes)
{
  z_stream stream = { 0 };
  guint start = out->len;

  g_assert_cmpint (deflateInit2 (&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), ==,
                   Z_OK);
  g_byte_array_set_size (out, start + (guint)deflateBound (&stream, size_bytes));
  stream.next_in = (guint8 *)(gsize)data;
  stream.avail_in = (guint)size_bytes;
  stream.next_out = out->data + start;
  stream.avail_out = out->len - start;
  g_assert_cmpint (deflate (&stream, Z_FINISH), ==, Z_STREAM_END);
  g_byte_array_set_size (out, start + (guint)stream.total_out);
  deflateEnd (&stream);
}

static void
append_zstd (GByteArray *out, const void *data, gsize size_bytes)
{
  guint start = out->len;

  g_byte_array_set_size (out, start + (guint)ZSTD_compressBound (size_bytes));
  gsize n = ZSTD_compress (out->data + start, out->len - start, data, size_bytes, 3);
  g_assert_false (ZSTD_isError (n));
  g_byte_array_set_size (out, start + (guint)n);
}

static void
append_text (GByteArray *out, ScCompression compression, const char *text)
{
  if (compression == SC_COMPRESSION_GZIP)
    append_gzip (out, text, strlen (text));
  else if (compression == SC_COMPRESSION_ZSTD)
    append_zstd (out, text, strlen (text));
  else
    g_byte_array_append (out, (const guint8 *)text, (guint)strlen (text));
}

static int
open_file (const GByteArray *bytes)
{
  int fd = memfd_create ("stream", MFD_CLOEXEC);

  g_assert_cmpint (fd, >=, 0);
  g_assert_true (sc_fd_write_all (fd, bytes->data, bytes->len, NULL));
  g_assert_cmpint (lseek (fd, 0, SEEK_SET), ==, 0);
  return fd;
}

static GByteArray *
read_stream (ScInflate *opened, GError **error)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  g_autoptr (ScInflate) stream = opened;
  const guint8 *data;
  gsize size_bytes;
  int n;

  g_assert_nonnull (stream);
  while ((n = sc_inflate_next (stream, &data, &size_bytes, error)) > 0)
    g_byte_array_append (out, data, (guint)size_bytes);
  return n == 0 ? g_steal_pointer (&out) : NULL;
}

static GByteArray *
inflate_fd (int fd, ScCompression compression, guint64 max_bytes, GError **error)
{
  return read_stream (sc_inflate_new (fd, compression, max_bytes, error), error);
}

static GByteArray *
inflate_bytes (const GByteArray *bytes,
               ScCompression compression,
               guint64 max_bytes,
               GError **error)
{
  return inflate_fd (open_file (bytes), compression, max_bytes, error);
}

static void
assert_gives (const GByteArray *bytes, ScCompression compression, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) out = inflate_bytes (bytes, compression, NO_LIMIT, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (out->data, out->len, text, strlen (text));
}

static void
assert_fails (const GByteArray *bytes,
              ScCompression compression,
              SyscontError code,
              const char *needle)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) out = inflate_bytes (bytes, compression, NO_LIMIT, &error);

  g_assert_null (out);
  g_assert_error (error, SYSCONT_ERROR, (int)code);
  if (strstr (error->message, needle) == NULL)
    g_error ("\"%s\" is not in \"%s\"", needle, error->message);
}

typedef struct
{
  const char *name;
  ScCompression compression;
} CompressionRow;

static const CompressionRow compression_rows[] = {
  { "plain", SC_COMPRESSION_NONE },
  { "gzip", SC_COMPRESSION_GZIP },
  { "zstd", SC_COMPRESSION_ZSTD },
};

static void
test_gives_content (gconstpointer data)
{
  const CompressionRow *row = data;
  g_autoptr (GByteArray) content = make_content (3 * MIB + 17);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  g_byte_array_append (content, (const guint8 *)"", 1);
  append_text (bytes, row->compression, (const char *)content->data);

  g_autoptr (GByteArray) out = inflate_bytes (bytes, row->compression, 3 * MIB + 17, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (out->data, out->len, content->data, content->len - 1);
}

static void
test_joins_members (gconstpointer data)
{
  const CompressionRow *row = data;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  append_text (bytes, row->compression, "one,");
  append_text (bytes, row->compression, "");
  append_text (bytes, row->compression, "two,");
  append_text (bytes, row->compression, "three");

  assert_gives (bytes, row->compression, "one,two,three");
}

typedef struct
{
  const GByteArray *bytes;
  int fd;
} Feed;

static gpointer
feed_in_thread (gpointer data)
{
  Feed *feed = data;

  for (guint i = 0; i < feed->bytes->len; i++)
    g_assert_cmpint (write (feed->fd, feed->bytes->data + i, 1), ==, 1);
  close (feed->fd);
  return NULL;
}

/* Every boundary that a stream has inside falls between two reads. */
static void
test_takes_single_bytes (gconstpointer data)
{
  const CompressionRow *row = data;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  int fds[2];
  append_text (bytes, row->compression, "first member, ");
  append_text (bytes, row->compression, "second member");
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  Feed feed = { bytes, fds[1] };
  GThread *feeder = g_thread_new ("feed", feed_in_thread, &feed);

  g_autoptr (GByteArray) out = inflate_fd (fds[0], row->compression, NO_LIMIT, &error);
  g_thread_join (feeder);

  g_assert_no_error (error);
  g_assert_cmpmem (out->data, out->len, "first member, second member", 27);
}

static void
test_recognizes_archive (gconstpointer data)
{
  const CompressionRow *row = data;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  int fds[2];
  append_text (bytes, row->compression, "an archive");
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  Feed feed = { bytes, fds[1] };
  GThread *feeder = g_thread_new ("feed", feed_in_thread, &feed);

  g_autoptr (GByteArray) out
      = read_stream (sc_inflate_new_archive (fds[0], NO_LIMIT, &error), &error);
  g_thread_join (feeder);

  g_assert_no_error (error);
  g_assert_cmpmem (out->data, out->len, "an archive", 10);
}

/* Shorter than what tells them apart. */
static void
test_recognizes_nothing (void)
{
  for (guint n = 0; n < 4; n++)
    {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      g_autoptr (GError) error = NULL;
      g_byte_array_append (bytes, (const guint8 *)"\x28\xb5\x2f", n);

      g_autoptr (GByteArray) out
          = read_stream (sc_inflate_new_archive (open_file (bytes), NO_LIMIT, &error), &error);

      g_assert_no_error (error);
      g_assert_cmpuint (out->len, ==, n);
    }
}

/* AR21 */
static void
test_refuses_truncated (gconstpointer data)
{
  const CompressionRow *row = data;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  append_text (bytes, row->compression, "some content that is cut off somewhere");

  while (bytes->len > 1)
    {
      g_byte_array_set_size (bytes, bytes->len - 1);
      assert_fails (bytes, row->compression, SYSCONT_ERROR_IMAGE_INVALID, row->name);
    }
}

static void
test_refuses_truncated_member (gconstpointer data)
{
  const CompressionRow *row = data;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  append_text (bytes, row->compression, "whole");
  guint whole = bytes->len;
  append_text (bytes, row->compression, "cut off");

  for (guint length = bytes->len - 1; length > whole; length--)
    {
      g_byte_array_set_size (bytes, length);
      assert_fails (bytes, row->compression, SYSCONT_ERROR_IMAGE_INVALID, row->name);
    }
}

static void
test_refuses_trailing_bytes (gconstpointer data)
{
  static const char *const tails[] = { "x", "\1\2\3\4\5\6\7\10", "PK\3\4", "\x1f\x8c" };
  const CompressionRow *row = data;

  for (guint i = 0; i < G_N_ELEMENTS (tails); i++)
    {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      append_text (bytes, row->compression, "content");
      g_byte_array_append (bytes, (const guint8 *)tails[i], (guint)strlen (tails[i]));

      assert_fails (bytes, row->compression, SYSCONT_ERROR_IMAGE_INVALID, "something follows");
    }
}

static void
test_refuses_trailing_zeros (gconstpointer data)
{
  const CompressionRow *row = data;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  append_text (bytes, row->compression, "content");
  g_byte_array_append (bytes, (const guint8 *)"\0\0\0\0\0\0\0\0", 8);

  assert_fails (bytes, row->compression, SYSCONT_ERROR_IMAGE_INVALID, "something follows");
}

/* AR22 */
static void
test_refuses_other_compression (gconstpointer data)
{
  const CompressionRow *row = data;

  for (guint i = 0; i < G_N_ELEMENTS (compression_rows); i++)
    {
      g_autoptr (GByteArray) bytes = g_byte_array_new ();
      append_text (bytes, compression_rows[i].compression, "content");
      if (compression_rows[i].compression != row->compression)
        assert_fails (bytes, row->compression, SYSCONT_ERROR_IMAGE_INVALID,
                      "is not compressed with");
    }
}

static void
test_refuses_empty (gconstpointer data)
{
  const CompressionRow *row = data;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  assert_fails (bytes, row->compression, SYSCONT_ERROR_IMAGE_INVALID, row->name);
}

/* AR23 */
static void
test_limits_bytes (gconstpointer data)
{
  const CompressionRow *row = data;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  append_text (bytes, row->compression, "0123456789");

  g_autoptr (GByteArray) fits = inflate_bytes (bytes, row->compression, 10, NULL);
  g_autoptr (GByteArray) exceeds = inflate_bytes (bytes, row->compression, 9, &error);

  g_assert_nonnull (fits);
  g_assert_null (exceeds);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
  g_assert_nonnull (strstr (error->message, "more than 9 bytes"));
}

/* AR23 */
static void
test_limits_ratio (gconstpointer data)
{
  const CompressionRow *row = data;
  g_autoptr (GByteArray) zeros = g_byte_array_new ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  g_byte_array_set_size (zeros, 65 * MIB);
  memset (zeros->data, 'x', zeros->len - 1);
  zeros->data[zeros->len - 1] = '\0';
  append_text (bytes, row->compression, (const char *)zeros->data);

  assert_fails (bytes, row->compression, SYSCONT_ERROR_LIMIT_EXCEEDED,
                "more than 200 times its size");
}

/* AR23 */
static void
test_limits_empty_members (gconstpointer data)
{
  const CompressionRow *row = data;
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  for (guint i = 0; i < SC_DECODER_MAX_EMPTY_MEMBERS; i++)
    append_text (bytes, row->compression, "");

  assert_gives (bytes, row->compression, "");
  append_text (bytes, row->compression, "");
  assert_fails (bytes, row->compression, SYSCONT_ERROR_LIMIT_EXCEEDED, "empty members");
}

static void
test_gzip_refuses_flipped_bits (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  append_text (bytes, SC_COMPRESSION_GZIP,
               "the quick brown fox jumps over the lazy dog, the quick brown fox");

  /* The first ten bytes are a header with a time and the like, which no checksum covers. */
  for (guint i = 10; i < bytes->len; i++)
    for (guint bit = 0; bit < 8; bit++)
      {
        bytes->data[i] ^= (guint8)(1u << bit);
        assert_fails (bytes, SC_COMPRESSION_GZIP, SYSCONT_ERROR_IMAGE_INVALID, "gzip stream");
        bytes->data[i] ^= (guint8)(1u << bit);
      }
}

static void
test_gzip_reads_long_header (void)
{
  static const guint8 header[]
      = { 0x1f, 0x8b, 8, 4 | 8 | 16, 0, 0, 0, 0, 0, 3, 3, 0, 'e', 'x', 't', 'n', 0, 'c', 0 };
  g_autoptr (GByteArray) plain = g_byte_array_new ();
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  append_text (plain, SC_COMPRESSION_GZIP, "content");
  g_byte_array_append (bytes, header, sizeof header);
  g_byte_array_append (bytes, plain->data + 10, plain->len - 10);

  assert_gives (bytes, SC_COMPRESSION_GZIP, "content");
}

static void
test_zstd_skips_frames (void)
{
  static const guint8 skippable[] = { 0x5a, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'x', 'y', 'z' };
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  append_text (bytes, SC_COMPRESSION_ZSTD, "one,");
  g_byte_array_append (bytes, skippable, sizeof skippable);
  append_text (bytes, SC_COMPRESSION_ZSTD, "two");

  assert_gives (bytes, SC_COMPRESSION_ZSTD, "one,two");
}

/* AR23 */
static void
test_zstd_limits_window (void)
{
  g_autoptr (GByteArray) content = make_content (MIB);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  ZSTD_CCtx *context = ZSTD_createCCtx ();
  g_byte_array_set_size (bytes, 2 * MIB);
  ZSTD_CCtx_setParameter (context, ZSTD_c_windowLog, SC_DECODER_MAX_WINDOW_LOG + 1);
  ZSTD_inBuffer in = { content->data, content->len, 0 };
  ZSTD_outBuffer out = { bytes->data, bytes->len, 0 };
  g_assert_false (ZSTD_isError (ZSTD_compressStream2 (context, &out, &in, ZSTD_e_flush)));
  g_assert_cmpuint (ZSTD_compressStream2 (context, &out, &in, ZSTD_e_end), ==, 0);
  ZSTD_freeCCtx (context);
  g_byte_array_set_size (bytes, (guint)out.pos);

  assert_fails (bytes, SC_COMPRESSION_ZSTD, SYSCONT_ERROR_LIMIT_EXCEEDED,
                "window of more than 128 MiB");
}

static void
test_zstd_refuses_old_formats (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  append_text (bytes, SC_COMPRESSION_ZSTD, "content");
  bytes->data[0] = 0x27;

  assert_fails (bytes, SC_COMPRESSION_ZSTD, SYSCONT_ERROR_IMAGE_INVALID,
                "not compressed with zstd");
}

static void
test_plain_takes_empty (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();

  assert_gives (bytes, SC_COMPRESSION_NONE, "");
}

static void
test_next_repeats_end (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  append_text (bytes, SC_COMPRESSION_NONE, "x");
  g_autoptr (ScInflate) stream
      = sc_inflate_new (open_file (bytes), SC_COMPRESSION_NONE, NO_LIMIT, NULL);
  const guint8 *data;
  gsize size_bytes;

  g_assert_cmpint (sc_inflate_next (stream, &data, &size_bytes, NULL), ==, 1);
  g_assert_cmpint (sc_inflate_next (stream, &data, &size_bytes, NULL), ==, 0);
  g_assert_cmpint (sc_inflate_next (stream, &data, &size_bytes, NULL), ==, 0);
}

static void
test_next_repeats_error (void)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  append_text (bytes, SC_COMPRESSION_NONE, "x");
  g_autoptr (ScInflate) stream
      = sc_inflate_new (open_file (bytes), SC_COMPRESSION_GZIP, NO_LIMIT, NULL);
  const guint8 *data;
  gsize size_bytes;

  for (guint i = 0; i < 3; i++)
    {
      g_autoptr (GError) error = NULL;
      g_assert_cmpint (sc_inflate_next (stream, &data, &size_bytes, &error), ==, -1);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
    }
}

static void
test_free_interrupts_read (void)
{
  int fds[2];
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));

  ScInflate *stream = sc_inflate_new (fds[0], SC_COMPRESSION_GZIP, NO_LIMIT, NULL);
  sc_inflate_free (stream);

  g_assert_cmpint (write (fds[1], "x", 1), ==, -1); /* nobody has the other end any more */
  close (fds[1]);
}

static void
test_free_interrupts_full_ring (void)
{
  g_autoptr (GByteArray) content = make_content (8 * MIB);
  ScInflate *stream = sc_inflate_new (open_file (content), SC_COMPRESSION_NONE, NO_LIMIT, NULL);
  const guint8 *data;
  gsize size_bytes;

  g_assert_cmpint (sc_inflate_next (stream, &data, &size_bytes, NULL), ==, 1);
  sc_inflate_free (stream);
}

static void
test_new_refuses_directory (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GByteArray) out
      = inflate_fd (sc_fd_open_dir ("/", NULL), SC_COMPRESSION_NONE, NO_LIMIT, &error);

  g_assert_null (out);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED);
}

static void
add_rows (const char *behaviour, gboolean with_plain, GTestDataFunc func)
{
  for (guint i = with_plain ? 0 : 1; i < G_N_ELEMENTS (compression_rows); i++)
    {
      g_autofree char *path
          = g_strdup_printf ("/inflate/%s/%s", compression_rows[i].name, behaviour);
      g_test_add_data_func (path, &compression_rows[i], func);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  (void)signal (SIGPIPE, SIG_IGN);
  add_rows ("gives-content", TRUE, test_gives_content);
  add_rows ("joins-members", TRUE, test_joins_members);
  add_rows ("takes-single-bytes", TRUE, test_takes_single_bytes);
  add_rows ("recognizes-archive", TRUE, test_recognizes_archive);
  g_test_add_func ("/inflate/recognizes-nothing", test_recognizes_nothing);
  add_rows ("limits-bytes", TRUE, test_limits_bytes);
  add_rows ("refuses-truncated", FALSE, test_refuses_truncated);
  add_rows ("refuses-truncated-member", FALSE, test_refuses_truncated_member);
  add_rows ("refuses-trailing-bytes", FALSE, test_refuses_trailing_bytes);
  add_rows ("refuses-trailing-zeros", FALSE, test_refuses_trailing_zeros);
  add_rows ("refuses-other-compression", FALSE, test_refuses_other_compression);
  add_rows ("refuses-empty", FALSE, test_refuses_empty);
  add_rows ("limits-ratio", FALSE, test_limits_ratio);
  add_rows ("limits-empty-members", FALSE, test_limits_empty_members);
  g_test_add_func ("/inflate/gzip/refuses-flipped-bits", test_gzip_refuses_flipped_bits);
  g_test_add_func ("/inflate/gzip/reads-long-header", test_gzip_reads_long_header);
  g_test_add_func ("/inflate/zstd/skips-frames", test_zstd_skips_frames);
  g_test_add_func ("/inflate/zstd/limits-window", test_zstd_limits_window);
  g_test_add_func ("/inflate/zstd/refuses-old-formats", test_zstd_refuses_old_formats);
  g_test_add_func ("/inflate/plain/takes-empty", test_plain_takes_empty);
  g_test_add_func ("/inflate/next/repeats-end", test_next_repeats_end);
  g_test_add_func ("/inflate/next/repeats-error", test_next_repeats_error);
  g_test_add_func ("/inflate/free/interrupts-read", test_free_interrupts_read);
  g_test_add_func ("/inflate/free/interrupts-full-ring", test_free_interrupts_full_ring);
  g_test_add_func ("/inflate/new/refuses-directory", test_new_refuses_directory);
  return g_test_run ();
}
