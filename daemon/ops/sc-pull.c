/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-pull.h"

#include "dbus/sc-bus-path.h"
#include "image/sc-trust-policy.h"
#include "ops/sc-access.h"
#include "ops/sc-image-import.h"
#include "ops/sc-op-private.h"
#include "ops/sc-resolve.h"
#include "store/sc-image-parts.h"

#include <syslog.h>

/* The two workers of a pull. */
typedef struct
{
  ScOpContext *context;
  ScSystemd *systemd; /* (owned) */
  ScWorker *fetch;    /* (owned) (nullable) */
  ScWorker *unpack;   /* (owned) (nullable) as long as it seems that nothing is new */
} Workers;

static void
workers_clear (Workers *self)
{
  g_clear_pointer (&self->fetch, sc_worker_free);
  g_clear_pointer (&self->unpack, sc_worker_free);
  g_clear_pointer (&self->systemd, sc_systemd_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Workers, workers_clear)

static gboolean
connect_worker (Workers *self, const char *kind, ScWorker **worker, GError **error)
{
  *worker = sc_worker_connect (self->context->paths, kind, error);
  return *worker != NULL;
}

/* Both workers at once, for a sandboxed start takes about 60 ms; but an image that is there under
 * this name has most likely not changed. */
static gboolean
start_workers (Workers *self, gboolean is_known, GCancellable *cancellable, GError **error)
{
  self->systemd = sc_systemd_new (self->context->bus, error);
  return self->systemd != NULL && connect_worker (self, "fetch", &self->fetch, error)
         && (is_known || connect_worker (self, "unpack", &self->unpack, error))
         && sc_worker_greet (self->fetch, self->systemd, cancellable, error);
}

/* Once the image is resolved: has it changed after all? */
static gboolean
ensure_unpack (Workers *self, gboolean is_stored, GCancellable *cancellable, GError **error)
{
  if (is_stored)
    return TRUE;
  if (self->unpack == NULL && !connect_worker (self, "unpack", &self->unpack, error))
    return FALSE;
  return sc_worker_greet (self->unpack, self->systemd, cancellable, error);
}

static gboolean
has_name (ScRepo *repo, const char *fullname)
{
  g_autofree char *ref = sc_reference_encode (fullname);
  g_autofree char *commit = sc_repo_resolve (repo, ref, NULL);

  return commit != NULL;
}

static gboolean
is_stored (ScRepo *repo, const char *digest)
{
  g_autoptr (ScImage) image = sc_image_store_lookup (repo, digest, NULL);

  return image != NULL && sc_image_is_whole (repo, image);
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
  const char *fullname = pull->fullname != NULL ? pull->fullname : reference->fullname;
  g_autofree char *source = g_strconcat (SC_REGISTRY_PREFIX, reference->fullname, NULL);
  g_auto (ScResolved) resolved = { 0 };

  if (!sc_trust_policy_check (context->paths->trust_policy, "docker", reference->fullname, error))
    return FALSE;

  g_autoptr (GPtrArray) endpoints = sc_access_find_endpoints (context, reference, error);
  if (endpoints == NULL)
    return FALSE;

  sc_progress_set_phase (context->progress, "resolve");
  g_auto (Workers) workers = { .context = context };
  if (!start_workers (&workers, has_name (repo, fullname), cancellable, error))
    return FALSE;

  const ScPlatform *wanted = pull->platform != NULL ? pull->platform : host;
  if (!sc_resolve_open (workers.fetch, endpoints, error)
      || !sc_resolve (workers.fetch, reference, wanted, &resolved, cancellable, error)
      || !ensure_unpack (&workers, is_stored (repo, resolved.digest), cancellable, error))
    return FALSE;

  if (resolved.endpoint < endpoints->len - 1)
    {
      const ScEndpoint *mirror = endpoints->pdata[resolved.endpoint];
      g_variant_dict_insert (context->result, "mirror", "s", mirror->registry);
    }
  ScImageImport import = {
    .context = context,
    .repo = repo,
    .unpack = workers.unpack,
    .fetch = workers.fetch,
    .endpoints = endpoints,
    .platform = wanted,
    .fullname = fullname,
    .source = pull->source != NULL ? pull->source : source,
    .resolved = &resolved,
  };
  return sc_image_import (&import, cancellable, error);
}

gboolean
sc_pull_first (ScOpContext *context,
               ScRepo *repo,
               GPtrArray *candidates,
               const ScPlatform *platform,
               const ScReference **pulled,
               GCancellable *cancellable,
               GError **error)
{
  for (guint i = 0; i < candidates->len; i++)
    {
      g_autoptr (GError) local_error = NULL;

      *pulled = candidates->pdata[i];
      const ScPullSource source = { .reference = *pulled, .platform = platform };
      if (sc_pull (context, repo, &source, cancellable, &local_error))
        return TRUE;
      gboolean is_unknown
          = g_error_matches (local_error, SYSCONT_ERROR, SYSCONT_ERROR_MANIFEST_UNKNOWN);
      if (is_unknown && i + 1 < candidates->len)
        {
          sc_op_log (context, LOG_INFO, "there is no %s", (*pulled)->fullname);
          continue;
        }
      g_propagate_error (error, g_steal_pointer (&local_error));
      if (candidates->len > 1)
        sc_prefix_error (error,
                         is_unknown
                             ? "none of the registries of UnqualifiedSearch= has it, nor "
                               "has the last, \"%s\": "
                             : "UnqualifiedSearch= has come to \"%s\" (to pass it over write "
                               "another registry in front of the name): ",
                         (*pulled)->registry);
      break;
    }
  return FALSE;
}

ScImage *
sc_pull_take (ScOpContext *context, ScRepo *repo, const char *fullname, GError **error)
{
  g_autofree char *digest = NULL;
  gboolean is_new = FALSE;

  if (!context->terms->plan_only)
    return sc_image_store_lookup (repo, fullname, error);
  g_variant_dict_lookup (context->result, "digest", "s", &digest);
  ScImage *image = sc_image_store_lookup_unnamed (repo, digest, fullname, &is_new, error);
  if (image != NULL && is_new)
    g_variant_dict_insert (context->result, "space-bytes", "t", image->exclusive_bytes);
  return image;
}

gboolean
sc_pull_find_digest (ScOpContext *context,
                     const ScReference *reference,
                     char **digest,
                     GCancellable *cancellable,
                     GError **error)
{
  g_autoptr (ScPlatform) host = sc_platform_host ();
  g_auto (ScResolved) resolved = { 0 };
  g_autoptr (GPtrArray) endpoints = sc_access_find_endpoints (context, reference, error);
  g_autoptr (ScSystemd) systemd = endpoints != NULL ? sc_systemd_new (context->bus, error) : NULL;
  g_autoptr (ScWorker) fetch
      = systemd != NULL ? sc_worker_connect (context->paths, "fetch", error) : NULL;

  if (fetch == NULL || !sc_worker_greet (fetch, systemd, cancellable, error)
      || !sc_resolve_open (fetch, endpoints, error)
      || !sc_resolve (fetch, reference, host, &resolved, cancellable, error))
    return FALSE;
  *digest = g_strdup (resolved.digest);
  return TRUE;
}

typedef struct
{
  ScOp base;
  char *given;           /* (owned) */
  GPtrArray *candidates; /* (owned) of ScReference */
  ScPlatform *platform;  /* (owned) (nullable) */
  gboolean if_newer;
} PullOp;

/* What is stored is good enough for a caller who wants it only if it is newer and cannot be told. */
static gboolean
keep_stored (const PullOp *self,
             const ScReference *reference,
             ScOpContext *context,
             ScRepo *repo,
             const GError *cause)
{
  if (!self->if_newer
      || (!g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE)
          && !g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_RATE_LIMITED)))
    return FALSE;
  g_autoptr (ScImage) image = sc_image_store_lookup (repo, reference->fullname, NULL);
  if (image == NULL)
    return FALSE;

  sc_op_log (context, LOG_WARNING, "\"%s\" is kept as it is: %s", reference->fullname,
             cause->message);
  g_variant_dict_insert (context->result, "digest", "s", image->digest);
  g_variant_dict_insert (context->result, "reference", "s", reference->fullname);
  g_variant_dict_insert (context->result, "unchecked", "s", cause->message);
  sc_op_set_changed (context, FALSE);
  g_ptr_array_add (context->objects, sc_bus_path_image (image->digest));
  return TRUE;
}

static gboolean
pull_run (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  PullOp *self = (PullOp *)op;
  const ScReference *pulled;
  g_autoptr (ScRepo) repo = sc_repo_open (context->paths, error);
  g_autoptr (GError) cause = NULL;

  if (repo == NULL)
    return sc_prefix_error (error, "pulling \"%s\": ", self->given);
  if (sc_pull_first (context, repo, self->candidates, self->platform, &pulled, cancellable, &cause)
      || keep_stored (self, pulled, context, repo, cause))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&cause));
  return sc_prefix_error (error, "pulling \"%s\": ", self->given);
}

static void
pull_free (ScOp *op)
{
  PullOp *self = (PullOp *)op;

  g_free (self->given);
  g_ptr_array_unref (self->candidates);
  g_clear_pointer (&self->platform, sc_platform_free);
  g_free (self);
}

static const ScOpClass pull_class = { "pull", pull_run, pull_free };

ScOp *
sc_op_new_pull (const ScReference *given,
                GPtrArray *candidates,
                const ScPlatform *platform,
                gboolean if_newer)
{
  PullOp *self = g_new0 (PullOp, 1);
  const ScReference *first = candidates->pdata[0];
  const char *const targets[] = { candidates->len == 1 ? first->fullname : given->fullname, NULL };

  sc_op_init (&self->base, &pull_class, targets);
  for (guint i = 0; i < candidates->len; i++)
    sc_op_claim (&self->base, "image", ((ScReference *)candidates->pdata[i])->fullname, TRUE);
  sc_op_claim (&self->base, "repository", NULL, FALSE);
  self->given = g_strdup (given->text);
  self->candidates = g_ptr_array_ref (candidates);
  self->platform = sc_op_copy_platform (platform);
  self->if_newer = if_newer;
  return &self->base;
}
