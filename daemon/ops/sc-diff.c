/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What differs between two deployments of a container: values, config, unit, files of the image, and
 * what they may do.
 */
#include "deploy/sc-privileges.h"
#include "ops/sc-op-private.h"
#include "ops/sc-side.h"
#include "store/sc-image-store.h"

#include <string.h>

#define MAX_NODES (2 * 1000 * 1000)
#define MAX_FILES 2000 /* that are named; a result is kept in memory and on disk */

typedef struct
{
  ScOp base;
  guint64 from;
  guint64 to;
} DiffOp;

typedef struct
{
  const char *path;
  const char *action; /* static */
} FileChange;

/* (transfer full) (nullable): of ScTreeNode: everything in the image of a deployment */
static GPtrArray *
list_files (ScRepo *repo, const char *name, guint64 n, GError **error)
{
  g_autofree char *ref = sc_deploy_ref (name, n);
  g_autofree char *commit = sc_repo_resolve (repo, ref, error);

  if (commit != NULL)
    return sc_repo_list_tree (repo, commit, "", MAX_NODES, error);
  if (error != NULL && *error == NULL)
    sc_error_set (error, SYSCONT_ERROR_DAMAGED, "the tree of %s.%" G_GUINT64_FORMAT " is missing",
                  name, n);
  return NULL;
}

/* An object is a file with its owner, mode and extended attributes. */
static gboolean
is_same (const ScTreeNode *a, const ScTreeNode *b)
{
  return a->type == b->type && g_strcmp0 (a->object, b->object) == 0
         && g_strcmp0 (a->target, b->target) == 0;
}

static GHashTable *
index_nodes (GPtrArray *nodes)
{
  GHashTable *index = g_hash_table_new (g_str_hash, g_str_equal);

  for (guint i = 0; i < nodes->len; i++)
    g_hash_table_insert (index, ((ScTreeNode *)nodes->pdata[i])->path, nodes->pdata[i]);
  return index;
}

static int
compare_changes (gconstpointer a, gconstpointer b)
{
  return strcmp (((const FileChange *)a)->path, ((const FileChange *)b)->path);
}

/* (transfer full): of FileChange, by path */
static GArray *
compare_files (GPtrArray *before, GPtrArray *after)
{
  g_autoptr (GHashTable) old = index_nodes (before);
  g_autoptr (GHashTable) new = index_nodes (after);
  GArray *changes = g_array_new (FALSE, FALSE, sizeof (FileChange));

  for (guint i = 0; i < after->len; i++)
    {
      const ScTreeNode *node = after->pdata[i];
      const ScTreeNode *was = g_hash_table_lookup (old, node->path);
      const FileChange change = { node->path, was == NULL ? "create" : "change" };
      if (was == NULL || !is_same (was, node))
        g_array_append_val (changes, change);
    }
  for (guint i = 0; i < before->len; i++)
    {
      const ScTreeNode *node = before->pdata[i];
      const FileChange change = { node->path, "remove" };
      if (!g_hash_table_contains (new, node->path))
        g_array_append_val (changes, change);
    }
  g_array_sort (changes, compare_changes);
  return changes;
}

static gboolean
add_files (const DiffOp *self, ScOpContext *context, GVariantBuilder *rows, GError **error)
{
  const char *name = self->base.targets[0];
  g_autoptr (ScRepo) repo = sc_repo_open (context->paths, error);
  g_autoptr (GPtrArray) before = repo != NULL ? list_files (repo, name, self->from, error) : NULL;
  g_autoptr (GPtrArray) after = before != NULL ? list_files (repo, name, self->to, error) : NULL;
  if (after == NULL)
    return FALSE;

  g_autoptr (GArray) changes = compare_files (before, after);
  for (guint i = 0; i < MIN (changes->len, MAX_FILES); i++)
    {
      const FileChange *change = &g_array_index (changes, FileChange, i);
      g_autofree char *path = g_strconcat ("/", change->path, NULL);
      sc_side_add_row (rows, "file", change->action, path, NULL);
    }
  g_variant_dict_insert (context->result, "files", "u", changes->len);
  return TRUE;
}

static gboolean
add_privileges (const DiffOp *self,
                const ScContainer *container,
                ScOpContext *context,
                GError **error)
{
  g_autoptr (GPtrArray) from = sc_privileges_load (context->paths, container, self->from, error);
  g_autoptr (GPtrArray) to
      = from != NULL ? sc_privileges_load (context->paths, container, self->to, error) : NULL;
  if (to == NULL)
    return FALSE;

  g_autoptr (GPtrArray) gains = sc_privilege_list_gains (from, to);
  g_autoptr (GPtrArray) losses = sc_privilege_list_gains (to, from);
  g_variant_dict_insert_value (context->result, "privilege-gains",
                               sc_privilege_list_to_variant (gains));
  g_variant_dict_insert_value (context->result, "privilege-losses",
                               sc_privilege_list_to_variant (losses));
  return TRUE;
}

static gboolean
diff (const DiffOp *self, ScOpContext *context, GError **error)
{
  const char *name = self->base.targets[0];
  g_auto (GVariantBuilder) rows = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_auto (ScSide) from = { 0 };
  g_auto (ScSide) to = { 0 };
  g_autoptr (ScContainer) container = sc_container_load (context->paths, name, error);

  if (container == NULL || !sc_side_load (&from, context->paths, container, self->from, error)
      || !sc_side_load (&to, context->paths, container, self->to, error))
    return FALSE;
  sc_side_compare (&from, &to, name, &rows);
  if (!add_files (self, context, &rows, error) || !add_privileges (self, container, context, error))
    return FALSE;
  g_variant_dict_insert (context->result, "from-deployment", "t", self->from);
  g_variant_dict_insert (context->result, "deployment", "t", self->to);
  g_variant_dict_insert_value (context->result, "changes", g_variant_builder_end (&rows));
  sc_op_set_changed (context, FALSE);
  return TRUE;
}

static gboolean
diff_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  return diff ((DiffOp *)base, context, error)
         || sc_prefix_error (error, "\"%s\": ", base->targets[0]);
}

static void
diff_free (ScOp *base)
{
  g_free (base);
}

static const ScOpClass diff_class = { "diff", diff_run, diff_free };

ScOp *
sc_op_new_diff (const char *name, guint64 from, guint64 to)
{
  DiffOp *self = g_new0 (DiffOp, 1);
  const char *const targets[] = { name, NULL };

  sc_op_init (&self->base, &diff_class, targets);
  sc_op_claim (&self->base, "container", name, FALSE);
  sc_op_claim (&self->base, "repository", NULL, FALSE);
  self->from = from;
  self->to = to;
  return &self->base;
}
