/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The image config (image-spec config.md, and Docker's of the same shape): data to convert and to
 * show. Nothing in it is ever executed by the daemon or put into a unit.
 */
#pragma once

#include "base/sc-json.h"
#include "image/sc-platform.h"

#define SC_IMAGE_CONFIG_MAX_BYTES (8 * 1024 * 1024)

/** ScImageHealth: Healthcheck, as Docker's images have it; 0 = not said */
typedef struct
{
  char **command;  /* (owned) (nullable) what runs in the container */
  gboolean is_off; /* "NONE" */
  gint64 interval_usec;
  gint64 timeout_usec;
  gint64 start_period_usec;
  guint64 retries;
} ScImageHealth;

typedef struct
{
  ScPlatform *platform; /* (owned) */
  gint64 created_usec;  /* since the epoch; 0 = not said */
  char **entrypoint;    /* (owned) (nullable) */
  char **cmd;           /* (owned) (nullable) */
  char **env;           /* (owned) (nullable) each "NAME=VALUE" */
  char *working_dir;    /* (owned) (nullable) clean absolute path, not below /proc, /sys or /dev */
  char *user;           /* (owned) (nullable) user[:group], names or numbers */
  char *stop_signal;    /* (owned) (nullable) e.g. "SIGTERM" or "15" */
  char **volumes;       /* (owned) (nullable) clean absolute paths */
  char **exposed_ports; /* (owned) (nullable) e.g. "80/tcp" */
  ScImageHealth health;
  GHashTable *labels; /* (owned) char* to char* */
  char **diff_ids;    /* (owned) digests of the unpacked layers, base first */
} ScImageConfig;

/** sc_image_config_limits: of the JSON text */
extern const ScJsonLimits sc_image_config_limits;

/**
 * sc_image_config_parse:
 * @n_layers: of the manifest; must be that of rootfs.diff_ids; G_MAXUINT: whatever that has
 *
 * Errors: IMAGE_INVALID, LIMIT_EXCEEDED
 */
ScImageConfig *sc_image_config_parse (GBytes *bytes, guint n_layers, GError **error);
void sc_image_config_free (ScImageConfig *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScImageConfig, sc_image_config_free)
