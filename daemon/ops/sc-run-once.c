/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-run-once.h"

#include "base/sc-log.h"
#include "deploy/sc-deployment.h"
#include "ops/sc-approval.h"
#include "ops/sc-image-render.h"
#include "ops/sc-op-private.h"
#include "ops/sc-plan.h"
#include "ops/sc-program-run.h"

#define LABEL              "atomic.run"
#define TMPFILES_TIMEOUT_S 60

typedef struct
{
  const ScRunOnce *request;
  char *unit; /* (owned) of the transient service, without ".service": also the runtime's name */
  char *directory; /* (owned) of the checkout path */
  char *bundle;    /* (owned) its absolute path */
  char *tmpfiles;  /* (owned) path of the lines for systemd-tmpfiles */
  ScImageRendering rendered;
} Run;

static void
run_clear (Run *self)
{
  g_free (self->unit);
  g_free (self->directory);
  g_free (self->bundle);
  g_free (self->tmpfiles);
  sc_image_rendering_clear (&self->rendered);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Run, run_clear)

gboolean
sc_run_is_once (const ScImage *image)
{
  const char *label = image->labels != NULL ? g_hash_table_lookup (image->labels, LABEL) : NULL;

  return g_strcmp0 (label, "once") == 0;
}

static gboolean
run_tmpfiles (const Run *self, const char *option, GError **error)
{
  const char *const argv[] = { "/usr/bin/systemd-tmpfiles", option, self->tmpfiles, NULL };

  return self->rendered.rendering->texts.tmpfiles == NULL
         || sc_systemd_run (self->request->systemd, argv,
                            "Temporary files of a container that runs once", TMPFILES_TIMEOUT_S,
                            NULL, error);
}

static gboolean
run_container (const Run *self, int *exit_status, GCancellable *cancellable, GError **error)
{
  const ScRunOnce *request = self->request;
  const ScProgramRun run
      = { .systemd = request->systemd,
          .runtime = request->context->config->runtime,
          .unit = self->unit,
          .directory = self->bundle,
          .description = "System container that runs once",
          .stdio = request->program != NULL ? sc_program_get_stdio (request->program) : NULL };

  sc_progress_set_phase (request->context->progress, "start");
  return sc_program_run_bundle (&run, self->rendered.rendering->is_writable ? "rootfs" : NULL,
                                exit_status, cancellable, error);
}

static gboolean
run_in_bundle (const Run *self, int *exit_status, GCancellable *cancellable, GError **error)
{
  g_autoptr (GError) clean_error = NULL;

  if (!run_tmpfiles (self, "--create", error))
    return FALSE;
  gboolean ran = run_container (self, exit_status, cancellable, error);
  if (!run_tmpfiles (self, "--remove", &clean_error))
    sc_log (G_LOG_LEVEL_WARNING, &(ScLogFields){ .job = self->request->context->job_id },
            "removing temporary files: %s", clean_error->message);
  return ran;
}

static gboolean
render (Run *self, GCancellable *cancellable, GError **error)
{
  const ScRunOnce *request = self->request;
  const ScProcess *process
      = request->program != NULL ? sc_program_get_process (request->program) : NULL;
  const ScImageRenderRequest render_request = { .context = request->context,
                                                .repo = request->repo,
                                                .image = request->image,
                                                .container = request->container,
                                                .secrets = request->secrets,
                                                .once_unit = self->unit,
                                                .once_process = process };

  sc_progress_set_phase (request->context->progress, "render");
  return sc_image_render (&render_request, &self->rendered, cancellable, error);
}

static void
report (const Run *self, int exit_status)
{
  ScOpContext *context = self->request->context;

  g_variant_dict_insert (context->result, "exit-status", "i", exit_status);
  g_variant_dict_insert (context->result, "notes", "^as", self->rendered.rendering->notes);
  sc_op_set_changed (context, TRUE);
  sc_log (G_LOG_LEVEL_MESSAGE,
          &(ScLogFields){ .job = context->job_id,
                          .operation = "run",
                          .image = self->request->image->digest,
                          .has_caller_uid = TRUE,
                          .caller_uid = context->caller_uid },
          "ran %s once, it exited with %d", self->request->container->reference, exit_status);
}

static ScPlanEnd
settle_plan (const Run *self, GError **error)
{
  const ScContainer *container = self->request->container;
  ScOpContext *context = self->request->context;
  g_autoptr (GPtrArray) none = sc_privilege_list_new ();
  g_autoptr (GPtrArray) gains = sc_privilege_list_gains (none, self->rendered.privileges);
  g_auto (ScPlan) plan = {
    .operation = "run",
    .container = container->name,
    .digest = self->request->image->digest,
    .reference = container->reference,
    .hidden = { container->uuid, self->unit },
    .privileges = self->rendered.privileges,
    .gains = gains,
    .notes = self->rendered.rendering->notes,
  };

  if (context->terms->accept_privileges != NULL && !context->terms->plan_only
      && !sc_approval_check (context, gains, error))
    return SC_PLAN_REFUSED;
  sc_side_take (&plan.to, self->rendered.rendering, container->set_values,
                self->request->context->secrets);
  sc_plan_add_step (&plan, "run", container->name);
  return sc_plan_settle (&plan, context, error);
}

gboolean
sc_run_once (const ScRunOnce *request, GCancellable *cancellable, GError **error)
{
  const ScPaths *paths = request->context->paths;
  const char *name = request->container->name;
  g_auto (Run) self = { .request = request };
  int exit_status = 0;

  if (request->program != NULL && !sc_program_look_at_terminal (request->program, error))
    return FALSE;
  self.unit = request->program != NULL
                  ? sc_program_dup_unit (request->program, request->context->job_id)
                  : g_strdup_printf ("%s-run-%" G_GUINT64_FORMAT, name, request->context->job_id);
  self.directory = g_strdup_printf (".%s.partial", self.unit);
  self.bundle = g_build_filename (paths->checkout, self.directory, NULL);
  self.tmpfiles = g_strdup_printf ("%s/tmpfiles-%s.conf", self.bundle, name);
  if (!render (&self, cancellable, error))
    return FALSE;
  ScPlanEnd end = settle_plan (&self, error);
  if (end != SC_PLAN_AGREED)
    return end == SC_PLAN_SHOWN;

  sc_progress_set_phase (request->context->progress, "stage");
  gboolean ran
      = sc_bundle_make (paths, request->repo, self.directory, name, self.rendered.rootfs_commit,
                        self.rendered.rendering, cancellable, error)
        && run_in_bundle (&self, &exit_status, cancellable, error);
  sc_progress_set_phase (request->context->progress, "clean");
  if (!sc_bundle_remove (paths, self.directory, ran ? error : NULL) || !ran)
    return FALSE;
  report (&self, exit_status);
  return TRUE;
}
