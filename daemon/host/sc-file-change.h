/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A file on the host that an operation creates, replaces or removes, with what was there before and
 * what will be: both ways can be taken any number of times.
 */
#pragma once

#include "base/sc-error-util.h"

typedef struct
{
  char *path; /* (owned) absolute */
  /* (owned) (nullable) whole content; NULL: there is no such file */
  GBytes *before;
  GBytes *after;
  guint before_mode; /* permissions */
  guint after_mode;
  gboolean early; /* may change while the service still runs: units, which take effect later */
} ScFileChange;

/**
 * sc_file_change_new:
 * @after: (nullable) (transfer full): what the file will have
 * @after_mode: permissions
 *
 * Reads what is there now. A path that is there and no regular file is HOST_FILE_CONFLICT.
 */
ScFileChange *
sc_file_change_new (const char *path, GBytes *after, guint after_mode, GError **error);
void sc_file_change_free (ScFileChange *self);

/** sc_file_change_is_needed: whether before and after differ */
gboolean sc_file_change_is_needed (const ScFileChange *self);

/** sc_file_change_apply: makes it as it will be, or was when not @forward; durable when it returns
 */
gboolean sc_file_change_apply (const ScFileChange *self, gboolean forward, GError **error);

/** sc_file_changes_new: (transfer full): an empty list of ScFileChange */
GPtrArray *sc_file_changes_new (void);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScFileChange, sc_file_change_free)
