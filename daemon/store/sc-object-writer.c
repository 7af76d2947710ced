/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-object-writer.h"

#include "base/sc-digest.h"
#include "base/sc-log.h"
#include "store/sc-store-error.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#define MAX_MEMORY_BYTES  (1024 * 1024)      /* a larger file is streamed */
#define MAX_PENDING_BYTES (16 * 1024 * 1024) /* of files that wait for a thread */
#define MAX_THREADS       2                  /* more gain nothing: writing is bound by the kernel */

struct _ScObjectWriter
{
  OstreeRepo *repo;  /* (owned) */
  ScHasher *hasher;  /* (owned) */
  GThreadPool *pool; /* (owned) of Object */

  /* Most files have the header of the file before them. */
  GBytes *last_header; /* (owned) (nullable) of a file with last_meta, which has no xattrs */
  ScFileMeta last_meta;

  GByteArray *spare; /* (owned) (nullable) empty, for the next stream */
  gint was_stored;   /* (atomic) boolean: the last small object was there, the next one may be */

  /* the open object */
  GByteArray *stream; /* (owned) (nullable) header and content of a small one */
  guint header_bytes; /* of stream */
  gboolean is_regular;
  OstreeContentWriter *content; /* (owned) (nullable) of a large one */
  guint64 content_bytes;        /* of a large one */

  GMutex mutex;
  GCond cond;          /* an object is done */
  gsize pending_bytes; /* (mutex) */
  GError *failure;     /* (owned) (nullable) (mutex) the first one of a thread */
  gboolean is_dropped; /* (mutex) */
};

/* A whole object on its way to the disk. */
typedef struct
{
  GBytes *stream; /* (owned) (nullable) NULL: of a large one */
  gsize content_bytes;
  gboolean is_regular;
  gboolean is_new; /* was looked for already */
  char hex[OSTREE_SHA256_STRING_LEN + 1];
  GCancellable *cancellable; /* (owned) (nullable) */
} Object;

static void
object_free (Object *self)
{
  g_bytes_unref (self->stream);
  g_clear_object (&self->cancellable);
  g_free (self);
}

/* Below the directory of the repository; libostree calls it the loose path. */
static char *
make_path (const char *hex)
{
  return g_strdup_printf ("objects/%.2s/%s.file", hex, hex + 2);
}

static gboolean
remove_damaged (OstreeRepo *repo, const Object *object, guint64 stored_bytes, GError **error)
{
  g_autoptr (GError) cause = NULL;

  sc_log (G_LOG_LEVEL_WARNING, NULL,
          "object %s.file has %" G_GUINT64_FORMAT " bytes instead of %" G_GSIZE_FORMAT
          ", writing it again",
          object->hex, stored_bytes, object->content_bytes);
  if (ostree_repo_delete_object (repo, OSTREE_OBJECT_TYPE_FILE, object->hex, object->cancellable,
                                 &cause)
      || g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

/* TRUE in *usable when the object is there. A file that a power cut has truncated is taken away, so
 * that pulling again repairs it. One look at the file says both, where libostree needs four; it
 * sees for itself what the open transaction has already. */
static gboolean
check_stored (OstreeRepo *repo, const Object *object, gboolean *usable, GError **error)
{
  g_autofree char *path = make_path (object->hex);
  struct stat st;

  *usable = FALSE;
  if (fstatat (ostree_repo_get_dfd (repo), path, &st, AT_SYMLINK_NOFOLLOW) < 0)
    return errno == ENOENT || sc_error_set_errno (error, errno, "looking for object %s", path);

  *usable = !object->is_regular || (guint64)st.st_size == object->content_bytes;
  return *usable || remove_damaged (repo, object, (guint64)st.st_size, error);
}

static gboolean
write_object (ScObjectWriter *self, const Object *object, GError **error)
{
  OstreeRepo *repo = self->repo;
  gboolean usable = FALSE;

  if (!object->is_new && !check_stored (repo, object, &usable, error))
    return FALSE;
  if (usable)
    {
      g_atomic_int_set (&self->was_stored, TRUE);
      return TRUE;
    }

  g_autoptr (GInputStream) input = g_memory_input_stream_new_from_bytes (object->stream);
  return ostree_repo_write_content_trusted (
      repo, object->hex, input, g_bytes_get_size (object->stream), object->cancellable, error);
}

static void
write_in_thread (gpointer data, gpointer user_data)
{
  Object *object = data;
  ScObjectWriter *self = user_data;
  gsize size_bytes = g_bytes_get_size (object->stream);
  g_autoptr (GError) error = NULL;

  g_mutex_lock (&self->mutex);
  gboolean skip = self->failure != NULL || self->is_dropped;
  g_mutex_unlock (&self->mutex);
  if (!skip)
    (void)write_object (self, object, &error);
  object_free (object);

  g_mutex_lock (&self->mutex);
  if (error != NULL && self->failure == NULL)
    self->failure = g_steal_pointer (&error);
  self->pending_bytes -= size_bytes;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->mutex);
}

ScObjectWriter *
sc_object_writer_new (OstreeRepo *repo)
{
  ScObjectWriter *self = g_new0 (ScObjectWriter, 1);

  self->repo = g_object_ref (repo);
  self->hasher = sc_hasher_new ();
  self->pool = g_thread_pool_new (write_in_thread, self, MAX_THREADS, TRUE, NULL);
  g_mutex_init (&self->mutex);
  g_cond_init (&self->cond);
  return self;
}

static void
drop_open (ScObjectWriter *self)
{
  ScChecksum unused;

  g_clear_pointer (&self->stream, g_byte_array_unref);
  if (self->content != NULL)
    sc_hasher_finish_raw (self->hasher, unused.bytes);
  g_clear_object (&self->content);
}

void
sc_object_writer_free (ScObjectWriter *self)
{
  /* What still waits is not wanted any more: the threads only free it. */
  g_mutex_lock (&self->mutex);
  self->is_dropped = TRUE;
  g_mutex_unlock (&self->mutex);
  g_thread_pool_free (self->pool, FALSE, TRUE);
  drop_open (self);
  g_clear_pointer (&self->spare, g_byte_array_unref);
  sc_hasher_free (self->hasher);
  g_clear_pointer (&self->last_header, g_bytes_unref);
  g_clear_error (&self->failure);
  g_mutex_clear (&self->mutex);
  g_cond_clear (&self->cond);
  g_object_unref (self->repo);
  g_free (self);
}

/* What libostree hashes before the content of a file: BE32 length of the header, four zero bytes,
 * the header. */
static GBytes *
make_header (const ScFileMeta *meta, const char *link_target)
{
  g_autoptr (GVariant) xattrs
      = meta->xattrs != NULL
            ? g_variant_ref (meta->xattrs)
            : g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE ("(ayay)"), NULL, 0));
  g_autoptr (GVariant) header = g_variant_ref_sink (g_variant_new (
      "(uuuus@a(ayay))", GUINT32_TO_BE (meta->uid), GUINT32_TO_BE (meta->gid),
      GUINT32_TO_BE (meta->mode), 0, link_target != NULL ? link_target : "", xattrs));
  guint32 prefix[2] = { GUINT32_TO_BE ((guint32)g_variant_get_size (header)), 0 };
  GByteArray *bytes = g_byte_array_sized_new ((guint)(sizeof prefix + g_variant_get_size (header)));

  g_byte_array_append (bytes, (const guint8 *)prefix, sizeof prefix);
  g_byte_array_append (bytes, g_variant_get_data (header), (guint)g_variant_get_size (header));
  return g_byte_array_free_to_bytes (bytes);
}

static GBytes *
get_header (ScObjectWriter *self, const ScFileMeta *meta, const char *link_target)
{
  const ScFileMeta *last = &self->last_meta;

  if (meta->xattrs != NULL || link_target != NULL)
    return make_header (meta, link_target);
  if (self->last_header == NULL || last->mode != meta->mode || last->uid != meta->uid
      || last->gid != meta->gid)
    {
      g_clear_pointer (&self->last_header, g_bytes_unref);
      self->last_header = make_header (meta, NULL);
      self->last_meta = *meta;
    }
  return g_bytes_ref (self->last_header);
}

static void
begin_stream (ScObjectWriter *self,
              const ScFileMeta *meta,
              const char *link_target,
              guint64 size_bytes)
{
  g_autoptr (GBytes) header = get_header (self, meta, link_target);

  self->header_bytes = (guint)g_bytes_get_size (header);
  self->is_regular = S_ISREG (meta->mode);
  self->stream = self->spare != NULL
                     ? g_steal_pointer (&self->spare)
                     : g_byte_array_sized_new (self->header_bytes + (guint)size_bytes);
  g_byte_array_append (self->stream, g_bytes_get_data (header, NULL), self->header_bytes);
}

gboolean
sc_object_writer_open (ScObjectWriter *self,
                       const ScFileMeta *meta,
                       const char *link_target,
                       guint64 size_bytes,
                       GError **error)
{
  g_autoptr (GError) cause = NULL;

  drop_open (self);
  if (size_bytes <= MAX_MEMORY_BYTES)
    {
      begin_stream (self, meta, link_target, size_bytes);
      return TRUE;
    }

  g_autoptr (GBytes) header = get_header (self, meta, NULL);
  sc_hasher_update (self->hasher, g_bytes_get_data (header, NULL), g_bytes_get_size (header));
  self->content_bytes = size_bytes;
  self->content = ostree_repo_write_regfile (self->repo, NULL, meta->uid, meta->gid, meta->mode,
                                             size_bytes, meta->xattrs, &cause);
  return self->content != NULL || sc_store_fail (error, g_steal_pointer (&cause));
}

gboolean
sc_object_writer_write (ScObjectWriter *self,
                        gconstpointer data,
                        gsize size_bytes,
                        GCancellable *cancellable,
                        GError **error)
{
  g_autoptr (GError) cause = NULL;

  if (self->stream != NULL)
    {
      g_byte_array_append (self->stream, data, (guint)size_bytes);
      return TRUE;
    }
  sc_hasher_update (self->hasher, data, size_bytes);
  return g_output_stream_write_all (G_OUTPUT_STREAM (self->content), data, size_bytes, NULL,
                                    cancellable, &cause)
         || sc_store_fail (error, g_steal_pointer (&cause));
}

static gboolean
check_failure (ScObjectWriter *self, GError **error)
{
  return self->failure == NULL || sc_store_fail (error, g_error_copy (self->failure));
}

/* libostree writes an object that is there once more, in full, and the commit would sync it: what the
 * checksum is has to be known before it does. */
static gboolean
close_large (ScObjectWriter *self, ScChecksum *checksum, GCancellable *cancellable, GError **error)
{
  g_autoptr (OstreeContentWriter) content = g_steal_pointer (&self->content);
  g_autoptr (GError) cause = NULL;
  Object object
      = { .content_bytes = self->content_bytes, .is_regular = TRUE, .cancellable = cancellable };
  gboolean usable = FALSE;

  sc_hasher_finish_raw (self->hasher, checksum->bytes);
  ostree_checksum_inplace_from_bytes (checksum->bytes, object.hex);
  if (!check_stored (self->repo, &object, &usable, &cause))
    return sc_store_fail (error, g_steal_pointer (&cause));
  if (usable)
    return TRUE;

  g_autofree char *hex = ostree_content_writer_finish (content, cancellable, &cause);
  if (hex == NULL)
    return sc_store_fail (error, g_steal_pointer (&cause));
  ostree_checksum_inplace_to_bytes (hex, checksum->bytes);
  return TRUE;
}

/* Waits while too much is on its way. */
static gboolean
push_object (ScObjectWriter *self, Object *object, GError **error)
{
  gsize size_bytes = g_bytes_get_size (object->stream);

  g_mutex_lock (&self->mutex);
  while (self->pending_bytes > MAX_PENDING_BYTES && self->failure == NULL)
    g_cond_wait (&self->cond, &self->mutex);
  gboolean healthy = check_failure (self, error);
  if (healthy)
    self->pending_bytes += size_bytes;
  g_mutex_unlock (&self->mutex);

  if (!healthy)
    object_free (object);
  else if (g_thread_pool_get_num_threads (self->pool) > 0)
    (void)g_thread_pool_push (self->pool, object, NULL);
  else
    write_in_thread (object, self);
  return healthy;
}

/* In an image that was built anew most files are known: looking for one takes less than handing it to
 * a thread, and its buffer serves again. Where files are new, the threads look, too. */
static gboolean
look_for (ScObjectWriter *self, Object *object, gboolean *usable, GError **error)
{
  g_autoptr (GError) cause = NULL;

  *usable = FALSE;
  if (!g_atomic_int_get (&self->was_stored))
    return TRUE;
  if (!check_stored (self->repo, object, usable, &cause))
    return sc_store_fail (error, g_steal_pointer (&cause));
  object->is_new = !*usable;
  g_atomic_int_set (&self->was_stored, *usable);
  return TRUE;
}

static gboolean
close_small (ScObjectWriter *self, ScChecksum *checksum, GCancellable *cancellable, GError **error)
{
  g_autoptr (GByteArray) stream = g_steal_pointer (&self->stream);
  Object found = { .content_bytes = stream->len - self->header_bytes,
                   .is_regular = self->is_regular,
                   .cancellable = cancellable };
  gboolean usable = FALSE;

  sc_hasher_update (self->hasher, stream->data, stream->len);
  sc_hasher_finish_raw (self->hasher, checksum->bytes);
  ostree_checksum_inplace_from_bytes (checksum->bytes, found.hex);
  if (!look_for (self, &found, &usable, error))
    return FALSE;
  if (usable)
    {
      g_byte_array_set_size (stream, 0);
      self->spare = g_steal_pointer (&stream);
      return TRUE;
    }

  Object *object = g_memdup2 (&found, sizeof found);
  object->stream = g_byte_array_free_to_bytes (g_steal_pointer (&stream));
  if (cancellable != NULL)
    g_object_ref (cancellable);
  return push_object (self, object, error);
}

gboolean
sc_object_writer_close (ScObjectWriter *self,
                        ScChecksum *checksum,
                        GCancellable *cancellable,
                        GError **error)
{
  return self->content != NULL ? close_large (self, checksum, cancellable, error)
                               : close_small (self, checksum, cancellable, error);
}

gboolean
sc_object_writer_put (ScObjectWriter *self,
                      const ScFileMeta *meta,
                      GBytes *content,
                      ScChecksum *checksum,
                      GCancellable *cancellable,
                      GError **error)
{
  gsize size_bytes = 0;
  gconstpointer data = g_bytes_get_data (content, &size_bytes);

  return sc_object_writer_open (self, meta, NULL, size_bytes, error)
         && sc_object_writer_write (self, data, size_bytes, cancellable, error)
         && sc_object_writer_close (self, checksum, cancellable, error);
}

gboolean
sc_object_writer_finish (ScObjectWriter *self, GError **error)
{
  g_mutex_lock (&self->mutex);
  while (self->pending_bytes > 0)
    g_cond_wait (&self->cond, &self->mutex);
  gboolean healthy = check_failure (self, error);
  g_mutex_unlock (&self->mutex);
  return healthy;
}
