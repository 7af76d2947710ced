/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-layer-tree.h"

#include "image/sc-entry.h"

#include <string.h>

#define OVERLAY_WHITEOUT_PREFIX ".ostree-wh."
#define MAX_IMPLICIT_TEXT_BYTES (4 * 1024 * 1024) /* a commit may have 10 MiB */

/* Recursion below is bounded by the depth of a path, SC_ENTRY_MAX_DEPTH. */
typedef struct
{
  GHashTable *children; /* (owned) (nullable) of a directory that has some: char* to Node* */
  ScChecksum checksum;  /* of the file object, or of the dirmeta */
  gboolean is_directory;
  gboolean is_implicit;
} Node;

struct _ScLayerTree
{
  Node *root; /* (owned) */
  ScChecksum implicit_meta;
  guint max_implicit;
  guint n_implicit; /* ever made */
  gboolean has_reserved;
};

gboolean
sc_layer_is_reserved (const char *name)
{
  return g_str_has_prefix (name, SC_WHITEOUT_PREFIX)
         || g_str_has_prefix (name, OVERLAY_WHITEOUT_PREFIX);
}

static void
node_free (Node *self)
{
  g_clear_pointer (&self->children, g_hash_table_unref);
  g_free (self);
}

static Node *
node_new (gboolean is_directory, gboolean is_implicit, const ScChecksum *checksum)
{
  Node *self = g_new0 (Node, 1);

  self->is_directory = is_directory;
  self->is_implicit = is_implicit;
  self->checksum = *checksum;
  return self;
}

static Node *
node_get_child (Node *self, const char *name)
{
  return self->children != NULL ? g_hash_table_lookup (self->children, name) : NULL;
}

/* The one place where a name comes in. */
static void
set_child (ScLayerTree *self, Node *parent, const char *name, Node *child)
{
  if (parent->children == NULL)
    parent->children
        = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)node_free);
  g_hash_table_replace (parent->children, g_strdup (name), child);
  self->has_reserved |= sc_layer_is_reserved (name);
}

ScLayerTree *
sc_layer_tree_new (const ScChecksum *implicit_meta, guint max_implicit)
{
  ScLayerTree *self = g_new0 (ScLayerTree, 1);

  self->root = node_new (TRUE, TRUE, implicit_meta);
  self->implicit_meta = *implicit_meta;
  self->max_implicit = max_implicit;
  return self;
}

void
sc_layer_tree_free (ScLayerTree *self)
{
  node_free (self->root);
  g_free (self);
}

static Node *
ensure_child_directory (ScLayerTree *self, Node *directory, const char *name, GError **error)
{
  Node *child = node_get_child (directory, name);

  if (child != NULL && child->is_directory)
    return child;
  if (self->n_implicit >= self->max_implicit)
    {
      sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                    "the layer implies more than %u directories", self->max_implicit);
      return NULL;
    }
  self->n_implicit++;
  child = node_new (TRUE, TRUE, &self->implicit_meta);
  set_child (self, directory, name, child);
  return child;
}

/* The directory that @path is in, made if need be; *name is set to the last component. */
static Node *
ensure_parent (ScLayerTree *self, const char *path, const char **name, GError **error)
{
  Node *directory = self->root;
  const char *rest = path;

  for (const char *slash = strchr (rest, '/'); slash != NULL; slash = strchr (rest, '/'))
    {
      char component[SC_ENTRY_MAX_COMPONENT + 1];

      g_return_val_if_fail ((gsize)(slash - rest) < sizeof component, NULL);
      memcpy (component, rest, (gsize)(slash - rest));
      component[slash - rest] = '\0';
      directory = ensure_child_directory (self, directory, component, error);
      if (directory == NULL)
        return NULL;
      rest = slash + 1;
    }
  *name = rest;
  return directory;
}

gboolean
sc_layer_tree_put_directory (ScLayerTree *self,
                             const char *path,
                             const ScChecksum *meta,
                             GError **error)
{
  const char *name = NULL;
  Node *parent = ensure_parent (self, path, &name, error);
  if (parent == NULL)
    return FALSE;

  Node *node = path[0] == '\0' ? self->root : node_get_child (parent, name);
  if (node == NULL || !node->is_directory)
    {
      set_child (self, parent, name, node_new (TRUE, FALSE, meta));
      return TRUE;
    }
  node->checksum = *meta;
  node->is_implicit = FALSE;
  return TRUE;
}

gboolean
sc_layer_tree_put_file (ScLayerTree *self,
                        const char *path,
                        const ScChecksum *object,
                        GError **error)
{
  const char *name = NULL;
  Node *parent = ensure_parent (self, path, &name, error);
  if (parent == NULL)
    return FALSE;

  set_child (self, parent, name, node_new (FALSE, FALSE, object));
  return TRUE;
}

ScLayerNodeType
sc_layer_tree_find (ScLayerTree *self, const char *path, ScChecksum *object)
{
  g_auto (GStrv) names = g_strsplit (path, "/", -1);
  Node *node = self->root;

  for (gsize i = 0; names[i] != NULL && node != NULL; i++)
    node = node->is_directory ? node_get_child (node, names[i]) : NULL;
  if (node == NULL)
    return SC_LAYER_NODE_NONE;
  if (node->is_directory)
    return SC_LAYER_NODE_DIRECTORY;
  *object = node->checksum;
  return SC_LAYER_NODE_FILE;
}

gboolean
sc_layer_tree_has_reserved (ScLayerTree *self)
{
  return self->has_reserved;
}

static gboolean
write_node (
    Node *self, OstreeRepo *repo, ScChecksum *tree, GCancellable *cancellable, GError **error)
{
  g_autoptr (GArray) files = g_array_new (FALSE, FALSE, sizeof (ScTreeEntry));
  g_autoptr (GArray) dirs = g_array_new (FALSE, FALSE, sizeof (ScTreeEntry));
  GHashTableIter iter;
  gpointer name = NULL;
  gpointer value = NULL;

  if (self->children != NULL)
    {
      g_hash_table_iter_init (&iter, self->children);
      while (g_hash_table_iter_next (&iter, &name, &value))
        {
          Node *child = value;
          ScTreeEntry entry
              = { .name = name, .contents = child->checksum, .meta = child->checksum };

          if (child->is_directory && !write_node (child, repo, &entry.contents, cancellable, error))
            return FALSE;
          g_array_append_val (child->is_directory ? dirs : files, entry);
        }
    }
  return sc_tree_write (repo, files, dirs, tree, cancellable, error);
}

gboolean
sc_layer_tree_write (ScLayerTree *self,
                     OstreeRepo *repo,
                     ScChecksum *tree,
                     ScChecksum *meta,
                     GCancellable *cancellable,
                     GError **error)
{
  *meta = self->root->checksum;
  return write_node (self->root, repo, tree, cancellable, error);
}

typedef struct
{
  GPtrArray *paths;
  GString *path;
  gsize text_bytes;
} ImplicitList;

static gboolean
list_node (ImplicitList *list, Node *node, GError **error)
{
  GHashTableIter iter;
  gpointer name = NULL;
  gpointer child = NULL;

  if (node->is_implicit)
    {
      list->text_bytes += list->path->len + 1;
      if (list->text_bytes > MAX_IMPLICIT_TEXT_BYTES)
        return sc_error_set (
            error, SYSCONT_ERROR_LIMIT_EXCEEDED,
            "the names of directories that the layer only implies have more than %d bytes",
            MAX_IMPLICIT_TEXT_BYTES);
      g_ptr_array_add (list->paths, g_strdup (list->path->str));
    }
  if (node->children == NULL)
    return TRUE;

  g_hash_table_iter_init (&iter, node->children);
  while (g_hash_table_iter_next (&iter, &name, &child))
    {
      gsize length = list->path->len;

      if (!((Node *)child)->is_directory)
        continue;
      if (length > 0)
        g_string_append_c (list->path, '/');
      g_string_append (list->path, name);
      if (!list_node (list, child, error))
        return FALSE;
      g_string_truncate (list->path, length);
    }
  return TRUE;
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

char **
sc_layer_tree_list_implicit (ScLayerTree *self, GError **error)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) path = g_string_new (NULL);
  ImplicitList list = { paths, path, 0 };

  if (!list_node (&list, self->root, error))
    return NULL;
  g_ptr_array_sort (paths, compare_paths);
  g_ptr_array_add (paths, NULL);
  return (char **)g_ptr_array_free (g_steal_pointer (&paths), FALSE);
}
