/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-change.h"

#include "deploy/sc-secrets.h"
#include "host/sc-unit-files.h"
#include "ops/sc-made-directories.h"

#include <string.h>

#define TMPFILES_TIMEOUT_S 60

void
sc_change_init (ScChange *self,
                ScOpContext *context,
                ScRepo *repo,
                ScSystemd *systemd,
                ScIntentOperation operation,
                ScContainer *after)
{
  self->context = context;
  self->repo = repo;
  self->systemd = systemd;
  self->unit = g_strconcat (after->name, ".service", NULL);
  self->after = after;
  self->intent = sc_intent_new (context->job_id, operation, after->name);
  self->intent->deployment = after->current;
  self->intent->caller_uid = context->caller_uid;
}

gboolean
sc_change_resume (ScChange *self,
                  ScOpContext *context,
                  ScRepo *repo,
                  ScSystemd *systemd,
                  ScIntent *intent,
                  GError **error)
{
  self->context = context;
  self->repo = repo;
  self->systemd = systemd;
  self->unit = g_strconcat (intent->container, ".service", NULL);
  self->intent = intent;
  self->after = sc_container_load (context->paths, intent->container, error);
  return self->after != NULL;
}

void
sc_change_clear (ScChange *self)
{
  g_clear_pointer (&self->unit, g_free);
  g_clear_pointer (&self->after, sc_container_free);
  g_clear_pointer (&self->intent, sc_intent_free);
}

static gboolean
add_state (ScChange *self, GError **error)
{
  char *text = sc_container_to_text (self->after);
  g_autofree char *path = sc_container_path (self->context->paths, self->after->name);
  ScFileChange *change
      = sc_file_change_new (path, g_bytes_new_take (text, strlen (text)), 0600, error);

  if (change == NULL)
    return FALSE;
  g_ptr_array_add (self->intent->files, change);
  return TRUE;
}

static ScHostScope
host_scope (const ScChange *self)
{
  return (ScHostScope){ .paths = self->context->paths,
                        .config = self->context->config,
                        .name = self->after->name,
                        .own = self->own_files,
                        .job = self->intent->job };
}

ScHostPlan *
sc_change_plan_host_files (ScChange *self, ScHostFiles **files, GError **error)
{
  const ScHostScope scope = host_scope (self);
  const ScHostPathPolicy policy = { .paths = scope.paths,
                                    .prefixes = (const char *const *)scope.config->allowed_prefixes,
                                    .extra = (const char *const *)self->after->allow_host_paths };

  *files = sc_host_files_load (self->repo, &policy, scope.name, self->intent->deployment, error);
  return *files != NULL ? sc_host_ops_plan (&scope, *files, self->systemd, error) : NULL;
}

/* A deployment that is there already has its own. */
static gboolean
save_secrets (const ScChange *self, GError **error)
{
  return !self->intent->made
         || sc_secrets_save (self->context->paths, self->after->name, self->intent->deployment,
                             self->secrets, error);
}

gboolean
sc_change_begin (ScChange *self, const ScUnitTexts *texts, GError **error)
{
  const ScPaths *paths = self->context->paths;
  const ScHostScope scope = host_scope (self);
  gboolean is_stage = self->intent->operation == SC_INTENT_STAGE;
  gboolean is_there = !is_stage && !self->intent->made;
  g_autoptr (ScHostFiles) files = NULL;
  g_autoptr (ScHostPlan) plan = is_there ? sc_change_plan_host_files (self, &files, error) : NULL;

  if (is_there && plan == NULL)
    return FALSE;
  if (!is_stage
      && (!sc_unit_files_add_changes (paths, self->after->name, texts->service, texts->drop_in,
                                      texts->tmpfiles, self->intent->files, error)
          || !sc_unit_files_add_timer (paths, self->after->name, texts->timer, self->intent->files,
                                       error)))
    return FALSE;
  if (!is_stage)
    sc_made_directories_note (paths, self->after, texts->tmpfiles);
  if (!add_state (self, error) || !sc_intent_save (self->intent, paths, error))
    return FALSE;
  if (save_secrets (self, error)
      && (files == NULL || sc_host_ops_prepare (&scope, files, NULL, error)))
    return TRUE;
  (void)sc_intent_delete (self->intent, paths, NULL);
  return FALSE;
}

gboolean
sc_change_stage (ScChange *self,
                 const ScImageRendering *rendered,
                 GCancellable *cancellable,
                 GError **error)
{
  const ScHostScope scope = host_scope (self);

  sc_progress_set_phase (self->context->progress, "stage");
  if (!sc_deployment_stage (self->context->paths, self->repo, self->after->name,
                            self->intent->deployment, rendered->rootfs_commit, rendered->rendering,
                            cancellable, error)
      || g_cancellable_set_error_if_cancelled (cancellable, error))
    return FALSE;
  return self->intent->operation == SC_INTENT_STAGE
         || sc_host_ops_prepare (&scope, rendered->host_files, rendered->host_plan, error);
}

gboolean
sc_change_run_tmpfiles (ScChange *self, GError **error)
{
  g_autofree char *path = sc_unit_files_tmpfiles_path (self->context->paths, self->after->name);
  const char *const argv[] = { "/usr/bin/systemd-tmpfiles", "--create", path, NULL };

  return !g_file_test (path, G_FILE_TEST_EXISTS)
         || sc_systemd_run (self->systemd, argv, "Create temporary files of a system container",
                            TMPFILES_TIMEOUT_S, NULL, error);
}
