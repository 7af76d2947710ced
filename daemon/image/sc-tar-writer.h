/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The headers of a tar archive: ustar, with pax records for what does not fit into it (POSIX.1-2017
 * pax, "ustar Interchange Format" and "pax Interchange Format"). The same entry gives the same
 * bytes; times are 0. Pure: whoever calls writes the bytes and the content.
 */
#pragma once

#include "image/sc-entry.h"

#define SC_TAR_END_BYTES 1024 /* of zeros, after the last member */

/**
 * sc_tar_append_header:
 * @entry: an SC_ENTRY_DIRECTORY, SC_ENTRY_REGULAR or SC_ENTRY_SYMLINK; the path may be that of a
 * whiteout
 */
void sc_tar_append_header (GByteArray *tar, const ScEntry *entry);

/** sc_tar_padding: bytes of zeros that follow a content of that size */
gsize sc_tar_padding (guint64 size_bytes);
