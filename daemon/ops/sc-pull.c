/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-pull.h"

#include "dbus/sc-bus-path.h"
#include "image/sc-trust-policy.h"
#include "ops/sc-access.h"
#include "ops/sc-image-import.h"
#include "ops/sc-op-private.h"
#include "ops/sc-resolve.h"
#include "store/sc-image-store.h"

#include <syslog.h>

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
         const ScPullSource *pull,
         GCancellable *cancellable,
         GError **error)
{
  g_autoptr (ScPlatform) host = sc_platform_host ();
  const ScReference *reference = pull->reference;
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

  const ScPlatform *wanted = pull->platform != NULL ? pull->platform : host;
  if (!sc_resolve_open (fetch, endpoints, error)
      || !sc_resolve (fetch, reference, wanted, &resolved, cancellable, error)
      || !sc_worker_greet (unpack, systemd, cancellable, error))
    return FALSE;

  ScImageImport import = {
    .context = context,
    .repo = repo,
    .unpack = unpack,
    .fetch = fetch,
    .platform = wanted,
    .fullname = pull->fullname != NULL ? pull->fullname : reference->fullname,
    .source = pull->source != NULL ? pull->source : source,
    .resolved = &resolved,
  };
  return sc_image_import (&import, cancellable, error);
}

typedef struct
{
  ScOp base;
  ScReference *reference; /* (owned) */
  ScPlatform *platform;   /* (owned) (nullable) */
  gboolean if_newer;
} PullOp;

/* What is stored is good enough for a caller who wants it only if it is newer and cannot be told. */
static gboolean
keep_stored (const PullOp *self, ScOpContext *context, ScRepo *repo, const GError *cause)
{
  if (!self->if_newer
      || (!g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE)
          && !g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_RATE_LIMITED)))
    return FALSE;
  g_autoptr (ScImage) image = sc_image_store_lookup (repo, self->reference->fullname, NULL);
  if (image == NULL)
    return FALSE;

  sc_op_log (context, LOG_WARNING, "\"%s\" is kept as it is: %s", self->reference->fullname,
             cause->message);
  g_variant_dict_insert (context->result, "digest", "s", image->digest);
  g_variant_dict_insert (context->result, "reference", "s", self->reference->fullname);
  g_variant_dict_insert (context->result, "unchecked", "s", cause->message);
  sc_op_set_changed (context, FALSE);
  g_ptr_array_add (context->objects, sc_bus_path_image (image->digest));
  return TRUE;
}

static gboolean
pull_run (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  PullOp *self = (PullOp *)op;
  const ScPullSource source = { .reference = self->reference, .platform = self->platform };
  g_autoptr (ScRepo) repo = sc_repo_open (context->paths, error);

  g_autoptr (GError) cause = NULL;

  if (repo == NULL)
    return sc_prefix_error (error, "pulling \"%s\": ", self->reference->text);
  if (sc_pull (context, repo, &source, cancellable, &cause)
      || keep_stored (self, context, repo, cause))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&cause));
  return sc_prefix_error (error, "pulling \"%s\": ", self->reference->text);
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
sc_op_new_pull (const ScReference *reference, const ScPlatform *platform, gboolean if_newer)
{
  PullOp *self = g_new0 (PullOp, 1);
  const char *const targets[] = { reference->fullname, NULL };

  sc_op_init (&self->base, &pull_class, targets);
  sc_op_claim (&self->base, "image", reference->fullname, TRUE);
  sc_op_claim (&self->base, "repository", NULL, FALSE);
  self->reference = sc_op_copy_reference (reference);
  self->platform = sc_op_copy_platform (platform);
  self->if_newer = if_newer;
  return &self->base;
}
