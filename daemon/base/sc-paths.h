/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Every path that the daemon uses, in one immutable object; --root=DIR moves all of them.
 */
#pragma once

#include <glib.h>

typedef struct
{
  char *root;           /* (owned) prefix of everything, "" for the real system */
  char *config_file;    /* (owned) /etc/syscont/syscont.conf */
  char *config_dropins; /* (owned) /etc/syscont/syscont.conf.d */
  char *trust_policy;   /* (owned) /etc/containers/policy.json */
  char *auth_runtime;   /* (owned) /run/containers/0/auth.json */
  char *auth_system;    /* (owned) /etc/containers/auth.json */
  char *registries;     /* (owned) /etc/syscont/registries.d */
  char **certificates;  /* (owned) certs.d below /etc/containers and below /etc/docker: the first
                         * that has a directory for a registry counts */
  char *checkout;       /* (owned) /var/lib/containers/syscont */
  char *repository;     /* (owned) checkout/.repo */
  char *spool;          /* (owned) checkout/.spool */
  char *state;          /* (owned) /var/lib/syscont */
  char *units;          /* (owned) /etc/systemd/system */
  char *tmpfiles;       /* (owned) /etc/tmpfiles.d */
  char *runtime;        /* (owned) /run/syscont: switching/ and the workers' sockets */
} ScPaths;

/**
 * sc_paths_new:
 * @root: (nullable): directory that all paths are put below; NULL or "" for the real system
 */
ScPaths *sc_paths_new (const char *root);

/** sc_paths_set_storage: what the configuration says instead; absolute paths, put below the root */
void sc_paths_set_storage (ScPaths *self, const char *checkout, const char *repository);

void sc_paths_free (ScPaths *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScPaths, sc_paths_free)
