/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Everything that a deployment consists of, rendered and checked in memory before anything on the
 * host changes: config.json, unit, drop-in, tmpfiles lines, info, mount points. Pure: reads no file
 * of the host but two of /proc, for the capabilities, and whether bind sources exist.
 */
#pragma once

#include "deploy/sc-exports.h"
#include "deploy/sc-host-path.h"
#include "deploy/sc-process.h"
#include "deploy/sc-template.h"
#include "deploy/sc-unit-texts.h"
#include "image/sc-image-config.h"

typedef struct
{
  const char *name; /* of the container, checked */
  const ScPaths *paths;
  const ScHostPathPolicy *host_paths;
  const char *runtime;    /* path of runc or crun */
  const char *image_name; /* full name in the store */
  const char *image_commit;
  const char *manifest_digest;
  const char *uuid;       /* made at the first install, kept since */
  GHashTable *set_values; /* (nullable) what the caller set: char* to char* */
  GHashTable *secrets;    /* (nullable) the same, for config.json only */
  const ScExports *exports;
  const ScImageConfig *image_config;
  /* content of /etc/passwd and /etc/group of the image, for User= names; NULL when it has none */
  GBytes *passwd;
  GBytes *group;
  const ScHealth *health; /* (nullable) what is checked instead of what the image says */
  GPtrArray *problems;    /* (nullable) of char*: see sc_render() */
  gint64 now_s;           /* since the epoch, for info */
  gboolean is_volatile;   /* what is written to the root is not kept for the next start */

  /* for a container that runs once; NULL for a service */
  const char *once_unit;         /* (nullable) of the transient service, without ".service" */
  const ScProcess *once_process; /* (nullable) what runs in place of what the image says */
} ScRenderRequest;

typedef struct
{
  char *config_json;       /* (owned) checked runtime-spec config; root.path and cgroupsPath ours */
  gboolean is_writable;    /* the root is that of a mount over rootfs */
  ScUnitTexts texts;       /* (owned) */
  ScHealth *health;        /* (owned) (nullable) complete; NULL when nothing is checked */
  char *info;              /* (owned) JSON of the info file */
  GBytes *image_config;    /* (owned) (nullable) kept with the deployment: the image may go */
  ScValues *values;        /* (owned) all, with the built-ins */
  GPtrArray *mount_points; /* (owned) of ScMountPoint: to be made in the rootfs when missing */
  char **notes; /* (owned) what was changed or ignored, for the job's result; never NULL */
} ScRendering;

typedef struct
{
  char *path; /* (owned) relative to the rootfs */
  gboolean is_directory;
  guint mode; /* permissions of a directory that is made */
} ScMountPoint;

/**
 * sc_render:
 *
 * With @request->problems all parts are looked at that do not need another one; the last thing that
 * is wrong is the error, what is wrong before that is added to them.
 *
 * Errors: VALUE_MISSING, TEMPLATE_INVALID (names file and, where it can, line), INVALID_ARGUMENT
 * for a set value that no template may have (reserved name, too many, too long), NOT_SUPPORTED
 * (user namespaces that do not map root, WatchdogSec= with runc)
 */
ScRendering *sc_render (const ScRenderRequest *request, GError **error);
void sc_rendering_free (ScRendering *self);

/**
 * sc_set_values_check:
 *
 * The part that needs no image: number, names, reserved names, sizes. INVALID_ARGUMENT.
 */
gboolean sc_set_values_check (GHashTable *set_values, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScRendering, sc_rendering_free)
