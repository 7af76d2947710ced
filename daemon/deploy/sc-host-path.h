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

/** ScHostPathPolicy: what the administrator lets images use */
typedef struct
{
  const ScPaths *paths;
  const char *const *prefixes; /* directories; clean */
  const char *const *extra;    /* (nullable) paths that this container may use besides, with what is
                                * below them; clean */
} ScHostPathPolicy;

typedef enum
{
  SC_HOST_PATH_REFUSED, /* outside the directories an image may use, or critical for the host */
  SC_HOST_PATH_SHARED,  /* such a directory itself, or above something critical: may be made, not
                         * changed */
  SC_HOST_PATH_ALLOWED,
} ScHostPathClass;

/** sc_host_path_classify: for a line of tmpfiles.d, which may name paths below the prefixes, /run,
 * /srv and /var/{cache,log,spool}; @path: clean, without legacy directories */
ScHostPathClass sc_host_path_classify (const ScHostPathPolicy *policy, const char *path);

/** sc_host_path_is_critical: whether no image may ever have a file at @path: whoever writes there is
 * root, another service, or ourselves; @path: clean */
gboolean sc_host_path_is_critical (const ScPaths *paths, const char *path);

/**
 * sc_host_path_check_file:
 * @path: clean
 * @is_directory: a directory may be above something critical, a file or a link may not
 *
 * Errors: HOST_PATH_REFUSED saying why, and what would allow it
 */
gboolean sc_host_path_check_file (const ScHostPathPolicy *policy,
                                  const char *path,
                                  gboolean is_directory,
                                  GError **error);

/** sc_host_path_check_link: whether an image may have a symbolic link at @path: it may lead
 * anywhere, also to nothing, but not to what is critical. HOST_PATH_REFUSED */
gboolean sc_host_path_check_link (const ScHostPathPolicy *policy,
                                  const char *path,
                                  const char *target,
                                  GError **error);
