/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The files that a container has in /etc/systemd/system and /etc/tmpfiles.d. Files only: systemd is
 * told by others.
 */
#pragma once

#include "base/sc-error-util.h"
#include "base/sc-paths.h"

/**
 * sc_unit_files_check_free:
 *
 * UNIT_CONFLICT naming the file when NAME.service, NAME.service.d with a 50-syscont.conf, the timer
 * or the tmpfiles file exists, or a unit of that name in any of systemd's unit directories.
 */
gboolean sc_unit_files_check_free (const ScPaths *paths, const char *name, GError **error);

/**
 * sc_unit_files_add_changes:
 * @service, @drop_in and @tmpfiles: (nullable): texts; the file of one that is NULL is removed
 * @changes: of ScFileChange; one for each file that differs is appended
 */
gboolean sc_unit_files_add_changes (const ScPaths *paths,
                                    const char *name,
                                    const char *service,
                                    const char *drop_in,
                                    const char *tmpfiles,
                                    GPtrArray *changes,
                                    GError **error);

/** sc_unit_files_add_timer: the same for syscont-health@NAME.timer; @text: (nullable) */
gboolean sc_unit_files_add_timer (
    const ScPaths *paths, const char *name, const char *text, GPtrArray *changes, GError **error);

/**
 * sc_unit_files_remove:
 *
 * Removes unit, our drop-in (its directory only when that is empty then), tmpfiles file, timer and the
 * links that enabling made (….wants/NAME.service, ….requires/NAME.service). May be repeated.
 */
gboolean sc_unit_files_remove (const ScPaths *paths, const char *name, GError **error);

/** sc_unit_files_tmpfiles_path: (transfer full): where the tmpfiles file of @name is */
char *sc_unit_files_tmpfiles_path (const ScPaths *paths, const char *name);

/** sc_switching_set: makes or removes the marker /run/syscont/switching/NAME, which keeps the unit
 * from being started */
gboolean sc_switching_set (const ScPaths *paths, const char *name, gboolean on, GError **error);
