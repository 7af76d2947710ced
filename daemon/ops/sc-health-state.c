/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-health-state.h"

#include "base/sc-fd.h"
#include "base/sc-json.h"

#include <string.h>

#define MAX_FILE_BYTES 4096

static const char *const verdict_names[] = { "starting", "healthy", "unhealthy" };

const char *
sc_health_verdict_name (ScHealthVerdict verdict)
{
  return verdict_names[verdict];
}

char *
sc_health_state_directory (const ScPaths *paths)
{
  return g_build_filename (paths->runtime, "health", NULL);
}

void
sc_health_state_add (ScHealthState *self, const ScHealth *health, gboolean passed, gint64 age_usec)
{
  if (passed)
    {
      self->verdict = SC_HEALTH_HEALTHY;
      self->failures = 0;
      return;
    }
  if (self->verdict == SC_HEALTH_STARTING && age_usec < health->start_period_usec)
    return;
  self->failures++;
  if (self->failures >= (guint)health->retries)
    self->verdict = SC_HEALTH_UNHEALTHY;
}

static void
parse (ScHealthState *self, GBytes *bytes)
{
  gsize size = 0;
  const char *text = g_bytes_get_data (bytes, &size);
  g_autoptr (JsonObject) object = sc_json_parse_object (text, size, NULL, NULL);
  const char *verdict = NULL;
  guint64 failures = 0;

  if (object == NULL || !sc_json_get_string (object, "state", &verdict, NULL)
      || !sc_json_get_uint (object, "failures", 0, &failures, NULL))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (verdict_names); i++)
    if (g_strcmp0 (verdict_names[i], verdict) == 0)
      self->verdict = (ScHealthVerdict)i;
  self->failures = (guint)MIN (failures, G_MAXUINT / 2);
}

void
sc_health_state_load (ScHealthState *self, const ScPaths *paths, const char *name)
{
  g_autofree char *directory = sc_health_state_directory (paths);
  sc_autofd dir_fd = sc_fd_open_dir (directory, NULL);
  g_autoptr (GBytes) bytes
      = dir_fd >= 0 ? sc_fd_read_file (dir_fd, name, MAX_FILE_BYTES, NULL) : NULL;

  *self = (ScHealthState){ .verdict = SC_HEALTH_STARTING };
  if (bytes != NULL)
    parse (self, bytes);
}

gboolean
sc_health_state_save (const ScHealthState *self,
                      const ScPaths *paths,
                      const char *name,
                      GError **error)
{
  g_autofree char *directory = sc_health_state_directory (paths);
  g_autofree char *text = g_strdup_printf ("{\"version\":1,\"state\":\"%s\",\"failures\":%u}\n",
                                           sc_health_verdict_name (self->verdict), self->failures);
  sc_autofd dir_fd = sc_fd_ensure_dir (directory, 0755, error);

  return dir_fd >= 0 && sc_fd_write_atomic (dir_fd, name, text, strlen (text), 0644, error);
}
