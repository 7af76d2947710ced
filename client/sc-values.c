/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-values.h"

#include "sc-secret-input.h"

#include <string.h>

GVariant *
sc_values_to_variant (char **values)
{
  GVariantBuilder builder;

  g_variant_builder_init (&builder, G_VARIANT_TYPE ("a{ss}"));
  for (guint i = 0; values != NULL && values[i] != NULL; i++)
    {
      const char *equals = strchr (values[i], '=');
      if (equals == NULL)
        {
          g_variant_builder_clear (&builder);
          return NULL;
        }
      g_autofree char *key = g_strndup (values[i], (gsize)(equals - values[i]));
      g_variant_builder_add (&builder, "{ss}", key, equals + 1);
    }
  return g_variant_builder_end (&builder);
}

gboolean
sc_values_add (char **values, GVariantBuilder *options)
{
  GVariant *dictionary = sc_values_to_variant (values);

  if (dictionary == NULL)
    return FALSE;
  g_variant_builder_add (options, "{sv}", "values", dictionary);
  return TRUE;
}

/* Appends a file in memory; its index, or -1 with @error. */
static int
append_secret (const char *path, GUnixFDList *fds, GError **error)
{
  g_autofree char *text = sc_secret_input_read (path, error);
  gsize length = text != NULL ? strlen (text) : 0;

  if (text == NULL)
    return -1;
  if (length > 0 && text[length - 1] == '\n')
    text[length - 1] = '\0';
  g_autoptr (GUnixFDList) made = sc_secret_input_to_fds (text, error);
  explicit_bzero (text, length);
  if (made == NULL)
    return -1;
  return g_unix_fd_list_append (fds, g_unix_fd_list_peek_fds (made, NULL)[0], error);
}

gboolean
sc_secrets_add (char **secrets, GVariantBuilder *options, GUnixFDList **fds, GError **error)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{sh}"));

  if (secrets == NULL)
    return TRUE;
  if (*fds == NULL)
    *fds = g_unix_fd_list_new ();
  for (guint i = 0; secrets[i] != NULL; i++)
    {
      const char *equals = strchr (secrets[i], '=');
      if (equals == NULL)
        {
          g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT,
                       "--secret needs KEY=FILE");
          return FALSE;
        }
      g_autofree char *key = g_strndup (secrets[i], (gsize)(equals - secrets[i]));
      int handle = append_secret (equals + 1, *fds, error);
      if (handle < 0)
        return FALSE;
      g_variant_builder_add (&builder, "{sh}", key, handle);
    }
  g_variant_builder_add (options, "{sv}", "secrets", g_variant_builder_end (&builder));
  return TRUE;
}

gboolean
sc_parse_duration (const char *text, guint64 *usec)
{
  static const struct
  {
    const char *name;
    guint64 seconds;
  } units[] = {
    { "", 1 },     { "s", 1 },    { "sec", 1 },       { "m", 60 },
    { "min", 60 }, { "h", 3600 }, { "d", 24 * 3600 }, { "w", 7 * 24 * 3600 },
  };
  char *end = NULL;
  guint64 number = g_ascii_strtoull (text, &end, 10);

  if (end == text || !g_ascii_isdigit (*text) || number > G_MAXUINT32)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (units); i++)
    if (strcmp (end, units[i].name) == 0)
      {
        *usec = number * units[i].seconds * G_USEC_PER_SEC;
        return TRUE;
      }
  return FALSE;
}

gboolean
sc_parse_time (const char *text, gint64 now_usec, guint64 *time_usec)
{
  guint64 usec = 0;

  if (*text == '+')
    {
      if (!sc_parse_duration (text + 1, &usec))
        return FALSE;
      *time_usec = (guint64)now_usec + usec;
      return TRUE;
    }
  g_autofree char *iso = g_strdup (text);
  g_strdelimit (iso, " ", 'T');
  g_autofree char *with_time = strchr (iso, 'T') == NULL ? g_strconcat (iso, "T00:00:00", NULL)
                               : strlen (strchr (iso, 'T')) == strlen ("T00:00")
                                   ? g_strconcat (iso, ":00", NULL)
                                   : g_strdup (iso);
  g_autoptr (GTimeZone) local = g_time_zone_new_local ();
  g_autoptr (GDateTime) time = g_date_time_new_from_iso8601 (with_time, local);
  if (time == NULL)
    return FALSE;
  *time_usec = (guint64)g_date_time_to_unix (time) * G_USEC_PER_SEC;
  return TRUE;
}
