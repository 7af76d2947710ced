/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-values.h"

#include <string.h>

gboolean
sc_values_add (char **values, GVariantBuilder *options)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  for (guint i = 0; values != NULL && values[i] != NULL; i++)
    {
      const char *equals = strchr (values[i], '=');
      if (equals == NULL)
        {
          g_variant_builder_clear (&builder);
          return FALSE;
        }
      g_autofree char *key = g_strndup (values[i], (gsize)(equals - values[i]));
      g_variant_builder_add (&builder, "{ss}", key, equals + 1);
    }
  g_variant_builder_add (options, "{sv}", "values", g_variant_builder_end (&builder));
  return TRUE;
}
