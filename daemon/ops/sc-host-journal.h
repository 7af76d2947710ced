/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Changes of host files that were about to be made, written down before the first: a directory in
 * that of the intent, with what each path had and shall have and the contents that are stored
 * nowhere else. From it the changes can be made, or unmade, any number of times, also by another
 * process. It goes when the intent does.
 */
#pragma once

#include "host/sc-host-tree.h"
#include "ops/sc-host-plan.h"

typedef struct
{
  int dir_fd;         /* (owned) */
  char **prefixes;    /* (owned) as for sc_host_tree_open() */
  GPtrArray *changes; /* (owned) of ScHostChange */
} ScHostJournal;

/** ScHostJob: whose journal it is; everything is lent */
typedef struct
{
  const ScPaths *paths;
  guint64 id;
  const char *container;
} ScHostJob;

/**
 * sc_host_journal_write:
 * @changes: of ScHostChange
 * @tree: where old contents are read
 *
 * Durable when it returns.
 */
ScHostJournal *sc_host_journal_write (const ScHostJob *job,
                                      const char *const *prefixes,
                                      GPtrArray *changes,
                                      ScHostTree *tree,
                                      GError **error);

/** sc_host_journal_read: (nullable): NULL without @error when there is none; DAMAGED when it cannot
 * be read */
ScHostJournal *sc_host_journal_read (const ScHostJob *job, GError **error);

/**
 * sc_host_journal_open:
 * @index: of a change
 * @repo: where contents of images are stored
 *
 * Returns: (transfer full): the content of the new file, or of the old one
 */
GInputStream *sc_host_journal_open (
    const ScHostJournal *self, guint index, gboolean is_new, ScRepo *repo, GError **error);

void sc_host_journal_free (ScHostJournal *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScHostJournal, sc_host_journal_free)
