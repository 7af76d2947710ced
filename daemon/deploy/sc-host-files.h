/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an image wants to have on the host: the files below /exports/hostfs, under the names that
 * manifest.json's renameFiles gives them, templates rendered, every path checked. Read from the
 * image's commit alone; what the host has there is not looked at.
 */
#pragma once

#include "base/sc-host-entry.h"
#include "deploy/sc-exports.h"
#include "deploy/sc-host-path.h"
#include "deploy/sc-template.h"

/** ScHostFile: has @text or @object when it is a file, neither otherwise */
typedef struct
{
  ScHostEntry *entry; /* (owned) as it shall be */
  GBytes *text;       /* (owned) (nullable) a rendered template */
  char *object;       /* (owned) (nullable) for sc_repo_open_object() */
} ScHostFile;

typedef struct
{
  GPtrArray *files;    /* (owned) of ScHostFile, by path; directories only where they are empty */
  GHashTable *renames; /* (owned) renameFiles with values in place: char* to char* */
  char **templates;    /* (owned) installedFilesTemplate with values in place */
} ScHostFiles;

/** ScHostFilesRequest: everything is lent */
typedef struct
{
  ScRepo *repo;
  const ScExports *exports;
  const ScValues *values;
  const ScHostPathPolicy *policy;
} ScHostFilesRequest;

/**
 * sc_host_files_render:
 *
 * Modes become 0755 or 0644, and owners root. Blocks: reads every file to know its checksum.
 *
 * Errors: HOST_PATH_REFUSED, VALUE_MISSING, TEMPLATE_INVALID, LIMIT_EXCEEDED, each naming the file
 */
ScHostFiles *sc_host_files_render (const ScHostFilesRequest *request, GError **error);
void sc_host_files_free (ScHostFiles *self);

/**
 * sc_host_files_load:
 *
 * The same of the deployment NAME.@n, from its commit and the values in its info. DAMAGED when one
 * of them cannot be read.
 */
ScHostFiles *sc_host_files_load (
    ScRepo *repo, const ScHostPathPolicy *policy, const char *name, guint64 n, GError **error);

/**
 * sc_host_files_rename:
 * @renames: char* to char*
 * @path: absolute, clean
 *
 * Component by component: whatever has been put together so far is replaced when it is renamed, so
 * that a directory takes along what is below it.
 *
 * Returns: (transfer full): the path on the host
 */
char *sc_host_files_rename (GHashTable *renames, const char *path);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScHostFiles, sc_host_files_free)
