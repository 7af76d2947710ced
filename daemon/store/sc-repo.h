/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The OSTree repository: opened or created, one transaction at a time, files read out of commits.
 * One ScRepo belongs to one thread; threads of one transaction may write objects through it
 * (sc-layer-writer.h).
 */
#pragma once

#include "base/sc-config.h"
#include "base/sc-error-util.h"

#include <ostree.h>

typedef struct _ScRepo ScRepo;

/**
 * sc_repo_open:
 *
 * Opens @paths->repository, or creates it with mode "bare" when it has no config; makes the
 * directories above with mode 0700. fsync is always on for our handle, whatever the repository's
 * config says. Fails when a hard link from the repository into @paths->checkout does not work (they
 * must be on one mount), naming both.
 */
ScRepo *sc_repo_open (const ScPaths *paths, GError **error);
void sc_repo_free (ScRepo *self);
OstreeRepo *sc_repo_get_ostree (ScRepo *self);

/**
 * sc_repo_begin:
 *
 * Begins the one transaction of this handle; it is on until sc_repo_commit() or sc_repo_abort().
 */
gboolean sc_repo_begin (ScRepo *self, GCancellable *cancellable, GError **error);
/** sc_repo_set_ref: part of the transaction, in the order of the calls; @commit NULL removes @ref
 */
void sc_repo_set_ref (ScRepo *self, const char *ref, const char *commit);
gboolean sc_repo_commit (ScRepo *self, GCancellable *cancellable, GError **error);
/**
 * sc_repo_change_refs:
 * @refs: NULL-terminated
 * @commit: (nullable): in the repository already; NULL removes them
 *
 * Without a transaction, whose commit syncs every directory of objects. Durable when it returns.
 */
gboolean sc_repo_change_refs (ScRepo *self,
                              const char *const *refs,
                              const char *commit,
                              GCancellable *cancellable,
                              GError **error);
/** sc_repo_abort: harmless without a transaction */
void sc_repo_abort (ScRepo *self);
gboolean sc_repo_is_in_transaction (ScRepo *self);

/** ScRepoTransaction: g_autoptr guard that aborts at the end of the scope unless committed before
 */
typedef ScRepo ScRepoTransaction;
static inline void
sc_repo_transaction_end (ScRepoTransaction *self)
{
  sc_repo_abort (self);
}

/**
 * ScRepoLock: g_autoptr guard of the shared lock: as long as it is held, nothing is pruned, by
 * whatever program. For whoever only reads, and reads long.
 */
typedef OstreeRepoAutoLock ScRepoLock;
ScRepoLock *sc_repo_lock (ScRepo *self, GCancellable *cancellable, GError **error);
void sc_repo_unlock (ScRepoLock *lock);

/** sc_repo_resolve: (transfer full) (nullable): the commit of @ref; NULL without @error when there
 * is no such ref */
char *sc_repo_resolve (ScRepo *self, const char *ref, GError **error);

/** sc_repo_list_refs: (transfer full): ref to commit, of refs that begin with @prefix and "/" */
GHashTable *sc_repo_list_refs (ScRepo *self, const char *prefix, GError **error);

/**
 * sc_repo_read_file:
 * @path: relative to the root of the commit's tree; parents must be real directories
 *
 * Returns: (transfer full) (nullable): content of a regular file; NULL with NOT_FOUND when there is
 * none, IMAGE_INVALID when
 *   it or a parent is a symbolic link, LIMIT_EXCEEDED when it is larger than @max_bytes
 */
GBytes *sc_repo_read_file (
    ScRepo *self, const char *commit, const char *path, gsize max_bytes, GError **error);

typedef enum
{
  SC_NODE_NONE,
  SC_NODE_DIRECTORY,
  SC_NODE_REGULAR,
  SC_NODE_SYMLINK,
} ScNodeType;

/** sc_repo_lookup: what @path is in the commit's tree; SC_NODE_NONE also when a parent is a
 * symbolic link; @error only when the repository cannot be read */
gboolean sc_repo_lookup (
    ScRepo *self, const char *commit, const char *path, ScNodeType *type, GError **error);

/** ScTreeNode: what a directory of a commit has below it, at any depth */
typedef struct
{
  char *path; /* (owned) relative to the directory that was listed */
  ScNodeType type;
  gboolean is_empty;  /* of a directory */
  guint32 mode;       /* of a regular file, with the type bits */
  guint64 size_bytes; /* of a regular file */
  char *object;       /* (owned) (nullable) of a regular file, for sc_repo_open_object() */
  char *target;       /* (owned) (nullable) of a symbolic link */
} ScTreeNode;

void sc_tree_node_free (ScTreeNode *self);

/**
 * sc_repo_list_tree:
 * @path: a directory, as for sc_repo_read_file()
 * @max_nodes: LIMIT_EXCEEDED when there are more
 *
 * Returns: (transfer full): of ScTreeNode, directories before what they have, no link followed;
 *   NOT_FOUND when there is no such directory
 */
GPtrArray *sc_repo_list_tree (
    ScRepo *self, const char *commit, const char *path, guint max_nodes, GError **error);

/** sc_repo_open_object: (transfer full): the content of a regular file */
GInputStream *sc_repo_open_object (ScRepo *self, const char *object, GError **error);

/** sc_repo_get_commit_strings: (transfer full): those metadata keys of a commit whose value is a
 * string */
GHashTable *sc_repo_get_commit_strings (ScRepo *self, const char *commit, GError **error);

/** sc_repo_check_objects: whether everything that @commit refers to is in the repository; contents
 * are not read. STORAGE_CORRUPT names the first that is missing */
gboolean sc_repo_check_objects (ScRepo *self, const char *commit, GError **error);

/**
 * sc_repo_checkout:
 * @dir_fd: where; @name must not exist there
 *
 * Hard-links the tree of @commit as @dir_fd/@name: overwrite NONE, no whiteouts, no fsync (the
 * caller syncs the file system). A file with too many links (EMLINK) is copied.
 */
gboolean sc_repo_checkout (ScRepo *self,
                           const char *commit,
                           int dir_fd,
                           const char *name,
                           GCancellable *cancellable,
                           GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScRepo, sc_repo_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScRepoTransaction, sc_repo_transaction_end)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScRepoLock, sc_repo_unlock)
