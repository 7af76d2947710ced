/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Where an export goes: a regular file or a pipe of the caller. Whoever reads slowly only holds up
 * this one export: it can be cancelled at any time, and ends by itself when nothing is taken for
 * long.
 */
#pragma once

#include "ops/sc-op.h"

typedef struct _ScExportTarget ScExportTarget;

/**
 * sc_export_target_new:
 * @fd: (transfer full): checked with sc_op_export_check_fd()
 * @progress: told each byte
 */
ScExportTarget *
sc_export_target_new (int fd, ScProgress *progress, GCancellable *cancellable, GError **error);
void sc_export_target_free (ScExportTarget *self);

/** sc_export_target_write: collects, writes; FAILED when the reader has gone, TIMED_OUT when it
 * takes nothing for minutes, NO_SPACE, CANCELLED */
gboolean
sc_export_target_write (ScExportTarget *self, gconstpointer data, gsize size_bytes, GError **error);
gboolean sc_export_target_flush (ScExportTarget *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScExportTarget, sc_export_target_free)
