/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One more name for an image.
 */
#include "dbus/sc-bus-path.h"
#include "ops/sc-op-private.h"
#include "store/sc-image-store.h"

typedef struct
{
  ScOp base;
  char *image;    /* (owned) as given */
  char *fullname; /* (owned) */
} TagOp;

static gboolean
tag_image (const TagOp *self, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  g_autoptr (ScRepo) repo = sc_repo_open (context->paths, error);
  g_autoptr (ScImage) image
      = repo != NULL ? sc_image_store_lookup (repo, self->image, error) : NULL;
  if (image == NULL || !sc_repo_begin (repo, cancellable, error))
    return FALSE;

  g_autoptr (ScRepoTransaction) transaction G_GNUC_UNUSED = repo;
  gboolean changed = !g_strv_contains ((const char *const *)image->references, self->fullname);
  if (!sc_image_store_set_name (repo, image, self->fullname, error)
      || !sc_repo_commit (repo, cancellable, error))
    return FALSE;

  g_variant_dict_insert (context->result, "digest", "s", image->digest);
  g_variant_dict_insert (context->result, "reference", "s", self->fullname);
  sc_op_set_changed (context, changed);
  g_ptr_array_add (context->objects, sc_bus_path_image (image->digest));
  return TRUE;
}

static gboolean
tag_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  const TagOp *self = (TagOp *)base;

  return tag_image (self, context, cancellable, error)
         || sc_prefix_error (error, "naming an image \"%s\": ", self->fullname);
}

static void
tag_free (ScOp *base)
{
  TagOp *self = (TagOp *)base;

  g_free (self->image);
  g_free (self->fullname);
  g_free (self);
}

static const ScOpClass tag_class = { "tag-image", tag_run, tag_free };

ScOp *
sc_op_new_tag_image (const char *image, const char *fullname)
{
  TagOp *self = g_new0 (TagOp, 1);
  const char *const targets[] = { fullname, NULL };

  sc_op_init (&self->base, &tag_class, targets);
  sc_op_claim (&self->base, "image", fullname, TRUE);
  sc_op_claim (&self->base, "repository", NULL, FALSE);
  self->image = g_strdup (image);
  self->fullname = g_strdup (fullname);
  return &self->base;
}
