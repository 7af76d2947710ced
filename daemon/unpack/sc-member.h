/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The content of one member of an archive, with the compression of its own undone: gzip or zstd,
 * recognised by its first bytes. The reader of the records then only ever sees plain content.
 */
#pragma once

#include "unpack/sc-tar.h"

typedef struct _ScMember ScMember;

/**
 * sc_member_open:
 * @tar: (transfer none): after sc_tar_next() gave an SC_ENTRY_REGULAR
 * @max_bytes: LIMIT_EXCEEDED when a compressed member has more
 */
ScMember *sc_member_open (ScTar *tar, guint64 max_bytes, GError **error);
void sc_member_free (ScMember *self);

/** sc_member_is_packed: whether it is compressed, so that its size is not that of the entry */
gboolean sc_member_is_packed (const ScMember *self);

/** sc_member_read: as sc_tar_read() */
int sc_member_read (ScMember *self, gconstpointer *data, gsize *size_bytes, GError **error);

/** sc_member_get_unpacked: bytes that a compressed member gave so far; 0 of another */
guint64 sc_member_get_unpacked (const ScMember *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScMember, sc_member_free)
