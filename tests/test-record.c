/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What records hold: numbers, texts, and entries of layers that a worker makes up.
 */
#include "base/sc-error-util.h"
#include "image/sc-record.h"

#include <string.h>
#include <sys/socket.h>

/* --- payloads --- */

#define RECORD(bytes)                                                                              \
  {                                                                                                \
    .type = SC_RECORD_HELLO, .payload = (const guint8 *)(bytes), .size_bytes = sizeof (bytes) - 1  \
  }

static void
test_getters_read_in_order (void)
{
  ScRecord record = RECORD ("\x78\x56\x34\x12"
                            "\x08\x07\x06\x05\x04\x03\x02\x01"
                            "\3\0\0\0abc"
                            "\2\0\0\0\0\xff");
  g_autoptr (GError) error = NULL;

  g_assert_cmphex (sc_record_get_u32 (&record), ==, 0x12345678);
  g_assert_cmphex (sc_record_get_u64 (&record), ==, 0x0102030405060708);
  g_autofree char *text = sc_record_dup_string (&record);
  g_assert_cmpstr (text, ==, "abc");
  g_autoptr (GBytes) bytes = sc_record_dup_bytes (&record);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), "\0\xff", 2);
  g_assert_true (sc_record_finish (&record, &error));
  g_assert_no_error (error);
}

static void
test_getters_fail_for_ever (void)
{
  ScRecord record = RECORD ("\1\0\0\0\2\0");
  g_autoptr (GError) error = NULL;

  g_assert_cmpuint (sc_record_get_u64 (&record), ==, 0);
  g_assert_cmpuint (sc_record_get_u32 (&record), ==, 0);
  g_autofree char *text = sc_record_dup_string (&record);
  g_assert_cmpstr (text, ==, "");
  g_autoptr (GBytes) bytes = sc_record_dup_bytes (&record);
  g_assert_cmpuint (g_bytes_get_size (bytes), ==, 0);
  g_assert_false (sc_record_finish (&record, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
}

typedef struct
{
  const char *name;
  ScRecord record;
} StringRow;

static const StringRow bad_strings[] = {
  { "with-nul", RECORD ("\3\0\0\0a\0b") },
  { "not-utf-8", RECORD ("\1\0\0\0\xff") },
  { "longer-than-payload", RECORD ("\4\0\0\0abc") },
  { "of-4-gib", RECORD ("\xff\xff\xff\xff"
                        "abc") },
  { "without-length", RECORD ("\1\0\0") },
  { "and-more", RECORD ("\1\0\0\0ab") },
};

static void
test_string_refuses (gconstpointer data)
{
  const StringRow *row = data;
  ScRecord record = row->record;
  g_autoptr (GError) error = NULL;

  g_autofree char *text = sc_record_dup_string (&record);

  g_assert_nonnull (text);
  g_assert_false (sc_record_finish (&record, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
}

/* --- entries --- */

typedef struct
{
  ScChannel *near;
  ScChannel *far;
} Pair;

static void
set_up (Pair *pair, gconstpointer data)
{
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  pair->near = sc_channel_new (fds[0]);
  pair->far = sc_channel_new (fds[1]);
}

static void
tear_down (Pair *pair, gconstpointer data)
{
  sc_channel_free (pair->near);
  sc_channel_free (pair->far);
}

static void
add_xattr (ScEntry *entry, const char *name, const char *value)
{
  g_autoptr (GBytes) bytes = g_bytes_new (value, strlen (value));

  sc_entry_add_xattr (entry, name, bytes);
}

static void
test_entry_survives (Pair *pair, gconstpointer data)
{
  g_autoptr (ScEntry) sent = sc_entry_new (SC_ENTRY_REGULAR, "usr/bin/x");
  g_autoptr (GError) error = NULL;
  ScRecord record;
  sent->mode = 04755;
  sent->uid = 1;
  sent->gid = 2;
  sent->size_bytes = (guint64)1 << 40;
  add_xattr (sent, "user.a", "1");
  add_xattr (sent, "user.b", "");

  g_autoptr (ScRecordWriter) writer = sc_record_writer_new_entry (sent);
  g_assert_true (sc_channel_send (pair->near, writer, NULL, 0, NULL));
  g_assert_cmpint (sc_channel_receive (pair->far, &record, NULL), ==, 1);
  g_autoptr (ScEntry) entry = sc_record_dup_entry (&record, &error);

  g_assert_no_error (error);
  g_assert_cmpint (record.type, ==, SC_RECORD_ENTRY);
  g_assert_cmpint (entry->type, ==, SC_ENTRY_REGULAR);
  g_assert_cmpstr (entry->path, ==, "usr/bin/x");
  g_assert_null (entry->link_target);
  g_assert_cmpuint (entry->mode, ==, 04755);
  g_assert_cmpuint (entry->uid, ==, 1);
  g_assert_cmpuint (entry->gid, ==, 2);
  g_assert_cmpuint (entry->size_bytes, ==, (guint64)1 << 40);
  g_assert_cmpuint (entry->xattrs->len, ==, 2);
  const ScXattr *xattr = entry->xattrs->pdata[0];
  g_assert_cmpstr (xattr->name, ==, "user.a");
  g_assert_cmpmem (g_bytes_get_data (xattr->value, NULL), g_bytes_get_size (xattr->value), "1", 1);
}

static void
test_link_survives (Pair *pair, gconstpointer data)
{
  g_autoptr (ScEntry) sent = sc_entry_new (SC_ENTRY_SYMLINK, "lib");
  ScRecord record;
  sent->link_target = g_strdup ("usr/lib");

  g_autoptr (ScRecordWriter) writer = sc_record_writer_new_entry (sent);
  g_assert_true (sc_channel_send (pair->near, writer, NULL, 0, NULL));
  g_assert_cmpint (sc_channel_receive (pair->far, &record, NULL), ==, 1);
  g_autoptr (ScEntry) entry = sc_record_dup_entry (&record, NULL);

  g_assert_cmpstr (entry->link_target, ==, "usr/lib");
  g_assert_null (entry->xattrs);
}

typedef struct
{
  const char *name;
  guint32 type;
  const char *path;
  guint32 n_xattrs; /* said, none follows */
  gboolean has_more;
} EntryRow;

static const EntryRow bad_entries[] = {
  { "outside", SC_ENTRY_REGULAR, "../x", 0, FALSE },
  { "absolute", SC_ENTRY_REGULAR, "/x", 0, FALSE },
  { "whiteout-name", SC_ENTRY_REGULAR, ".wh.x", 0, FALSE },
  { "type-0", 0, "x", 0, FALSE },
  { "type-unknown", 99, "x", 0, FALSE },
  { "type-largest", G_MAXUINT32, "x", 0, FALSE },
  { "xattr-missing", SC_ENTRY_REGULAR, "x", 1, FALSE },
  { "xattrs-without-end", SC_ENTRY_REGULAR, "x", G_MAXUINT32, FALSE },
  { "and-more", SC_ENTRY_REGULAR, "x", 0, TRUE },
};

static void
test_entry_refuses (Pair *pair, gconstpointer data)
{
  const EntryRow *row = data;
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_ENTRY);
  g_autoptr (GError) error = NULL;
  ScRecord record;

  sc_record_writer_put_u32 (writer, row->type);
  for (guint i = 0; i < 3; i++)
    sc_record_writer_put_u32 (writer, 0);
  sc_record_writer_put_u64 (writer, 0);
  sc_record_writer_put_string (writer, row->path);
  sc_record_writer_put_string (writer, NULL);
  sc_record_writer_put_u32 (writer, row->n_xattrs);
  if (row->has_more)
    sc_record_writer_put_u32 (writer, 0);
  g_assert_true (sc_channel_send (pair->near, writer, NULL, 0, NULL));
  g_assert_cmpint (sc_channel_receive (pair->far, &record, NULL), ==, 1);
  g_autoptr (ScEntry) entry = sc_record_dup_entry (&record, &error);

  g_assert_null (entry);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/record/getters/read-in-order", test_getters_read_in_order);
  g_test_add_func ("/record/getters/fail-for-ever", test_getters_fail_for_ever);
  for (gsize i = 0; i < G_N_ELEMENTS (bad_strings); i++)
    {
      g_autofree char *path = g_strconcat ("/record/string/refuses-", bad_strings[i].name, NULL);
      g_test_add_data_func (path, &bad_strings[i], test_string_refuses);
    }
  g_test_add ("/record/entry/survives", Pair, NULL, set_up, test_entry_survives, tear_down);
  g_test_add ("/record/entry/link-survives", Pair, NULL, set_up, test_link_survives, tear_down);
  for (gsize i = 0; i < G_N_ELEMENTS (bad_entries); i++)
    {
      g_autofree char *path = g_strconcat ("/record/entry/refuses-", bad_entries[i].name, NULL);
      g_test_add (path, Pair, &bad_entries[i], set_up, test_entry_refuses, tear_down);
    }

  return g_test_run ();
}
