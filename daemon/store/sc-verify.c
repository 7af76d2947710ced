/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-verify.h"

#include "base/sc-digest.h"
#include "store/sc-store-error.h"
#include "store/sc-tree-object.h"

#include <string.h>

#define READ_BYTES (256 * 1024)

typedef struct
{
  ScChecksum checksum;
  OstreeObjectType type;
} ObjectKey;

typedef enum
{
  OBJECT_UNKNOWN, /* not seen yet */
  OBJECT_PENDING, /* a file that is still to be read */
  OBJECT_CLEAN,
  OBJECT_DAMAGED, /* or missing */
} ObjectState;

struct _ScVerify
{
  OstreeRepo *ostree;   /* (owned) */
  ScProgress *progress; /* (owned) */
  GHashTable *states;   /* (owned) ObjectKey to ObjectState */
  GArray *pending;      /* (owned) of ObjectKey: files that are still to be read */
  ScHasher *hasher;     /* (owned) */
  guint8 *buffer;       /* (owned) of READ_BYTES */
  guint64 bytes;        /* of all files */
  guint n_damaged;
  GCancellable *cancellable; /* lent for the time of sc_verify_add() */
};

/* A checksum is as good a hash as any. */
static guint
key_hash (gconstpointer data)
{
  guint hash;

  memcpy (&hash, data, sizeof hash);
  return hash;
}

static gboolean
key_equal (gconstpointer a, gconstpointer b)
{
  const ObjectKey *x = a;
  const ObjectKey *y = b;

  return x->type == y->type && memcmp (&x->checksum, &y->checksum, sizeof x->checksum) == 0;
}

ScVerify *
sc_verify_new (ScRepo *repo, ScProgress *progress)
{
  ScVerify *self = g_new0 (ScVerify, 1);

  self->ostree = g_object_ref (sc_repo_get_ostree (repo));
  self->progress = sc_progress_ref (progress);
  self->states = g_hash_table_new_full (key_hash, key_equal, g_free, NULL);
  self->pending = g_array_new (FALSE, FALSE, sizeof (ObjectKey));
  self->hasher = sc_hasher_new ();
  self->buffer = g_malloc (READ_BYTES);
  return self;
}

void
sc_verify_free (ScVerify *self)
{
  g_object_unref (self->ostree);
  sc_progress_unref (self->progress);
  g_array_unref (self->pending);
  g_hash_table_unref (self->states);
  sc_hasher_free (self->hasher);
  g_free (self->buffer);
  g_free (self);
}

static ObjectState
get_state (ScVerify *self, const ObjectKey *key)
{
  return GPOINTER_TO_UINT (g_hash_table_lookup (self->states, key));
}

static void
set_state (ScVerify *self, const ObjectKey *key, ObjectState state)
{
  if (state == OBJECT_DAMAGED)
    self->n_damaged++;
  g_hash_table_replace (self->states, g_memdup2 (key, sizeof *key), GUINT_TO_POINTER (state));
}

/* Reading an object failed with @cause: (transfer full): whether that is the object's fault. */
static gboolean
take_failure (ScVerify *self, const ObjectKey *key, GError *cause, GError **error)
{
  g_autoptr (GError) owned = cause;

  if (g_error_matches (owned, G_IO_ERROR, G_IO_ERROR_CANCELLED)
      || g_error_matches (owned, G_IO_ERROR, G_IO_ERROR_TOO_MANY_OPEN_FILES)
      || g_error_matches (owned, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
    return sc_store_fail (error, g_steal_pointer (&owned));
  set_state (self, key, OBJECT_DAMAGED);
  return TRUE;
}

/* A commit, a directory or a directory's metadata. @variant: (out): NULL for one that was seen
 * before, or that is not as it should be. */
static gboolean
check_metadata (ScVerify *self, const ObjectKey *key, GVariant **variant, GError **error)
{
  g_autofree char *hex = ostree_checksum_from_bytes (key->checksum.bytes);
  g_autoptr (GVariant) object = NULL;
  g_autoptr (GError) cause = NULL;

  *variant = NULL;
  if (get_state (self, key) != OBJECT_UNKNOWN)
    return TRUE;
  if (!ostree_repo_load_variant (self->ostree, key->type, hex, &object, &cause))
    return take_failure (self, key, g_steal_pointer (&cause), error);
  if (!sc_object_has_checksum (object, &key->checksum))
    {
      set_state (self, key, OBJECT_DAMAGED);
      return TRUE;
    }
  set_state (self, key, OBJECT_CLEAN);
  *variant = g_steal_pointer (&object);
  return TRUE;
}

static gboolean
add_file (ScVerify *self, const ObjectKey *key, GError **error)
{
  g_autofree char *hex = ostree_checksum_from_bytes (key->checksum.bytes);
  g_autoptr (GError) cause = NULL;
  guint64 size_bytes = 0;

  if (get_state (self, key) != OBJECT_UNKNOWN)
    return TRUE;
  if (!ostree_repo_query_object_storage_size (self->ostree, key->type, hex, &size_bytes, NULL,
                                              &cause))
    return take_failure (self, key, g_steal_pointer (&cause), error);

  set_state (self, key, OBJECT_PENDING);
  g_array_append_val (self->pending, *key);
  self->bytes += size_bytes;
  return TRUE;
}

static gboolean add_tree (ScVerify *self, const ScTreeEntry *entry, GError **error);

static gboolean
add_file_entry (gpointer user_data, const ScTreeEntry *entry, GError **error)
{
  const ObjectKey key = { entry->contents, OSTREE_OBJECT_TYPE_FILE };

  return add_file (user_data, &key, error);
}

static gboolean
add_directory_entry (gpointer user_data, const ScTreeEntry *entry, GError **error)
{
  return add_tree (user_data, entry, error);
}

/* What is below a directory that was seen before was seen with it. */
static gboolean
add_tree (ScVerify *self, const ScTreeEntry *entry, GError **error)
{
  static const ScTreeVisitor visitor = { add_file_entry, add_directory_entry };
  const ObjectKey tree_key = { entry->contents, OSTREE_OBJECT_TYPE_DIR_TREE };
  const ObjectKey meta_key = { entry->meta, OSTREE_OBJECT_TYPE_DIR_META };
  g_autoptr (GVariant) meta = NULL;
  g_autoptr (GVariant) tree = NULL;

  if (g_cancellable_set_error_if_cancelled (self->cancellable, error)
      || !check_metadata (self, &meta_key, &meta, error)
      || !check_metadata (self, &tree_key, &tree, error))
    return FALSE;
  return tree == NULL || sc_tree_visit (tree, &visitor, self, error);
}

static void
commit_key (const char *commit, ObjectKey *key)
{
  key->type = OSTREE_OBJECT_TYPE_COMMIT;
  ostree_checksum_inplace_to_bytes (commit, key->checksum.bytes);
}

gboolean
sc_verify_add (ScVerify *self, const char *commit, GCancellable *cancellable, GError **error)
{
  ScTreeEntry root = { .name = "" };
  g_autoptr (GVariant) variant = NULL;
  ObjectKey key;

  commit_key (commit, &key);
  self->cancellable = cancellable;
  return check_metadata (self, &key, &variant, error)
         && (variant == NULL || !sc_commit_get_root (variant, &root.contents, &root.meta, NULL)
             || add_tree (self, &root, error));
}

/* The stream that libostree hashes: header with owner, mode and extended attributes, content. */
static GInputStream *
open_file (ScVerify *self, const char *hex, GCancellable *cancellable, GError **error)
{
  g_autoptr (GInputStream) content = NULL;
  g_autoptr (GFileInfo) info = NULL;
  g_autoptr (GVariant) xattrs = NULL;
  GInputStream *stream = NULL;
  guint64 size_bytes;

  if (!ostree_repo_load_file (self->ostree, hex, &content, &info, &xattrs, cancellable, error)
      || !ostree_raw_file_to_content_stream (content, info, xattrs, &stream, &size_bytes,
                                             cancellable, error))
    return NULL;
  return stream;
}

static gboolean
hash_file (
    ScVerify *self, const char *hex, ScChecksum *actual, GCancellable *cancellable, GError **error)
{
  g_autoptr (GInputStream) stream = open_file (self, hex, cancellable, error);

  if (stream == NULL)
    return FALSE;
  for (;;)
    {
      gssize n = g_input_stream_read (stream, self->buffer, READ_BYTES, cancellable, error);
      if (n < 0)
        {
          sc_hasher_finish_raw (self->hasher, actual->bytes); /* for the next one */
          return FALSE;
        }
      if (n == 0)
        break;
      sc_hasher_update (self->hasher, self->buffer, (gsize)n);
      sc_progress_add_bytes (self->progress, (guint64)n);
    }
  sc_hasher_finish_raw (self->hasher, actual->bytes);
  return TRUE;
}

static gboolean
check_file (ScVerify *self, const ObjectKey *key, GCancellable *cancellable, GError **error)
{
  g_autofree char *hex = ostree_checksum_from_bytes (key->checksum.bytes);
  g_autoptr (GError) cause = NULL;
  ScChecksum actual;

  if (g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  if (hash_file (self, hex, &actual, cancellable, &cause))
    {
      gboolean clean = memcmp (&actual, &key->checksum, sizeof actual) == 0;
      set_state (self, key, clean ? OBJECT_CLEAN : OBJECT_DAMAGED);
      return TRUE;
    }
  return take_failure (self, key, g_steal_pointer (&cause), error);
}

gboolean
sc_verify_run (ScVerify *self, GCancellable *cancellable, GError **error)
{
  sc_progress_set_total (self->progress, self->bytes);
  for (guint i = 0; i < self->pending->len; i++)
    if (!check_file (self, &g_array_index (self->pending, ObjectKey, i), cancellable, error))
      return FALSE;
  g_array_set_size (self->pending, 0);
  return TRUE;
}

/* --- which commits have what is damaged --- */

typedef struct
{
  ScVerify *verify;
  GHashTable *trees;   /* (owned) set of ObjectKey: directories that were looked at */
  GHashTable *damaged; /* (owned) set of char* */
} Search;

static gboolean
note_damage (Search *self, const ObjectKey *key)
{
  if (get_state (self->verify, key) != OBJECT_DAMAGED)
    return FALSE;
  g_autofree char *hex = ostree_checksum_from_bytes (key->checksum.bytes);
  g_hash_table_add (self->damaged, ostree_object_to_string (hex, key->type));
  return TRUE;
}

static void search_tree (Search *self, const ScTreeEntry *entry);

static gboolean
search_file_entry (gpointer user_data, const ScTreeEntry *entry, GError **error)
{
  const ObjectKey key = { entry->contents, OSTREE_OBJECT_TYPE_FILE };

  note_damage (user_data, &key);
  return TRUE;
}

static gboolean
search_directory_entry (gpointer user_data, const ScTreeEntry *entry, GError **error)
{
  search_tree (user_data, entry);
  return TRUE;
}

static void
search_tree (Search *self, const ScTreeEntry *entry)
{
  static const ScTreeVisitor visitor = { search_file_entry, search_directory_entry };
  const ObjectKey tree_key = { entry->contents, OSTREE_OBJECT_TYPE_DIR_TREE };
  const ObjectKey meta_key = { entry->meta, OSTREE_OBJECT_TYPE_DIR_META };

  note_damage (self, &meta_key);
  if (note_damage (self, &tree_key)
      || !g_hash_table_add (self->trees, g_memdup2 (&tree_key, sizeof tree_key)))
    return;
  g_autoptr (GVariant) tree = sc_tree_load (self->verify->ostree, &entry->contents, NULL);
  if (tree != NULL)
    sc_tree_visit (tree, &visitor, self, NULL);
}

static void
search_commit (Search *self, const char *commit)
{
  ScTreeEntry root = { .name = "" };
  g_autoptr (GVariant) variant = NULL;
  ObjectKey key;

  commit_key (commit, &key);
  if (!note_damage (self, &key)
      && ostree_repo_load_variant (self->verify->ostree, OSTREE_OBJECT_TYPE_COMMIT, commit,
                                   &variant, NULL)
      && sc_commit_get_root (variant, &root.contents, &root.meta, NULL))
    search_tree (self, &root);
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

char **
sc_verify_list_damage (ScVerify *self, const char *commit)
{
  Search search = { .verify = self };

  if (self->n_damaged == 0)
    return g_new0 (char *, 1);
  search.trees = g_hash_table_new_full (key_hash, key_equal, g_free, NULL);
  search.damaged = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  search_commit (&search, commit);

  guint n = 0;
  g_autofree char **objects = (char **)g_hash_table_get_keys_as_array (search.damaged, &n);
  qsort (objects, n, sizeof *objects, compare_strings);
  char **copy = g_strdupv (objects);
  g_hash_table_unref (search.trees);
  g_hash_table_unref (search.damaged);
  return copy;
}

guint64
sc_verify_get_bytes (ScVerify *self)
{
  return self->bytes;
}

guint
sc_verify_get_objects (ScVerify *self)
{
  return g_hash_table_size (self->states);
}

static gboolean
delete_object (ScVerify *self, const char *object, GCancellable *cancellable, GError **error)
{
  g_autofree char *hex = NULL;
  OstreeObjectType type;
  g_autoptr (GError) cause = NULL;

  ostree_object_from_string (object, &hex, &type);
  if (ostree_repo_delete_object (self->ostree, type, hex, cancellable, &cause)
      || g_error_matches (cause, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    return TRUE;
  sc_store_fail (error, g_steal_pointer (&cause));
  return sc_prefix_error (error, "taking away the damaged object %s: ", object);
}

gboolean
sc_verify_drop (ScVerify *self,
                const char *commit,
                const char *const *objects,
                gboolean is_partial,
                GCancellable *cancellable,
                GError **error)
{
  g_autoptr (GError) cause = NULL;

  /* Before the first is gone: whoever comes in between must see it. */
  if (is_partial && objects[0] != NULL
      && !ostree_repo_mark_commit_partial (self->ostree, commit, TRUE, &cause))
    return sc_store_fail (error, g_steal_pointer (&cause));
  for (guint i = 0; objects[i] != NULL; i++)
    if (!delete_object (self, objects[i], cancellable, error))
      return FALSE;
  return TRUE;
}
