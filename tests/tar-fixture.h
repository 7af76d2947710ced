/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tar streams made block by block, hostile ones too, through the whole of the unpack library and
 * back from its pipe.
 */
#pragma once

#include "base/sc-fd.h"
#include "unpack/sc-unpack.h"

#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK    512
#define NO_LIMIT G_MAXUINT64
#define MIB      (1024 * 1024)
#define REQUEST  7

#define BYTES(text_) text_, sizeof text_ - 1

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

static inline void
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
  memcpy (header->magic,
          "ustar\0"
          "00",
          8);
}

static inline void
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

static inline void
tar_append_content (GByteArray *tar, const void *data, gsize size_bytes)
{
  static const guint8 zeros[BLOCK];

  g_byte_array_append (tar, data, (guint)size_bytes);
  g_byte_array_append (tar, zeros, (guint)(-size_bytes % BLOCK));
}

static inline void
tar_append (GByteArray *tar, char type, const char *name, const char *link, const char *content)
{
  gsize size_bytes = content != NULL ? strlen (content) : 0;
  Header header;

  header_init (&header, type, name, link, size_bytes);
  tar_append_header (tar, &header);
  if (size_bytes > 0)
    tar_append_content (tar, content, size_bytes);
}

static inline void
tar_append_extension (GByteArray *tar, char type, const void *body, gsize size_bytes)
{
  Header header;

  header_init (&header, type, type == 'x' ? "PaxHeaders/x" : "././@LongLink", NULL, size_bytes);
  tar_append_header (tar, &header);
  tar_append_content (tar, body, size_bytes);
}

static inline void
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
static inline void
tar_append_pax (GByteArray *tar, const char *key, const void *value, gsize value_bytes)
{
  g_autoptr (GByteArray) pax = g_byte_array_new ();

  pax_append (pax, key, value, value_bytes);
  tar_append_extension (tar, 'x', pax->data, pax->len);
}

static inline void
tar_append_pax_text (GByteArray *tar, const char *key, const char *value)
{
  tar_append_pax (tar, key, value, strlen (value));
}

static inline void
tar_append_end (GByteArray *tar)
{
  static const guint8 zeros[2 * BLOCK];

  g_byte_array_append (tar, zeros, sizeof zeros);
}

/* --- unpacking them --- */

typedef struct
{
  ScUnpackTask task;
  int input_fd;
  int output_fd;
  gboolean ok;
} Run;

static inline gpointer
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

static inline void
result_clear (Result *result)
{
  g_clear_pointer (&result->entries, g_ptr_array_unref);
  g_clear_pointer (&result->contents, g_ptr_array_unref);
  g_clear_pointer (&result->digest, g_free);
  g_clear_pointer (&result->message, g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Result, result_clear)

static inline void
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
      g_byte_array_append (result->contents->pdata[n_entries - 1], record->payload,
                           (guint)record->size_bytes);
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

static inline void
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

static inline void
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

static const ScUnpackTask layer_task
    = { REQUEST, SC_UNPACK_LAYER, SC_COMPRESSION_NONE, NO_LIMIT, 1000 };
static const ScUnpackTask archive_task
    = { REQUEST, SC_UNPACK_ARCHIVE, SC_COMPRESSION_NONE, NO_LIMIT, 1000 };
static const ScUnpackTask docker_task
    = { REQUEST, SC_UNPACK_DOCKER_ARCHIVE, SC_COMPRESSION_NONE, 8 * MIB, 1000 };

static inline void
unpack (Result *result, const GByteArray *bytes)
{
  unpack_with (result, bytes, &layer_task);
}

static inline void
assert_refused (const Result *result, int code, const char *needle)
{
  if (result->code != code)
    g_error ("got code %d (%s) instead of %d", result->code, result->message, code);
  if (strstr (result->message, needle) == NULL)
    g_error ("\"%s\" is not in \"%s\"", needle, result->message);
}

static inline void
assert_accepted (const Result *result)
{
  if (result->code != -1)
    g_error ("refused: %s", result->message);
}

static const char *const type_names[]
    = { "?", "dir", "file", "symlink", "hardlink", "whiteout", "opaque", "dropped", "packed" };

/* One line for each entry: its type, path, link target and content. */
static inline char *
describe (const Result *result)
{
  GString *text = g_string_new (NULL);

  for (guint i = 0; i < result->entries->len; i++)
    {
      const ScEntry *entry = result->entries->pdata[i];
      const GByteArray *content = result->contents->pdata[i];

      g_string_append_printf (text, "%s%s %s", i > 0 ? "; " : "", type_names[entry->type],
                              entry->path);
      if (entry->link_target != NULL && *entry->link_target != '\0')
        g_string_append_printf (text, " -> %s", entry->link_target);
      if (content->len > 0)
        g_string_append_printf (text, " = %.*s", (int)content->len, (const char *)content->data);
    }
  return g_string_free (text, FALSE);
}

#define ADD_ROWS(rows_, prefix_, func_)                                                            \
  for (gsize i_ = 0; i_ < G_N_ELEMENTS (rows_); i_++)                                              \
    {                                                                                              \
      g_autofree char *path_ = g_strconcat (prefix_, rows_[i_].name, NULL);                        \
      g_test_add_data_func (path_, &rows_[i_], func_);                                             \
    }
