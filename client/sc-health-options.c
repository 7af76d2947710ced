/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-health-options.h"

#include "dbus/sc-error.h"
#include "sc-values.h"

gboolean sc_health_unset;

static char *command;
static char *unit;
static char *interval;
static char *timeout;
static char *start_period;
static gint retries = -1;
static gboolean is_off;

const GOptionEntry sc_health_option_entries[] = {
  { "health-cmd", 0, 0, G_OPTION_ARG_STRING, &command,
    "Check the service with this command, run by /bin/sh in the container", "COMMAND" },
  { "health-unit", 0, 0, G_OPTION_ARG_STRING, &unit,
    "Check the service by starting this one of the host", "UNIT" },
  { "health-interval", 0, 0, G_OPTION_ARG_STRING, &interval, "How often it is checked", "TIME" },
  { "health-timeout", 0, 0, G_OPTION_ARG_STRING, &timeout, "How long a check may take", "TIME" },
  { "health-start-period", 0, 0, G_OPTION_ARG_STRING, &start_period,
    "How long after its start a failure does not count", "TIME" },
  { "health-retries", 0, 0, G_OPTION_ARG_INT, &retries,
    "How many failures in a row make it unhealthy", "N" },
  { "no-healthcheck", 0, 0, G_OPTION_ARG_NONE, &is_off, "Do not check it, whatever the image says",
    NULL },
  { 0 },
};

static gboolean
add_time (GVariantBuilder *builder, const char *key, const char *text)
{
  guint64 usec = 0;

  if (text == NULL)
    return TRUE;
  if (!sc_parse_duration (text, &usec))
    return FALSE;
  g_variant_builder_add (builder, "{sv}", key, g_variant_new_uint64 (usec));
  return TRUE;
}

static void
add_check (GVariantBuilder *builder)
{
  const char *const words[] = { "/bin/sh", "-c", command, NULL };

  if (command != NULL)
    g_variant_builder_add (builder, "{sv}", "command", g_variant_new_strv (words, -1));
  if (unit != NULL)
    g_variant_builder_add (builder, "{sv}", "unit", g_variant_new_string (unit));
  if (is_off)
    g_variant_builder_add (builder, "{sv}", "off", g_variant_new_boolean (TRUE));
}

gboolean
sc_health_options_given (void)
{
  return command != NULL || unit != NULL || interval != NULL || timeout != NULL
         || start_period != NULL || retries >= 0 || is_off || sc_health_unset;
}

gboolean
sc_health_options_add (GVariantBuilder *options, GError **error)
{
  g_auto (GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);

  add_check (&builder);
  if (!add_time (&builder, "interval-usec", interval)
      || !add_time (&builder, "timeout-usec", timeout)
      || !add_time (&builder, "start-period-usec", start_period))
    {
      g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT,
                   "--health-interval, -timeout and -start-period need a time, e.g. 30s");
      return FALSE;
    }
  if (retries >= 0)
    g_variant_builder_add (&builder, "{sv}", "retries", g_variant_new_uint32 ((guint32)retries));

  g_autoptr (GVariant) health = g_variant_ref_sink (g_variant_builder_end (&builder));
  if (g_variant_n_children (health) > 0)
    g_variant_builder_add (options, "{sv}", "health", health);
  if (sc_health_unset)
    g_variant_builder_add (options, "{sv}", "unset-health", g_variant_new_boolean (TRUE));
  return TRUE;
}
