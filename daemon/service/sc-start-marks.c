/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-start-marks.h"

#include "base/sc-fd.h"
#include "base/sc-log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

struct _ScStartMarks
{
  char *path;        /* (owned) */
  int fd;            /* of the directory, -1 without one */
  GHashTable *units; /* (owned) set of char* */
};

static void
read_marks (ScStartMarks *self)
{
  g_autoptr (GDir) directory = g_dir_open (self->path, 0, NULL);

  if (directory == NULL)
    return;
  for (const char *name = g_dir_read_name (directory); name != NULL;
       name = g_dir_read_name (directory))
    g_hash_table_add (self->units, g_strdup (name));
}

ScStartMarks *
sc_start_marks_load (const ScPaths *paths)
{
  g_autoptr (GError) error = NULL;
  ScStartMarks *self = g_new0 (ScStartMarks, 1);

  self->path = g_build_filename (paths->state, "started", NULL);
  self->units = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  self->fd = sc_fd_ensure_dir (self->path, 0700, &error);
  if (self->fd < 0)
    sc_log (G_LOG_LEVEL_WARNING, NULL, "which containers have run cannot be recorded: %s",
            error->message);
  read_marks (self);
  return self;
}

void
sc_start_marks_free (ScStartMarks *self)
{
  g_hash_table_unref (self->units);
  sc_fd_cleanup (&self->fd);
  g_free (self->path);
  g_free (self);
}

gboolean
sc_start_marks_has (ScStartMarks *self, const char *unit)
{
  return g_hash_table_contains (self->units, unit);
}

void
sc_start_marks_add (ScStartMarks *self, const char *unit)
{
  if (!g_hash_table_add (self->units, g_strdup (unit)) || self->fd < 0)
    return;

  sc_autofd fd = sc_fd_open_beneath (self->fd, unit, O_WRONLY | O_CREAT, 0600);
  if (fd < 0)
    sc_log (G_LOG_LEVEL_WARNING, NULL, "writing \"%s/%s\": %s", self->path, unit,
            g_strerror (errno));
}

void
sc_start_marks_keep (ScStartMarks *self, GHashTable *units)
{
  GHashTableIter iter;
  gpointer unit;

  g_hash_table_iter_init (&iter, self->units);
  while (g_hash_table_iter_next (&iter, &unit, NULL))
    {
      if (g_hash_table_contains (units, unit))
        continue;
      if (self->fd >= 0 && unlinkat (self->fd, unit, 0) < 0 && errno != ENOENT)
        sc_log (G_LOG_LEVEL_WARNING, NULL, "removing \"%s/%s\": %s", self->path, (const char *)unit,
                g_strerror (errno));
      g_hash_table_iter_remove (&iter);
    }
}
