/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-repo-tree.h"

#include "base/sc-fd.h"
#include "store/sc-link-tree.h"
#include "store/sc-store-error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

/* What a path is: of a file @object is its content's checksum, of a directory its dirtree's. */
typedef struct
{
  ScNodeType type;
  gboolean below_link; /* a parent is a symbolic link */
  ScChecksum object;
} Node;

/* Children are sorted by name. */
static gboolean
find_child (GVariant *tree, gsize list, const char *name, ScChecksum *out)
{
  g_autoptr (GVariant) entries = g_variant_get_child_value (tree, list);
  gsize low = 0;
  gsize high = g_variant_n_children (entries);

  while (low < high)
    {
      gsize middle = low + (high - low) / 2;
      g_autoptr (GVariant) entry = g_variant_get_child_value (entries, middle);
      const char *entry_name = NULL;

      g_variant_get_child (entry, 0, "&s", &entry_name);
      int order = strcmp (name, entry_name);
      if (order == 0)
        return sc_tree_get_checksum (entry, 1, out);
      if (order < 0)
        high = middle;
      else
        low = middle + 1;
    }
  return FALSE;
}

static gboolean
is_symlink (OstreeRepo *ostree, const ScChecksum *file, gboolean *result, GError **error)
{
  g_autofree char *hex = ostree_checksum_from_bytes (file->bytes);
  g_autoptr (GFileInfo) info = NULL;
  g_autoptr (GError) cause = NULL;

  if (!ostree_repo_load_file (ostree, hex, NULL, &info, NULL, NULL, &cause))
    return sc_store_fail_damaged (error, g_steal_pointer (&cause));
  *result = g_file_info_get_file_type (info) == G_FILE_TYPE_SYMBOLIC_LINK;
  return TRUE;
}

static gboolean
enter_child (OstreeRepo *ostree, const char *name, Node *node, GError **error)
{
  enum
  {
    FILES,
    DIRECTORIES
  };
  g_autoptr (GVariant) tree = sc_tree_load (ostree, &node->object, error);
  gboolean link = FALSE;

  if (tree == NULL)
    return FALSE;
  if (find_child (tree, DIRECTORIES, name, &node->object))
    return TRUE;
  if (!find_child (tree, FILES, name, &node->object))
    {
      node->type = SC_NODE_NONE;
      return TRUE;
    }
  if (!is_symlink (ostree, &node->object, &link, error))
    return FALSE;
  node->type = link ? SC_NODE_SYMLINK : SC_NODE_REGULAR;
  return TRUE;
}

static gboolean
find_node (OstreeRepo *ostree, const char *commit, const char *path, Node *node, GError **error)
{
  g_autoptr (GVariant) variant = sc_commit_load (ostree, commit, error);
  g_auto (GStrv) names = g_strsplit (path, "/", -1);
  ScChecksum meta;

  if (variant == NULL || !sc_commit_get_root (variant, &node->object, &meta, error))
    return FALSE;

  node->type = SC_NODE_DIRECTORY;
  node->below_link = FALSE;
  for (gsize i = 0; names[i] != NULL; i++)
    {
      if (names[i][0] == '\0')
        continue;
      if (node->type != SC_NODE_DIRECTORY)
        {
          node->below_link = node->type == SC_NODE_SYMLINK;
          node->type = SC_NODE_NONE;
          return TRUE;
        }
      if (!enter_child (ostree, names[i], node, error))
        return FALSE;
      if (node->type == SC_NODE_NONE)
        return TRUE;
    }
  return TRUE;
}

gboolean
sc_repo_lookup (
    ScRepo *self, const char *commit, const char *path, ScNodeType *type, GError **error)
{
  g_autofree char *shown = sc_text_escape (path);
  Node node;

  if (!find_node (sc_repo_get_ostree (self), commit, path, &node, error))
    return sc_prefix_error (error, "looking for \"%s\": ", shown);
  *type = node.type;
  return TRUE;
}

gboolean
sc_repo_find_directory (
    OstreeRepo *repo, const char *commit, const char *path, ScChecksum *tree, GError **error)
{
  Node node;

  if (!find_node (repo, commit, path, &node, error))
    return FALSE;
  if (node.type != SC_NODE_DIRECTORY)
    return sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "there is no such directory");
  *tree = node.object;
  return TRUE;
}

static GBytes *
read_content (OstreeRepo *ostree, const ScChecksum *file, gsize max_bytes, GError **error)
{
  g_autofree char *hex = ostree_checksum_from_bytes (file->bytes);
  g_autoptr (GInputStream) input = NULL;
  g_autoptr (GFileInfo) info = NULL;
  g_autoptr (GError) cause = NULL;

  if (!ostree_repo_load_file (ostree, hex, &input, &info, NULL, NULL, &cause))
    {
      sc_store_fail_damaged (error, g_steal_pointer (&cause));
      return NULL;
    }

  guint64 size_bytes = (guint64)g_file_info_get_size (info);
  if (size_bytes > max_bytes)
    {
      sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                    "it has %" G_GUINT64_FORMAT " bytes, more than %" G_GSIZE_FORMAT, size_bytes,
                    max_bytes);
      return NULL;
    }

  g_autofree guint8 *data = g_malloc (size_bytes + 1);
  gsize n_read = 0;
  if (!g_input_stream_read_all (input, data, size_bytes, &n_read, NULL, &cause))
    {
      sc_store_fail (error, g_steal_pointer (&cause));
      return NULL;
    }
  data[n_read] = 0;
  return g_bytes_new_take (g_steal_pointer (&data), n_read);
}

static gboolean
check_regular (const Node *node, GError **error)
{
  if (node->type == SC_NODE_REGULAR)
    return TRUE;
  if (node->type == SC_NODE_SYMLINK)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "it is a symbolic link");
  if (node->type == SC_NODE_DIRECTORY)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "it is a directory");
  if (node->below_link)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "a directory above it is a symbolic link");
  return sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "there is no such file");
}

GBytes *
sc_repo_read_file (
    ScRepo *self, const char *commit, const char *path, gsize max_bytes, GError **error)
{
  OstreeRepo *ostree = sc_repo_get_ostree (self);
  g_autofree char *shown = sc_text_escape (path);
  g_autoptr (GBytes) bytes = NULL;
  Node node;

  if (find_node (ostree, commit, path, &node, error) && check_regular (&node, error))
    bytes = read_content (ostree, &node.object, max_bytes, error);
  if (bytes == NULL)
    sc_prefix_error (error, "reading \"%s\" of the stored tree: ", shown);
  return g_steal_pointer (&bytes);
}

GHashTable *
sc_repo_get_commit_strings (ScRepo *self, const char *commit, GError **error)
{
  g_autoptr (GVariant) variant = sc_commit_load (sc_repo_get_ostree (self), commit, error);
  if (variant == NULL)
    return NULL;

  g_autoptr (GHashTable) strings = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GVariant) metadata = g_variant_get_child_value (variant, 0);
  GVariantIter iter;
  const char *key = NULL;
  GVariant *value = NULL;

  g_variant_iter_init (&iter, metadata);
  while (g_variant_iter_loop (&iter, "{&sv}", &key, &value))
    if (g_variant_is_of_type (value, G_VARIANT_TYPE_STRING))
      g_hash_table_insert (strings, g_strdup (key), g_variant_dup_string (value, NULL));
  return g_steal_pointer (&strings);
}

/* Copies what cannot be linked. */
static gboolean
checkout_copies (OstreeRepo *ostree,
                 const char *commit,
                 int dir_fd,
                 const char *name,
                 GCancellable *cancellable,
                 GError **error)
{
  /* Owners can be set only from a repository that keeps them, by root. */
  gboolean is_bare = ostree_repo_get_mode (ostree) == OSTREE_REPO_MODE_BARE;
  OstreeRepoCheckoutAtOptions options = {
    .mode = is_bare ? OSTREE_REPO_CHECKOUT_MODE_NONE : OSTREE_REPO_CHECKOUT_MODE_USER,
    .overwrite_mode = OSTREE_REPO_CHECKOUT_OVERWRITE_NONE,
    .process_whiteouts = FALSE,
    .enable_fsync = FALSE,
  };
  g_autoptr (GError) cause = NULL;

  return ostree_repo_checkout_at (ostree, &options, dir_fd, name, commit, cancellable, &cause)
         || sc_store_fail (error, g_steal_pointer (&cause));
}

/* ext4 allows 65 000 links to a file. */
static gboolean
checkout (ScRepo *self,
          const char *commit,
          int dir_fd,
          const char *name,
          GCancellable *cancellable,
          GError **error)
{
  OstreeRepo *ostree = sc_repo_get_ostree (self);
  gboolean is_link_limit = FALSE;
  g_autoptr (GError) local_error = NULL;

  if (ostree_repo_get_mode (ostree) != OSTREE_REPO_MODE_BARE)
    return checkout_copies (ostree, commit, dir_fd, name, cancellable, error);
  if (sc_link_tree (ostree, commit, dir_fd, name, &is_link_limit, cancellable, &local_error))
    return TRUE;
  if (!is_link_limit)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  return sc_fd_remove_tree (dir_fd, name, error)
         && checkout_copies (ostree, commit, dir_fd, name, cancellable, error);
}

gboolean
sc_repo_checkout (ScRepo *self,
                  const char *commit,
                  int dir_fd,
                  const char *name,
                  GCancellable *cancellable,
                  GError **error)
{
  struct stat st;

  if (fstatat (dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
    {
      g_autofree char *shown = sc_text_escape (name);
      return sc_error_set (error, SYSCONT_ERROR_ALREADY_EXISTS, "\"%s\" exists already", shown);
    }
  if (checkout (self, commit, dir_fd, name, cancellable, error))
    return TRUE;
  (void)sc_fd_remove_tree (dir_fd, name, NULL);
  return sc_prefix_error (error, "checking out the tree %s: ", commit);
}

gboolean
sc_repo_check_objects (ScRepo *self, const char *commit, GError **error)
{
  OstreeRepo *ostree = sc_repo_get_ostree (self);
  g_autoptr (GHashTable) reachable = NULL;
  g_autoptr (GError) cause = NULL;
  GHashTableIter iter;
  gpointer key;

  if (!ostree_repo_traverse_commit (ostree, commit, 0, &reachable, NULL, &cause))
    return sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT, "commit %s: %s", commit,
                         cause->message);
  g_hash_table_iter_init (&iter, reachable);
  while (g_hash_table_iter_next (&iter, &key, NULL))
    {
      const char *checksum;
      OstreeObjectType type;
      gboolean has_object = FALSE;

      ostree_object_name_deserialize (key, &checksum, &type);
      if (!ostree_repo_has_object (ostree, type, checksum, &has_object, NULL, &cause))
        return sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT, "object %s: %s", checksum,
                             cause->message);
      if (!has_object)
        return sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT,
                             "commit %s: object %s is missing", commit, checksum);
    }
  return TRUE;
}
