/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Paths and text that an image names on the host: pure checks of their spelling and of where they
 * lead. Nothing here looks at the file system.
 */
#pragma once

#include "base/sc-paths.h"

/**
 * sc_text_has_control:
 * @text: UTF-8
 * @except: (nullable): control characters that may be there
 *
 * Whether there is a C0 or C1 control character, DEL, or a line or paragraph separator.
 */
gboolean sc_text_has_control (const char *text, const char *except);

/**
 * sc_host_path_clean:
 *
 * Returns: (transfer full) (nullable): @path without empty and "." components; NULL when it is not
 *   absolute, has a ".." component or a control character, or is not UTF-8
 */
char *sc_host_path_clean (const char *path);

/** sc_host_path_is_below: whether @path is @parent or below it; both clean */
gboolean sc_host_path_is_below (const char *path, const char *parent);

/** sc_host_path_strip_root: (transfer none): @path without the prefix @paths->root: as the
 * installed system sees it */
const char *sc_host_path_strip_root (const ScPaths *paths, const char *path);

/** sc_host_path_resolve_legacy: (transfer full): @path with /var/run and /var/lock as /run and
 * /run/lock */
char *sc_host_path_resolve_legacy (const char *path);

typedef enum
{
  SC_HOST_PATH_REFUSED, /* outside the directories an image may use, or critical for the host */
  SC_HOST_PATH_SHARED,  /* such a directory itself, or above something critical: may be made, not
                        * changed */
  SC_HOST_PATH_ALLOWED,
} ScHostPathClass;

/** sc_host_path_classify: @path: clean, without legacy directories */
ScHostPathClass sc_host_path_classify (const ScPaths *paths, const char *path);
