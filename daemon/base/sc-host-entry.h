/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is, was or shall be at a path of the host: what an image brings, what a record says that we
 * wrote, and what is found there are compared in these terms.
 */
#pragma once

#include <glib.h>

typedef enum
{
  SC_HOST_NONE,
  SC_HOST_FILE,
  SC_HOST_DIRECTORY,
  SC_HOST_SYMLINK,
  SC_HOST_OTHER, /* a device, a socket, or a file too large to be ours */
} ScHostType;

typedef struct
{
  char *path; /* (owned) absolute and clean, without the root of ScPaths */
  ScHostType type;
  guint mode;     /* permissions; of what we make 0755 or 0644, of a link 0 */
  char *checksum; /* (owned) (nullable) of a file: SHA-256 of its content, 64 hex digits */
  char *target;   /* (owned) (nullable) of a symbolic link */
} ScHostEntry;

ScHostEntry *sc_host_entry_new (const char *path, ScHostType type);
ScHostEntry *sc_host_entry_copy (const ScHostEntry *self);
void sc_host_entry_free (ScHostEntry *self);

/** sc_host_entry_is_same: same type and content; @a and @b: (nullable): NULL is nothing at all. The
 * mode is not compared */
gboolean sc_host_entry_is_same (const ScHostEntry *a, const ScHostEntry *b);

/** sc_host_type_to_text, sc_host_type_from_text: words for files of ours; @type: (out): FALSE for
 * another word */
const char *sc_host_type_to_text (ScHostType type);
gboolean sc_host_type_from_text (const char *text, ScHostType *type);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScHostEntry, sc_host_entry_free)
