/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-prune.h"

#include "base/sc-digest.h"
#include "image/sc-reference.h"
#include "store/sc-image-list.h"
#include "store/sc-store-error.h"

#include <string.h>

#define ROOTFS_PREFIX  "syscont/rootfs/"
#define UNNAMED_PREFIX "syscont/unnamed/"

void
sc_prune_result_clear (ScPruneResult *self)
{
  g_clear_pointer (&self->refs, g_strfreev);
  self->n_objects = 0;
  self->freed_bytes = 0;
}

/* What is needed because an image has it. */
typedef struct
{
  GHashTable *blob_refs;   /* (owned) set of layers' and configs' refs */
  GHashTable *rootfs_refs; /* (owned) set */
} Needed;

static void
needed_clear (Needed *self)
{
  g_clear_pointer (&self->blob_refs, g_hash_table_unref);
  g_clear_pointer (&self->rootfs_refs, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Needed, needed_clear)

static gboolean
mark_image (ScRepo *repo, const char *ref, const char *commit, Needed *needed, GError **error)
{
  g_autoptr (ScStoredManifest) manifest = NULL;
  g_autoptr (ScImage) image = sc_image_load (repo, commit, &manifest, error);

  if (image == NULL)
    {
      g_autofree char *name = sc_reference_decode (ref);
      g_autofree char *shown = sc_text_escape (name != NULL ? name : ref);
      return sc_prefix_error (
          error, "what image \"%s\" needs cannot be told, remove it before pruning: ", shown);
    }
  g_hash_table_add (needed->rootfs_refs, sc_rootfs_ref (image->digest));
  if (manifest == NULL)
    return TRUE;

  for (guint i = 0; manifest->layers[i] != NULL; i++)
    g_hash_table_add (needed->blob_refs, sc_reference_blob_ref (manifest->layers[i]));
  if (manifest->config_digest != NULL)
    g_hash_table_add (needed->blob_refs, sc_reference_blob_ref (manifest->config_digest));
  return TRUE;
}

static gboolean
mark_images (ScRepo *repo, GHashTable *image_refs, Needed *needed, GError **error)
{
  GHashTableIter iter;
  gpointer ref = NULL;
  gpointer commit = NULL;

  g_hash_table_iter_init (&iter, image_refs);
  while (g_hash_table_iter_next (&iter, &ref, &commit))
    if (!sc_reference_is_blob_ref (ref) && !mark_image (repo, ref, commit, needed, error))
      return FALSE;
  return TRUE;
}

/* Puts the keys of @refs that are not in @keep into @unused. */
static void
add_unused (GHashTable *refs,
            GHashTable *keep,
            gboolean (*is_ours) (const char *ref),
            GHashTable *unused)
{
  GHashTableIter iter;
  gpointer ref = NULL;

  g_hash_table_iter_init (&iter, refs);
  while (g_hash_table_iter_next (&iter, &ref, NULL))
    if (is_ours (ref) && !g_hash_table_contains (keep, ref))
      g_hash_table_add (unused, g_strdup (ref));
}

static gboolean
is_rootfs_ref (const char *ref)
{
  return g_str_has_prefix (ref, ROOTFS_PREFIX) && sc_hex_is_valid (ref + strlen (ROOTFS_PREFIX));
}

static gboolean
is_unnamed_ref (const char *ref)
{
  return g_str_has_prefix (ref, UNNAMED_PREFIX) && sc_hex_is_valid (ref + strlen (UNNAMED_PREFIX));
}

static gboolean
is_deploy_ref (const char *ref)
{
  return g_str_has_prefix (ref, "syscont/deploy/");
}

static gboolean
find_unused (ScRepo *repo, const char *const *deploy_refs, GHashTable *unused, GError **error)
{
  g_auto (Needed) needed = {
    .blob_refs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
    .rootfs_refs = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
  };
  g_autoptr (GHashTable) image_refs = sc_repo_list_refs (repo, "ociimage", error);
  g_autoptr (GHashTable) our_refs
      = image_refs != NULL ? sc_repo_list_refs (repo, "syscont", error) : NULL;
  if (our_refs == NULL || !mark_images (repo, image_refs, &needed, error))
    return FALSE;

  add_unused (image_refs, needed.blob_refs, sc_reference_is_blob_ref, unused);
  add_unused (our_refs, needed.rootfs_refs, is_rootfs_ref, unused);
  add_unused (our_refs, needed.rootfs_refs, is_unnamed_ref, unused);
  if (deploy_refs != NULL)
    {
      g_autoptr (GHashTable) deployed = g_hash_table_new (g_str_hash, g_str_equal);
      for (guint i = 0; deploy_refs[i] != NULL; i++)
        g_hash_table_add (deployed, (gpointer)deploy_refs[i]);
      add_unused (our_refs, deployed, is_deploy_ref, unused);
    }
  return TRUE;
}

static gboolean
mark_reachable (OstreeRepo *ostree,
                const char *commit,
                GHashTable *reachable,
                GCancellable *cancellable,
                GError **error)
{
  return ostree_repo_traverse_commit_union (ostree, commit, -1, reachable, cancellable, error);
}

static gboolean
is_ours (const char *ref)
{
  return g_str_has_prefix (ref, "ociimage/") || g_str_has_prefix (ref, "syscont/");
}

/* What the refs lead to that are ours, or that are not. */
static gboolean
mark_refs (OstreeRepo *ostree,
           gboolean ours,
           GHashTable *unused,
           GHashTable *reachable,
           GCancellable *cancellable,
           GError **error)
{
  g_autoptr (GHashTable) refs = NULL;
  GHashTableIter iter;
  gpointer key = NULL;
  gpointer commit = NULL;

  if (!ostree_repo_list_refs (ostree, NULL, &refs, cancellable, error))
    return FALSE;
  g_hash_table_iter_init (&iter, refs);
  while (g_hash_table_iter_next (&iter, &key, &commit))
    if (is_ours (key) == ours && !g_hash_table_contains (unused, key)
        && !mark_reachable (ostree, commit, reachable, cancellable, error))
      return FALSE;
  return TRUE;
}

/* What all others need, of whatever remote or collection. */
static gboolean
mark_others (OstreeRepo *ostree,
             GHashTable *unused,
             GHashTable *reachable,
             GCancellable *cancellable,
             GError **error)
{
  g_autoptr (GHashTable) collection_refs = NULL;
  GHashTableIter iter;
  gpointer key = NULL;
  gpointer commit = NULL;

  if (!mark_refs (ostree, FALSE, unused, reachable, cancellable, error))
    return FALSE;
  if (!ostree_repo_list_collection_refs (ostree, NULL, &collection_refs,
                                         OSTREE_REPO_LIST_REFS_EXT_EXCLUDE_REMOTES, cancellable,
                                         error))
    return FALSE;
  g_hash_table_iter_init (&iter, collection_refs);
  while (g_hash_table_iter_next (&iter, &key, &commit))
    {
      const OstreeCollectionRef *ref = key;
      gboolean is_local
          = g_strcmp0 (ref->collection_id, ostree_repo_get_collection_id (ostree)) == 0;

      if (is_local && g_hash_table_contains (unused, ref->ref_name))
        continue;
      if (!mark_reachable (ostree, commit, reachable, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

/* Everything that a ref leads to; @unused are looked at as if they were gone. */
static gboolean
find_reachable (OstreeRepo *ostree,
                GHashTable *unused,
                GHashTable *reachable,
                GCancellable *cancellable,
                GError **error)
{
  return mark_refs (ostree, TRUE, unused, reachable, cancellable, error)
         && mark_others (ostree, unused, reachable, cancellable, error);
}

/* A dry run of libostree's own would still remove static deltas and temporary files. */
static gboolean
count_unreachable (OstreeRepo *ostree,
                   GHashTable *reachable,
                   ScPruneResult *result,
                   GCancellable *cancellable,
                   GError **error)
{
  g_autoptr (GHashTable) objects = NULL;
  GHashTableIter iter;
  gpointer object = NULL;

  if (!ostree_repo_list_objects (ostree,
                                 OSTREE_REPO_LIST_OBJECTS_ALL | OSTREE_REPO_LIST_OBJECTS_NO_PARENTS,
                                 &objects, cancellable, error))
    return FALSE;
  g_hash_table_iter_init (&iter, objects);
  while (g_hash_table_iter_next (&iter, &object, NULL))
    {
      const char *checksum = NULL;
      OstreeObjectType type = OSTREE_OBJECT_TYPE_FILE;
      guint64 size_bytes = 0;

      if (g_hash_table_contains (reachable, object))
        continue;
      ostree_object_name_deserialize (object, &checksum, &type);
      if (!ostree_repo_query_object_storage_size (ostree, type, checksum, &size_bytes, cancellable,
                                                  error))
        return FALSE;
      result->n_objects++;
      result->freed_bytes += size_bytes;
    }
  return TRUE;
}

static gboolean
remove_unreachable (OstreeRepo *ostree,
                    GHashTable *reachable,
                    ScPruneResult *result,
                    GCancellable *cancellable,
                    GError **error)
{
  OstreeRepoPruneOptions options
      = { .flags = OSTREE_REPO_PRUNE_FLAGS_REFS_ONLY, .reachable = reachable };
  int n_total = 0;
  int n_removed = 0;

  if (!ostree_repo_prune_from_reachable (ostree, &options, &n_total, &n_removed,
                                         &result->freed_bytes, cancellable, error))
    return FALSE;
  result->n_objects = (guint)n_removed;
  return TRUE;
}

static gboolean
remove_refs (OstreeRepo *ostree, char **refs, GCancellable *cancellable, GError **error)
{
  for (guint i = 0; refs[i] != NULL; i++)
    if (!ostree_repo_set_ref_immediate (ostree, NULL, refs[i], NULL, cancellable, error))
      return FALSE;
  return TRUE;
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static char **
sorted_refs (GHashTable *set)
{
  g_autoptr (GPtrArray) refs = g_ptr_array_new ();
  GHashTableIter iter;
  gpointer ref = NULL;

  g_hash_table_iter_init (&iter, set);
  while (g_hash_table_iter_next (&iter, &ref, NULL))
    g_ptr_array_add (refs, g_strdup (ref));
  g_ptr_array_sort (refs, compare_strings);
  g_ptr_array_add (refs, NULL);
  return (char **)g_ptr_array_free (g_steal_pointer (&refs), FALSE);
}

gboolean
sc_prune (ScRepo *repo,
          const char *const *deploy_refs,
          gboolean dry_run,
          ScPruneResult *result,
          GCancellable *cancellable,
          GError **error)
{
  OstreeRepo *ostree = sc_repo_get_ostree (repo);
  g_autoptr (GHashTable) unused = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) reachable = ostree_repo_traverse_new_reachable ();
  g_autoptr (GError) cause = NULL;

  sc_prune_result_clear (result);
  if (sc_repo_is_in_transaction (repo))
    return sc_error_set (error, SYSCONT_ERROR_FAILED,
                         "pruning: a transaction of the repository is open");

  g_autoptr (OstreeRepoAutoLock) lock = ostree_repo_auto_lock_push (
      ostree, dry_run ? OSTREE_REPO_LOCK_SHARED : OSTREE_REPO_LOCK_EXCLUSIVE, cancellable, &cause);
  if (lock == NULL)
    {
      sc_store_fail (error, g_steal_pointer (&cause));
      return sc_prefix_error (error, "pruning: waiting for the repository: ");
    }
  if (!find_unused (repo, deploy_refs, unused, error))
    return sc_prefix_error (error, "pruning: ");

  result->refs = sorted_refs (unused);
  if (find_reachable (ostree, unused, reachable, cancellable, &cause)
      && (dry_run ? count_unreachable (ostree, reachable, result, cancellable, &cause)
                  : remove_refs (ostree, result->refs, cancellable, &cause)
                        && remove_unreachable (ostree, reachable, result, cancellable, &cause)))
    return TRUE;
  sc_store_fail (error, g_steal_pointer (&cause));
  return sc_prefix_error (error, "pruning: ");
}

static gboolean
sum_sizes (OstreeRepo *ostree, GHashTable *objects, guint64 *bytes, GError **error)
{
  GHashTableIter iter;
  gpointer object = NULL;

  g_hash_table_iter_init (&iter, objects);
  while (g_hash_table_iter_next (&iter, &object, NULL))
    {
      const char *checksum = NULL;
      OstreeObjectType type = OSTREE_OBJECT_TYPE_FILE;
      guint64 size_bytes = 0;

      g_autoptr (GError) cause = NULL;

      ostree_object_name_deserialize (object, &checksum, &type);
      if (ostree_repo_query_object_storage_size (ostree, type, checksum, &size_bytes, NULL, &cause))
        *bytes += size_bytes;
      else if (!g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
        {
          g_propagate_error (error, g_steal_pointer (&cause));
          return FALSE;
        }
    }
  return TRUE;
}

gboolean
sc_prune_measure (ScRepo *repo, const char *const *deploy_refs, ScStorageSize *size, GError **error)
{
  OstreeRepo *ostree = sc_repo_get_ostree (repo);
  g_autoptr (GHashTable) unused = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GHashTable) reachable = ostree_repo_traverse_new_reachable ();
  g_auto (ScPruneResult) rest = { 0 };
  g_autoptr (GError) cause = NULL;
  g_autoptr (OstreeRepoAutoLock) lock
      = ostree_repo_auto_lock_push (ostree, OSTREE_REPO_LOCK_SHARED, NULL, &cause);

  *size = (ScStorageSize){ 0 };
  if (lock != NULL && !find_unused (repo, deploy_refs, unused, error))
    return sc_prefix_error (error, "measuring the repository: ");
  if (lock != NULL && mark_refs (ostree, TRUE, unused, reachable, NULL, &cause)
      && sum_sizes (ostree, reachable, &size->needed_bytes, &cause)
      && mark_others (ostree, unused, reachable, NULL, &cause)
      && count_unreachable (ostree, reachable, &rest, NULL, &cause))
    {
      size->reclaimable_bytes = rest.freed_bytes;
      return TRUE;
    }
  sc_store_fail_damaged (error, g_steal_pointer (&cause));
  return sc_prefix_error (error, "measuring the repository: ");
}
