/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-tar-writer.h"

#include <string.h>

#define BLOCK_BYTES    512
#define MAX_OCTAL_ID   07777777
#define MAX_OCTAL_SIZE G_GUINT64_CONSTANT (077777777777)
#define PAX_NAME       "././@PaxHeader"

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
  char magic[6];
  char version[2];
  char uname[32];
  char gname[32];
  char device[16];
  char prefix[155];
  char padding[12];
} Header;

G_STATIC_ASSERT (sizeof (Header) == BLOCK_BYTES);

/* Octal digits that fill the field but for its end. */
static void
set_octal (char *field, gsize field_bytes, guint64 value)
{
  g_autofree char *digits
      = g_strdup_printf ("%0*" G_GINT64_MODIFIER "o", (int)field_bytes - 1, value);

  memcpy (field, digits, field_bytes);
}

/* As much of a text as there is room for: the whole is in a pax record then. */
static void
set_text (char *field, gsize field_bytes, const char *text)
{
  memcpy (field, text, MIN (strlen (text), field_bytes));
}

static void
append_block (GByteArray *tar, Header *header)
{
  const guint8 *bytes = (const guint8 *)header;
  guint sum = 0;

  memset (header->checksum, ' ', sizeof header->checksum);
  for (gsize i = 0; i < BLOCK_BYTES; i++)
    sum += bytes[i];
  g_autofree char *digits = g_strdup_printf ("%06o", sum);
  memcpy (header->checksum, digits, 7); /* six digits and NUL, and the blank stays */
  g_byte_array_append (tar, bytes, BLOCK_BYTES);
}

static Header
make_header (char type, const char *name, guint64 size_bytes)
{
  Header header = { .type = type, .magic = "ustar", .version = { '0', '0' } };

  set_text (header.name, sizeof header.name, name);
  set_octal (header.mode, sizeof header.mode, 0644);
  set_octal (header.uid, sizeof header.uid, 0);
  set_octal (header.gid, sizeof header.gid, 0);
  set_octal (header.size, sizeof header.size, MIN (size_bytes, MAX_OCTAL_SIZE));
  set_octal (header.mtime, sizeof header.mtime, 0);
  return header;
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts its own digits too. */
static void
append_record (GByteArray *pax, const char *key, gconstpointer value, gsize value_bytes)
{
  gsize rest = strlen (key) + value_bytes + strlen (" =\n");
  gsize length = rest + 1;
  gsize digits = 0;

  do
    {
      g_autofree char *text = g_strdup_printf ("%" G_GSIZE_FORMAT, length);
      digits = strlen (text);
      length = rest + digits;
    }
  while (digits
         != (gsize)(length >= 10) + (length >= 100) + (length >= 1000) + (length >= 10000)
                + (length >= 100000) + 1);

  g_autofree char *head = g_strdup_printf ("%" G_GSIZE_FORMAT " %s=", length, key);
  g_byte_array_append (pax, (const guint8 *)head, (guint)strlen (head));
  g_byte_array_append (pax, value, (guint)value_bytes);
  g_byte_array_append (pax, (const guint8 *)"\n", 1);
}

static void
append_text_record (GByteArray *pax, const char *key, const char *value)
{
  append_record (pax, key, value, strlen (value));
}

static void
append_number_record (GByteArray *pax, const char *key, guint64 value)
{
  g_autofree char *text = g_strdup_printf ("%" G_GUINT64_FORMAT, value);

  append_text_record (pax, key, text);
}

static GByteArray *
make_records (const ScEntry *entry, const char *path)
{
  GByteArray *pax = g_byte_array_new ();
  const char *target = entry->link_target != NULL ? entry->link_target : "";

  if (strlen (path) > sizeof ((Header *)NULL)->name)
    append_text_record (pax, "path", path);
  if (strlen (target) > sizeof ((Header *)NULL)->link)
    append_text_record (pax, "linkpath", target);
  if (entry->uid > MAX_OCTAL_ID)
    append_number_record (pax, "uid", entry->uid);
  if (entry->gid > MAX_OCTAL_ID)
    append_number_record (pax, "gid", entry->gid);
  if (entry->size_bytes > MAX_OCTAL_SIZE)
    append_number_record (pax, "size", entry->size_bytes);
  for (guint i = 0; entry->xattrs != NULL && i < entry->xattrs->len; i++)
    {
      const ScXattr *xattr = entry->xattrs->pdata[i];
      g_autofree char *key = g_strconcat ("SCHILY.xattr.", xattr->name, NULL);
      gsize size_bytes = 0;
      gconstpointer value = g_bytes_get_data (xattr->value, &size_bytes);
      append_record (pax, key, value, size_bytes);
    }
  return pax;
}

static void
append_zeros (GByteArray *tar, gsize n)
{
  static const guint8 zeros[BLOCK_BYTES];

  g_byte_array_append (tar, zeros, (guint)n);
}

gsize
sc_tar_padding (guint64 size_bytes)
{
  return (gsize)((BLOCK_BYTES - size_bytes % BLOCK_BYTES) % BLOCK_BYTES);
}

void
sc_tar_append_header (GByteArray *tar, const ScEntry *entry)
{
  gboolean is_directory = entry->type == SC_ENTRY_DIRECTORY;
  gboolean is_link = entry->type == SC_ENTRY_SYMLINK;
  g_autofree char *path
      = is_directory ? g_strconcat ("./", entry->path, "/", NULL) : g_strdup (entry->path);
  const char *name = !is_directory ? path : *entry->path == '\0' ? "./" : path + strlen ("./");
  g_autoptr (GByteArray) pax = make_records (entry, name);

  if (pax->len > 0)
    {
      Header extension = make_header ('x', PAX_NAME, pax->len);
      append_block (tar, &extension);
      g_byte_array_append (tar, pax->data, pax->len);
      append_zeros (tar, sc_tar_padding (pax->len));
    }

  Header header = make_header (is_directory ? '5' : is_link ? '2' : '0', name, entry->size_bytes);
  set_octal (header.mode, sizeof header.mode, entry->mode);
  set_octal (header.uid, sizeof header.uid, entry->uid > MAX_OCTAL_ID ? 0 : entry->uid);
  set_octal (header.gid, sizeof header.gid, entry->gid > MAX_OCTAL_ID ? 0 : entry->gid);
  if (is_link)
    set_text (header.link, sizeof header.link, entry->link_target);
  append_block (tar, &header);
}
