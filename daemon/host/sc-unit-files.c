/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/sc-unit-files.h"

#include "base/sc-fd.h"
#include "host/sc-file-change.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define DROP_IN_NAME "50-syscont.conf"

/* systemd.unit(5), "Unit File Load Path", system mode. /etc/systemd/system comes from ScPaths. */
static const char *const other_unit_dirs[] = {
  "/etc/systemd/system.control", "/run/systemd/system.control",   "/run/systemd/transient",
  "/run/systemd/system",         "/run/systemd/generator.early",  "/run/systemd/generator",
  "/run/systemd/generator.late", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system",
  "/lib/systemd/system",
};

static char *
unit_name (const char *name)
{
  return g_strconcat (name, ".service", NULL);
}

static char *
drop_in_dir (const ScPaths *paths, const char *name)
{
  return g_strdup_printf ("%s/%s.service.d", paths->units, name);
}

static char *
timer_name (const char *name)
{
  return g_strdup_printf ("syscont-health@%s.timer", name);
}

char *
sc_unit_files_tmpfiles_path (const ScPaths *paths, const char *name)
{
  return g_strdup_printf ("%s/%s.conf", paths->tmpfiles, name);
}

static gboolean
check_absent (const char *path, GError **error)
{
  struct stat st;

  if (lstat (path, &st) == 0)
    return sc_error_set (error, SYSCONT_ERROR_UNIT_CONFLICT,
                         "the file \"%s\" already exists; choose another name or remove it", path);
  if (errno != ENOENT && errno != ENOTDIR)
    return sc_error_set_errno (error, errno, "looking for \"%s\"", path);
  return TRUE;
}

gboolean
sc_unit_files_check_free (const ScPaths *paths, const char *name, GError **error)
{
  g_autofree char *unit = unit_name (name);
  g_autofree char *own = g_build_filename (paths->units, unit, NULL);
  g_autofree char *dir = drop_in_dir (paths, name);
  g_autofree char *drop_in = g_build_filename (dir, DROP_IN_NAME, NULL);
  g_autofree char *tmpfiles = sc_unit_files_tmpfiles_path (paths, name);
  g_autofree char *timer = timer_name (name);
  g_autofree char *timer_path = g_build_filename (paths->units, timer, NULL);

  if (!check_absent (own, error) || !check_absent (drop_in, error)
      || !check_absent (tmpfiles, error) || !check_absent (timer_path, error))
    return FALSE;

  for (gsize i = 0; i < G_N_ELEMENTS (other_unit_dirs); i++)
    {
      g_autofree char *path = g_build_filename (paths->root, other_unit_dirs[i], unit, NULL);
      if (!check_absent (path, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_change (GPtrArray *changes, const char *path, const char *text, GError **error)
{
  GBytes *after = text != NULL ? g_bytes_new (text, strlen (text)) : NULL;
  g_autoptr (ScFileChange) change = sc_file_change_new (path, after, 0644, error);

  if (change == NULL)
    return FALSE;
  change->early = TRUE;
  if (sc_file_change_is_needed (change))
    g_ptr_array_add (changes, g_steal_pointer (&change));
  return TRUE;
}

gboolean
sc_unit_files_add_changes (const ScPaths *paths,
                           const char *name,
                           const char *service,
                           const char *drop_in,
                           const char *tmpfiles,
                           GPtrArray *changes,
                           GError **error)
{
  g_autofree char *unit = unit_name (name);
  g_autofree char *unit_path = g_build_filename (paths->units, unit, NULL);
  g_autofree char *dir = drop_in_dir (paths, name);
  g_autofree char *drop_in_path = g_build_filename (dir, DROP_IN_NAME, NULL);
  g_autofree char *tmpfiles_path = sc_unit_files_tmpfiles_path (paths, name);

  return add_change (changes, drop_in_path, drop_in, error)
         && add_change (changes, unit_path, service, error)
         && add_change (changes, tmpfiles_path, tmpfiles, error);
}

gboolean
sc_unit_files_add_timer (
    const ScPaths *paths, const char *name, const char *text, GPtrArray *changes, GError **error)
{
  g_autofree char *timer = timer_name (name);
  g_autofree char *path = g_build_filename (paths->units, timer, NULL);

  return add_change (changes, path, text, error);
}

static gboolean
unlink_in (const char *dir, const char *name, GError **error)
{
  sc_autofd dir_fd = open (dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

  if (dir_fd < 0)
    return errno == ENOENT || errno == ENOTDIR
               ? TRUE
               : sc_error_set_errno (error, errno, "opening \"%s\"", dir);
  return sc_fd_unlink (dir_fd, name, error);
}

static gboolean
remove_enablement (const ScPaths *paths, const char *unit, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (paths->units, 0, NULL);
  const char *entry;

  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL)
    {
      if (!g_str_has_suffix (entry, ".wants") && !g_str_has_suffix (entry, ".requires"))
        continue;
      g_autofree char *path = g_build_filename (paths->units, entry, NULL);
      if (!unlink_in (path, unit, error))
        return FALSE;
      rmdir (path); /* as disabling does: gone when it is empty */
    }
  return TRUE;
}

gboolean
sc_unit_files_remove (const ScPaths *paths, const char *name, GError **error)
{
  g_autofree char *unit = unit_name (name);
  g_autofree char *dir = drop_in_dir (paths, name);
  g_autofree char *conf = g_strconcat (name, ".conf", NULL);
  g_autofree char *timer = timer_name (name);

  if (!remove_enablement (paths, unit, error) || !sc_fd_remove_temporaries (dir, error)
      || !unlink_in (paths->units, unit, error) || !unlink_in (paths->units, timer, error)
      || !unlink_in (dir, DROP_IN_NAME, error) || !unlink_in (paths->tmpfiles, conf, error))
    return FALSE;

  if (rmdir (dir) < 0 && errno != ENOENT && errno != ENOTEMPTY)
    return sc_error_set_errno (error, errno, "removing \"%s\"", dir);
  return TRUE;
}

gboolean
sc_switching_set (const ScPaths *paths, const char *name, gboolean on, GError **error)
{
  g_autofree char *dir = g_build_filename (paths->runtime, "switching", NULL);
  sc_autofd dir_fd = sc_fd_ensure_dir (dir, 0755, error);

  if (dir_fd < 0)
    return FALSE;
  return on ? sc_fd_write_atomic (dir_fd, name, "", 0, 0644, error)
            : sc_fd_unlink (dir_fd, name, error);
}
