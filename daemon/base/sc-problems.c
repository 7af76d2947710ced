/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-problems.h"

gboolean
sc_problems_add (GPtrArray *problems, GError *cause, GError **error)
{
  if (problems == NULL)
    {
      g_propagate_error (error, cause);
      return FALSE;
    }
  g_ptr_array_add (problems, g_strdup (cause->message));
  g_error_free (cause);
  return TRUE;
}
