/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-record.h"

#include "base/sc-error-util.h"
#include "image/sc-record-private.h"

#include <string.h>

struct _ScRecordWriter
{
  ScRecordType type;
  GByteArray *payload; /* (owned) */
};

ScRecordWriter *
sc_record_writer_new (ScRecordType type)
{
  ScRecordWriter *self = g_new0 (ScRecordWriter, 1);

  self->type = type;
  self->payload = g_byte_array_new ();
  return self;
}

void
sc_record_writer_free (ScRecordWriter *self)
{
  g_byte_array_unref (self->payload);
  g_free (self);
}

void
sc_record_writer_put_u32 (ScRecordWriter *self, guint32 value)
{
  guint32 wire = GUINT32_TO_LE (value);

  g_byte_array_append (self->payload, (const guint8 *)&wire, sizeof wire);
}

void
sc_record_writer_put_u64 (ScRecordWriter *self, guint64 value)
{
  guint64 wire = GUINT64_TO_LE (value);

  g_byte_array_append (self->payload, (const guint8 *)&wire, sizeof wire);
}

void
sc_record_writer_put_bytes (ScRecordWriter *self, gconstpointer data, gsize size_bytes)
{
  g_return_if_fail (size_bytes <= SC_RECORD_MAX_PAYLOAD);

  sc_record_writer_put_u32 (self, (guint32)size_bytes);
  g_byte_array_append (self->payload, data, (guint)size_bytes);
}

void
sc_record_writer_put_string (ScRecordWriter *self, const char *text)
{
  sc_record_writer_put_bytes (self, text != NULL ? text : "", text != NULL ? strlen (text) : 0);
}

ScRecordType
sc_record_writer_get_type (const ScRecordWriter *self)
{
  return self->type;
}

GByteArray *
sc_record_writer_get_payload (ScRecordWriter *self)
{
  return self->payload;
}

/* --- reading --- */

static const guint8 *
take (ScRecord *self, gsize n)
{
  if (self->failed || n > self->size_bytes - self->position)
    {
      self->failed = TRUE;
      return NULL;
    }

  const guint8 *data = self->payload + self->position;
  self->position += n;
  return data;
}

guint32
sc_record_get_u32 (ScRecord *self)
{
  const guint8 *data = take (self, sizeof (guint32));
  guint32 wire = 0;

  if (data != NULL)
    memcpy (&wire, data, sizeof wire);
  return GUINT32_FROM_LE (wire);
}

guint64
sc_record_get_u64 (ScRecord *self)
{
  const guint8 *data = take (self, sizeof (guint64));
  guint64 wire = 0;

  if (data != NULL)
    memcpy (&wire, data, sizeof wire);
  return GUINT64_FROM_LE (wire);
}

char *
sc_record_dup_string (ScRecord *self)
{
  guint32 size = sc_record_get_u32 (self);
  const guint8 *data = take (self, size);

  if (data == NULL)
    return g_strdup ("");
  /* g_utf8_validate() with a length refuses NUL too */
  if (!g_utf8_validate ((const char *)data, size, NULL))
    {
      self->failed = TRUE;
      return g_strdup ("");
    }
  return g_strndup ((const char *)data, size);
}

GBytes *
sc_record_dup_bytes (ScRecord *self)
{
  guint32 size = sc_record_get_u32 (self);
  const guint8 *data = take (self, size);

  return data != NULL ? g_bytes_new (data, size) : g_bytes_new (NULL, 0);
}

gboolean
sc_record_finish (ScRecord *self, GError **error)
{
  if (!self->failed && self->position == self->size_bytes)
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "a record of type %u is malformed",
                       self->type);
}

/* --- entries --- */

ScRecordWriter *
sc_record_writer_new_entry (const ScEntry *entry)
{
  ScRecordWriter *writer = sc_record_writer_new (SC_RECORD_ENTRY);

  sc_record_writer_put_u32 (writer, entry->type);
  sc_record_writer_put_u32 (writer, entry->mode);
  sc_record_writer_put_u32 (writer, entry->uid);
  sc_record_writer_put_u32 (writer, entry->gid);
  sc_record_writer_put_u64 (writer, entry->size_bytes);
  sc_record_writer_put_string (writer, entry->path);
  sc_record_writer_put_string (writer, entry->link_target);
  sc_record_writer_put_u32 (writer, entry->xattrs != NULL ? entry->xattrs->len : 0);
  for (guint i = 0; entry->xattrs != NULL && i < entry->xattrs->len; i++)
    {
      const ScXattr *xattr = entry->xattrs->pdata[i];
      gsize size;
      gconstpointer data = g_bytes_get_data (xattr->value, &size);
      sc_record_writer_put_string (writer, xattr->name);
      sc_record_writer_put_bytes (writer, data, size);
    }
  return writer;
}

ScEntry *
sc_record_dup_entry (ScRecord *self, GError **error)
{
  guint32 type = sc_record_get_u32 (self);
  g_autoptr (ScEntry) entry = sc_entry_new (type, NULL);

  entry->mode = sc_record_get_u32 (self);
  entry->uid = sc_record_get_u32 (self);
  entry->gid = sc_record_get_u32 (self);
  entry->size_bytes = sc_record_get_u64 (self);
  entry->path = sc_record_dup_string (self);
  entry->link_target = sc_record_dup_string (self);
  if (entry->link_target[0] == '\0')
    g_clear_pointer (&entry->link_target, g_free);

  guint32 n_xattrs = sc_record_get_u32 (self);
  for (guint32 i = 0; i < n_xattrs && i <= SC_ENTRY_MAX_XATTRS && !self->failed; i++)
    {
      g_autofree char *name = sc_record_dup_string (self);
      g_autoptr (GBytes) value = sc_record_dup_bytes (self);
      sc_entry_add_xattr (entry, name, value);
    }

  if (!sc_record_finish (self, error) || !sc_entry_check (entry, error))
    return NULL;
  return g_steal_pointer (&entry);
}
