/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One entry of a layer as it goes from syscont-unpack to syscontd: a tar member, checked and
 * normalised. What the worker promises is checked again by the reader (sc_entry_check()): the
 * worker is not trusted.
 */
#pragma once

#include <glib.h>

typedef enum
{
  SC_ENTRY_DIRECTORY = 1,
  SC_ENTRY_REGULAR,
  SC_ENTRY_SYMLINK,
  SC_ENTRY_HARDLINK, /* to an earlier member of the same layer */
  SC_ENTRY_WHITEOUT, /* path is that of the hidden name, without ".wh." */
  SC_ENTRY_OPAQUE,   /* path is that of the directory that ".wh..wh..opq" was in */
  SC_ENTRY_DROPPED,  /* a device node, fifo or socket: told, never stored */
  SC_ENTRY_PACKED,   /* a compressed member of an archive: its content follows without compression,
                      * so that nobody knows its size before its end */
} ScEntryType;

#define SC_ENTRY_MAX_PATH        4096
#define SC_ENTRY_MAX_COMPONENT   255
#define SC_ENTRY_MAX_DEPTH       128
#define SC_ENTRY_MAX_XATTRS      32
#define SC_ENTRY_MAX_XATTR_BYTES (64 * 1024)

typedef struct
{
  char *name;    /* (owned) "user.…" or "security.capability" */
  GBytes *value; /* (owned) */
} ScXattr;

typedef struct
{
  ScEntryType type;
  char *path; /* (owned) relative, clean: no empty, "." or ".." component; "" for the root directory
             * */
  char *link_target; /* (owned) (nullable) of a symlink as written; of a hard link a path like @path
                    * */
  guint32 mode;      /* permission, set-uid, set-gid and sticky bits only */
  guint32 uid;
  guint32 gid;
  guint64 size_bytes; /* of a regular file: so many bytes of data follow */
  GPtrArray *xattrs;  /* (owned) (nullable) of ScXattr, sorted by name, names unique */
} ScEntry;

ScEntry *sc_entry_new (ScEntryType type, const char *path);
void sc_entry_free (ScEntry *self);
void sc_entry_add_xattr (ScEntry *self, const char *name, GBytes *value);
void sc_xattr_free (ScXattr *self);

/** sc_entry_path_check: clean relative UTF-8 path within the limits; IMAGE_INVALID or
 * LIMIT_EXCEEDED with the path escaped */
gboolean sc_entry_path_check (const char *path, GError **error);

/** sc_entry_check: all promises of the struct above; names beginning with ".wh." or ".ostree-wh."
 * are refused */
gboolean sc_entry_check (const ScEntry *self, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScEntry, sc_entry_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScXattr, sc_xattr_free)
