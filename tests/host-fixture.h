/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Files on the host, for tests of what works with them.
 */
#pragma once

#include "host/sc-file-change.h"
#include "host/sc-unit-files.h"

/* Texts may be NULL: then there is no such file. */
static inline void
write_unit_files (const ScPaths *paths,
                  const char *name,
                  const char *service,
                  const char *drop_in,
                  const char *tmpfiles)
{
  g_autoptr (GPtrArray) changes = sc_file_changes_new ();
  g_autoptr (GError) error = NULL;

  sc_unit_files_add_changes (paths, name, service, drop_in, tmpfiles, changes, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < changes->len; i++)
    g_assert_true (sc_file_change_apply (changes->pdata[i], TRUE, NULL));
}
