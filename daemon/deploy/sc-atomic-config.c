/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-atomic-config.h"

#include "base/sc-fd.h"
#include "deploy/sc-host-path.h"

#include <string.h>

#define FILE_NAME        "atomic.conf"
#define MAX_BYTES        (64 * 1024)
#define DEFAULT_CHECKOUT "/var/lib/containers/atomic"

/* The value of "KEY: VALUE" at the beginning of a line, which is where a member of the outermost
 * mapping stands; (transfer full) (nullable) */
static char *
parse_line (const char *line, const char *key)
{
  if (!g_str_has_prefix (line, key))
    return NULL;
  const char *rest = line + strlen (key);
  rest += strspn (rest, " \t");
  if (*rest != ':' || strchr (" \t\r", rest[1]) == NULL)
    return NULL;

  char *value = g_strstrip (g_strdup (rest + 1));
  if (*value == '#')
    *value = '\0';
  for (char *p = value; *p != '\0'; p++)
    if (*p == '#' && g_ascii_isspace (p[-1]))
      *p = '\0';
  return g_strchomp (value);
}

static void
strip_quotes (char *value)
{
  gsize length = strlen (value);

  if (length < 2 || (value[0] != '"' && value[0] != '\'') || value[length - 1] != value[0])
    return;
  memmove (value, value + 1, length - 2);
  value[length - 2] = '\0';
}

/* As atomic looks them up: of a key that is there twice the last one counts. */
static char *
find_value (char **lines)
{
  static const char *const keys[] = { "checkout_path", "CHECKOUT_PATH" };
  char *found = NULL;

  for (gsize i = 0; i < G_N_ELEMENTS (keys) && found == NULL; i++)
    for (char **line = lines; *line != NULL; line++)
      {
        char *value = parse_line (*line, keys[i]);
        if (value == NULL)
          continue;
        g_free (found);
        found = value;
      }
  return found;
}

char *
sc_atomic_config_find_checkout (const ScPaths *paths, GError **error)
{
  g_autoptr (GError) cause = NULL;
  g_autofree char *directory = g_build_filename (paths->root, "/etc", NULL);
  sc_autofd dir_fd = sc_fd_open_dir (directory, error);
  g_autoptr (GBytes) bytes
      = dir_fd >= 0 ? sc_fd_read_file (dir_fd, FILE_NAME, MAX_BYTES, &cause) : NULL;

  if (g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND))
    return g_strdup (DEFAULT_CHECKOUT);
  if (cause != NULL)
    g_propagate_prefixed_error (error, g_steal_pointer (&cause),
                                "\"%s/" FILE_NAME "\": ", directory);
  if (bytes == NULL)
    return NULL;

  g_auto (GStrv) lines = g_strsplit (g_bytes_get_data (bytes, NULL), "\n", -1);
  g_autofree char *value = find_value (lines);
  if (value == NULL || *value == '\0')
    return g_strdup (DEFAULT_CHECKOUT);
  strip_quotes (value);
  char *clean = sc_host_path_clean (value);
  g_autofree char *shown = sc_text_escape (value);
  if (clean == NULL)
    sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                  "\"%s/" FILE_NAME "\": \"%s\" of checkout_path is not an absolute path",
                  directory, shown);
  return clean;
}
