/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A directory of templates, as somebody has it who builds an image: made into an image of one layer
 * with nothing but /exports, so that the service can look at it.
 */
#pragma once

#include <gio/gio.h>

/** sc_exports_dir_is: whether @path has the directory "exports", or what belongs into it */
gboolean sc_exports_dir_is (const char *path);

/** sc_exports_dir_has_config: whether it says what to run; otherwise only the image's config does */
gboolean sc_exports_dir_has_config (const char *path);

/**
 * sc_exports_dir_write_layout:
 * @layout: an empty directory: becomes an image layout with one image
 *
 * Only regular files, directories and symbolic links are taken.
 */
gboolean sc_exports_dir_write_layout (const char *path, const char *layout, GError **error);
