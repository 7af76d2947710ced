/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The option "health" of those methods that make deployments.
 */
#include "service/sc-request-private.h"

/* Numbers that were not given stay as the image has them. */
static gboolean
read_health_numbers (const ScOptions *keys, ScHealth *health, GError **error)
{
  const struct
  {
    const char *key;
    gint64 *usec;
  } times[] = {
    { "interval-usec", &health->interval_usec },
    { "timeout-usec", &health->timeout_usec },
    { "start-period-usec", &health->start_period_usec },
  };
  guint32 retries = sc_options_get_uint32 (keys, "retries", G_MAXUINT32);

  for (gsize i = 0; i < G_N_ELEMENTS (times); i++)
    {
      guint64 usec = 0;
      if (sc_options_get_uint64 (keys, times[i].key, &usec))
        *times[i].usec = (gint64)MIN (usec, G_MAXINT64);
    }
  if (retries != G_MAXUINT32)
    health->retries = (gint)MIN (retries, G_MAXINT);
  return sc_health_check (health, error);
}

static const ScOptionSpec health_keys[] = {
  { "command", "as" },      { "unit", "s" },         { "off", "b" },
  { "interval-usec", "t" }, { "timeout-usec", "t" }, { "start-period-usec", "t" },
  { "retries", "u" },       { NULL, NULL },
};

gboolean
sc_request_parse_health (const ScOptions *options, ScHealth **out, GError **error)
{
  g_autoptr (GVariant) dictionary = sc_options_get_dict (options, "health");
  if (dictionary == NULL || g_variant_n_children (dictionary) == 0)
    return TRUE;
  g_autoptr (ScOptions) keys
      = sc_options_parse ("option \"health\"", health_keys, dictionary, error);
  if (keys == NULL)
    return FALSE;

  g_autoptr (ScHealth) health = sc_health_new ();
  g_autofree const char **command = sc_options_get_strv (keys, "command");
  health->command = g_strdupv ((char **)command);
  health->unit = g_strdup (sc_options_get_string (keys, "unit"));
  health->is_off = sc_options_get_bool (keys, "off", FALSE);
  if (!read_health_numbers (keys, health, error))
    return FALSE;
  *out = g_steal_pointer (&health);
  return TRUE;
}
