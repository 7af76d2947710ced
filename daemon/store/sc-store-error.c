/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-store-error.h"

#include <string.h>

gboolean
sc_store_fail (GError **error, GError *cause)
{
  g_autoptr (GError) owned = cause;

  /* libostree has no code of its own for its min-free-space limits, only this text. */
  if (owned->domain == G_IO_ERROR && strstr (owned->message, "min-free-space-") != NULL)
    return sc_error_set (error, SYSCONT_ERROR_NO_SPACE,
                         "%s (free some space, or lower the limit in the repository's config)",
                         owned->message);

  g_propagate_error (error, syscont_error_normalize (owned));
  return FALSE;
}

gboolean
sc_store_fail_damaged (GError **error, GError *cause)
{
  g_autoptr (GError) owned = cause;

  if (g_error_matches (owned, G_IO_ERROR, G_IO_ERROR_CANCELLED) || owned->domain == SYSCONT_ERROR)
    {
      g_propagate_error (error, syscont_error_normalize (owned));
      return FALSE;
    }
  return sc_error_set (error, SYSCONT_ERROR_STORAGE_CORRUPT,
                       "%s (remove the image and pull it again)", owned->message);
}
