/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A unit file as the list of its assignments, read as systemd reads it. Pure text.
 */
#pragma once

#include "base/sc-error-util.h"

typedef struct
{
  guint line;    /* number of the first line */
  char *section; /* (owned) without brackets, "" before the first */
  char *key;     /* (owned) */
  char *value;   /* (owned) */
} ScUnitEntry;

/**
 * sc_unit_entries_parse:
 * @file: name for messages
 *
 * Returns: (transfer full) (nullable): of ScUnitEntry, in the order of the file; TEMPLATE_INVALID with
 *   the line, also for a file without [Service]
 */
GPtrArray *sc_unit_entries_parse (const char *file, const char *text, GError **error);

/** sc_unit_entries_run_runtime: whether a command line names @runtime, runc or crun */
gboolean sc_unit_entries_run_runtime (GPtrArray *entries, const char *runtime);
