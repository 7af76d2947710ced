/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-image-render.h"

#define USER_FILE_MAX_BYTES (1024 * 1024) /* of /etc/passwd and /etc/group of an image */

void
sc_image_rendering_clear (ScImageRendering *self)
{
  g_clear_pointer (&self->rootfs_commit, g_free);
  g_clear_pointer (&self->rendering, sc_rendering_free);
}

static ScImageConfig *
read_image_config (const ScImageRenderRequest *request, GError **error)
{
  g_autoptr (GBytes) manifest_bytes
      = sc_image_store_get_manifest (request->repo, request->image, error);
  g_autoptr (ScManifest) manifest
      = manifest_bytes != NULL ? sc_manifest_parse (manifest_bytes, NULL, error) : NULL;
  g_autoptr (GBytes) bytes
      = manifest != NULL ? sc_image_store_get_config (request->repo, request->image, error) : NULL;
  g_autoptr (ScImageConfig) config
      = bytes != NULL ? sc_image_config_parse (bytes, manifest->layers->len, error) : NULL;
  if (config == NULL)
    return NULL;

  g_autoptr (ScPlatform) host = sc_platform_host ();
  if (sc_platform_rank (host, config->platform) == 0)
    {
      g_autofree char *want = sc_platform_to_text (host);
      g_autofree char *have = sc_platform_to_text (config->platform);
      sc_error_set (error, SYSCONT_ERROR_PLATFORM_MISMATCH,
                    "the image is for %s and cannot run on %s", have, want);
      return NULL;
    }
  return g_steal_pointer (&config);
}

/* A file of the image that need not be there; what is no regular file counts as none. */
static GBytes *
read_user_file (ScRepo *repo, const char *rootfs_commit, const char *path)
{
  return sc_repo_read_file (repo, rootfs_commit, path, USER_FILE_MAX_BYTES, NULL);
}

gboolean
sc_image_render (const ScImageRenderRequest *request,
                 ScImageRendering *out,
                 GCancellable *cancellable,
                 GError **error)
{
  const ScOpContext *context = request->context;
  const ScContainer *container = request->container;
  g_autoptr (ScImageConfig) image_config = read_image_config (request, error);
  if (image_config == NULL)
    return FALSE;
  out->rootfs_commit
      = sc_image_store_ensure_rootfs (request->repo, request->image, cancellable, error);
  if (out->rootfs_commit == NULL)
    return FALSE;

  g_autoptr (ScExports) exports = sc_exports_load (request->repo, out->rootfs_commit, error);
  if (exports == NULL)
    return FALSE;
  g_autoptr (GBytes) passwd = read_user_file (request->repo, out->rootfs_commit, "etc/passwd");
  g_autoptr (GBytes) group = read_user_file (request->repo, out->rootfs_commit, "etc/group");
  const ScRenderRequest render = {
    .name = container->name,
    .paths = context->paths,
    .runtime = context->config->runtime,
    .image_name = container->reference,
    .image_commit = request->image->commit,
    .manifest_digest = request->image->digest,
    .uuid = container->uuid,
    .set_values = container->set_values,
    .exports = exports,
    .image_config = image_config,
    .passwd = passwd,
    .group = group,
    .now_s = g_get_real_time () / G_USEC_PER_SEC,
  };
  out->rendering = sc_render (&render, error);
  return out->rendering != NULL;
}
