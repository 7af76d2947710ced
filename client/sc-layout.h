/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * OCI image layouts on this side of the bus (image-spec image-layout.md): a directory becomes an
 * oci-archive on a pipe, so that the service never opens a path of ours. No symbolic link inside the
 * directory is followed.
 */
#pragma once

#include <gio/gio.h>

typedef struct _ScLayout ScLayout;

/** sc_layout_open_dir: errors name the file that is missing or wrong */
ScLayout *sc_layout_open_dir (const char *path, GError **error);
void sc_layout_free (ScLayout *self);

/** sc_layout_find_entry: (transfer full) (nullable): as sc_layout_find_name() */
char *sc_layout_find_entry (ScLayout *self, const char *tag, GError **error);

/**
 * sc_layout_stream:
 * @tag: (nullable): as of sc_layout_find(); only the blobs of this entry are written
 *
 * Starts a thread that writes the archive.
 *
 * Returns: read end of the pipe, for the caller to close; -1 with @error
 */
int sc_layout_stream (ScLayout *self, const char *tag, GError **error);

/** sc_layout_finish: waits for the thread; what went wrong on this side, which the service can only
 * see as a short archive */
gboolean sc_layout_finish (ScLayout *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScLayout, sc_layout_free)
