/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The half of sc-image-check.h that changes something: what is damaged goes, and comes again.
 */
#include "ops/sc-image-check-private.h"
#include "ops/sc-image-source.h"
#include "ops/sc-pull.h"

#include <string.h>

/* The objects of @part that go. The commit of a name stays until another one takes its place: it
 * says what the image is. */
static gboolean
drop_part (ScImageCheck *self,
           ScVerify *verify,
           const ScImagePart *part,
           GCancellable *cancellable,
           GError **error)
{
  g_auto (GStrv) damage = sc_verify_list_damage (verify, part->commit);
  g_autoptr (GPtrArray) dropped = g_ptr_array_new ();

  for (guint i = 0; damage[i] != NULL; i++)
    if (part->kind != SC_IMAGE_PART_NAME || !g_str_has_suffix (damage[i], ".commit"))
      g_ptr_array_add (dropped, damage[i]);
  g_ptr_array_add (dropped, NULL);
  return sc_verify_drop (verify, part->commit, (const char *const *)dropped->pdata,
                         part->kind == SC_IMAGE_PART_LAYER || part->kind == SC_IMAGE_PART_TREE,
                         cancellable, error);
}

static gboolean
drop_damaged (ScImageCheck *self, ScVerify *verify, GCancellable *cancellable, GError **error)
{
  g_autoptr (GArray) parts = sc_image_check_list_parts (self);

  for (guint i = 0; i < parts->len; i++)
    {
      const ScImagePart *part = &g_array_index (parts, ScImagePart, i);
      if (part->commit != NULL && !drop_part (self, verify, part, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

/* The image on its registry, by its digest. */
static ScReference *
find_source (const ScImageCheck *self, GError **error)
{
  g_autoptr (ScReference) reference
      = sc_image_source_parse (self->image->source, self->name, error);

  if (reference == NULL)
    {
      sc_prefix_error (error, "pull it again, what is damaged was taken away: ");
      return NULL;
    }
  g_free (reference->digest);
  reference->digest = g_strdup (self->image->digest);
  return g_steal_pointer (&reference);
}

static gboolean
set_names (ScImageCheck *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (ScImage) image = sc_image_store_lookup (self->repo, self->name, error);

  if (image == NULL || !sc_repo_begin (self->repo, cancellable, error))
    return FALSE;
  g_autoptr (ScRepoTransaction) transaction G_GNUC_UNUSED = self->repo;
  for (guint i = 0; self->image->references[i] != NULL; i++)
    if (!sc_image_store_set_name (self->repo, image, self->image->references[i], error))
      return FALSE;
  return sc_repo_commit (self->repo, cancellable, error);
}

static gboolean
pull_again (ScImageCheck *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (ScReference) reference = find_source (self, error);
  g_autoptr (ScPlatform) platform
      = *self->image->platform != '\0' ? sc_platform_parse (self->image->platform, NULL) : NULL;
  g_autoptr (GVariantDict) result = g_variant_dict_new (NULL);
  ScOpContext context = *self->context;

  if (reference == NULL)
    return FALSE;
  context.result = result; /* of the pull alone */
  const ScPullSource request = {
    .reference = reference,
    .platform = platform,
    .fullname = self->name,
    .source = self->image->source,
  };
  return sc_pull (&context, self->repo, &request, cancellable, error)
         && set_names (self, cancellable, error);
}

/* Damaged commits of names that others have taken the place of. */
static gboolean
drop_replaced (ScImageCheck *self, ScVerify *verify, GCancellable *cancellable, GError **error)
{
  for (guint i = 0; self->parts->names[i] != NULL; i++)
    {
      const char *commit = self->parts->names[i];
      g_autofree char *object = g_strconcat (commit, ".commit", NULL);
      const char *const objects[] = { object, NULL };

      if (g_hash_table_contains (self->objects, object)
          && !sc_verify_drop (verify, commit, objects, FALSE, cancellable, error))
        return FALSE;
    }
  return TRUE;
}

/* The image has new commits now. */
static gboolean
reload (ScImageCheck *self, GError **error)
{
  g_autoptr (ScImage) image = sc_image_store_lookup (self->repo, self->name, error);
  ScImageParts *parts = image != NULL ? sc_image_parts_load (self->repo, image, error) : NULL;

  if (parts == NULL)
    return FALSE;
  sc_image_free (self->image);
  sc_image_parts_free (self->parts);
  self->image = g_steal_pointer (&image);
  self->parts = parts;
  return TRUE;
}

/* Reads the whole image again, whatever others have read of it. */
static ScVerify *
verify_again (ScImageCheck *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (ScVerify) verify = sc_verify_new (self->repo, self->context->progress);

  sc_progress_set_phase (self->context->progress, "verify");
  if (!sc_image_check_add (self, verify, cancellable, error)
      || !sc_verify_run (verify, cancellable, error)
      || !sc_image_check_collect (self, verify, error))
    return NULL;
  return g_steal_pointer (&verify);
}

static gboolean
repair (ScImageCheck *self, ScVerify *verify, GCancellable *cancellable, GError **error)
{
  if (g_hash_table_size (self->objects) > 0)
    {
      if (!drop_damaged (self, verify, cancellable, error) || !pull_again (self, cancellable, error)
          || !drop_replaced (self, verify, cancellable, error) || !reload (self, error))
        return FALSE;
      g_autoptr (ScVerify) again = verify_again (self, cancellable, error);
      if (again == NULL)
        return FALSE;
    }
  return g_hash_table_size (self->objects) > 0 || sc_image_check_deployments (self, TRUE, error);
}

gboolean
sc_image_check_repair (ScImageCheck *self,
                       ScVerify *verify,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (ScVerify) own = NULL;
  g_autoptr (GError) cause = NULL;

  if (self->image == NULL)
    return TRUE;
  if (verify == NULL)
    {
      own = verify_again (self, cancellable, error);
      if (own == NULL)
        return FALSE;
    }
  if (repair (self, verify != NULL ? verify : own, cancellable, &cause))
    self->is_repaired = sc_image_check_is_clean (self);
  else if (g_cancellable_is_cancelled (cancellable))
    {
      g_propagate_error (error, g_steal_pointer (&cause));
      return FALSE;
    }
  else
    self->error = g_strdup (cause->message);
  return TRUE;
}
