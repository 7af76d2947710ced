/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-blob.h"

#include "base/sc-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

ScBlob *
sc_blob_new (const char *digest, guint64 size_bytes)
{
  ScBlob *self = g_new0 (ScBlob, 1);

  self->digest = g_strdup (digest);
  self->size_bytes = size_bytes;
  self->fd = -1;
  self->hasher = sc_hasher_new ();
  self->writer = -1;
  self->watchers = g_array_new (FALSE, FALSE, sizeof (int));
  g_mutex_init (&self->mutex);
  return self;
}

void
sc_blob_free (ScBlob *self)
{
  g_clear_pointer (&self->hasher, sc_hasher_free);
  if (self->fd >= 0)
    close (self->fd);
  g_array_unref (self->watchers);
  g_mutex_clear (&self->mutex);
  g_free (self->digest);
  g_free (self->path);
  g_free (self);
}

gboolean
sc_blob_open (ScBlob *self, const ScPaths *paths, GError **error)
{
  sc_autofd dir_fd = sc_fd_ensure_dir (paths->spool, 0700, error);
  if (dir_fd < 0)
    return FALSE;

  self->fd = openat (dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (self->fd < 0)
    return sc_error_set_errno (error, errno, "making a file in \"%s\"", paths->spool);
  return TRUE;
}

/* With the mutex held. */
static void
wake_others (ScBlob *self)
{
  for (guint i = 0; i < self->watchers->len; i++)
    {
      int fd = g_array_index (self->watchers, int, i);
      if (fd != self->writer)
        (void)eventfd_write (fd, 1);
    }
}

static void
set_state (ScBlob *self, guint64 written_bytes, gboolean is_complete)
{
  g_mutex_lock (&self->mutex);
  self->written_bytes = written_bytes;
  self->is_complete = is_complete;
  wake_others (self);
  g_mutex_unlock (&self->mutex);
}

static gboolean
write_at (int fd, const guint8 *data, gsize size_bytes, guint64 offset, GError **error)
{
  for (gsize done = 0; done < size_bytes;)
    {
      gssize n = pwrite (fd, data + done, size_bytes - done, (off_t)(offset + done));

      if (n < 0 && errno != EINTR)
        return sc_error_set_errno (error, errno, "writing to the spool");
      done += n > 0 ? (gsize)n : 0;
    }
  return TRUE;
}

gboolean
sc_blob_append (ScBlob *self, gconstpointer data, gsize size_bytes, GError **error)
{
  if (size_bytes > self->size_bytes - self->written_bytes)
    return sc_error_set (error, SYSCONT_ERROR_DIGEST_MISMATCH,
                         "blob %s is larger than the %" G_GUINT64_FORMAT
                         " bytes that its descriptor says",
                         self->digest, self->size_bytes);

  /* The hash must not be ahead of the file: another job may go on from here. */
  if (!write_at (self->fd, data, size_bytes, self->written_bytes, error))
    return sc_prefix_error (error, "blob %s: ", self->digest);
  sc_hasher_update (self->hasher, data, size_bytes);
  set_state (self, self->written_bytes + size_bytes, FALSE);
  return TRUE;
}

gboolean
sc_blob_finish (ScBlob *self, GError **error)
{
  if (self->written_bytes != self->size_bytes)
    return sc_error_set (error, SYSCONT_ERROR_DIGEST_MISMATCH,
                         "blob %s has %" G_GUINT64_FORMAT
                         " bytes, but its descriptor says %" G_GUINT64_FORMAT,
                         self->digest, self->written_bytes, self->size_bytes);

  g_autofree char *hex = sc_hasher_finish (self->hasher);
  if (strcmp (hex, sc_digest_hex (self->digest)) != 0)
    return sc_error_set (error, SYSCONT_ERROR_DIGEST_MISMATCH, "blob %s has the digest sha256:%s",
                         self->digest, hex);

  g_clear_pointer (&self->hasher, sc_hasher_free);
  set_state (self, self->size_bytes, TRUE);
  return TRUE;
}

void
sc_blob_drop_content (ScBlob *self)
{
  if (self->fd >= 0)
    (void)!ftruncate (self->fd, 0);
}

/* Not through the file's position: another job may read it too. */
GBytes *
sc_blob_read_all (ScBlob *self, gsize max_bytes, GError **error)
{
  if (self->size_bytes > max_bytes)
    {
      sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                    "blob %s has more than %" G_GSIZE_FORMAT " bytes", self->digest, max_bytes);
      return NULL;
    }

  g_autofree char *content = g_malloc0 (self->size_bytes + 1);
  for (gsize done = 0; done < self->size_bytes;)
    {
      gssize n = pread (self->fd, content + done, self->size_bytes - done, (off_t)done);

      if (n == 0 || (n < 0 && errno != EINTR))
        {
          sc_error_set_errno (error, n < 0 ? errno : EIO, "reading blob %s", self->digest);
          return NULL;
        }
      done += n > 0 ? (gsize)n : 0;
    }
  return g_bytes_new_take (g_steal_pointer (&content), self->size_bytes);
}

gboolean
sc_blob_has_prefix (const ScBlob *self)
{
  return self->written_bytes < self->prefix_bytes;
}

gboolean
sc_blob_hash_prefix (ScBlob *self, guint8 *buffer, gsize size_bytes, GError **error)
{
  gsize want = MIN (size_bytes, self->prefix_bytes - self->written_bytes);
  gssize n = pread (self->fd, buffer, want, (off_t)self->written_bytes);

  if (n < 0 && errno == EINTR)
    return TRUE;
  if (n <= 0)
    return sc_error_set_errno (error, n < 0 ? errno : EIO, "reading blob %s from the spool",
                               self->digest);
  sc_hasher_update (self->hasher, buffer, (gsize)n);
  set_state (self, self->written_bytes + (guint64)n, FALSE);
  return TRUE;
}

gboolean
sc_blob_restart (ScBlob *self, GError **error)
{
  /* Before the file is emptied: who reads along must not take the missing bytes for a fault. */
  g_mutex_lock (&self->mutex);
  self->prefix_bytes = 0;
  self->written_bytes = 0;
  self->generation++;
  wake_others (self);
  g_mutex_unlock (&self->mutex);

  sc_hasher_free (self->hasher);
  self->hasher = sc_hasher_new ();
  if (ftruncate (self->fd, 0) < 0)
    return sc_error_set_errno (error, errno, "emptying the spool file of blob %s", self->digest);
  return TRUE;
}

void
sc_blob_watch (ScBlob *self, int wake_fd)
{
  g_mutex_lock (&self->mutex);
  g_array_append_val (self->watchers, wake_fd);
  g_mutex_unlock (&self->mutex);
}

void
sc_blob_unwatch (ScBlob *self, int wake_fd)
{
  g_mutex_lock (&self->mutex);
  for (guint i = self->watchers->len; i > 0; i--)
    if (g_array_index (self->watchers, int, i - 1) == wake_fd)
      g_array_remove_index_fast (self->watchers, i - 1);
  if (self->writer == wake_fd)
    self->writer = -1;
  wake_others (self);
  g_mutex_unlock (&self->mutex);
}

gboolean
sc_blob_claim (ScBlob *self, int wake_fd)
{
  g_mutex_lock (&self->mutex);
  gboolean is_free = self->writer < 0 && !self->is_complete;
  if (is_free)
    self->writer = wake_fd;
  g_mutex_unlock (&self->mutex);
  return is_free;
}

void
sc_blob_look (ScBlob *self, ScBlobView *view)
{
  g_mutex_lock (&self->mutex);
  *view = (ScBlobView){ .written_bytes = self->written_bytes,
                        .present_bytes = MAX (self->written_bytes, self->prefix_bytes),
                        .is_complete = self->is_complete,
                        .generation = self->generation };
  g_mutex_unlock (&self->mutex);
}
