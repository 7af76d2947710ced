/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-image-source.h"

#include "base/sc-error-util.h"

#include <string.h>

ScReference *
sc_image_source_parse (const char *source, const char *name, GError **error)
{
  const char *text = name;

  if (g_str_has_prefix (source, SC_REGISTRY_PREFIX))
    text = source + strlen (SC_REGISTRY_PREFIX);
  else if (*source != '\0')
    text = NULL;

  g_autoptr (ScReference) reference = text != NULL ? sc_reference_parse (text, NULL) : NULL;
  if (reference != NULL && reference->registry != NULL)
    return g_steal_pointer (&reference);
  if (*source != '\0')
    sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED, "it came from \"%s\", not from a registry",
                  source);
  else
    sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED, "it is not known where it came from");
  return NULL;
}
