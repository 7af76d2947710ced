/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tar streams made block by block, hostile ones too, through the whole of the unpack library and back from its pipe.
 */
#include "base/sc-digest.h"
#include "base/sc-error-util.h"
#include "base/sc-fd.h"
#include "unpack/sc-unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zlib.h>

#define BLOCK    512
#define NO_LIMIT G_MAXUINT64
#define MIB      (1024 * 1024)
#define REQUEST  7

/* --- making archives --- */

typedef struct
{
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link[100];
  char magic[8];
  char uname[32];
  char gname[32];
  char device[16];
  char prefix[155];
  char padding[12];
} Header;

G_STATIC_ASSERT (sizeof (Header) == BLOCK);

static void
header_init (Header *header, char type, const char *name, const char *link, guint64 size_bytes)
{
  g_autofree char *size = g_strdup_printf ("%011" G_GINT64_MODIFIER "o", size_bytes);

  memset (header, 0, sizeof *header);
  strncpy (header->name, name, sizeof header->name - 1);
  memcpy (header->mode, "0000644", 8);
  memcpy (header->uid, "0000000", 8);
  memcpy (header->gid, "0000000", 8);
  memcpy (header->size, size, 12);
  memcpy (header->mtime, "14000000000", 12);
  header->type = type;
  if (link != NULL)
    strncpy (header->link, link, sizeof header->link - 1);
  memcpy (header->magic, "ustar\0" "00", 8);
}

static void
tar_append_header (GByteArray *tar, Header *header)
{
  const guint8 *bytes = (const guint8 *)header;
  guint sum = 0;

  memset (header->checksum, ' ', sizeof header->checksum);
  for (guint i = 0; i < BLOCK; i++)
    sum += bytes[i];
  g_autofree char *text = g_strdup_printf ("%06o", sum);
  memcpy (header->checksum, text, 7);
  g_byte_array_append (tar, bytes, BLOCK);
}

static void
tar_append_content (GByteArray *tar, const void *data, gsize size_bytes)
{
  static const guint8 zeros[BLOCK];

  g_byte_array_append (tar, data, (guint)size_bytes);
  g_byte_array_append (tar, zeros, (guint)(-size_bytes % BLOCK));
}

static void
tar_append (GByteArray *tar, char type, const char *name, const char *link, const char *content)
{
  gsize size_bytes = content != NULL ? strlen (content) : 0;
  Header header;

  header_init (&header, type, name, link, size_bytes);
  tar_append_header (tar, &header);
  if (size_bytes > 0)
    tar_append_content (tar, content, size_bytes);
}

static void
tar_append_extension (GByteArray *tar, char type, const void *body, gsize size_bytes)
{
  Header header;

  header_init (&header, type, type == 'x' ? "PaxHeaders/x" : "././@LongLink", NULL, size_bytes);
  tar_append_header (tar, &header);
  tar_append_content (tar, body, size_bytes);
}

static void
pax_append (GByteArray *pax, const char *key, const void *value, gsize value_bytes)
{
  gsize rest = strlen (key) + value_bytes + 3; /* blank, equals sign, newline */
  gsize length = rest + 1;

  while (rest + (gsize)snprintf (NULL, 0, "%" G_GSIZE_FORMAT, length) != length)
    length++;
  g_autofree char *head = g_strdup_printf ("%" G_GSIZE_FORMAT " %s=", length, key);
  g_byte_array_append (pax, (const guint8 *)head, (guint)strlen (head));
  g_byte_array_append (pax, value, (guint)value_bytes);
  g_byte_array_append (pax, (const guint8 *)"\n", 1);
}

/* An 'x' header with one record. */
static void
tar_append_pax (GByteArray *tar, const char *key, const void *value, gsize value_bytes)
{
  g_autoptr (GByteArray) pax = g_byte_array_new ();

  pax_append (pax, key, value, value_bytes);
  tar_append_extension (tar, 'x', pax->data, pax->len);
}

static void
tar_append_pax_text (GByteArray *tar, const char *key, const char *value)
{
  tar_append_pax (tar, key, value, strlen (value));
}

static void
tar_append_end (GByteArray *tar)
{
  static const guint8 zeros[2 * BLOCK];

  g_byte_array_append (tar, zeros, sizeof zeros);
}

static GByteArray *
gzip (const GByteArray *bytes)
{
  GByteArray *out = g_byte_array_new ();
  z_stream stream = { 0 };

  g_assert_cmpint (deflateInit2 (&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), ==, Z_OK);
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

/* --- unpacking them --- */

typedef struct
{
  ScUnpackTask task;
  int input_fd;
  int output_fd;
  gboolean ok;
} Run;

static gpointer
unpack_in_thread (gpointer data)
{
  Run *run = data;

  run->ok = sc_unpack_run (&run->task, run->input_fd, run->output_fd, NULL);
  return NULL;
}

typedef struct
{
  GPtrArray *entries;  /* (owned) of ScEntry */
  GPtrArray *contents; /* (owned) of GByteArray, for each entry */
  guint64 unpacked_bytes;
  char *digest;  /* (owned) (nullable) after an error */
  int code;      /* -1: none */
  char *message; /* (owned) (nullable) */
} Result;

static void
result_clear (Result *result)
{
  g_clear_pointer (&result->entries, g_ptr_array_unref);
  g_clear_pointer (&result->contents, g_ptr_array_unref);
  g_clear_pointer (&result->digest, g_free);
  g_clear_pointer (&result->message, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Result, result_clear)

static void
take_record (Result *result, ScRecord *record)
{
  g_autoptr (GError) error = NULL;
  guint n_entries = result->entries->len;

  if (record->type == SC_RECORD_ENTRY)
    {
      ScEntry *entry = sc_record_dup_entry (record, &error);
      g_assert_no_error (error);
      g_ptr_array_add (result->entries, entry);
      g_ptr_array_add (result->contents, g_byte_array_new ());
      return;
    }
  if (record->type == SC_RECORD_DATA)
    {
      g_assert_cmpuint (n_entries, >, 0);
      g_assert_cmpuint (record->size_bytes, <=, SC_RECORD_DATA_BYTES);
      g_byte_array_append (result->contents->pdata[n_entries - 1], record->payload, (guint)record->size_bytes);
      return;
    }

  if (record->type == SC_RECORD_END)
    {
      result->unpacked_bytes = sc_record_get_u64 (record);
      result->digest = sc_record_dup_string (record);
    }
  else
    {
      g_assert_cmpint (record->type, ==, SC_RECORD_ERROR);
      g_assert_cmpuint (sc_record_get_u32 (record), ==, REQUEST);
      result->code = (int)sc_record_get_u32 (record);
      result->message = sc_record_dup_string (record);
    }
  g_assert_true (sc_record_finish (record, &error));
}

static void
read_records (Result *result, int fd)
{
  g_autoptr (ScChannel) channel = sc_channel_new (fd);
  g_autoptr (GError) error = NULL;
  gboolean over = FALSE;
  ScRecord record;
  int n;

  while ((n = sc_channel_receive (channel, &record, &error)) > 0)
    {
      g_assert_false (over);
      take_record (result, &record);
      over = record.type == SC_RECORD_END || record.type == SC_RECORD_ERROR;
    }
  g_assert_no_error (error);
  g_assert_true (over);
}

static void
unpack_with (Result *result, const GByteArray *bytes, const ScUnpackTask *task)
{
  Run run = { .task = *task, .input_fd = memfd_create ("stream", MFD_CLOEXEC) };
  int fds[2];

  g_assert_true (sc_fd_write_all (run.input_fd, bytes->data, bytes->len, NULL));
  g_assert_cmpint (lseek (run.input_fd, 0, SEEK_SET), ==, 0);
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  run.output_fd = fds[1];
  result->entries = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_entry_free);
  result->contents = g_ptr_array_new_with_free_func ((GDestroyNotify)g_byte_array_unref);
  result->code = -1;

  GThread *thread = g_thread_new ("unpack", unpack_in_thread, &run);
  read_records (result, fds[0]);
  g_thread_join (thread);

  g_assert_true (run.ok);
}

static const ScUnpackTask layer_task = { REQUEST, SC_UNPACK_LAYER, SC_COMPRESSION_NONE, NO_LIMIT, 1000 };
static const ScUnpackTask archive_task = { REQUEST, SC_UNPACK_ARCHIVE, SC_COMPRESSION_NONE, NO_LIMIT, 1000 };

static void
unpack (Result *result, const GByteArray *bytes)
{
  unpack_with (result, bytes, &layer_task);
}

static void
assert_refused (const Result *result, int code, const char *needle)
{
  if (result->code != code)
    g_error ("got code %d (%s) instead of %d", result->code, result->message, code);
  if (strstr (result->message, needle) == NULL)
    g_error ("\"%s\" is not in \"%s\"", needle, result->message);
}

static void
assert_accepted (const Result *result)
{
  if (result->code != -1)
    g_error ("refused: %s", result->message);
}

static const char *const type_names[] = { "?", "dir", "file", "symlink", "hardlink", "whiteout", "opaque", "dropped" };

/* One line for each entry: its type, path, link target and content. */
static char *
describe (const Result *result)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < result->entries->len; i++)
    {
      const ScEntry *entry = result->entries->pdata[i];
      const GByteArray *content = result->contents->pdata[i];

      g_string_append_printf (text, "%s%s %s", i > 0 ? "; " : "", type_names[entry->type], entry->path);
      if (entry->link_target != NULL && *entry->link_target != '\0')
        g_string_append_printf (text, " -> %s", entry->link_target);
      if (content->len > 0)
        g_string_append_printf (text, " = %.*s", (int)content->len, (const char *)content->data);
    }
  return g_string_free (text, FALSE);
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
    { { '5', "etc/" }, { '0', "etc/f", NULL, "text" }, { '2', "l", "etc/f" }, { '1', "h", "etc/f" } },
    "dir etc; file etc/f = text; symlink l -> etc/f; hardlink h -> etc/f" },

  /* AR01 */
  { "dotdot-first", { { '0', "../evil" } }, INVALID ("\"../evil\"") },
  { "dotdot-inside", { { '0', "a/../../evil" } }, INVALID ("..") },
  { "dotdot-after-dot", { { '0', "./../x" } }, INVALID ("..") },
  { "dotdot-after-slashes", { { '0', "a//../../b" } }, INVALID ("..") },
  { "dotdot-last", { { '5', "a/.." } }, INVALID ("..") },
  { "dotdot-harmless", { { '0', "a/../b" } }, INVALID ("..") },
  { "dots-in-names", { { '0', "..a" }, { '0', "b.." }, { '0', "..." } }, "file ..a; file b..; file ..." },

  /* AR02 */
  { "absolute", { { '0', "/etc/evil" }, { '0', "//etc/evil" }, { '0', "///x" } },
    "file etc/evil; file etc/evil; file x" },
  { "dots-and-slashes", { { '0', "./a" }, { '0', ".//./b/./c" }, { '5', "./d//" } }, "file a; file b/c; dir d" },
  { "root-directory", { { '5', "./" }, { '5', "/" }, { '5', "." } }, "dir ; dir ; dir " },
  { "root-symlink", { { '2', ".", "/etc" } }, INVALID ("root directory") },
  { "root-file", { { '0', "." } }, INVALID ("root directory") },
  { "root-fifo", { { '6', "/" } }, INVALID ("root directory") },
  { "empty-name", { { '0', "" , NULL, "x" } }, INVALID ("empty path") },

  /* AR03 and AR19: what they mean together is decided by who merges */
  { "below-symlink", { { '2', "l", "/tmp/t" }, { '0', "l/evil" } }, "symlink l -> /tmp/t; file l/evil" },
  { "same-path-twice", { { '0', "a", NULL, "1" }, { '0', "a", NULL, "2" } }, "file a = 1; file a = 2" },
  { "directory-and-file", { { '5', "a" }, { '0', "a" } }, "dir a; file a" },
  { "below-file", { { '0', "a" }, { '0', "a/b" } }, "file a; file a/b" },
  { "symlink-and-directory", { { '2', "a", "b" }, { '5', "a" } }, "symlink a -> b; dir a" },

  /* AR06 */
  { "hardlink-absolute", { { '1', "h", "/etc/shadow" } }, "hardlink h -> etc/shadow" },
  { "hardlink-dotdot", { { '1', "h", "../../etc/shadow" } }, INVALID ("\"h\"") },
  { "hardlink-dotdot-inside", { { '1', "h", "x/../../../etc/shadow" } }, INVALID ("..") },
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
  { "whiteout-hardlink-of-aufs", { { '0', ".wh.a" }, { '1', "d/.wh.b", ".wh.a" } }, "whiteout a; whiteout d/b" },
  { "whiteout-fifo", { { '6', ".wh.a" } }, INVALID ("no regular file") },
  { "aufs-names",
    { { '5', "d/.wh..wh.plnk/" }, { '0', "d/.wh..wh.aufs", NULL, "x" }, { '0', "d/.wh..wh.plnk/1.2", NULL, "y" },
      { '0', ".wh..wh.aufs" }, { '0', "f", NULL, "z" } },
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
  { "not-utf8", { { '0', "caf\xe9" } }, INVALID ("not UTF-8") },
  { "not-utf8-hardlink", { { '1', "h", "caf\xe9" } }, INVALID ("not UTF-8") },
  { "not-utf8-symlink", { { '2', "s", "caf\xe9" } }, INVALID ("not UTF-8") },
  { "escaped-in-message", { { '0', "../\033[2J" } }, INVALID ("\"../\\x1b[2J\"") },

  { "content-of-directory-name", { { '0', "d/", NULL, "x" } }, INVALID ("content") },
};

static void
build_members (GByteArray *tar, const Row *row)
{
  for (const Member *member = row->members; member < row->members + G_N_ELEMENTS (row->members); member++)
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
    { { '5', "blobs/" }, { '0', "./blobs/x", NULL, "1" }, { '2', "l", "x" }, { '1', "h", "x" }, { '6', "p" } },
    "file blobs/x = 1; dropped l; dropped h; dropped p" },
  { "whiteout-names", { { '0', ".wh.x", NULL, "1" }, { '0', "a/.wh..wh..opq" }, { '0', "b", NULL, "2" } },
    "file b = 2" },
  { "dotdot", { { '0', "../x" } }, INVALID ("..") },
  { "root-file", { { '0', "./." } }, INVALID ("root directory") },
  { "not-utf8", { { '0', "\xff" } }, INVALID ("not UTF-8") },
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
#define BYTES(text_)   text_, sizeof text_ - 1

static const FieldRow field_rows[] = {
  { "size-2-63", FIELD (size), BYTES ("\x80\0\0\0\x80\0\0\0\0\0\0\0"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "size-negative", FIELD (size), BYTES ("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
    SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "size-letters", FIELD (size), BYTES ("000000x00\0\0\0"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "size-eight", FIELD (size), BYTES ("00000000008\0"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "size-inner-blank", FIELD (size), BYTES ("0000 0000 0\0"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "size-blanks-around", FIELD (size), BYTES ("     0000  \0"), -1, NULL },
  { "size-base-256", FIELD (size), BYTES ("\x80\0\0\0\0\0\0\0\0\0\0\0"), -1, NULL },
  { "uid-negative", FIELD (uid), BYTES ("\xff\xff\xff\xff\xff\xff\xff\xff"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "uid-2-31", FIELD (uid), BYTES ("\x80\0\0\0\x80\0\0\0"), SYSCONT_ERROR_IMAGE_INVALID, "out of range" },
  { "uid-2-32", FIELD (uid), BYTES ("\x80\0\0\1\0\0\0\0"), SYSCONT_ERROR_IMAGE_INVALID, "out of range" },
  { "uid-largest", FIELD (uid), BYTES ("\x80\0\0\0\x7f\xff\xff\xff"), -1, NULL },
  { "gid-2-31", FIELD (gid), BYTES ("\x80\0\0\0\x80\0\0\0"), SYSCONT_ERROR_IMAGE_INVALID, "out of range" },
  { "gid-letters", FIELD (gid), BYTES ("rootgrp\0"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "mode-type-bits", FIELD (mode), BYTES ("0177777\0"), -1, NULL },
  { "mode-letters", FIELD (mode), BYTES ("-rwxr-x\0"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "mtime-before-1970", FIELD (mtime), BYTES ("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), -1, NULL },
  { "mtime-2-40", FIELD (mtime), BYTES ("\x80\0\0\0\0\0\1\0\0\0\0\0"), -1, NULL },
  { "size-of-hardlink", FIELD (type), BYTES ("1target"), -1, NULL },
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
  { "symlink-0644", '2', "0000644", 0777 },
  { "symlink-0000", '2', "0000000", 0777 },
  { "symlink-07777", '2', "0007777", 0777 },
  { "file-setuid", '0', "0004755", 04755 },
  { "file-type-bits", '0', "0107644", 07644 },
  { "file-all-bits", '0', "0177777", 07777 },
  { "directory-0000", '5', "0000000", 0 },
  { "directory-sticky", '5', "0041777", 01777 },
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
  g_autofree char *expected = g_strdup_printf ("symlink s -> %s; hardlink h -> %s; symlink p -> %s", target, target, target);
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
  { "length-huge", BYTES ("99999999999999999999999999 foo=bar\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "length-only", BYTES ("12"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "no-equals", BYTES ("9 foobar\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "no-key", BYTES ("7 =bar\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "no-newline", BYTES ("11 foo=barx"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "zeros", BYTES ("\0\0\0\0\0\0\0\0"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "nul-in-key", BYTES ("12 f\0o=bar1\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "nul-in-path", BYTES ("13 path=a\0bc\n"), SYSCONT_ERROR_IMAGE_INVALID, "NUL" },
  { "nul-in-linkpath", BYTES ("15 linkpath=a\0\n"), SYSCONT_ERROR_IMAGE_INVALID, "NUL" },
  { "path-not-utf8", BYTES ("11 path=\xff\xfe\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "path-dotdot", BYTES ("13 path=../x\n"), SYSCONT_ERROR_IMAGE_INVALID, "\"../x\"" },
  { "path-twice", BYTES ("10 path=a\n10 path=b\n"), -1, NULL },
  { "linkpath-of-file", BYTES ("14 linkpath=x\n"), SYSCONT_ERROR_IMAGE_INVALID, "no link" },
  { "uid-negative", BYTES ("10 uid=-1\n"), SYSCONT_ERROR_IMAGE_INVALID, "uid" },
  { "uid-2-31", BYTES ("18 uid=2147483648\n"), SYSCONT_ERROR_IMAGE_INVALID, "out of range" },
  { "uid-2-32", BYTES ("18 uid=4294967295\n"), SYSCONT_ERROR_IMAGE_INVALID, "out of range" },
  { "uid-2-64", BYTES ("28 uid=18446744073709551616\n"), SYSCONT_ERROR_IMAGE_INVALID, "out of range" },
  { "uid-letters", BYTES ("12 uid=12ab\n"), SYSCONT_ERROR_IMAGE_INVALID, "uid" },
  { "gid-largest", BYTES ("18 gid=2147483647\n"), -1, NULL },
  { "size-negative", BYTES ("11 size=-1\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "size-empty", BYTES ("8 size=\n"), SYSCONT_ERROR_IMAGE_INVALID, "size" },
  { "size-2-63", BYTES ("28 size=9223372036854775808\n"), SYSCONT_ERROR_IMAGE_INVALID, "" },
  { "charset-binary", BYTES ("21 hdrcharset=BINARY\n"), -1, NULL },
  { "charset-utf8", BYTES ("38 hdrcharset=ISO-IR 10646 2000 UTF-8\n"), -1, NULL },
  { "charset-latin1", BYTES ("32 hdrcharset=ISO-IR 8859 1998\x31\n"), SYSCONT_ERROR_NOT_SUPPORTED, "character set" },
  { "charset-binary-not-utf8", BYTES ("21 hdrcharset=BINARY\n10 path=\xff\n"), SYSCONT_ERROR_IMAGE_INVALID,
    "not UTF-8" },
  { "sparse-0.1", BYTES ("23 GNU.sparse.map=0,0\x30\n26 GNU.sparse.numblocks=1\n"), SYSCONT_ERROR_NOT_SUPPORTED,
    "sparse" },
  { "sparse-star", BYTES ("41 SCHILY.realsize=9223372036854775806\x30\x30\n"), SYSCONT_ERROR_NOT_SUPPORTED, "sparse" },
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
  memcpy ((char *)&header + 386, "00000000000\0" "00000001000\0", 24);
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
  { "capability-revision", '0', "security.capability", BYTES ("\1\0\0\7\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), FALSE },
  { "capability-flags", '0', "security.capability", BYTES ("\3\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), FALSE },
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
  g_assert_cmpmem (g_bytes_get_data (xattr->value, NULL), g_bytes_get_size (xattr->value), row->value,
                   row->value_bytes);
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
  { "xz", BYTES ("\xfd" "7zXZ\0"), SYSCONT_ERROR_NOT_SUPPORTED },
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

#define ADD_ROWS(rows_, prefix_, func_)                                          \
  for (gsize i_ = 0; i_ < G_N_ELEMENTS (rows_); i_++)                            \
    {                                                                            \
      g_autofree char *path_ = g_strconcat ("/tar/" prefix_, rows_[i_].name, NULL); \
      g_test_add_data_func (path_, &rows_[i_], func_);                           \
    }

static void
add_tables (void)
{
  ADD_ROWS (layer_rows, "layer/", test_layer_row);
  ADD_ROWS (archive_rows, "archive/", test_archive_row);
  ADD_ROWS (field_rows, "field/", test_field_row);
  ADD_ROWS (mode_rows, "mode/", test_mode_row);
  ADD_ROWS (path_rows, "long-name/", test_long_name_row);
  ADD_ROWS (path_rows, "pax-path/", test_pax_path_row);
  ADD_ROWS (pax_rows, "pax/", test_pax_row);
  ADD_ROWS (extension_rows, "extension/", test_extension_row);
  ADD_ROWS (xattr_rows, "xattr/", test_xattr_row);
  ADD_ROWS (xattr_limit_rows, "xattr-limit/", test_xattr_limit_row);
  ADD_ROWS (end_rows, "end/", test_end_row);
  ADD_ROWS (foreign_rows, "foreign/", test_foreign_row);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
  (void)signal (SIGPIPE, SIG_IGN);
  add_tables ();
  g_test_add_func ("/tar/long-name/of-links", test_long_link);
  g_test_add_func ("/tar/long-name/ustar-prefix", test_ustar_prefix);
  g_test_add_func ("/tar/long-name/with-nul", test_long_name_with_nul);
  g_test_add_func ("/tar/pax/keeps-bytes-of-names", test_pax_name_bytes);
  g_test_add_func ("/tar/pax/size-of-file", test_pax_size_of_file);
  g_test_add_data_func ("/tar/pax/size-of-hardlink", "1", test_pax_size_of_others);
  g_test_add_data_func ("/tar/pax/size-of-symlink", "2", test_pax_size_of_others);
  g_test_add_data_func ("/tar/pax/size-of-directory", "5", test_pax_size_of_others);
  g_test_add_data_func ("/tar/pax/size-of-fifo", "6", test_pax_size_of_others);
  g_test_add_func ("/tar/pax/global-header-is-not-heeded", test_global_header_is_not_heeded);
  g_test_add_func ("/tar/pax/headers-across-chunks", test_headers_across_chunks);
  g_test_add_func ("/tar/sparse/old-form", test_old_sparse_file);
  g_test_add_func ("/tar/sparse/new-form", test_sparse_file);
  g_test_add_func ("/tar/sparse/new-form-with-large-map", test_sparse_file_with_large_map);
  g_test_add_func ("/tar/xattr/are-sorted", test_xattrs_are_sorted);
  g_test_add_func ("/tar/xattr/that-differ", test_xattrs_that_differ);
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
