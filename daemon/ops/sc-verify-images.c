/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Verification of images: every object is read back, and what is damaged is brought again when that
 * is asked for.
 */
#include "ops/sc-image-check.h"
#include "ops/sc-op-private.h"

#define MAX_DESCRIBED 3 /* images that an error describes */

typedef struct
{
  ScOp base;
  gboolean repair;
} VerifyOp;

/* What was asked for, each image once. */
typedef struct
{
  ScOpContext *context;
  ScRepo *repo;      /* (owned) */
  GPtrArray *checks; /* (owned) of ScImageCheck */
  GHashTable *seen;  /* (owned) set of char*: digests */
} Run;

static void
run_clear (Run *run)
{
  g_clear_pointer (&run->checks, g_ptr_array_unref);
  g_clear_pointer (&run->seen, g_hash_table_unref);
  g_clear_pointer (&run->repo, sc_repo_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

static gboolean
add_image (Run *run, ScImage *image, GError **error)
{
  if (!g_hash_table_add (run->seen, g_strdup (image->digest)))
    {
      sc_image_free (image);
      return TRUE;
    }
  ScImageCheck *check = sc_image_check_new (run->context, run->repo, image, error);
  if (check == NULL)
    return FALSE;
  g_ptr_array_add (run->checks, check);
  return TRUE;
}

/* An image that cannot be read at all is damaged too. */
static gboolean
add_named (Run *run, const char *name, GError **error)
{
  g_autoptr (GError) cause = NULL;
  ScImage *image = sc_image_store_lookup (run->repo, name, &cause);

  if (image != NULL)
    return add_image (run, image, error);
  if (g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_STORAGE_CORRUPT))
    {
      g_ptr_array_add (run->checks, sc_image_check_new_unreadable (name, cause->message));
      return TRUE;
    }
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

static gboolean
add_all (Run *run, GError **error)
{
  g_auto (GStrv) names = sc_image_store_list_names (run->repo, error);

  if (names == NULL)
    return FALSE;
  for (guint i = 0; names[i] != NULL; i++)
    if (!add_named (run, names[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
find_images (Run *run, char *const *images, GError **error)
{
  if (images[0] == NULL)
    return add_all (run, error);
  for (guint i = 0; images[i] != NULL; i++)
    if (!add_named (run, images[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
verify (Run *run, ScVerify *objects, GCancellable *cancellable, GError **error)
{
  sc_progress_set_phase (run->context->progress, "verify");
  for (guint i = 0; i < run->checks->len; i++)
    if (!sc_image_check_add (run->checks->pdata[i], objects, cancellable, error))
      return FALSE;
  if (!sc_verify_run (objects, cancellable, error))
    return FALSE;
  for (guint i = 0; i < run->checks->len; i++)
    if (!sc_image_check_collect (run->checks->pdata[i], objects, error))
      return FALSE;
  return TRUE;
}

static gboolean
repair (Run *run, ScVerify *objects, guint *n_repaired, GCancellable *cancellable, GError **error)
{
  ScVerify *known = objects;

  for (guint i = 0; i < run->checks->len; i++)
    {
      ScImageCheck *check = run->checks->pdata[i];

      if (sc_image_check_is_clean (check))
        continue;
      if (!sc_image_check_repair (check, known, cancellable, error))
        return FALSE;
      known = NULL;
      *n_repaired += sc_image_check_is_clean (check) ? 1 : 0;
    }
  return TRUE;
}

/* The result, which a failed job has too. */
static gboolean
report (Run *run, ScVerify *objects, guint n_repaired, GError **error)
{
  GVariantBuilder images = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  g_autoptr (GString) damage = g_string_new (NULL);
  GVariantDict *result = run->context->result;
  guint n_damaged = 0;

  for (guint i = 0; i < run->checks->len; i++)
    {
      const ScImageCheck *check = run->checks->pdata[i];
      g_variant_builder_add_value (&images, sc_image_check_to_variant (check));
      if (sc_image_check_is_clean (check))
        continue;
      if (n_damaged++ >= MAX_DESCRIBED)
        continue;
      g_autofree char *text = sc_image_check_describe (check);
      g_string_append_printf (damage, "%s%s", damage->len > 0 ? "; " : "", text);
    }
  if (n_damaged > MAX_DESCRIBED)
    g_string_append_printf (damage, "; and %u more images", n_damaged - MAX_DESCRIBED);
  g_variant_dict_insert_value (result, "images", g_variant_builder_end (&images));
  g_variant_dict_insert (result, "objects", "u", sc_verify_get_objects (objects));
  g_variant_dict_insert (result, "bytes", "t", sc_verify_get_bytes (objects));
  sc_op_set_changed (run->context, n_repaired > 0);
  return damage->len == 0 || sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT, "%s", damage->str);
}

static gboolean
verify_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  const VerifyOp *self = (VerifyOp *)base;
  g_auto (Run) run = {
    .context = context,
    .repo = sc_repo_open (context->paths, error),
    .checks = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_image_check_free),
    .seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL),
  };
  guint n_repaired = 0;

  if (run.repo == NULL || !find_images (&run, base->targets, error))
    return FALSE;
  g_autoptr (ScVerify) objects = sc_verify_new (run.repo, context->progress);
  if (!verify (&run, objects, cancellable, error)
      || (self->repair && !repair (&run, objects, &n_repaired, cancellable, error)))
    return FALSE;
  return report (&run, objects, n_repaired, error);
}

static void
verify_free (ScOp *base)
{
  g_free (base);
}

static const ScOpClass verify_class = { "verify-images", verify_run, verify_free };

ScOp *
sc_op_new_verify_images (const char *const *images, gboolean repair)
{
  VerifyOp *self = g_new0 (VerifyOp, 1);

  sc_op_init (&self->base, &verify_class, images);
  /* Deployments must not vanish while they are looked at. */
  sc_op_claim (&self->base, "repository", NULL, TRUE);
  self->repair = repair;
  return &self->base;
}
