/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-key-file.h"

#include "base/sc-error-util.h"
#include "base/sc-fd.h"

#include <string.h>

#define FILE_MAX_BYTES (1024 * 1024)

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *
sc_key_file_list (const char *dir, GError **error)
{
  g_autoptr (GPtrArray) paths = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GDir) listing = g_dir_open (dir, 0, &local_error);

  if (listing == NULL && !g_error_matches (local_error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    {
      sc_error_set (error, SYSCONT_ERROR_FAILED, "%s", local_error->message);
      return NULL;
    }
  for (const char *name = NULL; listing != NULL && (name = g_dir_read_name (listing)) != NULL;)
    {
      if (g_str_has_suffix (name, ".conf") && name[0] != '.')
        g_ptr_array_add (paths, g_build_filename (dir, name, NULL));
    }

  g_ptr_array_sort (paths, compare_paths);
  return g_steal_pointer (&paths);
}

gboolean
sc_key_file_fail (GError **error, GError *taken, const char *path)
{
  int code = taken->domain == SYSCONT_ERROR ? taken->code : SYSCONT_ERROR_INVALID_ARGUMENT;

  sc_error_set (error, (SyscontError)code, "\"%s\": %s", path, taken->message);
  g_error_free (taken);
  return FALSE;
}

gboolean
sc_key_file_fail_value (const char *value, const char *expected, GError **error)
{
  g_autofree char *shown = sc_text_escape (value);

  return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "\"%s\" is not %s", shown, expected);
}

static GBytes *
read_file (const char *path, GError **error)
{
  g_autofree char *dir = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  sc_autofd dir_fd = sc_fd_open_dir (dir, error);
  GBytes *bytes = dir_fd >= 0 ? sc_fd_read_file (dir_fd, name, FILE_MAX_BYTES, error) : NULL;

  if (bytes == NULL)
    sc_prefix_error (error, "configuration in \"%s\": ", path);
  return bytes;
}

GKeyFile *
sc_key_file_load (const char *path, GError **error)
{
  g_autoptr (GBytes) bytes = read_file (path, error);
  if (bytes == NULL)
    return NULL;

  g_autoptr (GKeyFile) file = g_key_file_new ();
  GError *local_error = NULL;
  gsize size_bytes = 0;
  const char *data = g_bytes_get_data (bytes, &size_bytes);

  if (size_bytes > 0 && memchr (data, '\0', size_bytes) != NULL)
    sc_error_set (&local_error, SYSCONT_ERROR_INVALID_ARGUMENT, "a zero byte in the file");
  else if (g_key_file_load_from_data (file, data, size_bytes, G_KEY_FILE_NONE, &local_error))
    return g_steal_pointer (&file);

  sc_key_file_fail (error, local_error, path);
  return NULL;
}
