/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Writes file objects into the open transaction, one after another. The checksum is computed while
 * the content comes in; small files are written by threads of this object, so that close() does not
 * wait for the disk. Memory is bounded: large files are streamed into the repository. Private to
 * store/.
 */
#pragma once

#include "store/sc-tree-object.h"

typedef struct _ScObjectWriter ScObjectWriter;

ScObjectWriter *sc_object_writer_new (OstreeRepo *repo);
/** sc_object_writer_free: waits for the threads */
void sc_object_writer_free (ScObjectWriter *self);

/**
 * sc_object_writer_open:
 * @meta: normalised, of a regular file or a symbolic link
 * @link_target: (nullable): of a symbolic link
 * @size_bytes: of a regular file's content
 *
 * Begins the next object; one that was not closed is dropped.
 */
gboolean sc_object_writer_open (ScObjectWriter *self,
                                const ScFileMeta *meta,
                                const char *link_target,
                                guint64 size_bytes,
                                GError **error);

/** sc_object_writer_write: at most what is left of the size */
gboolean sc_object_writer_write (ScObjectWriter *self,
                                 gconstpointer data,
                                 gsize size_bytes,
                                 GCancellable *cancellable,
                                 GError **error);

/** sc_object_writer_close: @checksum: (out): also fails with an error of an earlier object */
gboolean sc_object_writer_close (ScObjectWriter *self,
                                 ScChecksum *checksum,
                                 GCancellable *cancellable,
                                 GError **error);

/** sc_object_writer_put: open, write and close of a regular file in memory */
gboolean sc_object_writer_put (ScObjectWriter *self,
                               const ScFileMeta *meta,
                               GBytes *content,
                               ScChecksum *checksum,
                               GCancellable *cancellable,
                               GError **error);

/** sc_object_writer_finish: waits until all objects are written; must have succeeded before the
 * transaction is committed */
gboolean sc_object_writer_finish (ScObjectWriter *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScObjectWriter, sc_object_writer_free)
