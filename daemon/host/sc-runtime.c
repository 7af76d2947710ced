/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/sc-runtime.h"

#include "base/sc-error-util.h"

gboolean
sc_runtime_check (const char *path, GError **error)
{
  if (g_file_test (path, G_FILE_TEST_IS_REGULAR) && g_file_test (path, G_FILE_TEST_IS_EXECUTABLE))
    return TRUE;

  g_autofree char *name = g_path_get_basename (path);
  return sc_error_set (
      error, SYSCONT_ERROR_RUNTIME_MISSING,
      "the runtime \"%s\" is not installed; install the package %s or name another one as Path= in "
      "[Runtime] of syscont.conf",
      path, name);
}
