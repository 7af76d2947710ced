/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The configuration: /etc/syscont/syscont.conf and then syscont.conf.d/….conf in the order of their
 * names. All keys are optional; unknown ones are warned about with file and key. Parsed once into
 * an immutable object.
 */
#pragma once

#include "base/sc-paths.h"

typedef struct
{
  char *repository;           /* (owned) [Storage] Repository=, absolute path */
  char *checkout;             /* (owned) [Storage] Checkout=, absolute path */
  char *runtime;              /* (owned) [Runtime] Path=, absolute path, /usr/bin/runc */
  char **allowed_prefixes;    /* (owned) [HostFiles] AllowedPrefixes=DIR;…: where images may have
                               * files on the host */
  char **insecure_registries; /* (owned) [Registries] Insecure=HOST[:PORT];…: http and unverified
                                * TLS allowed */
  GHashTable *short_names;   /* (owned) [Registries] ShortNames=NAME=FULLNAME;…: char* to char* */
  char **unqualified_search; /* (owned) [Registries] UnqualifiedSearch=HOST[:PORT];… */
  char **engine_sockets;     /* (owned) [Engine] Socket=, absolute paths, the first that can be
                              * connected to is asked */
  guint idle_exit_s;         /* [Daemon] IdleExitSec=, 60, 0 = never, at most 86400 */
  guint max_jobs;            /* [Daemon] MaxJobs=, 4, 1 to 16 */
  guint start_timeout_s;     /* [Daemon] StartTimeoutSec=, 90 */
  guint64 max_blob_bytes;    /* [Limits] BlobBytes=, compressed, 8 GiB */
  guint64 max_layer_bytes;   /* [Limits] LayerBytes=, unpacked, 16 GiB */
  guint64 max_image_bytes;   /* [Limits] ImageBytes=, unpacked, 32 GiB */
  guint max_layer_entries;   /* [Limits] LayerEntries=, 500000 */
  guint max_image_entries;   /* [Limits] ImageEntries=, 1000000 */
  guint keep_deployments;    /* [Deployments] KeepDeployments=, 2, 1 to 100, with the current one */
  guint observe_s; /* [Deployments] ObserveSec=, 10, 0 to 3600: how long an update is watched */
  guint keep_free_percent; /* [Storage] KeepFreePercent=, 5, 0 to 50 */
  guint64 keep_free_bytes; /* [Storage] KeepFreeBytes=, 1 GiB: the larger of the two is kept
                                * free */
  guint64 spool_max_bytes; /* [Spool] MaxBytes=, 8 GiB: of downloads that no job works on */
  guint spool_retention_s; /* [Spool] RetentionSec=, 7 days, since they last grew */
} ScConfig;

/**
 * sc_config_load:
 *
 * Missing files are defaults. A value out of range or a file that cannot be parsed is an error that
 * names file, group and key.
 */
ScConfig *sc_config_load (const ScPaths *paths, GError **error);

void sc_config_free (ScConfig *self);

/** sc_config_is_insecure: @registry: host[:port], compared exactly */
gboolean sc_config_is_insecure (const ScConfig *self, const char *registry);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScConfig, sc_config_free)
