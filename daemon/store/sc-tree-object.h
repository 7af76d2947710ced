/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Metadata objects of the repository: directories (dirtree), their metadata (dirmeta) and commits.
 * What is read is checked against its checksum, so that a damaged object is told and never merged.
 * Private to store/.
 */
#pragma once

#include "base/sc-error-util.h"

#include <ostree.h>

typedef struct
{
  guint8 bytes[OSTREE_SHA256_DIGEST_LEN];
} ScChecksum;

/** ScFileMeta: what a file or directory has beside its content */
typedef struct
{
  guint32 mode; /* with the type bits */
  guint32 uid;
  guint32 gid;
  GVariant *xattrs; /* (nullable) a(ayay), sorted by name */
} ScFileMeta;

/**
 * sc_file_meta_normalize:
 *
 * Symbolic links get mode 0777, for the kernel shows no other, and no extended attributes, for it
 * accepts none of "user."; where the repository keeps no owners (bare-user-only), what it cannot
 * keep is left out.
 */
void sc_file_meta_normalize (ScFileMeta *self, OstreeRepo *repo);

/** ScTreeEntry: one name in a directory */
typedef struct
{
  const char *name;    /* (unowned) */
  ScChecksum contents; /* of a file object, or of a dirtree */
  ScChecksum meta;     /* of a dirmeta; of a directory only */
} ScTreeEntry;

/**
 * sc_tree_write:
 * @files: (element-type ScTreeEntry): is sorted
 * @dirs: (element-type ScTreeEntry): is sorted
 *
 * LIMIT_EXCEEDED when the directory is larger than an object may be.
 */
gboolean sc_tree_write (OstreeRepo *repo,
                        GArray *files,
                        GArray *dirs,
                        ScChecksum *out,
                        GCancellable *cancellable,
                        GError **error);

/** sc_object_has_checksum: whether the content of a metadata object is what its name says */
gboolean sc_object_has_checksum (GVariant *object, const ScChecksum *expected);

/** sc_tree_load: (transfer full): "(a(say)a(sayay))" with valid names and checksums;
 * STORAGE_CORRUPT otherwise */
GVariant *sc_tree_load (OstreeRepo *repo, const ScChecksum *checksum, GError **error);

/** ScTreeVisitor: what is done with each child of a directory; FALSE ends the visit */
typedef struct
{
  gboolean (*file) (gpointer user_data, const ScTreeEntry *entry, GError **error); /* (nullable) */
  gboolean (*directory) (gpointer user_data, const ScTreeEntry *entry, GError **error);
} ScTreeVisitor;

/** sc_tree_visit: @tree: from sc_tree_load() */
gboolean
sc_tree_visit (GVariant *tree, const ScTreeVisitor *visitor, gpointer user_data, GError **error);

/** sc_tree_get_checksum: the checksum at @index of a tuple; FALSE when it has another size, which
 * sc_tree_load() rules out */
gboolean sc_tree_get_checksum (GVariant *parent, gsize index, ScChecksum *out);

/** sc_dirmeta_write: @meta: normalised, a directory's */
gboolean sc_dirmeta_write (OstreeRepo *repo,
                           const ScFileMeta *meta,
                           ScChecksum *out,
                           GCancellable *cancellable,
                           GError **error);

/** sc_dirmeta_load: @xattrs: (out) (transfer full): those of @meta, which lends them */
gboolean sc_dirmeta_load (OstreeRepo *repo,
                          const ScChecksum *checksum,
                          ScFileMeta *meta,
                          GVariant **xattrs,
                          GError **error);

typedef struct
{
  const char *subject;
  guint64 timestamp_s;
  GVariant *metadata; /* (nullable) a{sv} */
  ScChecksum tree;
  ScChecksum meta;
} ScCommit;

/** sc_commit_write: (transfer full): checksum of a commit without parent and body, whose tree is
 * written already */
char *sc_commit_write (OstreeRepo *repo,
                       const ScCommit *commit,
                       GCancellable *cancellable,
                       GError **error);

/** sc_commit_load: (transfer full): the commit's variant; STORAGE_CORRUPT when it is missing or
 * known to lack objects */
GVariant *sc_commit_load (OstreeRepo *repo, const char *checksum, GError **error);

/** sc_commit_get_root: FALSE with STORAGE_CORRUPT when the variant has no valid root */
gboolean sc_commit_get_root (GVariant *commit, ScChecksum *tree, ScChecksum *meta, GError **error);

/** sc_commit_dup_implicit: (transfer full) (nullable): set of the paths of a layer's directories
 * that have no entry of their own, "" for the root; NULL for a layer that another tool stored: all
 * of its directories count as real */
GHashTable *sc_commit_dup_implicit (GVariant *commit);

typedef enum
{
  SC_WHITEOUTS_UNKNOWN, /* a layer of another tool, or of before this was noted */
  SC_WHITEOUTS_NONE,
  SC_WHITEOUTS_SOME,
} ScWhiteouts;

/** sc_commit_find_whiteouts: whether the layer's writer has seen reserved names in it */
ScWhiteouts sc_commit_find_whiteouts (GVariant *commit);
