/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * From an image in the store and the state of a container to everything that a deployment consists
 * of, rendered and checked: what an installation and an update have in common before they touch the
 * host.
 */
#pragma once

#include "deploy/sc-container.h"
#include "deploy/sc-privileges.h"
#include "deploy/sc-rendering.h"
#include "ops/sc-host-ops.h"
#include "ops/sc-op.h"
#include "store/sc-image-store.h"

/** ScImageRenderRequest: everything is lent */
typedef struct
{
  const ScOpContext *context;
  ScRepo *repo;
  const ScImage *image;
  const ScContainer *container; /* as it will be: name, reference, uuid and the caller's values */
  const char *once_unit;        /* (nullable) as in ScRenderRequest; then host files are left out */
  const ScProcess *once_process; /* (nullable) */
  GHashTable *secrets;           /* (nullable) as in ScRenderRequest */
  gboolean only_image;           /* neither what this host has nor whether it can run it counts */
  const ScHostRecord *own_files; /* (nullable) as in ScHostScope */
  gboolean is_deployed; /* @image is from sc_deployment_load_image(), and not in the store */
  GBytes *image_config; /* (nullable) then: its config */
  GPtrArray *problems;  /* (nullable) as in ScRenderRequest, also of what is read of the image */
  ScSystemd *systemd;   /* (nullable) to ask which package a file belongs to that is in the way */
} ScImageRenderRequest;

typedef struct
{
  char *rootfs_commit;     /* (owned) the merged tree */
  ScRendering *rendering;  /* (owned) */
  ScHostFiles *host_files; /* (owned) what the image wants to have on the host */
  ScHostPlan *host_plan;   /* (owned) what comes of it */
  GPtrArray *privileges;   /* (owned) of ScPrivilege */
} ScImageRendering;

void sc_image_rendering_clear (ScImageRendering *self);

/**
 * sc_image_render:
 *
 * Blocks: merges the image's layers when that has not been done. Errors: those of sc_render() and
 * sc_host_files_render(); PLATFORM_MISMATCH, IMAGE_INVALID, HOST_FILE_CONFLICT.
 */
gboolean sc_image_render (const ScImageRenderRequest *request,
                          ScImageRendering *out,
                          GCancellable *cancellable,
                          GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScImageRendering, sc_image_rendering_clear)
