/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-spool.h"

#include "base/sc-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

typedef struct
{
  ScBlob *blob; /* (owned) */
  guint users;
} Share;

/* Who works with which file. Jobs are threads of this process, and no other process works in the
 * directory (main.c, lock_state()): a table is all it takes. Held only to look a file up, to open or
 * to remove it; the bytes flow without it. */
static GMutex mutex;
static GHashTable *shares; /* (owned) (nullable) path to Share; protected by mutex */

/* A file that no job works with. */
typedef struct
{
  char *name; /* (owned) */
  guint64 size_bytes;
  gint64 changed_s;
} Leftover;

static void
leftover_free (gpointer data)
{
  Leftover *leftover = data;

  g_free (leftover->name);
  g_free (leftover);
}

static void
share_free (gpointer data)
{
  Share *share = data;

  sc_blob_free (share->blob);
  g_free (share);
}

static GHashTable *
get_shares (void)
{
  if (shares == NULL)
    shares = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, share_free);
  return shares;
}

/* --- one blob --- */

static gboolean
open_file (ScBlob *blob, const ScPaths *paths, GError **error)
{
  struct stat st;
  sc_autofd dir_fd = sc_fd_ensure_dir (paths->spool, 0700, error);
  if (dir_fd < 0)
    return FALSE;

  blob->fd = sc_fd_open_beneath (dir_fd, sc_digest_hex (blob->digest), O_RDWR | O_CREAT, 0600);
  if (blob->fd < 0 || fstat (blob->fd, &st) < 0)
    return sc_error_set_errno (error, errno, "opening \"%s\"", blob->path);
  if (!S_ISREG (st.st_mode))
    return sc_error_set (error, SYSCONT_ERROR_FAILED, "\"%s\" is not a file, remove it",
                         blob->path);

  /* What is longer than the blob is no part of it. */
  blob->prefix_bytes = (guint64)st.st_size;
  return blob->prefix_bytes <= blob->size_bytes || sc_blob_restart (blob, error);
}

/* With the mutex held. */
static ScBlob *
take (ScBlob *fresh, const ScPaths *paths, GError **error)
{
  g_autoptr (ScBlob) blob = fresh;
  Share *share = g_hash_table_lookup (get_shares (), blob->path);

  if (share == NULL)
    {
      if (!open_file (blob, paths, error))
        return NULL;
      share = g_new0 (Share, 1);
      share->blob = g_steal_pointer (&blob);
      g_hash_table_insert (shares, share->blob->path, share);
    }
  else if (share->blob->size_bytes != blob->size_bytes)
    {
      /* One of two manifests lies; only its own job may suffer for it. */
      g_clear_pointer (&blob->path, g_free);
      return sc_blob_open (blob, paths, error) ? g_steal_pointer (&blob) : NULL;
    }
  share->users++;
  return share->blob;
}

ScBlob *
sc_spool_take (const ScPaths *paths, const char *digest, guint64 size_bytes, GError **error)
{
  ScBlob *fresh = sc_blob_new (digest, size_bytes);

  fresh->path = g_build_filename (paths->spool, sc_digest_hex (digest), NULL);
  g_mutex_lock (&mutex);
  ScBlob *blob = take (fresh, paths, error);
  g_mutex_unlock (&mutex);
  return blob;
}

void
sc_spool_give_back (ScBlob *blob, gboolean keep)
{
  if (blob->path == NULL)
    {
      sc_blob_free (blob);
      return;
    }

  g_mutex_lock (&mutex);
  Share *share = g_hash_table_lookup (shares, blob->path);
  if (--share->users == 0)
    {
      ScBlobView view;

      sc_blob_look (blob, &view);
      if (!keep || view.present_bytes == 0)
        (void)unlink (blob->path);
      g_hash_table_remove (shares, blob->path);
    }
  g_mutex_unlock (&mutex);
}

/* --- all of them --- */

static gint
compare_age (gconstpointer a, gconstpointer b)
{
  const Leftover *x = *(const Leftover *const *)a;
  const Leftover *y = *(const Leftover *const *)b;

  return x->changed_s < y->changed_s ? -1 : x->changed_s > y->changed_s;
}

/* With the mutex held. Returns: (transfer full): of Leftover, the oldest first; empty when there is
 * no spool */
static GPtrArray *
list_leftovers (const ScPaths *paths, ScSpoolUsage *usage)
{
  g_autoptr (GPtrArray) leftovers = g_ptr_array_new_with_free_func (leftover_free);
  g_autoptr (GDir) dir = g_dir_open (paths->spool, 0, NULL);
  const char *name;

  *usage = (ScSpoolUsage){ 0 };
  if (dir == NULL)
    return g_steal_pointer (&leftovers);
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      g_autofree char *path = g_build_filename (paths->spool, name, NULL);
      struct stat st;

      /* What we have not put there is left alone. */
      if (!sc_hex_is_valid (name) || lstat (path, &st) < 0 || !S_ISREG (st.st_mode))
        continue;
      usage->total_bytes += (guint64)st.st_size;
      if (g_hash_table_contains (get_shares (), path))
        continue;
      usage->reclaimable_bytes += (guint64)st.st_size;

      Leftover *leftover = g_new0 (Leftover, 1);
      leftover->name = g_strdup (name);
      leftover->size_bytes = (guint64)st.st_size;
      leftover->changed_s = st.st_mtime;
      g_ptr_array_add (leftovers, leftover);
    }
  g_ptr_array_sort (leftovers, compare_age);
  return g_steal_pointer (&leftovers);
}

/* With the mutex held. */
static gboolean
remove_leftover (const ScPaths *paths, const Leftover *leftover, GError **error)
{
  g_autofree char *path = g_build_filename (paths->spool, leftover->name, NULL);

  if (unlink (path) == 0 || errno == ENOENT)
    return TRUE;
  return sc_error_set_errno (error, errno, "removing \"%s\"", path);
}

void
sc_spool_measure (const ScPaths *paths, ScSpoolUsage *usage)
{
  g_mutex_lock (&mutex);
  g_autoptr (GPtrArray) leftovers G_GNUC_UNUSED = list_leftovers (paths, usage);
  g_mutex_unlock (&mutex);
}

gboolean
sc_spool_clean (const ScPaths *paths, const ScConfig *config, gint64 now_s, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&mutex);
  ScSpoolUsage usage;
  g_autoptr (GPtrArray) leftovers = list_leftovers (paths, &usage);
  guint64 kept_bytes = usage.reclaimable_bytes;

  for (guint i = 0; i < leftovers->len; i++)
    {
      const Leftover *leftover = leftovers->pdata[i];
      gboolean is_old = now_s - leftover->changed_s >= (gint64)config->spool_retention_s;

      if (!is_old && kept_bytes <= config->spool_max_bytes)
        return TRUE;
      if (!remove_leftover (paths, leftover, error))
        return FALSE;
      kept_bytes -= leftover->size_bytes;
    }
  return TRUE;
}

gboolean
sc_spool_clear (const ScPaths *paths, gboolean dry_run, guint64 *freed_bytes, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&mutex);
  ScSpoolUsage usage;
  g_autoptr (GPtrArray) leftovers = list_leftovers (paths, &usage);

  for (guint i = 0; i < leftovers->len && !dry_run; i++)
    if (!remove_leftover (paths, leftovers->pdata[i], error))
      return FALSE;
  *freed_bytes = usage.reclaimable_bytes;
  return TRUE;
}

/* --- room for more --- */

typedef struct
{
  guint64 available_bytes;
  guint64 kept_bytes; /* of them, whatever is needed */
} Space;

static gboolean
measure_space (const ScPaths *paths, const ScConfig *config, Space *space, GError **error)
{
  struct statvfs fs;

  if (statvfs (paths->checkout, &fs) < 0)
    return sc_error_set_errno (error, errno, "looking at the file system of \"%s\"",
                               paths->checkout);

  guint64 total_bytes = (guint64)fs.f_blocks * fs.f_frsize;
  guint64 percent_bytes = total_bytes / 100 * config->keep_free_percent;
  space->available_bytes = (guint64)fs.f_bavail * fs.f_frsize;
  /* On a small disk an absolute reserve would leave nothing: it never takes more than a tenth. */
  space->kept_bytes = MAX (percent_bytes, MIN (config->keep_free_bytes, total_bytes / 10));
  return TRUE;
}

static gboolean
fits (const Space *space, guint64 needed_bytes)
{
  return space->available_bytes >= space->kept_bytes
         && needed_bytes <= space->available_bytes - space->kept_bytes;
}

/* Removes leftovers, the oldest first, until @needed_bytes fit; none when all of them are not
 * enough. */
static gboolean
make_room (const ScPaths *paths,
           const ScConfig *config,
           guint64 needed_bytes,
           Space *space,
           GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&mutex);
  ScSpoolUsage usage;
  g_autoptr (GPtrArray) leftovers = list_leftovers (paths, &usage);
  Space best = { space->available_bytes + usage.reclaimable_bytes, space->kept_bytes };

  if (!fits (&best, needed_bytes))
    return TRUE;
  for (guint i = 0; i < leftovers->len && !fits (space, needed_bytes); i++)
    if (!remove_leftover (paths, leftovers->pdata[i], error)
        || !measure_space (paths, config, space, error))
      return FALSE;
  return TRUE;
}

gboolean
sc_spool_check_space (const ScPaths *paths,
                      const ScConfig *config,
                      guint64 needed_bytes,
                      GError **error)
{
  Space space;

  if (!measure_space (paths, config, &space, error))
    return FALSE;
  if (fits (&space, needed_bytes))
    return TRUE;
  if (!make_room (paths, config, needed_bytes, &space, error))
    return FALSE;
  if (fits (&space, needed_bytes))
    return TRUE;

  g_autofree char *need = g_format_size (needed_bytes);
  g_autofree char *have = g_format_size (space.available_bytes);
  g_autofree char *keep = g_format_size (space.kept_bytes);
  return sc_error_set (
      error, SYSCONT_ERROR_NO_SPACE,
      "%s are needed in \"%s\", where %s are available and %s are kept free; remove images, run "
      "\"syscontctl prune\" or make room",
      need, paths->checkout, have, keep);
}
