/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-image-render.h"

#include "base/sc-problems.h"
#include "deploy/sc-builtin-values.h"
#include "deploy/sc-info.h"

#define USER_FILE_MAX_BYTES (1024 * 1024) /* of /etc/passwd and /etc/group of an image */

void
sc_image_rendering_clear (ScImageRendering *self)
{
  g_clear_pointer (&self->rootfs_commit, g_free);
  g_clear_pointer (&self->rendering, sc_rendering_free);
  g_clear_pointer (&self->host_files, sc_host_files_free);
  g_clear_pointer (&self->host_plan, sc_host_plan_free);
  g_clear_pointer (&self->privileges, g_ptr_array_unref);
}

/* Stands for the config of an image that has none: what to run is in its templates. */
static ScImageConfig *
make_empty_config (const ScImage *image)
{
  ScImageConfig *config = g_new0 (ScImageConfig, 1);

  config->platform = *image->platform != '\0' ? sc_platform_parse (image->platform, NULL) : NULL;
  if (config->platform == NULL)
    config->platform = sc_platform_host ();
  config->labels = g_hash_table_ref (image->labels);
  return config;
}

static gboolean
count_layers (const ScImageRenderRequest *request, guint *n_layers, GError **error)
{
  g_autoptr (GBytes) bytes = sc_image_store_get_manifest (request->repo, request->image, error);
  g_autoptr (ScManifest) manifest = bytes != NULL ? sc_manifest_parse (bytes, NULL, error) : NULL;

  if (manifest == NULL)
    return FALSE;
  *n_layers = manifest->layers->len;
  return TRUE;
}

/* Other tools stored images without a config: made in OSTree itself, with a manifest of an old kind,
 * or pruned by a tool that took configs for unused. */
static ScImageConfig *
read_image_config (const ScImageRenderRequest *request,
                   const ScExports *exports,
                   GBytes **config_bytes,
                   GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autoptr (GBytes) bytes = NULL;
  gboolean has_template = exports->config != NULL || exports->config_template != NULL;

  if (!request->is_deployed)
    bytes = sc_image_store_get_config (request->repo, request->image, &cause);
  else if (request->image_config != NULL)
    bytes = g_bytes_ref (request->image_config);
  else
    sc_error_set (&cause, SYSCONT_ERROR_NOT_FOUND, "the image is not in the store any more");
  if (bytes == NULL)
    {
      if (has_template
          && (g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND)
              || g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_NOT_SUPPORTED)))
        return make_empty_config (request->image);
      g_propagate_error (error, g_steal_pointer (&cause));
      return NULL;
    }

  guint n_layers = G_MAXUINT;
  if (!request->is_deployed && !count_layers (request, &n_layers, error))
    return NULL;
  *config_bytes = g_bytes_ref (bytes);
  return sc_image_config_parse (bytes, n_layers, error);
}

static gboolean
check_platform (const ScImageConfig *config, GError **error)
{
  g_autoptr (ScPlatform) host = sc_platform_host ();
  if (sc_platform_rank (host, config->platform) > 0)
    return TRUE;

  g_autofree char *want = sc_platform_to_text (host);
  g_autofree char *have = sc_platform_to_text (config->platform);
  return sc_error_set (error, SYSCONT_ERROR_PLATFORM_MISMATCH,
                       "the image is for %s and cannot run on %s", have, want);
}

/* A file of the image that need not be there; what is no regular file counts as none. */
static GBytes *
read_user_file (ScRepo *repo, const char *rootfs_commit, const char *path)
{
  return sc_repo_read_file (repo, rootfs_commit, path, USER_FILE_MAX_BYTES, NULL);
}

static void
add_notes (ScRendering *rendering, GPtrArray *notes)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  g_strv_builder_addv (builder, (const char **)rendering->notes);
  for (guint i = 0; i < notes->len; i++)
    g_strv_builder_add (builder, notes->pdata[i]);
  g_strfreev (rendering->notes);
  rendering->notes = g_strv_builder_end (builder);
}

/* What it would make on a host that has nothing of it. */
static ScHostPlan *
plan_empty_host (const ScHostFiles *wanted)
{
  g_autoptr (GPtrArray) others = g_ptr_array_new ();
  g_autoptr (GHashTable) nothing = g_hash_table_new (g_str_hash, g_str_equal);
  const ScHostFacts facts
      = { .wanted = wanted, .others = others, .found = nothing, .obstacles = nothing };

  return sc_host_plan_new (&facts);
}

/* What the container will answer for on the host is a part of its info, which is never written
 * again. */
static gboolean
plan_host_files (const ScImageRenderRequest *request,
                 const ScRenderRequest *render,
                 ScImageRendering *out,
                 GError **error)
{
  const ScHostFilesRequest wanted = { .repo = request->repo,
                                      .exports = render->exports,
                                      .values = out->rendering->values,
                                      .policy = render->host_paths };
  const ScHostScope scope = { .paths = request->context->paths,
                              .config = request->context->config,
                              .name = render->name,
                              .own = request->own_files,
                              .job = request->context->job_id };

  out->host_files = sc_host_files_render (&wanted, error);
  if (out->host_files == NULL)
    return FALSE;
  out->host_plan = request->only_image
                       ? plan_empty_host (out->host_files)
                       : sc_host_ops_plan (&scope, out->host_files, request->systemd, error);
  if (out->host_plan == NULL)
    return FALSE;

  const ScInfoFiles files = { .wanted = out->host_files, .installed = out->host_plan->record };
  g_free (out->rendering->info);
  out->rendering->info = sc_info_build (render, out->rendering->values,
                                        out->rendering->texts.service != NULL, &files);
  add_notes (out->rendering, out->host_plan->notes);
  return TRUE;
}

/* Of an image that cannot be rendered: what else is wrong with it. */
static void
check_host_files (const ScRenderRequest *render, ScRepo *repo)
{
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (ScValues) values = sc_builtin_values_new (render, notes, NULL);
  const ScHostFilesRequest wanted = {
    .repo = repo, .exports = render->exports, .values = values, .policy = render->host_paths
  };
  GError *cause = NULL;
  g_autoptr (ScHostFiles) files G_GNUC_UNUSED
      = values != NULL ? sc_host_files_render (&wanted, &cause) : NULL;

  if (cause != NULL)
    (void)sc_problems_add (render->problems, cause, NULL);
}

static gboolean
list_privileges (const ScRenderRequest *render, ScImageRendering *out, GError **error)
{
  const ScPrivilegeSources sources
      = { .name = render->name,
          .paths = render->paths,
          .runtime = render->runtime,
          .config_json = out->rendering->config_json,
          .service = out->rendering->texts.service,
          .tmpfiles = out->rendering->texts.tmpfiles,
          .health = out->rendering->health,
          .host_files = out->host_plan != NULL ? out->host_plan->record : NULL,
          .is_once = render->once_unit != NULL };

  out->privileges = sc_privileges_list (&sources, error);
  return out->privileges != NULL;
}

gboolean
sc_image_render (const ScImageRenderRequest *request,
                 ScImageRendering *out,
                 GCancellable *cancellable,
                 GError **error)
{
  const ScOpContext *context = request->context;
  const ScContainer *container = request->container;

  g_autoptr (GBytes) config_bytes = NULL;

  out->rootfs_commit
      = request->is_deployed
            ? g_strdup (request->image->commit)
            : sc_image_store_ensure_rootfs (request->repo, request->image, cancellable, error);
  if (out->rootfs_commit == NULL)
    return FALSE;

  g_autoptr (ScExports) exports
      = sc_exports_load (request->repo, out->rootfs_commit, request->problems, error);
  g_autoptr (ScImageConfig) image_config
      = exports != NULL ? read_image_config (request, exports, &config_bytes, error) : NULL;
  if (image_config == NULL || (!request->only_image && !check_platform (image_config, error)))
    return FALSE;
  g_autoptr (GBytes) passwd = read_user_file (request->repo, out->rootfs_commit, "etc/passwd");
  g_autoptr (GBytes) group = read_user_file (request->repo, out->rootfs_commit, "etc/group");
  const ScHostPathPolicy host_paths
      = { .paths = context->paths,
          .prefixes = (const char *const *)context->config->allowed_prefixes,
          .extra = (const char *const *)container->allow_host_paths };
  const ScRenderRequest render = {
    .name = container->name,
    .paths = context->paths,
    .host_paths = &host_paths,
    .runtime = context->config->runtime,
    .image_name = container->reference,
    .image_commit = request->image->commit,
    .manifest_digest = request->image->digest,
    .uuid = container->uuid,
    .set_values = container->set_values,
    .secrets = request->secrets,
    .exports = exports,
    .image_config = image_config,
    .passwd = passwd,
    .group = group,
    .health = container->health,
    .problems = request->problems,
    .now_s = g_get_real_time () / G_USEC_PER_SEC,
    .is_volatile = container->is_volatile,
    .once_unit = request->once_unit,
    .once_process = request->once_process,
  };
  out->rendering = sc_render (&render, error);
  if (out->rendering != NULL)
    out->rendering->image_config = g_steal_pointer (&config_bytes);
  else if (request->problems != NULL)
    check_host_files (&render, request->repo);
  return out->rendering != NULL
         && (request->once_unit != NULL || plan_host_files (request, &render, out, error))
         && list_privileges (&render, out, error);
}
