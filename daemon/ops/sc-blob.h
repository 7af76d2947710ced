/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A compressed blob on its way: a file that only we write, and the hash of what is in it so far.
 * Whoever writes it, one thread at a time, appends; others may read along.
 */
#pragma once

#include "base/sc-digest.h"
#include "base/sc-error-util.h"
#include "base/sc-paths.h"

typedef struct
{
  char *digest;       /* (owned) "sha256:…", as some manifest or file name claims it */
  guint64 size_bytes; /* as claimed */
  char *path;         /* (owned) (nullable) of its file, when that has a name */
  int fd;             /* (owned) -1 before the first byte */
  ScHasher *hasher;   /* (owned) (nullable) the writer's; NULL once it is complete */

  GMutex
      mutex; /* protects all that follows: jobs that want the same blob meet here. Only the writer
                 * changes it, so that it reads it without. */
  guint64 written_bytes;
  guint64 prefix_bytes; /* what was found in the file; from written_bytes on it is not hashed yet */
  gboolean is_complete; /* size and digest were found to be as claimed */
  guint generation;     /* how often it was begun anew */
  int writer;           /* wake fd of the one who writes; -1 when nobody does */
  GArray *watchers;     /* (owned) of int: wake fds */
} ScBlob;

/** ScBlobView: how far a blob is; it goes on meanwhile */
typedef struct
{
  guint64 written_bytes;
  guint64 present_bytes; /* with what is in the file and not hashed yet */
  gboolean is_complete;
  guint generation;
} ScBlobView;

ScBlob *sc_blob_new (const char *digest, guint64 size_bytes);
void sc_blob_free (ScBlob *self);

/** sc_blob_open: makes a file without a name below @paths->spool: nothing is left of it, however
 * the daemon ends */
gboolean sc_blob_open (ScBlob *self, const ScPaths *paths, GError **error);

/** sc_blob_append: writes and hashes; DIGEST_MISMATCH at the first byte too many */
gboolean sc_blob_append (ScBlob *self, gconstpointer data, gsize size_bytes, GError **error);

/** sc_blob_finish: DIGEST_MISMATCH unless size and digest are as claimed */
gboolean sc_blob_finish (ScBlob *self, GError **error);

/** sc_blob_drop_content: of a blob without a name that nobody reads any more: what the kernel has not
 * written to the disk yet it never will */
void sc_blob_drop_content (ScBlob *self);

/** sc_blob_read_all: (transfer full): content of a complete blob, NUL-terminated one byte after the
 * end; LIMIT_EXCEEDED when it is larger than @max_bytes */
GBytes *sc_blob_read_all (ScBlob *self, gsize max_bytes, GError **error);

/* --- a blob that was begun earlier --- */

/** sc_blob_has_prefix: whether there is something in the file that is not hashed yet */
gboolean sc_blob_has_prefix (const ScBlob *self);

/**
 * sc_blob_hash_prefix:
 * @buffer: of @size_bytes, for what is read
 *
 * Goes on with hashing what was found in the file, by one buffer.
 */
gboolean sc_blob_hash_prefix (ScBlob *self, guint8 *buffer, gsize size_bytes, GError **error);

/** sc_blob_restart: throws away what there is. Who reads along sees another generation. */
gboolean sc_blob_restart (ScBlob *self, GError **error);

/* --- a blob that several jobs want; each is known by its eventfd, which is woken when the blob
 * grows, is complete, begins anew, or has lost its writer --- */

void sc_blob_watch (ScBlob *self, int wake_fd);

/** sc_blob_unwatch: the job also stops to be its writer: the next one goes on where it was */
void sc_blob_unwatch (ScBlob *self, int wake_fd);

/** sc_blob_claim: makes a watcher its writer; FALSE when there is one, or nothing more to write */
gboolean sc_blob_claim (ScBlob *self, int wake_fd);

void sc_blob_look (ScBlob *self, ScBlobView *view);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScBlob, sc_blob_free)
