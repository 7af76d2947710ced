/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Which files of the host a deployment has put there or shares: part of its info file, and nothing
 * else may ever be removed for it. Of several containers that have the same file each has it in its
 * record.
 */
#pragma once

#include "base/sc-error-util.h"
#include "base/sc-host-entry.h"
#include "base/sc-paths.h"

#include <json-glib/json-glib.h>

typedef struct
{
  GPtrArray *entries; /* (owned) of ScHostEntry, by path; their mode is not known */
  GPtrArray *parents; /* (owned) of char*: directories that were made on the way, by path */
} ScHostRecord;

ScHostRecord *sc_host_record_new (void);
void sc_host_record_free (ScHostRecord *self);

/** sc_host_record_copy: (transfer full) */
ScHostRecord *sc_host_record_copy (const ScHostRecord *self);

/** sc_host_record_find: (transfer none) (nullable) */
const ScHostEntry *sc_host_record_find (const ScHostRecord *self, const char *path);

/** sc_host_record_has_parent: whether the directory @path was made on the way */
gboolean sc_host_record_has_parent (const ScHostRecord *self, const char *path);

/** sc_host_record_load: of the deployment NAME.@n; none when it has no info or that does not say.
 * DAMAGED when it cannot be read */
ScHostRecord *
sc_host_record_load (const ScPaths *paths, const char *name, guint64 n, GError **error);

/** sc_host_record_write: the members of info; @self: (nullable): none */
void sc_host_record_write (const ScHostRecord *self, JsonBuilder *builder);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScHostRecord, sc_host_record_free)
