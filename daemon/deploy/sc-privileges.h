/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The privileges of a deployment, from what it consists of: config.json, unit, tmpfiles lines, health
 * check, files on the host. They are derived and never stored, so that the deployments of an earlier version are
 * judged as today's are.
 */
#pragma once

#include "deploy/sc-container.h"
#include "deploy/sc-host-record.h"
#include "deploy/sc-privilege.h"

/** ScPrivilegeSources: everything is lent; rendered and checked */
typedef struct
{
  const char *name; /* of the container */
  const ScPaths *paths;
  const char *runtime;     /* (nullable) path of the runtime when it is neither runc nor crun */
  const char *config_json; /* (nullable) */
  const char *service;     /* (nullable) a container without a service uses no config.json */
  const char *tmpfiles;    /* (nullable) */
  const ScHealth *health;  /* (nullable) */
  const ScHostRecord *host_files; /* (nullable) */
  gboolean is_once;               /* runs without a unit of its own */
} ScPrivilegeSources;

/** sc_privileges_list: (transfer full) (nullable): of ScPrivilege, sorted; TEMPLATE_INVALID */
GPtrArray *sc_privileges_list (const ScPrivilegeSources *sources, GError **error);

/** sc_privileges_load: (transfer full) (nullable): those of the deployment NAME.@n of @container;
 * DAMAGED */
GPtrArray *
sc_privileges_load (const ScPaths *paths, const ScContainer *container, guint64 n, GError **error);
