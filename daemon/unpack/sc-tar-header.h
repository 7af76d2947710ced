/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A second, strict look at the header blocks of one tar member, after libarchive has read them.
 * libarchive is lenient where it can be: it takes unknown types for regular files, numbers up to
 * the first character that is none, names up to the first NUL, and brings the names of pax records
 * into Unicode's form C. What two readers could take for different things is refused here.
 * (POSIX.1-2017 pax, "ustar Interchange Format" and "pax Interchange Format".)
 */
#pragma once

#include <glib.h>

#define SC_TAR_BLOCK_BYTES           512
#define SC_TAR_MAX_NAME_HEADER_BYTES (64 * 1024) /* a long name or link name of GNU tar */
#define SC_TAR_MAX_PAX_RECORD_BYTES  (66 * 1024) /* one extended attribute of 64 KiB with its name */
#define SC_TAR_MAX_PAX_HEADER_BYTES  (256 * 1024)

typedef struct
{
  char type;      /* '0' to '6' */
  char *path;     /* (owned) (nullable) when a pax record gives it: its bytes */
  char *linkpath; /* (owned) (nullable) likewise */
} ScTarHeader;

/**
 * sc_tar_header_check:
 * @data: the header blocks of one member with all that extends them, up to its content
 * @header: (out caller-allocates): to be cleared with sc_tar_header_clear() in any case
 *
 * IMAGE_INVALID, NOT_SUPPORTED for a type that cannot be in a layer or a sparse file,
 * LIMIT_EXCEEDED.
 */
gboolean
sc_tar_header_check (const guint8 *data, gsize size_bytes, ScTarHeader *header, GError **error);
void sc_tar_header_clear (ScTarHeader *header);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScTarHeader, sc_tar_header_clear)
