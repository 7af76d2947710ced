/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Looks at an image as an installation would, for whoever builds it: renders it with its defaults and
 * says what is wrong with it, whatever this host has.
 */
#include "base/sc-digest.h"
#include "deploy/sc-exports.h"
#include "ops/sc-image-render.h"
#include "ops/sc-op-private.h"

#include <string.h>

#define NAME        "image"
#define FULLNAME    "image:latest" /* of one that was stored without a name */
#define PLACEHOLDER "0"            /* good in a path, in a text and as a number */

typedef struct
{
  ScOp base;
  char *image;        /* (owned) */
  GHashTable *values; /* (owned) char* to char* */
} LintOp;

typedef struct
{
  GVariantBuilder problems; /* aa{sv} */
  GPtrArray *missing;       /* (owned) of char* */
} Findings;

static void
add_problem (Findings *self, const char *level, const char *message)
{
  g_variant_builder_open (&self->problems, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&self->problems, "{sv}", "level", g_variant_new_string (level));
  g_variant_builder_add (&self->problems, "{sv}", "message", g_variant_new_string (message));
  g_variant_builder_close (&self->problems);
}

static ScImage *
find_image (ScRepo *repo, const char *name, GError **error)
{
  g_autoptr (GError) cause = NULL;
  gboolean is_new = FALSE;
  ScImage *image = sc_image_store_lookup (repo, name, &cause);

  if (image == NULL && g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND)
      && sc_digest_is_valid (name))
    image = sc_image_store_lookup_unnamed (repo, name, FULLNAME, &is_new, NULL);
  if (image == NULL)
    g_propagate_error (error, g_steal_pointer (&cause));
  return image;
}

/* Those that have to be set stand in for themselves, so that the rest can be looked at. */
static gboolean
fill_values (const LintOp *self,
             ScRepo *repo,
             const ScImage *image,
             GHashTable *values,
             Findings *findings,
             GError **error)
{
  g_autofree char *rootfs = sc_image_store_ensure_rootfs (repo, image, NULL, error);
  g_autoptr (GPtrArray) told_later = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (ScExports) exports
      = rootfs != NULL ? sc_exports_load (repo, rootfs, told_later, error) : NULL;
  g_autoptr (GHashTable) variables
      = exports != NULL ? sc_exports_variables (exports, told_later, error) : NULL;
  GHashTableIter iter;
  gpointer name, value;
  if (variables == NULL)
    return FALSE;

  g_hash_table_iter_init (&iter, self->values);
  while (g_hash_table_iter_next (&iter, &name, &value))
    g_hash_table_replace (values, g_strdup (name), g_strdup (value));
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (variables), (GCompareFunc)strcmp);
  for (GList *l = names; l != NULL; l = l->next)
    {
      if (g_hash_table_lookup (variables, l->data) != NULL
          || g_hash_table_contains (values, l->data))
        continue;
      g_ptr_array_add (findings->missing, g_strdup (l->data));
      g_hash_table_replace (values, g_strdup (l->data), g_strdup (PLACEHOLDER));
    }
  return TRUE;
}

static ScContainer *
make_container (const ScImage *image)
{
  ScContainer *container = sc_container_new (NAME);

  container->reference = g_strdup (image->references[0]);
  container->source = g_strdup (image->source);
  container->uuid = g_uuid_string_random ();
  return container;
}

static void
look (const LintOp *self,
      ScOpContext *context,
      ScRepo *repo,
      const ScImage *image,
      Findings *findings)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (ScContainer) container = make_container (image);
  g_auto (ScImageRendering) rendered = { 0 };
  const ScImageRenderRequest request = { .context = context,
                                         .repo = repo,
                                         .image = image,
                                         .container = container,
                                         .problems = problems,
                                         .only_image = TRUE };

  gboolean is_good = fill_values (self, repo, image, container->set_values, findings, &error)
                     && sc_image_render (&request, &rendered, NULL, &error);
  for (guint i = 0; i < problems->len; i++)
    add_problem (findings, "error", problems->pdata[i]);
  if (!is_good)
    {
      add_problem (findings, "error", error->message);
      return;
    }
  for (char **note = rendered.rendering->notes; *note != NULL; note++)
    add_problem (findings, "warning", *note);
  g_variant_dict_insert_value (context->result, "privileges",
                               sc_privilege_list_to_variant (rendered.privileges));
}

static gboolean
lint_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  const LintOp *self = (LintOp *)base;
  g_autoptr (ScRepo) repo = sc_repo_open (context->paths, error);
  g_autoptr (ScImage) image = repo != NULL ? find_image (repo, self->image, error) : NULL;
  Findings findings = { .missing = g_ptr_array_new_with_free_func (g_free) };
  if (image == NULL)
    {
      g_ptr_array_unref (findings.missing);
      return FALSE;
    }

  sc_progress_set_phase (context->progress, "render");
  g_variant_builder_init (&findings.problems, G_VARIANT_TYPE ("aa{sv}"));
  look (self, context, repo, image, &findings);
  g_ptr_array_add (findings.missing, NULL);
  g_variant_dict_insert (context->result, "digest", "s", image->digest);
  g_variant_dict_insert (context->result, "missing-values", "^as", findings.missing->pdata);
  g_variant_dict_insert_value (context->result, "problems",
                               g_variant_builder_end (&findings.problems));
  sc_op_set_changed (context, FALSE);
  g_ptr_array_unref (findings.missing);
  return TRUE;
}

static void
lint_free (ScOp *base)
{
  LintOp *self = (LintOp *)base;

  g_free (self->image);
  g_hash_table_unref (self->values);
  g_free (self);
}

static const ScOpClass lint_class = { "lint", lint_run, lint_free };

ScOp *
sc_op_new_lint (const char *image, GHashTable *values)
{
  LintOp *self = g_new0 (LintOp, 1);
  const char *const targets[] = { image, NULL };

  sc_op_init (&self->base, &lint_class, targets);
  sc_op_claim (&self->base, "repository", NULL, FALSE);
  self->image = g_strdup (image);
  self->values = values != NULL ? g_hash_table_ref (values)
                                : g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return &self->base;
}
