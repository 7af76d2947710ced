/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * config.json of a container (runtime-spec config.md): parsed strictly, migrated from the spelling
 * of old runtimes, completed with what is ours to say (root, control group) and checked for what
 * cannot work or would reach around the deployment. Not a sandbox policy: an image may ask for any
 * privilege here, and is authorised for it as a whole.
 */
#pragma once

#include "base/sc-json.h"
#include "base/sc-paths.h"
#include "deploy/sc-process.h"

typedef struct
{
  const char *file; /* name for messages */
  const ScPaths *paths;
  const char *cgroups_path; /* what linux.cgroupsPath becomes */
  gboolean is_used;         /* the unit starts it: it must have a process */
  const ScProcess *process; /* (nullable) what runs in place of what the image says */
} ScRuntimeConfigRules;

/* Below the deployment: the root of a container that may write to it, which its unit mounts. */
#define SC_WRITABLE_ROOT "writable/root"

/** sc_runtime_config_parse: TEMPLATE_INVALID with the line, LIMIT_EXCEEDED */
JsonObject *
sc_runtime_config_parse (const char *file, const char *text, gsize size_bytes, GError **error);

/**
 * sc_runtime_config_complete:
 *
 * Changes @config into what is deployed. Everything that was changed or dropped is appended to
 * @notes as text.
 *
 * Errors: TEMPLATE_INVALID, LIMIT_EXCEEDED, NOT_SUPPORTED (user namespace that does not map root)
 */
gboolean sc_runtime_config_complete (JsonObject *config,
                                     const ScRuntimeConfigRules *rules,
                                     GPtrArray *notes,
                                     GError **error);

/** sc_runtime_config_is_writable: whether a completed config has a root that may be written to */
gboolean sc_runtime_config_is_writable (JsonObject *config);

/** sc_template_error_convert: what sc-json says of an image's JSON is TEMPLATE_INVALID here;
 * returns FALSE, prefixed by @file */
gboolean sc_template_error_convert (const char *file, GError **error);
