/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unpack/sc-tar-header.h"

#include "base/sc-error-util.h"

#include <string.h>

/* Fields of a header block. */
#define MODE_OFFSET   100
#define UID_OFFSET    108
#define GID_OFFSET    116
#define SIZE_OFFSET   124
#define TYPE_OFFSET   156
#define SHORT_NUMBER  8
#define LONG_NUMBER   12
#define MAX_LONG_SIZE G_GUINT64_CONSTANT (0x7fffffffffffffff)

typedef struct
{
  const char *key;
  gsize key_bytes;
  const char *value;
  gsize value_bytes;
} Record;

typedef struct
{
  ScTarHeader *header;
  gboolean has_pax;
  gboolean has_long_name;
  gboolean has_long_link;
} Scan;

/* Octal digits between blanks, or base 256 as GNU tar has it: what only begins as a number is none.
 */
static gboolean
parse_number (const guint8 *field, gsize field_bytes, guint64 *value)
{
  gsize i = 0;

  *value = 0;
  if ((field[0] & 0x80) != 0)
    {
      guint8 first = field[0] & 0x7f;

      for (i = 1; i < field_bytes; i++)
        {
          if (*value >> 55 != 0)
            return FALSE;
          *value = *value << 8 | field[i];
        }
      return first == 0;
    }

  while (i < field_bytes && field[i] == ' ')
    i++;
  for (; i < field_bytes && field[i] >= '0' && field[i] <= '7'; i++)
    {
      if (*value >> 60 != 0)
        return FALSE;
      *value = *value << 3 | (guint64)(field[i] - '0');
    }
  for (; i < field_bytes; i++)
    if (field[i] != ' ' && field[i] != '\0')
      return FALSE;
  return TRUE;
}

static gboolean
is_extension (char type)
{
  return type == 'x' || type == 'g' || type == 'L' || type == 'K';
}

static gboolean
check_numbers (const guint8 *block, guint64 *size_bytes, GError **error)
{
  guint64 value;

  if (!parse_number (block + SIZE_OFFSET, LONG_NUMBER, size_bytes) || *size_bytes > MAX_LONG_SIZE)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "its size is not a valid number");
  if (!parse_number (block + MODE_OFFSET, SHORT_NUMBER, &value))
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "its mode is not a valid number");
  if (!parse_number (block + UID_OFFSET, SHORT_NUMBER, &value)
      || !parse_number (block + GID_OFFSET, SHORT_NUMBER, &value))
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "its owner is not a valid number");
  return TRUE;
}

static gboolean
key_is (const Record *record, const char *key)
{
  return record->key_bytes == strlen (key) && memcmp (record->key, key, record->key_bytes) == 0;
}

static gboolean
key_has_prefix (const Record *record, const char *prefix)
{
  return record->key_bytes >= strlen (prefix) && memcmp (record->key, prefix, strlen (prefix)) == 0;
}

static gboolean
value_is (const Record *record, const char *value)
{
  return record->value_bytes == strlen (value)
         && memcmp (record->value, value, record->value_bytes) == 0;
}

/* An empty value takes back what an earlier record said (pax, "pax Extended Header"). */
static gboolean
take_name (const Record *record, char **name, GError **error)
{
  if (memchr (record->value, '\0', record->value_bytes) != NULL)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "its name has a NUL byte");
  g_clear_pointer (name, g_free);
  if (record->value_bytes > 0)
    *name = g_strndup (record->value, record->value_bytes);
  return TRUE;
}

static gboolean
check_decimal (const Record *record, GError **error)
{
  gsize i = 0;

  while (i < record->value_bytes && g_ascii_isdigit (record->value[i]))
    i++;
  if (i > 0 && i == record->value_bytes)
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                       "its pax record \"%.*s\" is not a valid number", (int)record->key_bytes,
                       record->key);
}

static gboolean
take_record (Scan *scan, const Record *record, GError **error)
{
  if (key_is (record, "path"))
    return take_name (record, &scan->header->path, error);
  if (key_is (record, "linkpath"))
    return take_name (record, &scan->header->linkpath, error);
  if (key_is (record, "size") || key_is (record, "uid") || key_is (record, "gid"))
    return check_decimal (record, error);
  if (key_has_prefix (record, "GNU.sparse") || key_is (record, "SCHILY.realsize")
      || key_is (record, "SUN.holesdata"))
    return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                         "it is sparse: write the archive without sparse files");
  if (key_is (record, "hdrcharset") && !value_is (record, "BINARY")
      && !value_is (record, "ISO-IR 10646 2000 UTF-8"))
    return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                         "its names are in another character set than UTF-8");
  return TRUE;
}

/* "LENGTH KEY=VALUE\n", where LENGTH counts everything, itself too. Returns: its length, or 0 for
 * none */
static gsize
parse_record (const char *text, gsize text_bytes, Record *record)
{
  gsize length = 0;
  gsize i = 0;

  for (; i < text_bytes && g_ascii_isdigit (text[i]) && length <= text_bytes; i++)
    length = length * 10 + (gsize)(text[i] - '0');
  if (i == 0 || i == text_bytes || text[i] != ' ' || length > text_bytes || length < i + 3
      || text[length - 1] != '\n')
    return 0;

  record->key = text + i + 1;
  const char *end = text + length - 1;
  const char *equals = memchr (record->key, '=', (gsize)(end - record->key));
  if (equals == NULL || equals == record->key)
    return 0;

  record->key_bytes = (gsize)(equals - record->key);
  record->value = equals + 1;
  record->value_bytes = (gsize)(end - record->value);
  return memchr (record->key, '\0', record->key_bytes) == NULL ? length : 0;
}

static gboolean
scan_pax (Scan *scan, const char *text, gsize text_bytes, GError **error)
{
  if (scan->has_pax)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "it has two pax headers");
  scan->has_pax = TRUE;

  while (text_bytes > 0)
    {
      Record record;
      gsize length = parse_record (text, text_bytes, &record);

      if (length == 0)
        return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "its pax header is malformed");
      if (length > SC_TAR_MAX_PAX_RECORD_BYTES)
        return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                             "it has a pax record of more than %d bytes",
                             SC_TAR_MAX_PAX_RECORD_BYTES);
      if (!take_record (scan, &record, error))
        return FALSE;
      text += length;
      text_bytes -= length;
    }
  return TRUE;
}

static gboolean
scan_long_name (gboolean *seen, const char *text, gsize text_bytes, GError **error)
{
  const char *end = memchr (text, '\0', text_bytes);

  if (*seen)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "it has two long names");
  *seen = TRUE;
  for (const char *p = end; p != NULL && p < text + text_bytes; p++)
    if (*p != '\0')
      return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "its long name has a NUL byte");
  return TRUE;
}

static gboolean
scan_extension (Scan *scan, char type, const char *body, guint64 body_bytes, GError **error)
{
  gboolean is_pax = type == 'x' || type == 'g';
  gsize limit = is_pax ? SC_TAR_MAX_PAX_HEADER_BYTES : SC_TAR_MAX_NAME_HEADER_BYTES;

  if (body_bytes > limit)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "it has a header of more than %" G_GSIZE_FORMAT " bytes", limit);
  if (type == 'x')
    return scan_pax (scan, body, body_bytes, error);
  if (type == 'g') /* nobody who reads layers heeds global headers, libarchive neither */
    return TRUE;
  return scan_long_name (type == 'L' ? &scan->has_long_name : &scan->has_long_link, body,
                         body_bytes, error);
}

static gboolean
take_main_block (Scan *scan, const guint8 *block, GError **error)
{
  char type = (char)block[TYPE_OFFSET];
  guint64 size_bytes;

  if (is_extension (type)) /* libarchive gave up: there are too many of them */
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "it has too many headers");
  scan->header->type = type == '\0' ? '0' : type;
  if (scan->header->type == 'S')
    return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                         "it is sparse: write the archive without sparse files");
  if (scan->header->type < '0' || scan->header->type > '6')
    return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                         "its type 0x%02x is not one that an image can have", block[TYPE_OFFSET]);
  if ((scan->has_long_name && scan->header->path != NULL)
      || (scan->has_long_link && scan->header->linkpath != NULL))
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "it has both a long name and one in a pax header");
  return check_numbers (block, &size_bytes, error);
}

gboolean
sc_tar_header_check (const guint8 *data, gsize size_bytes, ScTarHeader *header, GError **error)
{
  Scan scan = { .header = header };

  *header = (ScTarHeader){ 0 };
  while (size_bytes > SC_TAR_BLOCK_BYTES)
    {
      char type = (char)data[TYPE_OFFSET];
      guint64 body_bytes;

      /* libarchive skips a volume's name and takes the Solaris kinds for what they are: neither is
       * in any layer. */
      if (!is_extension (type))
        return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                             "it has a header of the type 0x%02x", data[TYPE_OFFSET]);
      data += SC_TAR_BLOCK_BYTES;
      size_bytes -= SC_TAR_BLOCK_BYTES;
      if (!check_numbers (data - SC_TAR_BLOCK_BYTES, &body_bytes, error))
        return FALSE;
      if (body_bytes > size_bytes)
        return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                             "it has a header of the wrong size");
      if (!scan_extension (&scan, type, (const char *)data, body_bytes, error))
        return FALSE;

      gsize padded_bytes
          = ((gsize)body_bytes + SC_TAR_BLOCK_BYTES - 1) / SC_TAR_BLOCK_BYTES * SC_TAR_BLOCK_BYTES;
      data += MIN (padded_bytes, size_bytes);
      size_bytes -= MIN (padded_bytes, size_bytes);
    }
  return size_bytes == SC_TAR_BLOCK_BYTES
             ? take_main_block (&scan, data, error)
             : sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "its header is malformed");
}

void
sc_tar_header_clear (ScTarHeader *header)
{
  g_clear_pointer (&header->path, g_free);
  g_clear_pointer (&header->linkpath, g_free);
}
