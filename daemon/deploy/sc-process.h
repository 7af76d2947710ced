/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A program that somebody runs in a container in place of, or beside, the one that its config.json
 * names: what of the config's "process" it changes.
 */
#pragma once

#include "base/sc-json.h"

/** ScProcess: everything is lent */
typedef struct
{
  const char *const *args; /* (nullable) the program and its arguments */
  const char *const *env;  /* (nullable) "NAME=VALUE", before those of the config */
  const char *cwd;         /* (nullable) clean absolute path in the container */
  const char *user;        /* (nullable) USER[:GROUP], names or numbers */
  gboolean has_terminal;
  guint rows; /* of the terminal; 0: not known */
  guint columns;
} ScProcess;

/**
 * sc_process_check:
 *
 * What can be said without a container. INVALID_ARGUMENT names the option.
 */
gboolean sc_process_check (const ScProcess *self, GError **error);

/**
 * sc_process_apply:
 * @process: "process" of a checked config.json
 * @passwd: (nullable): content of the container's /etc/passwd; @group: (nullable): likewise
 *
 * Another user than root keeps no capabilities, as with other container engines. Errors:
 * INVALID_ARGUMENT for a user that there is not.
 */
gboolean sc_process_apply (
    const ScProcess *self, JsonObject *process, GBytes *passwd, GBytes *group, GError **error);
