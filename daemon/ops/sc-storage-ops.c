/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Removal of images, and of what nothing needs any more.
 */
#include "base/sc-digest.h"
#include "dbus/sc-bus-path.h"
#include "ops/sc-op-private.h"
#include "ops/sc-spool.h"
#include "ops/sc-usage.h"

#include <string.h>

static void
report_pruned (ScOpContext *context, const ScPruneResult *pruned)
{
  g_variant_dict_insert (context->result, "freed-bytes", "t", pruned->freed_bytes);
  g_variant_dict_insert (context->result, "objects", "u", pruned->n_objects);
  g_variant_dict_insert (context->result, "refs", "^as", pruned->refs);
}

/* --- remove an image --- */

static gboolean
remove_names (
    ScRepo *repo, const ScImage *image, const char *name, GCancellable *cancellable, GError **error)
{
  if (!sc_repo_begin (repo, cancellable, error))
    return FALSE;

  g_autoptr (ScRepoTransaction) transaction G_GNUC_UNUSED = repo;
  for (guint i = 0; image->references[i] != NULL; i++)
    if (name == NULL || strcmp (name, image->references[i]) == 0)
      sc_image_store_remove_name (repo, image->references[i]);
  return sc_repo_commit (repo, cancellable, error);
}

/* What cannot be read any more has to go by its name, for nothing else of it is known; it would keep
 * prune from telling what is needed. */
static gboolean
remove_unreadable (ScOpContext *context,
                   ScRepo *repo,
                   const char *given,
                   GCancellable *cancellable,
                   GError **error)
{
  g_auto (ScPruneResult) pruned = { 0 };
  g_autoptr (ScReference) reference = sc_reference_parse (given, error);
  if (reference == NULL || !sc_usage_check_name_unused (context->paths, reference->fullname, error)
      || !sc_repo_begin (repo, cancellable, error))
    return FALSE;

  g_autoptr (ScRepoTransaction) transaction G_GNUC_UNUSED = repo;
  sc_image_store_remove_name (repo, reference->fullname);
  if (!sc_repo_commit (repo, cancellable, error)
      || !sc_usage_prune (context->paths, repo, FALSE, &pruned, NULL, error))
    return FALSE;
  report_pruned (context, &pruned);
  sc_op_set_changed (context, TRUE);
  return TRUE;
}

static gboolean
remove_image (ScOpContext *context, const char *given, GCancellable *cancellable, GError **error)
{
  g_auto (ScPruneResult) pruned = { 0 };
  g_autoptr (GError) cause = NULL;
  g_autoptr (ScRepo) repo = sc_repo_open (context->paths, error);
  if (repo == NULL)
    return FALSE;
  g_autoptr (ScImage) image = sc_image_store_lookup (repo, given, &cause);
  if (image == NULL && g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_STORAGE_CORRUPT))
    return remove_unreadable (context, repo, given, cancellable, error);
  if (image == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return FALSE;
    }

  const char *name = sc_image_find_name (image, given);
  if (!sc_usage_check_unused (context->paths, image, name, error))
    return FALSE;
  sc_progress_set_phase (context->progress, "clean");
  sc_progress_set_cancellable (context->progress, FALSE);
  if (!remove_names (repo, image, name, cancellable, error)
      || !sc_usage_prune (context->paths, repo, FALSE, &pruned, NULL, error))
    return FALSE;

  report_pruned (context, &pruned);
  sc_op_set_changed (context, TRUE);
  g_ptr_array_add (context->objects, sc_bus_path_image (image->digest));
  return TRUE;
}

static gboolean
remove_image_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  if (remove_image (context, base->targets[0], cancellable, error))
    return TRUE;
  g_autofree char *shown = sc_text_escape (base->targets[0]);
  return sc_prefix_error (error, "removing the image \"%s\": ", shown);
}

static void
storage_op_free (ScOp *base)
{
  g_free (base);
}

static const ScOpClass remove_image_class = { "remove-image", remove_image_run, storage_op_free };

ScOp *
sc_op_new_remove_image (const char *image)
{
  ScOp *op = g_new0 (ScOp, 1);
  const char *const targets[] = { image, NULL };

  sc_op_init (op, &remove_image_class, targets);
  sc_op_claim (op, "repository", NULL, TRUE);
  return op;
}

/* --- prune --- */

typedef struct
{
  ScOp base;
  gboolean dry_run;
} PruneOp;

static gboolean
prune_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  PruneOp *self = (PruneOp *)base;
  g_auto (ScPruneResult) pruned = { 0 };
  g_autoptr (ScRepo) repo = sc_repo_open (context->paths, error);

  guint64 spool_bytes = 0;

  if (repo == NULL)
    return FALSE;
  sc_progress_set_phase (context->progress, "clean");
  if (!sc_usage_prune (context->paths, repo, self->dry_run, &pruned, cancellable, error)
      || !sc_spool_clear (context->paths, self->dry_run, &spool_bytes, error))
    return sc_prefix_error (error, "pruning: ");

  pruned.freed_bytes += spool_bytes;
  report_pruned (context, &pruned);
  g_variant_dict_insert (context->result, "spool-bytes", "t", spool_bytes);
  sc_op_set_changed (context,
                     !self->dry_run
                         && (pruned.n_objects > 0 || pruned.refs[0] != NULL || spool_bytes > 0));
  return TRUE;
}

static const ScOpClass prune_class = { "prune", prune_run, storage_op_free };

ScOp *
sc_op_new_prune (gboolean dry_run)
{
  PruneOp *self = g_new0 (PruneOp, 1);
  const char *const targets[] = { NULL };

  sc_op_init (&self->base, &prune_class, targets);
  sc_op_claim (&self->base, "repository", NULL, TRUE);
  self->dry_run = dry_run;
  return &self->base;
}
