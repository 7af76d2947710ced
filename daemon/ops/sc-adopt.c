/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Takes over a container that atomic has installed: an update from its deployment to the first one of
 * ours, with the same image and values, watched and taken back like any other.
 */
#include "base/sc-fd.h"
#include "base/sc-log.h"
#include "dbus/sc-bus-path.h"
#include "deploy/sc-atomic-tree.h"
#include "host/sc-unit-files.h"
#include "ops/sc-approval.h"
#include "ops/sc-change.h"
#include "ops/sc-host-check.h"
#include "ops/sc-image-search.h"
#include "ops/sc-op-private.h"
#include "ops/sc-plan.h"
#include "ops/sc-pull.h"
#include "ops/sc-recover.h"

#include <string.h>
#include <syslog.h>

typedef struct
{
  ScOpContext *context;
  const char *name;
  ScAtomicTree *tree; /* (owned) */
  ScRepo *repo;       /* (owned) */
  ScSystemd *systemd; /* (owned) */
  ScImage *image;     /* (owned) */
  ScContainer *after; /* (owned) */
  ScImageRendering rendered;
  GPtrArray *gains; /* (owned) of ScPrivilege: what it may not do now */
} Adoption;

static void
adoption_clear (Adoption *self)
{
  g_clear_pointer (&self->gains, g_ptr_array_unref);
  sc_image_rendering_clear (&self->rendered);
  g_clear_pointer (&self->after, sc_container_free);
  g_clear_pointer (&self->image, sc_image_free);
  g_clear_pointer (&self->systemd, sc_systemd_free);
  g_clear_pointer (&self->repo, sc_repo_free);
  g_clear_pointer (&self->tree, sc_atomic_tree_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Adoption, adoption_clear)

static gboolean
check_free (const Adoption *self, GError **error)
{
  const ScPaths *paths = self->context->paths;
  g_autoptr (GError) local_error = NULL;
  g_autoptr (ScContainer) installed = sc_container_load (paths, self->name, &local_error);

  if (installed != NULL)
    return sc_error_set (error, SYSCONT_ERROR_ALREADY_EXISTS,
                         "a container of that name is installed already");
  if (g_error_matches (local_error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local_error));
  return FALSE;
}

/* What somebody has edited would be lost without a word. */
static gboolean
check_unedited (const char *path, const char *text, GError **error)
{
  g_autofree char *now = NULL;

  if (text == NULL || !g_file_get_contents (path, &now, NULL, NULL) || strcmp (now, text) == 0)
    return TRUE;
  return sc_error_set (
      error, SYSCONT_ERROR_UNIT_CONFLICT,
      "\"%s\" was edited since atomic has written it; move what was changed into a "
      "drop-in and bring the file back first",
      path);
}

static gboolean
check_files (const Adoption *self, GError **error)
{
  const ScPaths *paths = self->context->paths;
  g_autofree char *unit = g_strdup_printf ("%s/%s.service", paths->units, self->name);
  g_autofree char *tmpfiles = sc_unit_files_tmpfiles_path (paths, self->name);

  return check_unedited (unit, self->tree->texts.service, error)
         && check_unedited (tmpfiles, self->tree->texts.tmpfiles, error);
}

/* The very image if the store has it, then what its name means. */
static gboolean
find_image (Adoption *self, GCancellable *cancellable, GError **error)
{
  if (self->tree->digest != NULL)
    self->image = sc_image_store_lookup (self->repo, self->tree->digest, NULL);
  if (self->image != NULL)
    return TRUE;

  g_autoptr (ScReference) reference = sc_reference_parse (self->tree->image, error);
  const ScImageSearch search
      = { .context = self->context, .repo = self->repo, .reference = reference };
  if (reference != NULL)
    self->image = sc_image_search (&search, NULL, cancellable, error);
  return self->image != NULL || sc_prefix_error (error, "its image: ");
}

static gboolean
prepare_values (Adoption *self, GCancellable *cancellable, GError **error)
{
  g_autofree char *rootfs
      = sc_image_store_ensure_rootfs (self->repo, self->image, cancellable, error);
  g_autoptr (ScExports) exports
      = rootfs != NULL ? sc_exports_load (self->repo, rootfs, NULL, error) : NULL;
  if (exports == NULL)
    return FALSE;
  g_hash_table_unref (self->after->set_values);
  self->after->set_values = sc_atomic_tree_pick_values (self->tree, exports->default_values);
  return TRUE;
}

static gboolean
prepare (Adoption *self, GCancellable *cancellable, GError **error)
{
  ScContainer *after = sc_container_new (self->name);
  const char *uuid = g_hash_table_lookup (self->tree->values, "UUID");

  self->after = after;
  after->reference = g_strdup (self->image->references[0]);
  after->source = *self->image->source != '\0'
                      ? g_strdup (self->image->source)
                      : g_strconcat (SC_REGISTRY_PREFIX, after->reference, NULL);
  after->uuid = uuid != NULL ? g_strdup (uuid) : g_uuid_string_random ();
  if (!prepare_values (self, cancellable, error))
    return FALSE;
  (void)sc_container_add (after, self->image->digest, self->context->caller_uid);
  return TRUE;
}

static gboolean
render (Adoption *self, GCancellable *cancellable, GError **error)
{
  const ScImageRenderRequest request = {
    .context = self->context,
    .repo = self->repo,
    .image = self->image,
    .container = self->after,
    .own_files = self->tree->files,
    .systemd = self->systemd,
  };

  sc_progress_set_phase (self->context->progress, "render");
  if (!sc_host_check (self->context->config, error)
      || !sc_image_render (&request, &self->rendered, cancellable, error))
    return FALSE;
  self->after->has_service = self->rendered.rendering->texts.service != NULL;
  sc_container_find (self->after, 0)->health = sc_health_copy (self->rendered.rendering->health);
  return TRUE;
}

/* Its notes are shown before it is done and after. */
static void
note_image (Adoption *self)
{
  ScRendering *rendering = self->rendered.rendering;
  g_autoptr (GStrvBuilder) notes = g_strv_builder_new ();

  if (g_strcmp0 (self->tree->digest, self->image->digest) == 0)
    return;
  g_strv_builder_addv (notes, (const char **)rendering->notes);
  g_strv_builder_add (notes, "atomic had another image under this name");
  g_strfreev (rendering->notes);
  rendering->notes = g_strv_builder_end (notes);
}

/* As in an update: the service runs, with what whoever installed it has agreed to. */
static gboolean
check_privileges (Adoption *self, GError **error)
{
  g_autoptr (GPtrArray) now
      = sc_atomic_tree_list_privileges (self->tree, self->context->paths, self->name, error);
  if (now == NULL)
    return sc_prefix_error (error, "what atomic has installed: ");

  self->gains = sc_privilege_list_gains (now, self->rendered.privileges);
  return self->context->terms->plan_only || sc_approval_check (self->context, self->gains, error);
}

static ScPlanEnd
settle_plan (const Adoption *self, const ScChange *change, GError **error)
{
  const ScContainer *after = change->after;
  g_auto (ScPlan) plan = {
    .operation = "adopt",
    .container = self->name,
    .digest = self->image->digest,
    .reference = after->reference,
    .from_digest = self->tree->digest,
    .hidden = { after->uuid },
    .after = after,
    .host_changes = self->rendered.host_plan->changes,
    .privileges = self->rendered.privileges,
    .gains = self->gains,
    .notes = self->rendered.rendering->notes,
  };

  plan.from.config = g_strdup (self->tree->config);
  sc_unit_texts_copy (&plan.from.texts, &self->tree->texts);
  sc_side_take (&plan.to, self->rendered.rendering, after->set_values, NULL);
  sc_plan_add_restarts (&plan, change);
  return sc_plan_settle (&plan, self->context, error);
}

static ScPlanEnd
change_host (Adoption *self, GCancellable *cancellable, GError **error)
{
  const ScUnitTexts *texts = &self->rendered.rendering->texts;
  g_auto (ScChange) change = { 0 };

  sc_change_init (&change, self->context, self->repo, self->systemd, SC_INTENT_ADOPT,
                  sc_container_copy (self->after));
  change.own_files = self->tree->files;
  change.intent->made = TRUE;
  change.intent->adopted = g_strdup (self->tree->checkout);
  change.intent->observe_usec = (gint64)self->context->config->observe_s * G_USEC_PER_SEC;
  if (texts->service != NULL && !sc_change_look (&change, error))
    return SC_PLAN_REFUSED;
  ScPlanEnd end = settle_plan (self, &change, error);
  if (end == SC_PLAN_AGREED && !sc_change_do (&change, texts, &self->rendered, cancellable, error))
    return SC_PLAN_REFUSED;
  return end;
}

static void
report (const Adoption *self)
{
  GVariantDict *result = self->context->result;
  g_autofree char *container = sc_bus_path_container (self->name);

  g_variant_dict_insert (result, "container", "o", container);
  g_variant_dict_insert (result, "reference", "s", self->after->reference);
  g_variant_dict_insert (result, "digest", "s", self->image->digest);
  g_variant_dict_insert (result, "deployment", "t", self->after->current);
  g_variant_dict_insert (result, "notes", "^as", self->rendered.rendering->notes);
  sc_op_set_changed (self->context, TRUE);
  sc_log (G_LOG_LEVEL_MESSAGE,
          &(ScLogFields){ .job = self->context->job_id,
                          .operation = "adopt",
                          .container = self->name,
                          .image = self->image->digest,
                          .message_id = SC_MESSAGE_INSTALLED,
                          .has_caller_uid = TRUE,
                          .caller_uid = self->context->caller_uid },
          "took over \"%s\" from atomic with %s (%s)", self->name, self->after->reference,
          self->image->digest);
  g_ptr_array_add (self->context->objects, g_steal_pointer (&container));
}

static gboolean
adopt (Adoption *self, GCancellable *cancellable, GError **error)
{
  ScOpContext *context = self->context;

  sc_progress_set_phase (context->progress, "resolve");
  self->systemd = sc_systemd_new (context->bus, error);
  self->repo = self->systemd != NULL ? sc_repo_open (context->paths, error) : NULL;
  if (self->repo == NULL
      || !sc_recover_container (context->paths, context->config, self->systemd, self->name, error)
      || !check_free (self, error))
    return FALSE;
  self->tree = sc_atomic_tree_load (context->paths, self->name, error);
  if (self->tree == NULL || !check_files (self, error) || !find_image (self, cancellable, error)
      || !prepare (self, cancellable, error) || !render (self, cancellable, error))
    return FALSE;
  note_image (self);
  if (!check_privileges (self, error))
    return FALSE;
  ScPlanEnd end = change_host (self, cancellable, error);
  if (end != SC_PLAN_AGREED)
    return end == SC_PLAN_SHOWN;
  report (self);
  return TRUE;
}

static gboolean
adopt_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  g_auto (Adoption) self = { .context = context, .name = base->targets[0] };
  g_autoptr (GError) failure = NULL;
  gboolean is_done = adopt (&self, cancellable, &failure);

  if (!context->terms->plan_only)
    sc_op_record (context,
                  &(ScHistoryEvent){ .event = "adopt",
                                     .container = self.name,
                                     .to_digest = self.image != NULL ? self.image->digest : NULL,
                                     .from = SC_NO_DEPLOYMENT,
                                     .to = is_done ? 0 : SC_NO_DEPLOYMENT },
                  failure);
  if (is_done)
    return TRUE;
  g_propagate_prefixed_error (error, g_steal_pointer (&failure), "adopting \"%s\": ", self.name);
  return FALSE;
}

static void
adopt_free (ScOp *base)
{
  g_free (base);
}

static const ScOpClass adopt_class = { "adopt", adopt_run, adopt_free };

ScOp *
sc_op_new_adopt (const char *name)
{
  ScOp *self = g_new0 (ScOp, 1);
  const char *const targets[] = { name, NULL };

  sc_op_init (self, &adopt_class, targets);
  sc_op_claim (self, "container", name, TRUE);
  sc_op_claim (self, "repository", NULL, FALSE);
  return self;
}
