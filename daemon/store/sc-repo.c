/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-repo.h"

#include "base/sc-fd.h"
#include "base/sc-log.h"
#include "store/sc-checkout-dir.h"
#include "store/sc-store-error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct
{
  char *ref;    /* (owned) */
  char *commit; /* (owned) (nullable) NULL removes the ref */
} RefChange;

struct _ScRepo
{
  OstreeRepo *ostree;     /* (owned) */
  GPtrArray *ref_changes; /* (owned) of RefChange, in the order of the calls */
  gboolean in_transaction;
};

static void
ref_change_free (RefChange *self)
{
  g_free (self->ref);
  g_free (self->commit);
  g_free (self);
}

static gboolean
is_complete (int repo_fd)
{
  struct stat st;

  return fstatat (repo_fd, "config", &st, 0) == 0 && fstatat (repo_fd, "objects", &st, 0) == 0;
}

static gboolean
ensure_directories (const ScPaths *paths, int *checkout_fd, int *repo_fd, GError **error)
{
  g_autofree char *above = g_path_get_dirname (paths->repository);

  *checkout_fd = sc_checkout_dir_open (paths, error);
  if (*checkout_fd < 0)
    return FALSE;
  sc_autofd above_fd = sc_fd_ensure_dir (above, 0700, error);
  if (above_fd < 0)
    return FALSE;
  *repo_fd = sc_fd_ensure_dir (paths->repository, 0700, error);
  return *repo_fd >= 0;
}

/* Only modes whose file objects are plain files can be linked into a root file system. */
static gboolean
check_mode (OstreeRepo *ostree, GError **error)
{
  switch (ostree_repo_get_mode (ostree))
    {
    case OSTREE_REPO_MODE_BARE:
    case OSTREE_REPO_MODE_BARE_USER:
    case OSTREE_REPO_MODE_BARE_USER_ONLY:
      return TRUE;
    default:
      return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                           "its mode cannot be linked from, use a repository of mode bare");
    }
}

static gboolean
check_links (OstreeRepo *ostree, int checkout_fd, GError **error)
{
  sc_autofd tmp_fd = openat (ostree_repo_get_dfd (ostree), "tmp",
                             O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

  if (tmp_fd < 0)
    return sc_error_set_errno (error, errno, "opening its directory \"tmp\"");
  return sc_fd_check_links (tmp_fd, checkout_fd, error);
}

static OstreeRepo *
open_ostree (const ScPaths *paths, GError **error)
{
  sc_autofd checkout_fd = -1;
  sc_autofd repo_fd = -1;
  g_autoptr (GFile) file = g_file_new_for_path (paths->repository);
  g_autoptr (OstreeRepo) ostree = ostree_repo_new (file);
  g_autoptr (GError) cause = NULL;

  if (!ensure_directories (paths, &checkout_fd, &repo_fd, error))
    return NULL;
  if (!is_complete (repo_fd) && !ostree_repo_create (ostree, OSTREE_REPO_MODE_BARE, NULL, &cause))
    {
      sc_store_fail (error, g_steal_pointer (&cause));
      return NULL;
    }
  if (!ostree_repo_open (ostree, NULL, &cause))
    {
      sc_store_fail (error, g_steal_pointer (&cause));
      return NULL;
    }
  if (!check_mode (ostree, error))
    return NULL;
  if (!check_links (ostree, checkout_fd, error))
    {
      sc_prefix_error (error, "linking into \"%s\": ", paths->checkout);
      return NULL;
    }

  /* Without fsync libostree gives objects their final name at once, and a power cut leaves
   * truncated ones that are believed afterwards. */
  ostree_repo_set_disable_fsync (ostree, FALSE);
  return g_steal_pointer (&ostree);
}

ScRepo *
sc_repo_open (const ScPaths *paths, GError **error)
{
  g_autoptr (OstreeRepo) ostree = open_ostree (paths, error);

  if (ostree == NULL)
    {
      sc_prefix_error (error, "repository \"%s\": ", paths->repository);
      return NULL;
    }

  ScRepo *self = g_new0 (ScRepo, 1);
  self->ostree = g_steal_pointer (&ostree);
  self->ref_changes = g_ptr_array_new_with_free_func ((GDestroyNotify)ref_change_free);
  return self;
}

void
sc_repo_free (ScRepo *self)
{
  sc_repo_abort (self);
  g_ptr_array_unref (self->ref_changes);
  g_object_unref (self->ostree);
  g_free (self);
}

OstreeRepo *
sc_repo_get_ostree (ScRepo *self)
{
  return self->ostree;
}

gboolean
sc_repo_is_in_transaction (ScRepo *self)
{
  return self->in_transaction;
}

gboolean
sc_repo_begin (ScRepo *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) cause = NULL;

  if (self->in_transaction)
    return sc_error_set (error, SYSCONT_ERROR_FAILED,
                         "a transaction of the repository is open already");
  if (!ostree_repo_prepare_transaction (self->ostree, NULL, cancellable, &cause))
    {
      (void)ostree_repo_abort_transaction (self->ostree, NULL, NULL);
      sc_store_fail (error, g_steal_pointer (&cause));
      return sc_prefix_error (error, "beginning a transaction of the repository: ");
    }
  self->in_transaction = TRUE;
  return TRUE;
}

void
sc_repo_set_ref (ScRepo *self, const char *ref, const char *commit)
{
  g_return_if_fail (self->in_transaction);

  RefChange *change = g_new0 (RefChange, 1);
  change->ref = g_strdup (ref);
  change->commit = g_strdup (commit);
  g_ptr_array_add (self->ref_changes, change);
}

static gboolean
write_ref (ScRepo *self, const char *ref, const char *commit, GError **error)
{
  g_autoptr (GError) cause = NULL;

  if (ostree_repo_set_ref_immediate (self->ostree, NULL, ref, commit, NULL, &cause))
    return TRUE;
  sc_store_fail (error, g_steal_pointer (&cause));
  return sc_prefix_error (error, "ref \"%s\": ", ref);
}

/* The content of a ref is synced by libostree, its name is not. */
static gboolean
sync_refs (ScRepo *self, GError **error)
{
  return syncfs (ostree_repo_get_dfd (self->ostree)) == 0
         || sc_error_set_errno (error, errno, "syncing the repository");
}

/* In the order of the calls, each with a rename: whoever sets the name of an image last never has a
 * name of something incomplete after a power cut. */
static gboolean
write_refs (ScRepo *self, GError **error)
{
  for (guint i = 0; i < self->ref_changes->len; i++)
    {
      const RefChange *change = self->ref_changes->pdata[i];
      if (!write_ref (self, change->ref, change->commit, error))
        return FALSE;
    }
  return self->ref_changes->len == 0 || sync_refs (self, error);
}

gboolean
sc_repo_commit (ScRepo *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) cause = NULL;

  if (!self->in_transaction)
    return sc_error_set (error, SYSCONT_ERROR_FAILED, "no transaction of the repository is open");

  /* libostree drops its lock with the transaction; a prune of somebody else must not come before
   * the refs. */
  g_autoptr (OstreeRepoAutoLock) lock
      = ostree_repo_auto_lock_push (self->ostree, OSTREE_REPO_LOCK_SHARED, cancellable, &cause);
  if (lock == NULL || !ostree_repo_commit_transaction (self->ostree, NULL, cancellable, &cause))
    {
      sc_repo_abort (self);
      sc_store_fail (error, g_steal_pointer (&cause));
      return sc_prefix_error (error, "committing to the repository: ");
    }

  self->in_transaction = FALSE;
  gboolean written = write_refs (self, error);
  g_ptr_array_set_size (self->ref_changes, 0);
  return written;
}

gboolean
sc_repo_change_refs (ScRepo *self,
                     const char *const *refs,
                     const char *commit,
                     GCancellable *cancellable,
                     GError **error)
{
  g_autoptr (ScRepoLock) lock = sc_repo_lock (self, cancellable, error);
  if (lock == NULL)
    return FALSE;

  for (guint i = 0; refs[i] != NULL; i++)
    if (!write_ref (self, refs[i], commit, error))
      return FALSE;
  return refs[0] == NULL || sync_refs (self, error);
}

void
sc_repo_abort (ScRepo *self)
{
  g_autoptr (GError) cause = NULL;

  g_ptr_array_set_size (self->ref_changes, 0);
  if (!self->in_transaction)
    return;
  self->in_transaction = FALSE;
  if (!ostree_repo_abort_transaction (self->ostree, NULL, &cause))
    sc_log (G_LOG_LEVEL_WARNING, NULL, "aborting a transaction of the repository: %s",
            cause->message);
}

ScRepoLock *
sc_repo_lock (ScRepo *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) cause = NULL;
  ScRepoLock *lock
      = ostree_repo_auto_lock_push (self->ostree, OSTREE_REPO_LOCK_SHARED, cancellable, &cause);

  if (lock == NULL)
    {
      sc_store_fail (error, g_steal_pointer (&cause));
      sc_prefix_error (error, "locking the repository: ");
    }
  return lock;
}

void
sc_repo_unlock (ScRepoLock *lock)
{
  ostree_repo_auto_lock_cleanup (lock);
}

char *
sc_repo_resolve (ScRepo *self, const char *ref, GError **error)
{
  g_autofree char *commit = NULL;
  g_autoptr (GError) cause = NULL;

  if (!ostree_repo_resolve_rev_ext (self->ostree, ref, TRUE, OSTREE_REPO_RESOLVE_REV_EXT_LOCAL_ONLY,
                                    &commit, &cause))
    {
      sc_store_fail_damaged (error, g_steal_pointer (&cause));
      sc_prefix_error (error, "ref \"%s\": ", ref);
      return NULL;
    }
  return g_steal_pointer (&commit);
}

GHashTable *
sc_repo_list_refs (ScRepo *self, const char *prefix, GError **error)
{
  g_autoptr (GHashTable) refs = NULL;
  g_autoptr (GError) cause = NULL;
  g_autofree char *start = g_strconcat (prefix, "/", NULL);

  if (!ostree_repo_list_refs_ext (self->ostree, prefix, &refs,
                                  OSTREE_REPO_LIST_REFS_EXT_EXCLUDE_REMOTES
                                      | OSTREE_REPO_LIST_REFS_EXT_EXCLUDE_MIRRORS,
                                  NULL, &cause))
    {
      sc_store_fail (error, g_steal_pointer (&cause));
      sc_prefix_error (error, "listing the refs below \"%s\": ", prefix);
      return NULL;
    }

  GHashTableIter iter;
  gpointer ref = NULL;
  g_hash_table_iter_init (&iter, refs);
  while (g_hash_table_iter_next (&iter, &ref, NULL))
    if (!g_str_has_prefix (ref, start))
      g_hash_table_iter_remove (&iter);
  return g_steal_pointer (&refs);
}
