/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-engine-pull.h"

#include "image/sc-trust-policy.h"
#include "ops/sc-docker-import.h"
#include "ops/sc-engine.h"
#include "ops/sc-op-private.h"
#include "store/sc-image-store.h"

#include <syslog.h>

typedef struct
{
  ScOp base;
  ScReference *reference; /* (owned) */
  ScPlatform *platform;   /* (owned) */
} EnginePullOp;

static gboolean
pull (ScOpContext *context,
      const char *fullname,
      const ScPlatform *platform,
      GCancellable *cancellable,
      GError **error)
{
  g_autofree char *source = g_strconcat (SC_ENGINE_PREFIX, fullname, NULL);
  g_autofree char *socket_path = NULL;
  ScDockerImport import = {
    .context = context,
    .platform = platform,
    .fullname = fullname,
    .source = source,
    .is_answer = TRUE,
  };

  if (!sc_trust_policy_check (context->paths->trust_policy, "docker-daemon", fullname, error))
    return FALSE;

  sc_progress_set_phase (context->progress, "resolve");
  int fd = sc_engine_export (context->config, fullname, &socket_path, error);
  if (fd < 0)
    return FALSE;
  sc_op_log (context, LOG_INFO, "asking the engine at \"%s\"", socket_path);
  return sc_docker_import (&import, fd, cancellable, error)
         || sc_prefix_error (error, "from the engine at \"%s\": ", socket_path);
}

/* (transfer full) (nullable): what the engine would call the image that is stored; NULL without one */
static char *
find_stored_id (ScRepo *repo, const char *fullname)
{
  g_autoptr (ScImage) image = sc_image_store_lookup (repo, fullname, NULL);
  g_autoptr (GBytes) bytes = image != NULL ? sc_image_store_get_manifest (repo, image, NULL) : NULL;
  g_autoptr (ScManifest) manifest = bytes != NULL ? sc_manifest_parse (bytes, NULL, NULL) : NULL;

  return manifest != NULL && manifest->config != NULL ? g_strdup (manifest->config->digest) : NULL;
}

gboolean
sc_engine_refresh (ScOpContext *context,
                   ScRepo *repo,
                   const char *fullname,
                   gboolean *is_pulled,
                   GCancellable *cancellable,
                   GError **error)
{
  g_autofree char *stored = find_stored_id (repo, fullname);
  g_autoptr (ScPlatform) platform = sc_platform_host ();
  g_autofree char *id = NULL;

  sc_progress_set_phase (context->progress, "resolve");
  if (!sc_engine_find_id (context->config, fullname, &id, error))
    return FALSE;
  *is_pulled = g_strcmp0 (id, stored) != 0;
  return !*is_pulled || pull (context, fullname, platform, cancellable, error);
}

static gboolean
engine_pull_run (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  EnginePullOp *self = (EnginePullOp *)op;

  return pull (context, self->reference->fullname, self->platform, cancellable, error)
         || sc_prefix_error (error,
                             "pulling \"" SC_ENGINE_PREFIX "%s\": ", self->reference->fullname);
}

static void
engine_pull_free (ScOp *op)
{
  EnginePullOp *self = (EnginePullOp *)op;

  sc_reference_free (self->reference);
  sc_platform_free (self->platform);
  g_free (self);
}

static const ScOpClass engine_pull_class = { "pull", engine_pull_run, engine_pull_free };

ScOp *
sc_op_new_engine_pull (const ScReference *reference, const ScPlatform *platform)
{
  EnginePullOp *self = g_new0 (EnginePullOp, 1);
  const char *const targets[] = { reference->fullname, NULL };

  sc_op_init (&self->base, &engine_pull_class, targets);
  sc_op_claim (&self->base, "image", reference->fullname, TRUE);
  sc_op_claim (&self->base, "repository", NULL, FALSE);
  self->reference = sc_op_copy_reference (reference);
  self->platform = platform != NULL ? sc_op_copy_platform (platform) : sc_platform_host ();
  return &self->base;
}
