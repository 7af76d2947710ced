/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One directory of a merged tree: a checksum as long as nothing in it differs from a stored one,
 * tables of names once it was opened. Private to store/.
 */
#pragma once

#include "store/sc-tree-object.h"

/* Positions in a dirtree. */
enum
{
  SC_TREE_FILES,
  SC_TREE_DIRECTORIES,
};

typedef struct
{
  ScChecksum tree; /* of the dirtree, while !is_changed */
  ScChecksum meta;
  GHashTable *files;   /* (owned) (nullable) char* to ScChecksum*, once opened */
  GHashTable *dirs;    /* (owned) (nullable) char* to ScMergeDir*, once opened */
  gboolean is_changed; /* opened, and different from @tree */
  gboolean is_settled; /* no layer adds to it */
} ScMergeDir;

ScMergeDir *sc_merge_dir_new (const ScChecksum *tree, const ScChecksum *meta);
void sc_merge_dir_free (ScMergeDir *self);

/** sc_merge_dir_open: reads the names, if that was not done before */
gboolean sc_merge_dir_open (ScMergeDir *self, OstreeRepo *repo, GError **error);
/** sc_merge_dir_open_empty: makes the tables, for a caller that fills them */
void sc_merge_dir_open_empty (ScMergeDir *self);
/** sc_merge_dir_close: forgets what was read; the directory must not be changed */
void sc_merge_dir_close (ScMergeDir *self);

/** sc_merge_dir_take_files: @files: of a dirtree; markers never come in */
void sc_merge_dir_take_files (ScMergeDir *self, GVariant *files);
/** sc_merge_dir_add_file: @entry: of a dirtree's files; replaces what has its name */
void sc_merge_dir_add_file (ScMergeDir *self, GVariant *entry);
/** sc_merge_dir_hide: @markers: names, "" for all that there is */
void sc_merge_dir_hide (ScMergeDir *self, GPtrArray *markers);

/** sc_merge_dir_write: writes this directory and those below, as far as they are changed; @tree:
 * (out): */
gboolean sc_merge_dir_write (ScMergeDir *self,
                             OstreeRepo *repo,
                             ScChecksum *tree,
                             GCancellable *cancellable,
                             GError **error);

typedef struct
{
  const char *name; /* (unowned) */
  ScChecksum tree;
  ScChecksum meta;
} ScMergeSubdir;

/** sc_merge_subdir_read: @entry: of a dirtree's directories, must outlive @out */
void sc_merge_subdir_read (GVariant *entry, ScMergeSubdir *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScMergeDir, sc_merge_dir_free)
