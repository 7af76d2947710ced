/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-pull.h"

#include "image/sc-trust-policy.h"
#include "ops/sc-access.h"
#include "ops/sc-image-import.h"
#include "ops/sc-op-private.h"
#include "ops/sc-resolve.h"

/* Both workers at once: a sandboxed start takes about 60 ms. */
static gboolean
start_workers (ScOpContext *context,
               ScSystemd *systemd,
               ScWorker **fetch,
               ScWorker **unpack,
               GCancellable *cancellable,
               GError **error)
{
  *fetch = sc_worker_connect (context->paths, "fetch", error);
  if (*fetch == NULL)
    return FALSE;
  *unpack = sc_worker_connect (context->paths, "unpack", error);
  if (*unpack == NULL)
    return FALSE;
  return sc_worker_greet (*fetch, systemd, cancellable, error);
}

gboolean
sc_pull (ScOpContext *context,
         ScRepo *repo,
         const ScReference *reference,
         const ScPlatform *platform,
         GCancellable *cancellable,
         GError **error)
{
  g_autoptr (ScPlatform) host = sc_platform_host ();
  g_autofree char *source = g_strconcat ("docker://", reference->fullname, NULL);
  g_auto (ScResolved) resolved = { 0 };

  if (!sc_trust_policy_check (context->paths->trust_policy, "docker", reference->fullname, error))
    return FALSE;

  g_autoptr (GPtrArray) endpoints = sc_access_find_endpoints (context, reference, error);
  if (endpoints == NULL)
    return FALSE;

  sc_progress_set_phase (context->progress, "resolve");
  g_autoptr (ScSystemd) systemd = sc_systemd_new (context->bus, error);
  g_autoptr (ScWorker) fetch = NULL;
  g_autoptr (ScWorker) unpack = NULL;
  if (systemd == NULL || !start_workers (context, systemd, &fetch, &unpack, cancellable, error))
    return FALSE;

  const ScPlatform *wanted = platform != NULL ? platform : host;
  if (!sc_resolve_open (fetch, endpoints, error)
      || !sc_resolve (fetch, reference, wanted, &resolved, cancellable, error)
      || !sc_worker_greet (unpack, systemd, cancellable, error))
    return FALSE;

  if (resolved.endpoint < endpoints->len - 1)
    {
      const ScEndpoint *mirror = endpoints->pdata[resolved.endpoint];
      g_variant_dict_insert (context->result, "mirror", "s", mirror->registry);
    }
  ScImageImport import = {
    .context = context,
    .repo = repo,
    .unpack = unpack,
    .fetch = fetch,
    .platform = wanted,
    .fullname = reference->fullname,
    .source = source,
    .resolved = &resolved,
  };
  return sc_image_import (&import, cancellable, error);
}

typedef struct
{
  ScOp base;
  ScReference *reference; /* (owned) */
  ScPlatform *platform;   /* (owned) (nullable) */
} PullOp;

static gboolean
pull_run (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  PullOp *self = (PullOp *)op;
  g_autoptr (ScRepo) repo = sc_repo_open (context->paths, error);

  if (repo == NULL || !sc_pull (context, repo, self->reference, self->platform, cancellable, error))
    return sc_prefix_error (error, "pulling \"%s\": ", self->reference->text);
  return TRUE;
}

static void
pull_free (ScOp *op)
{
  PullOp *self = (PullOp *)op;

  sc_reference_free (self->reference);
  g_clear_pointer (&self->platform, sc_platform_free);
  g_free (self);
}

static const ScOpClass pull_class = { "pull", pull_run, pull_free };

ScOp *
sc_op_new_pull (const ScReference *reference, const ScPlatform *platform)
{
  PullOp *self = g_new0 (PullOp, 1);
  const char *const targets[] = { reference->fullname, NULL };

  sc_op_init (&self->base, &pull_class, targets);
  sc_op_claim (&self->base, "image", reference->fullname, TRUE);
  sc_op_claim (&self->base, "repository", NULL, FALSE);
  self->reference = sc_op_copy_reference (reference);
  self->platform = sc_op_copy_platform (platform);
  return &self->base;
}
