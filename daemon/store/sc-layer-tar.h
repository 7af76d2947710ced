/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A stored layer as a tar again: what a layer commit says, so that taking it in once more gives the
 * same tree. Markers of what a layer hides are members as they were, directories that were only
 * implied are not told. It is not the tar that the layer came from: order, times and whatever else
 * the repository does not keep are gone, and so is its digest. The same commit gives the same
 * bytes.
 */
#pragma once

#include "store/sc-repo.h"

/** ScTarSink: takes the bytes of the tar, any number at a time; FALSE with @error ends it */
typedef gboolean (*ScTarSink) (gpointer user_data,
                               gconstpointer data,
                               gsize size_bytes,
                               GError **error);

/**
 * sc_layer_write_tar:
 * @commit: of a layer
 *
 * Blocks. Errors: those of @sink, STORAGE_CORRUPT, CANCELLED.
 */
gboolean sc_layer_write_tar (ScRepo *repo,
                             const char *commit,
                             ScTarSink sink,
                             gpointer user_data,
                             GCancellable *cancellable,
                             GError **error);
