/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Asks the registries that images came from what they have under the same names now. Nothing is
 * downloaded but manifests.
 */
#include "image/sc-trust-policy.h"
#include "ops/sc-access.h"
#include "ops/sc-image-source.h"
#include "ops/sc-op-private.h"
#include "ops/sc-resolve.h"
#include "ops/sc-seen.h"
#include "store/sc-image-store.h"

#include <string.h>

/* One name of an image, and what came of asking. */
typedef struct
{
  char *name;          /* (owned) */
  char *digest;        /* (owned) of the stored image */
  char *platform;      /* (owned) "" when that is not known */
  ScReference *source; /* (owned) (nullable) NULL when it did not come from a registry */
  char *available;     /* (owned) (nullable) digest */
  GError *error;       /* (owned) (nullable) */
} Question;

static void
question_free (gpointer data)
{
  Question *self = data;

  g_free (self->name);
  g_free (self->digest);
  g_free (self->platform);
  g_clear_pointer (&self->source, sc_reference_free);
  g_free (self->available);
  g_clear_error (&self->error);
  g_free (self);
}

static void
add_question (GPtrArray *questions, ScRepo *repo, const ScImage *image, const char *name)
{
  Question *self = g_new0 (Question, 1);
  g_autofree char *source = sc_image_store_get_source (repo, name);

  self->name = g_strdup (name);
  self->digest = g_strdup (image->digest);
  self->platform = g_strdup (image->platform);
  self->source = sc_image_source_parse (source, name, &self->error);
  if (self->source != NULL && self->source->digest != NULL)
    self->available = g_strdup (image->digest); /* what a digest means never changes */
  g_ptr_array_add (questions, self);
}

/* All names of all images that came from a registry. */
static gboolean
list_all (ScRepo *repo, GPtrArray *questions, GError **error)
{
  g_autoptr (GPtrArray) images = sc_image_store_list (repo, error);
  if (images == NULL)
    return FALSE;

  for (guint i = 0; i < images->len; i++)
    {
      const ScImage *image = images->pdata[i];
      for (guint j = 0; image->references[j] != NULL; j++)
        add_question (questions, repo, image, image->references[j]);
    }
  for (guint i = questions->len; i > 0; i--)
    if (((Question *)questions->pdata[i - 1])->source == NULL)
      g_ptr_array_remove_index (questions, i - 1);
  return TRUE;
}

/* The one name that was given, or all names of the digest. */
static gboolean
list_named (ScRepo *repo, const char *given, GPtrArray *questions, GError **error)
{
  g_autoptr (ScImage) image = sc_image_store_lookup (repo, given, error);
  if (image == NULL)
    return FALSE;

  const char *name = sc_image_find_name (image, given);
  for (guint i = 0; image->references[i] != NULL; i++)
    if (name == NULL || strcmp (name, image->references[i]) == 0)
      add_question (questions, repo, image, image->references[i]);
  return TRUE;
}

static gboolean
ask_registry (ScOpContext *context,
              ScSystemd *systemd,
              Question *question,
              GCancellable *cancellable,
              GError **error)
{
  g_auto (ScResolved) resolved = { 0 };
  const ScReference *source = question->source;
  g_autoptr (ScPlatform) platform = *question->platform != '\0'
                                        ? sc_platform_parse (question->platform, error)
                                        : sc_platform_host ();

  if (platform == NULL
      || !sc_trust_policy_check (context->paths->trust_policy, "docker", source->fullname, error))
    return FALSE;
  g_autoptr (GPtrArray) endpoints = sc_access_find_endpoints (context, source, error);
  g_autoptr (ScWorker) fetch
      = endpoints != NULL ? sc_worker_connect (context->paths, "fetch", error) : NULL;
  if (fetch == NULL || !sc_worker_greet (fetch, systemd, cancellable, error)
      || !sc_resolve_open (fetch, endpoints, error)
      || !sc_resolve (fetch, source, platform, &resolved, cancellable, error))
    return FALSE;
  question->available = g_steal_pointer (&resolved.digest);
  return sc_seen_add (context->paths, question->available, NULL, error);
}

/* Several names may have come from one place. */
static const Question *
find_asked (GPtrArray *questions, guint n_asked, const Question *question)
{
  for (guint i = 0; i < n_asked; i++)
    {
      const Question *other = questions->pdata[i];
      if (other->source != NULL && strcmp (other->source->text, question->source->text) == 0
          && strcmp (other->platform, question->platform) == 0)
        return other;
    }
  return NULL;
}

static gboolean
ask_all (ScOpContext *context, GPtrArray *questions, GCancellable *cancellable, GError **error)
{
  g_autoptr (ScSystemd) systemd = sc_systemd_new (context->bus, error);
  if (systemd == NULL)
    return FALSE;

  for (guint i = 0; i < questions->len; i++)
    {
      Question *question = questions->pdata[i];
      if (question->source == NULL || question->available != NULL)
        continue;

      const Question *asked = find_asked (questions, i, question);
      if (asked != NULL)
        {
          question->available = g_strdup (asked->available);
          question->error = asked->error != NULL ? g_error_copy (asked->error) : NULL;
          continue;
        }
      if (!ask_registry (context, systemd, question, cancellable, &question->error)
          && g_cancellable_set_error_if_cancelled (cancellable, error))
        return FALSE;
    }
  return TRUE;
}

static GVariant *
to_variant (const Question *self)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  g_autoptr (GError) normal = self->error != NULL ? syscont_error_normalize (self->error) : NULL;
  const char *available = self->available != NULL ? self->available : "";
  gboolean newer = self->available != NULL && strcmp (self->available, self->digest) != 0;
  gboolean pinned = self->source != NULL && self->source->digest != NULL;

  g_variant_builder_add (&builder, "{sv}", "reference", g_variant_new_string (self->name));
  g_variant_builder_add (&builder, "{sv}", "digest", g_variant_new_string (self->digest));
  g_variant_builder_add (&builder, "{sv}", "available-digest", g_variant_new_string (available));
  g_variant_builder_add (&builder, "{sv}", "newer", g_variant_new_boolean (newer));
  g_variant_builder_add (&builder, "{sv}", "pinned", g_variant_new_boolean (pinned));
  g_variant_builder_add (
      &builder, "{sv}", "error-name",
      g_variant_new_string (normal != NULL ? syscont_error_name (normal->code) : ""));
  g_variant_builder_add (&builder, "{sv}", "error",
                         g_variant_new_string (normal != NULL ? normal->message : ""));
  return g_variant_builder_end (&builder);
}

/* The job fails when nothing at all could be told. */
static gboolean
report (ScOpContext *context, GPtrArray *questions, GError **error)
{
  GVariantBuilder images = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  const Question *failed = NULL;
  guint n_failed = 0;

  for (guint i = 0; i < questions->len; i++)
    {
      const Question *question = questions->pdata[i];

      g_variant_builder_add_value (&images, to_variant (question));
      if (question->error == NULL)
        continue;
      failed = failed != NULL ? failed : question;
      n_failed++;
    }
  g_variant_dict_insert_value (context->result, "images", g_variant_builder_end (&images));
  sc_op_set_changed (context, FALSE);
  if (n_failed == 0 || n_failed < questions->len)
    return TRUE;
  g_propagate_error (error, g_error_copy (failed->error));
  return sc_prefix_error (error, "checking \"%s\": ", failed->name);
}

static gboolean
check_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  g_autoptr (GPtrArray) questions = g_ptr_array_new_with_free_func (question_free);
  g_autoptr (ScRepo) repo = sc_repo_open (context->paths, error);

  if (repo == NULL || (base->targets[0] == NULL && !list_all (repo, questions, error)))
    return FALSE;
  for (guint i = 0; base->targets[i] != NULL; i++)
    if (!list_named (repo, base->targets[i], questions, error))
      return FALSE;

  sc_progress_set_phase (context->progress, "resolve");
  return ask_all (context, questions, cancellable, error) && report (context, questions, error);
}

static void
check_free (ScOp *base)
{
  g_free (base);
}

static const ScOpClass check_class = { "check-images", check_run, check_free };

ScOp *
sc_op_new_check_images (const char *const *images)
{
  ScOp *op = g_new0 (ScOp, 1);

  sc_op_init (op, &check_class, images);
  sc_op_claim (op, "repository", NULL, FALSE);
  return op;
}
