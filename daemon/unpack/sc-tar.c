/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "unpack/sc-tar.h"

#include "base/sc-digest.h"
#include "base/sc-error-util.h"
#include "unpack/sc-tar-entry.h"

#include <archive.h>
#include <string.h>

#define MAX_HEADER_BYTES (2 * 1024 * 1024) /* of one member, all that extends its header included */

struct _ScTar
{
  ScInflate *stream; /* (owned) */
  ScUnpackKind kind;
  guint32 max_entries;
  guint32 n_entries;
  struct archive *archive; /* (owned) (nullable) before the first sc_tar_next() */
  ScHasher *hasher;        /* (owned) of all that the stream gave */
  GError *stream_error;    /* (owned) (nullable) libarchive forgets it at the end of an archive */

  const guint8 *chunk; /* what the stream gave last */
  gsize chunk_bytes;
  guint64 chunk_offset;    /* of its first byte in the stream */
  gboolean chunk_is_fresh; /* not given to libarchive yet */

  gboolean in_header;    /* libarchive reads a header: what it leaves behind is kept */
  GByteArray *header;    /* (owned) bytes of a header that began in an earlier chunk */
  guint64 header_offset; /* where the header begins in the stream */

  guint64 content_bytes; /* of the last entry */
  guint64 content_read;
};

/* Formats that someone could take for a tar archive, so that the message can say what to do. */
static const struct
{
  const char *name;
  const char *magic;
  gsize magic_bytes;
} foreign_formats[] = {
  { "compressed with gzip", "\x1f\x8b", 2 },
  { "compressed with zstd", "\x28\xb5\x2f\xfd", 4 },
  { "compressed with bzip2", "BZh", 3 },
  { "compressed with xz",
    "\xfd"
    "7zXZ",
    6 },
  { "a zip archive", "PK\x03\x04", 4 },
  { "a 7z archive", "7z\xbc\xaf\x27\x1c", 6 },
  { "a rar archive", "Rar!", 4 },
  { "a xar archive", "xar!", 4 },
  { "a cpio archive", "0707", 4 },
};

ScTar *
sc_tar_new (ScInflate *stream, ScUnpackKind kind, guint32 max_entries)
{
  ScTar *self = g_new0 (ScTar, 1);

  self->stream = stream;
  self->kind = kind;
  self->max_entries = max_entries;
  self->hasher = sc_hasher_new ();
  self->header = g_byte_array_new ();
  return self;
}

void
sc_tar_free (ScTar *self)
{
  if (self->archive != NULL)
    (void)archive_read_free (self->archive);
  sc_inflate_free (self->stream);
  sc_hasher_free (self->hasher);
  g_clear_error (&self->stream_error);
  g_byte_array_unref (self->header);
  g_free (self);
}

/* Returns: as sc_inflate_next() */
static int
next_chunk (ScTar *self)
{
  const guint8 *chunk;
  gsize chunk_bytes;

  if (self->stream_error != NULL)
    return -1;
  int n = sc_inflate_next (self->stream, &chunk, &chunk_bytes, &self->stream_error);
  if (n <= 0)
    return n;

  self->chunk_offset += self->chunk_bytes;
  self->chunk = chunk;
  self->chunk_bytes = chunk_bytes;
  sc_hasher_update (self->hasher, chunk, chunk_bytes);
  return 1;
}

static gboolean
keep_header_bytes (ScTar *self)
{
  guint64 wanted = self->header_offset + self->header->len;
  guint64 end = self->chunk_offset + self->chunk_bytes;

  if (end <= wanted)
    return TRUE;
  if (self->header->len + (end - wanted) > MAX_HEADER_BYTES)
    return sc_error_set (&self->stream_error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "a tar member has headers of more than %d bytes", MAX_HEADER_BYTES);
  g_byte_array_append (self->header, self->chunk + (wanted - self->chunk_offset),
                       (guint)(end - wanted));
  return TRUE;
}

static la_ssize_t
on_read (struct archive *archive, void *user_data, const void **buffer)
{
  ScTar *self = user_data;
  int n = 1;

  if (!self->chunk_is_fresh)
    n = self->in_header && !keep_header_bytes (self) ? -1 : next_chunk (self);
  self->chunk_is_fresh = FALSE;
  if (n < 0)
    {
      archive_set_error (archive, EIO, "%s", self->stream_error->message);
      return ARCHIVE_FATAL;
    }
  *buffer = self->chunk;
  return n == 0 ? 0 : (la_ssize_t)self->chunk_bytes;
}

/* What went wrong in the stream is why libarchive could not read it. */
static int
fail (ScTar *self, GError **error)
{
  if (self->stream_error != NULL)
    g_propagate_error (error, g_error_copy (self->stream_error));
  else
    {
      const char *reason
          = archive_error_string (self->archive); /* NULL when it ends within a header */
      g_autofree char *escaped = sc_text_escape (reason != NULL ? reason : "it is cut off");
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "the tar archive is damaged: %s", escaped);
    }
  return -1;
}

static int
fail_foreign (const ScTar *self, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (foreign_formats); i++)
    if (self->chunk_bytes >= foreign_formats[i].magic_bytes
        && memcmp (self->chunk, foreign_formats[i].magic, foreign_formats[i].magic_bytes) == 0)
      {
        sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED, "what should be a tar archive is %s",
                      foreign_formats[i].name);
        return -1;
      }
  sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "what should be a tar archive is none");
  return -1;
}

/* A stream without a byte is an archive without a member, which libarchive does not recognise.
 * Returns: as sc_tar_next() */
static int
open_archive (ScTar *self, GError **error)
{
  int n = next_chunk (self);
  if (n <= 0)
    return n == 0 ? 0 : fail (self, error);

  self->chunk_is_fresh = TRUE;
  self->archive = archive_read_new ();
  if (self->archive == NULL || archive_read_support_format_tar (self->archive) != ARCHIVE_OK)
    {
      sc_error_set (error, SYSCONT_ERROR_FAILED, "libarchive cannot be used");
      return -1;
    }
  if (archive_read_open (self->archive, self, NULL, on_read, NULL) == ARCHIVE_OK)
    return 1;
  return self->stream_error == NULL ? fail_foreign (self, error) : fail (self, error);
}

/* Returns: 0, or -1 with @error */
static int
hash_rest (ScTar *self, GError **error)
{
  int n;

  do
    n = next_chunk (self);
  while (n > 0);
  return n == 0 ? 0 : fail (self, error);
}

static gboolean
check_header (ScTar *self, ScTarHeader *header, GError **error)
{
  guint64 begin = (guint64)archive_read_header_position (self->archive);
  guint64 end = (guint64)archive_filter_bytes (self->archive, 0);

  if (begin >= self->chunk_offset && end >= begin && end <= self->chunk_offset + self->chunk_bytes)
    return sc_tar_header_check (self->chunk + (begin - self->chunk_offset), end - begin, header,
                                error);

  if (!keep_header_bytes (self))
    return fail (self, error) == 0;
  if (begin < self->header_offset || end < begin || end > self->header_offset + self->header->len)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "its header is malformed");
  return sc_tar_header_check (self->header->data + (begin - self->header_offset), end - begin,
                              header, error);
}

static gboolean
convert (ScTar *self, struct archive_entry *member, int status, ScEntry **entry, GError **error)
{
  g_auto (ScTarHeader) header = { 0 };
  gboolean ok = check_header (self, &header, error);

  /* What libarchive warns of is a member that it did not understand. */
  if (ok && status != ARCHIVE_OK)
    ok = fail (self, error) == 0;
  if (ok && sc_tar_entry_convert (member, &header, self->kind, entry, error))
    return TRUE;

  const char *name = sc_tar_entry_get_name (member, &header);
  g_autofree char *escaped = sc_text_escape (name != NULL ? name : "");
  return sc_prefix_error (error, "member \"%s\": ", escaped);
}

/* Returns: ARCHIVE_EOF, ARCHIVE_OK, ARCHIVE_WARN and a member; or any other status */
static int
read_header (ScTar *self, struct archive_entry **member)
{
  self->header_offset = (guint64)archive_filter_bytes (self->archive, 0);
  g_byte_array_set_size (self->header, 0);
  self->in_header = TRUE;
  int status = archive_read_next_header (self->archive, member);
  self->in_header = FALSE;
  return status;
}

/* Returns: as sc_tar_next(); 1 without an entry for a member that is not told */
static int
next_member (ScTar *self, ScEntry **entry, GError **error)
{
  struct archive_entry *member;
  int status = read_header (self, &member);

  if (status == ARCHIVE_EOF)
    return hash_rest (self, error);
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN)
    return fail (self, error);
  if (++self->n_entries > self->max_entries)
    {
      sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED, "the tar archive has more than %u members",
                    self->max_entries);
      return -1;
    }
  if (!convert (self, member, status, entry, error))
    return -1;

  self->content_bytes = (guint64)archive_entry_size (member);
  self->content_read = 0;
  return 1;
}

/* To the end, so that the next header begins where libarchive stands. */
static gboolean
skip_content (ScTar *self, GError **error)
{
  gconstpointer data;
  gsize size_bytes;
  int n = 1;

  while (n > 0 && self->content_read < self->content_bytes)
    n = sc_tar_read (self, &data, &size_bytes, error);
  return n >= 0;
}

int
sc_tar_next (ScTar *self, ScEntry **entry, GError **error)
{
  g_autoptr (ScEntry) found = NULL;
  int n = self->archive == NULL ? open_archive (self, error) : 1;

  while (n > 0 && found == NULL)
    n = skip_content (self, error) ? next_member (self, &found, error) : -1;

  if (n > 0)
    *entry = g_steal_pointer (&found);
  return n;
}

int
sc_tar_read (ScTar *self, gconstpointer *data, gsize *size_bytes, GError **error)
{
  la_int64_t offset;
  int status;

  do
    status = archive_read_data_block (self->archive, data, size_bytes, &offset);
  while (status == ARCHIVE_OK && *size_bytes == 0);

  if (status != ARCHIVE_OK && status != ARCHIVE_EOF)
    return fail (self, error);
  if (status == ARCHIVE_EOF && self->content_read == self->content_bytes)
    return 0;
  if (status == ARCHIVE_EOF || (guint64)offset != self->content_read
      || *size_bytes > self->content_bytes - self->content_read)
    {
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                    "the tar archive is damaged: a member has another size");
      return -1;
    }
  self->content_read += *size_bytes;
  return 1;
}

void
sc_tar_summarize (ScTar *self, ScTarSummary *summary)
{
  g_autofree char *hex = sc_hasher_finish (self->hasher);

  summary->unpacked_bytes = self->chunk_offset + self->chunk_bytes;
  summary->digest = g_strconcat ("sha256:", hex, NULL);
}

void
sc_tar_summary_clear (ScTarSummary *summary)
{
  g_clear_pointer (&summary->digest, g_free);
}
