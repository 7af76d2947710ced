/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-spool.h"

#include "base/sc-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

ScBlob *
sc_blob_new (const char *digest, guint64 size_bytes)
{
  ScBlob *self = g_new0 (ScBlob, 1);

  self->digest = g_strdup (digest);
  self->size_bytes = size_bytes;
  self->fd = -1;
  self->hasher = sc_hasher_new ();
  return self;
}

void
sc_blob_free (ScBlob *self)
{
  g_clear_pointer (&self->hasher, sc_hasher_free);
  if (self->fd >= 0)
    close (self->fd);
  g_free (self->digest);
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

gboolean
sc_blob_append (ScBlob *self, gconstpointer data, gsize size_bytes, GError **error)
{
  if (size_bytes > self->size_bytes - self->written_bytes)
    return sc_error_set (error, SYSCONT_ERROR_DIGEST_MISMATCH,
                         "blob %s is larger than the %" G_GUINT64_FORMAT
                         " bytes that its descriptor says",
                         self->digest, self->size_bytes);

  sc_hasher_update (self->hasher, data, size_bytes);
  if (!sc_fd_write_all (self->fd, data, size_bytes, error))
    return sc_prefix_error (error, "spooling blob %s: ", self->digest);
  self->written_bytes += size_bytes;
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
  g_clear_pointer (&self->hasher, sc_hasher_free);
  if (strcmp (hex, sc_digest_hex (self->digest)) != 0)
    return sc_error_set (error, SYSCONT_ERROR_DIGEST_MISMATCH, "blob %s has the digest sha256:%s",
                         self->digest, hex);

  self->is_complete = TRUE;
  return TRUE;
}

GBytes *
sc_blob_read_all (ScBlob *self, gsize max_bytes, GError **error)
{
  if (lseek (self->fd, 0, SEEK_SET) < 0)
    {
      sc_error_set_errno (error, errno, "reading blob %s", self->digest);
      return NULL;
    }
  g_autoptr (GBytes) bytes = sc_fd_read_all (self->fd, max_bytes, error);
  if (bytes == NULL)
    sc_prefix_error (error, "blob %s: ", self->digest);
  return g_steal_pointer (&bytes);
}

gboolean
sc_spool_check_space (const ScPaths *paths,
                      const ScConfig *config,
                      guint64 needed_bytes,
                      GError **error)
{
  struct statvfs fs;

  if (statvfs (paths->checkout, &fs) < 0)
    return sc_error_set_errno (error, errno, "looking at the file system of \"%s\"",
                               paths->checkout);

  guint64 total = (guint64)fs.f_blocks * fs.f_frsize;
  guint64 available = (guint64)fs.f_bavail * fs.f_frsize;
  guint64 kept = total / 100 * config->keep_free_percent;
  /* On a small disk an absolute reserve would leave nothing: it never takes more than a tenth. */
  kept = MAX (kept, MIN (config->keep_free_bytes, total / 10));

  if (available >= kept && needed_bytes <= available - kept)
    return TRUE;

  g_autofree char *need = g_format_size (needed_bytes);
  g_autofree char *have = g_format_size (available);
  g_autofree char *keep = g_format_size (kept);
  return sc_error_set (
      error, SYSCONT_ERROR_NO_SPACE,
      "%s are needed in \"%s\", where %s are available and %s are kept free; remove images, run "
      "\"syscontctl prune\" or make room",
      need, paths->checkout, have, keep);
}
