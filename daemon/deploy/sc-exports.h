/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an image brings below /exports: templates and manifest.json, read out of its merged commit.
 * Symbolic links on the way are refused, so nothing of the host can be meant.
 */
#pragma once

#include "deploy/sc-health.h"
#include "store/sc-repo.h"

typedef struct
{
  GBytes *config;           /* (owned) (nullable) /exports/config.json */
  GBytes *config_template;  /* (owned) (nullable) /exports/config.json.template */
  GBytes *service_template; /* (owned) (nullable) /exports/service.template */
  /* (owned) (nullable) /exports/tmpfiles.template; may be empty: then there is no file at all */
  GBytes *tmpfiles_template;
  GHashTable *default_values;    /* (owned) manifest.json's defaultValues: char* to char* */
  gboolean no_container_service; /* manifest.json's noContainerService */
  ScHealth *health;              /* (owned) (nullable) manifest.json's health */
  gboolean has_exports;
  GPtrArray *host_nodes; /* (owned) (nullable) of ScTreeNode: all below /exports/hostfs */
  /* manifest.json's renameFiles: path (char*) to the template of another (char*); (owned) */
  GHashTable *renames;
  char **host_templates; /* (owned) (nullable) manifest.json's installedFilesTemplate */
  /* (owned) (nullable) of GBytes: host files that are templates, as far as manifest.json says so
   * without values in place */
  GPtrArray *host_texts;
} ScExports;

/**
 * sc_exports_load:
 * @problems: (nullable): as for sc_problems_add(); then what is wrong is left out of the result
 *
 * Errors: TEMPLATE_INVALID, LIMIT_EXCEEDED, naming the file
 */
ScExports *
sc_exports_load (ScRepo *repo, const char *rootfs_commit, GPtrArray *problems, GError **error);
void sc_exports_free (ScExports *self);

/**
 * sc_exports_variables:
 * @problems: (nullable): as for sc_problems_add(); then templates that are not well-formed count for
 * nothing
 *
 * Returns: (transfer full): every variable of the templates that an administrator may set: name to
 * default (char*), or to NULL when it
 *   must be set. Computed names (NAME, DESTDIR …) are left out; those that have a built-in value
 *   which can be
 *   overridden have that text in braces, as atomic shows it: "{SET_BY_OS}".
 */
GHashTable *sc_exports_variables (const ScExports *self, GPtrArray *problems, GError **error);

/** sc_exports_host_files_use: whether names or contents of host files use the variable @name */
gboolean sc_exports_host_files_use (const ScExports *self, const char *name);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScExports, sc_exports_free)
