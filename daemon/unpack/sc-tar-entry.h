/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a tar member means: turns it into a checked entry with a clean path, tells whiteouts from
 * files (image-spec layer.md, "Whiteouts") and drops what an image cannot bring along. Reads
 * nothing and knows no other member.
 */
#pragma once

#include "image/sc-record.h"
#include "unpack/sc-tar-header.h"

#include <archive_entry.h>

/**
 * sc_tar_entry_convert:
 * @member: as libarchive read it
 * @header: of the same member
 * @entry: (out) (nullable): NULL for a member that is not worth telling: what aufs kept for itself,
 * and in an
 *   archive a directory or a name that only means something in a layer
 *
 * IMAGE_INVALID, LIMIT_EXCEEDED; the message speaks of the member as "it".
 */
gboolean sc_tar_entry_convert (struct archive_entry *member,
                               const ScTarHeader *header,
                               ScUnpackKind kind,
                               ScEntry **entry,
                               GError **error);

/** sc_tar_entry_get_name: (nullable): the path as it is in the archive, lent by the arguments: not
 * clean, any bytes */
const char *sc_tar_entry_get_name (struct archive_entry *member, const ScTarHeader *header);
