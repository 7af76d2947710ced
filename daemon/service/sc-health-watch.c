/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-health-watch.h"

#include "base/sc-fd.h"
#include "base/sc-log.h"

struct _ScHealthWatch
{
  const ScPaths *paths;
  GFileMonitor *monitor; /* (owned) (nullable) */
  ScHealthWatchFunc changed;
  gpointer user_data;
};

static void
tell (const ScHealthWatch *self, GFile *file)
{
  g_autofree char *name = file != NULL ? g_file_get_basename (file) : NULL;

  if (name != NULL)
    self->changed (name, self->user_data);
}

/* A file is written beside and renamed: the new name counts. */
static void
on_changed (
    GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event, gpointer user_data)
{
  const ScHealthWatch *self = user_data;

  tell (self, file);
  tell (self, other);
}

ScHealthWatch *
sc_health_watch_new (const ScPaths *paths, ScHealthWatchFunc changed, gpointer user_data)
{
  ScHealthWatch *self = g_new0 (ScHealthWatch, 1);
  g_autofree char *path = sc_health_state_directory (paths);
  g_autoptr (GFile) directory = g_file_new_for_path (path);
  g_autoptr (GError) error = NULL;

  self->paths = paths;
  self->changed = changed;
  self->user_data = user_data;
  sc_autofd dir_fd G_GNUC_UNUSED = sc_fd_ensure_dir (path, 0755, &error);
  if (error == NULL)
    self->monitor = g_file_monitor_directory (directory, G_FILE_MONITOR_WATCH_MOVES, NULL, &error);
  if (self->monitor != NULL)
    g_signal_connect (self->monitor, "changed", G_CALLBACK (on_changed), self);
  else
    sc_log (G_LOG_LEVEL_WARNING, NULL, "results of health checks are not followed: %s",
            error->message);
  return self;
}

void
sc_health_watch_free (ScHealthWatch *self)
{
  if (self->monitor != NULL)
    g_signal_handlers_disconnect_by_data (self->monitor, self);
  g_clear_object (&self->monitor);
  g_free (self);
}

const char *
sc_health_watch_get (const ScHealthWatch *self, const char *name)
{
  ScHealthState state;

  sc_health_state_load (&state, self->paths, name);
  return sc_health_verdict_name (state.verdict);
}
