/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Lines for systemd-tmpfiles (tmpfiles.d(5)): those of an image are checked, because the program
 * that reads them is root and can do anything anywhere; those of our own are written.
 */
#pragma once

#include "deploy/sc-host-path.h"

/**
 * sc_tmpfiles_text_check:
 * @file: name for messages
 * @name: of the container
 *
 * Allowed are the types d D e f L v q Q r z Z where sc_host_path_classify() says so. Such a directory itself, and one
 * above something critical, may only be named by a "d" line that sets nothing. "+" and "=", which
 * remove or overwrite what is there, are only for paths that belong to
 * @name. A directory of drop-ins of any unit may be made, and NAME.conf in it removed.
 *
 * Errors: TEMPLATE_INVALID, naming the line
 */
gboolean sc_tmpfiles_text_check (const char *file,
                                 const char *text,
                                 const ScHostPathPolicy *policy,
                                 const char *name,
                                 GError **error);

/** sc_tmpfiles_text_list_directories: (transfer full): paths that @text, which was checked, makes
 * directories of, but for those in /run; one that has to be escaped is left out */
char **sc_tmpfiles_text_list_directories (const char *text);

/** sc_tmpfiles_text_append_directory: a "d" line for the clean path @path */
void sc_tmpfiles_text_append_directory (
    GString *text, const char *path, guint mode, guint32 uid, guint32 gid);
