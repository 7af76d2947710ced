/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * How far a job is. Written by the job's threads, read by the main thread; the one small mutex of
 * the daemon is inside.
 */
#pragma once

#include <glib.h>

typedef struct _ScProgress ScProgress;

/** ScBlobProgress: how much of one blob is there */
typedef struct
{
  char *digest; /* (owned) */
  guint64 bytes;
  guint64 bytes_total;
} ScBlobProgress;

ScBlobProgress *sc_blob_progress_new (const char *digest, guint64 bytes, guint64 bytes_total);
void sc_blob_progress_free (ScBlobProgress *self);

typedef struct
{
  const char *phase;   /* static string, one of the phases of org.syscont.Job */
  guint64 bytes;       /* transferred */
  guint64 bytes_total; /* 0 = not known */
  gboolean cancellable;
} ScProgressState;

/** ScProgressFunc: called in the main context, at most twice a second, after a change */
typedef void (*ScProgressFunc) (const ScProgressState *state, gpointer user_data);

/**
 * sc_progress_new:
 * @func: (nullable): called in the default main context
 */
ScProgress *sc_progress_new (ScProgressFunc func, gpointer user_data);
ScProgress *sc_progress_ref (ScProgress *self);

/** sc_progress_unref: never calls @func any more once sc_progress_close() was called */
void sc_progress_unref (ScProgress *self);

/** sc_progress_close: (thread: main): from now on nothing is reported */
void sc_progress_close (ScProgress *self);

/** sc_progress_set_phase: @phase: a static string; resets the bytes */
void sc_progress_set_phase (ScProgress *self, const char *phase);

/**
 * sc_progress_begin_blobs:
 * @phase: a static string
 * @blobs: (transfer full): of ScBlobProgress, with what is there already
 *
 * A phase of which is known what it moves, in one step: nobody sees half of it. Its bytes are the
 * sum of theirs.
 */
void sc_progress_begin_blobs (ScProgress *self, const char *phase, GPtrArray *blobs);

/** sc_progress_set_blob_bytes: @index: of the blob; ignored when there is none */
void sc_progress_set_blob_bytes (ScProgress *self, guint index, guint64 bytes);

/** sc_progress_list_blobs: (transfer full): of ScBlobProgress; empty in a phase without */
GPtrArray *sc_progress_list_blobs (ScProgress *self);

void sc_progress_set_total (ScProgress *self, guint64 bytes_total);
void sc_progress_add_bytes (ScProgress *self, guint64 bytes);
/** sc_progress_set_cancellable: FALSE from the point of no return on */
void sc_progress_set_cancellable (ScProgress *self, gboolean cancellable);
void sc_progress_get (ScProgress *self, ScProgressState *out);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScProgress, sc_progress_unref)
