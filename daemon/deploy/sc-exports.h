/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an image brings below /exports: templates and manifest.json, read out of its merged commit.
 * Symbolic links on the way are refused, so nothing of the host can be meant.
 */
#pragma once

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
  gboolean has_exports;
  gboolean has_host_files; /* /exports/hostfs has anything in it */
} ScExports;

/** sc_exports_load: errors: TEMPLATE_INVALID, LIMIT_EXCEEDED, naming the file */
ScExports *sc_exports_load (ScRepo *repo, const char *rootfs_commit, GError **error);
void sc_exports_free (ScExports *self);

/**
 * sc_exports_variables:
 *
 * Returns: (transfer full): every variable of the templates that an administrator may set: name to
 * default (char*), or to NULL when it
 *   must be set. Computed names (NAME, DESTDIR …) are left out; those that have a built-in value
 *   which can be
 *   overridden have that text in braces, as atomic shows it: "{SET_BY_OS}".
 */
GHashTable *sc_exports_variables (const ScExports *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScExports, sc_exports_free)
