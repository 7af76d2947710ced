/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lists what a directory of a commit has below it, from the objects alone: no path of a checkout is
 * ever walked.
 */
#include "store/sc-repo-tree.h"
#include "store/sc-store-error.h"

#define MAX_DEPTH 128

/* A directory that is still to be listed. */
typedef struct
{
  char *path; /* (owned) "" for the first */
  guint depth;
  ScChecksum tree;
} Pending;

typedef struct
{
  OstreeRepo *ostree;
  guint max_nodes;
  GPtrArray *nodes;   /* (owned) of ScTreeNode */
  GPtrArray *pending; /* (owned) of Pending */
} Listing;

static void
pending_free (gpointer data)
{
  Pending *self = data;

  g_free (self->path);
  g_free (self);
}

static void
listing_clear (Listing *self)
{
  g_clear_pointer (&self->nodes, g_ptr_array_unref);
  g_clear_pointer (&self->pending, g_ptr_array_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Listing, listing_clear)

void
sc_tree_node_free (ScTreeNode *self)
{
  g_free (self->path);
  g_free (self->object);
  g_free (self->target);
  g_free (self);
}

static ScTreeNode *
add_node (Listing *self, const Pending *parent, const char *name, GError **error)
{
  if (self->nodes->len >= self->max_nodes)
    {
      sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED, "more than %u entries", self->max_nodes);
      return NULL;
    }

  ScTreeNode *node = g_new0 (ScTreeNode, 1);
  node->path
      = parent->path[0] != '\0' ? g_strconcat (parent->path, "/", name, NULL) : g_strdup (name);
  g_ptr_array_add (self->nodes, node);
  return node;
}

static gboolean
fill_file (Listing *self, ScTreeNode *node, const ScChecksum *object, GError **error)
{
  g_autofree char *hex = ostree_checksum_from_bytes (object->bytes);
  g_autoptr (GFileInfo) info = NULL;
  g_autoptr (GError) cause = NULL;

  if (!ostree_repo_load_file (self->ostree, hex, NULL, &info, NULL, NULL, &cause))
    return sc_store_fail_damaged (error, g_steal_pointer (&cause));
  if (g_file_info_get_file_type (info) == G_FILE_TYPE_SYMBOLIC_LINK)
    {
      node->type = SC_NODE_SYMLINK;
      node->target = g_strdup (g_file_info_get_symlink_target (info));
      return TRUE;
    }
  node->type = SC_NODE_REGULAR;
  node->mode = g_file_info_get_attribute_uint32 (info, "unix::mode");
  node->size_bytes = (guint64)g_file_info_get_size (info);
  node->object = g_steal_pointer (&hex);
  return TRUE;
}

static gboolean
list_files (Listing *self, const Pending *directory, GVariant *files, GError **error)
{
  gsize length = g_variant_n_children (files);

  for (gsize i = 0; i < length; i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (files, i);
      const char *name = NULL;
      ScChecksum object = { 0 };

      g_variant_get_child (entry, 0, "&s", &name);
      ScTreeNode *node = add_node (self, directory, name, error);
      if (node == NULL || !sc_tree_get_checksum (entry, 1, &object)
          || !fill_file (self, node, &object, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
list_directories (Listing *self, const Pending *directory, GVariant *directories, GError **error)
{
  gsize length = g_variant_n_children (directories);

  if (length > 0 && directory->depth >= MAX_DEPTH)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED, "more than %d directories deep",
                         MAX_DEPTH);
  for (gsize i = 0; i < length; i++)
    {
      g_autoptr (GVariant) entry = g_variant_get_child_value (directories, i);
      const char *name = NULL;

      g_variant_get_child (entry, 0, "&s", &name);
      ScTreeNode *node = add_node (self, directory, name, error);
      if (node == NULL)
        return FALSE;
      node->type = SC_NODE_DIRECTORY;

      Pending *pending = g_new0 (Pending, 1);
      pending->path = g_strdup (node->path);
      pending->depth = directory->depth + 1;
      (void)sc_tree_get_checksum (entry, 1, &pending->tree); /* checked when it was loaded */
      g_ptr_array_add (self->pending, pending);
    }
  return TRUE;
}

static gboolean
list_directory (Listing *self, const Pending *directory, gboolean *is_empty, GError **error)
{
  enum
  {
    FILES,
    DIRECTORIES
  };
  g_autoptr (GVariant) tree = sc_tree_load (self->ostree, &directory->tree, error);
  if (tree == NULL)
    return FALSE;

  g_autoptr (GVariant) files = g_variant_get_child_value (tree, FILES);
  g_autoptr (GVariant) directories = g_variant_get_child_value (tree, DIRECTORIES);
  *is_empty = g_variant_n_children (files) == 0 && g_variant_n_children (directories) == 0;
  return list_files (self, directory, files, error)
         && list_directories (self, directory, directories, error);
}

static gboolean
list_pending (Listing *self, GError **error)
{
  g_autoptr (GHashTable) empty = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < self->pending->len; i++)
    {
      const Pending *directory = self->pending->pdata[i];
      gboolean is_empty = FALSE;

      if (!list_directory (self, directory, &is_empty, error))
        return FALSE;
      if (is_empty)
        g_hash_table_add (empty, g_strdup (directory->path));
    }
  for (guint i = 0; i < self->nodes->len; i++)
    {
      ScTreeNode *node = self->nodes->pdata[i];
      node->is_empty = g_hash_table_contains (empty, node->path);
    }
  return TRUE;
}

GPtrArray *
sc_repo_list_tree (
    ScRepo *self, const char *commit, const char *path, guint max_nodes, GError **error)
{
  g_auto (Listing) listing = {
    .ostree = sc_repo_get_ostree (self),
    .max_nodes = max_nodes,
    .nodes = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_tree_node_free),
    .pending = g_ptr_array_new_with_free_func (pending_free),
  };
  Pending *first = g_new0 (Pending, 1);

  first->path = g_strdup ("");
  g_ptr_array_add (listing.pending, first);
  if (sc_repo_find_directory (listing.ostree, commit, path, &first->tree, error)
      && list_pending (&listing, error))
    return g_steal_pointer (&listing.nodes);

  g_autofree char *shown = sc_text_escape (path);
  sc_prefix_error (error, "listing \"%s\" of the stored tree: ", shown);
  return NULL;
}

GInputStream *
sc_repo_open_object (ScRepo *self, const char *object, GError **error)
{
  g_autoptr (GInputStream) input = NULL;
  g_autoptr (GFileInfo) info = NULL;
  g_autoptr (GError) cause = NULL;

  if (!ostree_repo_load_file (sc_repo_get_ostree (self), object, &input, &info, NULL, NULL, &cause))
    {
      sc_store_fail_damaged (error, g_steal_pointer (&cause));
      return NULL;
    }
  if (input == NULL)
    sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT, "object %s is no regular file", object);
  return g_steal_pointer (&input);
}
