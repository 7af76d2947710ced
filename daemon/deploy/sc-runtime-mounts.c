/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-runtime-mounts.h"

#include "deploy/sc-host-path.h"
#include "deploy/sc-mount-point.h"

#include <string.h>
#include <sys/stat.h>

#define DEFAULT_MODE 0755

/* Where a runtime that got NOTIFY_SOCKET binds a directory: runc 1.1, crun 1.8 */
static const char *const notify_directories[] = { "/run/notify", "/run/systemd/notify" };

static JsonArray *
get_mounts (JsonObject *config)
{
  JsonNode *node = json_object_get_member (config, "mounts");
  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static gboolean
is_bind (const char *type, char **options)
{
  if (type != NULL && strstr (type, "bind") != NULL)
    return TRUE;
  const char *const *list = (const char *const *)options;
  return options != NULL && (g_strv_contains (list, "bind") || g_strv_contains (list, "rbind"));
}

static gboolean
check_bind_source (const char *source, char **options, const ScPaths *paths, GError **error)
{
  g_autofree char *clean = source != NULL ? sc_host_path_clean (source) : NULL;
  if (clean == NULL)
    return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                         "the source of a bind mount must be an absolute path without \"..\"");
  const char *const *list = (const char *const *)options;
  const char *checkout = sc_host_path_strip_root (paths, paths->checkout);
  const char *repository = sc_host_path_strip_root (paths, paths->repository);
  gboolean is_ours
      = sc_host_path_is_below (clean, checkout) || sc_host_path_is_below (clean, repository);
  if (is_ours && (options == NULL || !g_strv_contains (list, "ro")))
    return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                         "\"%s\" cannot be mounted writable, because its files are shared with "
                         "other containers; add the option \"ro\"",
                         clean);
  return TRUE;
}

static gboolean
check_mount (JsonObject *mount, const ScPaths *paths, GError **error)
{
  const char *destination = NULL;
  const char *type = NULL;
  const char *source = NULL;
  g_auto (GStrv) options = NULL;
  if (!sc_json_get_string (mount, "destination", &destination, error)
      || !sc_json_get_string (mount, "type", &type, error)
      || !sc_json_get_string (mount, "source", &source, error)
      || !sc_json_get_strv (mount, "options", &options, error))
    return FALSE;

  g_autofree char *clean = destination != NULL ? sc_host_path_clean (destination) : NULL;
  if (clean == NULL || g_str_equal (clean, "/"))
    return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                         "the destination must be an absolute path without \"..\", not \"/\"");
  json_object_set_string_member (mount, "destination", clean);
  if (!is_bind (type, options))
    return TRUE;
  if (check_bind_source (source, options, paths, error))
    return TRUE;
  return sc_prefix_error (error, "\"%s\": ", clean);
}

gboolean
sc_runtime_mounts_check (JsonObject *config, const ScPaths *paths, GError **error)
{
  JsonArray *mounts = NULL;
  if (!sc_json_get_array (config, "mounts", &mounts, error))
    return FALSE;
  guint length = mounts != NULL ? json_array_get_length (mounts) : 0;
  if (length > SC_RUNTIME_MAX_MOUNTS)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED, "more than %d mounts",
                         SC_RUNTIME_MAX_MOUNTS);
  for (guint i = 0; i < length; i++)
    {
      JsonNode *node = json_array_get_element (mounts, i);
      if (!JSON_NODE_HOLDS_OBJECT (node))
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID, "mounts[%u]: no object", i);
      if (!check_mount (json_node_get_object (node), paths, error))
        return sc_prefix_error (error, "mounts[%u]: ", i);
    }
  return TRUE;
}

static const char *
get_text (JsonObject *mount, const char *member)
{
  const char *text = NULL;
  return sc_json_get_string (mount, member, &text, NULL) ? text : NULL;
}

/* (nullable): the clean source on the host when this is a bind mount */
static char *
get_bind_source (JsonObject *mount)
{
  g_auto (GStrv) options = NULL;
  const char *source = get_text (mount, "source");
  if (source == NULL || !sc_json_get_strv (mount, "options", &options, NULL)
      || !is_bind (get_text (mount, "type"), options))
    return NULL;
  return sc_host_path_clean (source);
}

static gboolean
is_directory_on_host (const ScPaths *paths, const char *path)
{
  struct stat st;
  g_autofree char *full = g_strconcat (paths->root, path, NULL);
  return stat (full, &st) != 0 || S_ISDIR (st.st_mode);
}

static gboolean
is_below_any (GPtrArray *covered, const char *path)
{
  static const char *const kernel[] = { "/proc", "/sys", "/dev" };
  for (guint i = 0; i < G_N_ELEMENTS (kernel); i++)
    {
      if (sc_host_path_is_below (path, kernel[i]) && !g_str_equal (path, kernel[i]))
        return TRUE;
    }
  for (guint i = 0; i < covered->len; i++)
    {
      if (sc_host_path_is_below (path, covered->pdata[i]))
        return TRUE;
    }
  return FALSE;
}

/* What lies below an earlier mount is made there by the runtime, not in the image's tree. */
static void
add_point (
    GPtrArray *points, GPtrArray *covered, const char *path, gboolean is_directory, guint mode)
{
  if (g_str_equal (path, "/") || is_below_any (covered, path))
    return;
  g_ptr_array_add (points, sc_mount_point_new (path + 1, is_directory, mode));
}

/* runc before 1.2 gives a tmpfs the mode of the directory below it, whatever its "mode=" says. */
static guint
get_tmpfs_mode (JsonObject *mount)
{
  g_auto (GStrv) options = NULL;
  guint64 mode = DEFAULT_MODE;
  if (g_strcmp0 (get_text (mount, "type"), "tmpfs") != 0
      || !sc_json_get_strv (mount, "options", &options, NULL))
    return DEFAULT_MODE;
  for (char **option = options; option != NULL && *option != NULL; option++)
    {
      if (g_str_has_prefix (*option, "mode=")
          && !g_ascii_string_to_unsigned (*option + strlen ("mode="), 8, 0, 01777, &mode, NULL))
        mode = DEFAULT_MODE;
    }
  return (guint)mode;
}

static void
add_working_directory (GPtrArray *points, GPtrArray *covered, JsonObject *config)
{
  JsonObject *process = NULL;
  const char *cwd = NULL;
  if (sc_json_get_object (config, "process", &process, NULL) && process != NULL
      && sc_json_get_string (process, "cwd", &cwd, NULL) && cwd != NULL)
    add_point (points, covered, cwd, TRUE, DEFAULT_MODE);
}

GPtrArray *
sc_runtime_mounts_list_points (JsonObject *config, const ScPaths *paths, gboolean is_notify)
{
  g_autoptr (GPtrArray) points
      = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_mount_point_free);
  g_autoptr (GPtrArray) covered = g_ptr_array_new_with_free_func (g_free);
  JsonArray *mounts = get_mounts (config);
  guint length = mounts != NULL ? json_array_get_length (mounts) : 0;
  for (guint i = 0; i < length; i++)
    {
      JsonObject *mount = json_array_get_object_element (mounts, i);
      const char *destination = get_text (mount, "destination");
      g_autofree char *source = get_bind_source (mount);
      gboolean is_directory = source == NULL || is_directory_on_host (paths, source);
      add_point (points, covered, destination, is_directory, get_tmpfs_mode (mount));
      g_ptr_array_add (covered, g_strdup (destination));
    }
  for (guint i = 0; is_notify && i < G_N_ELEMENTS (notify_directories); i++)
    add_point (points, covered, notify_directories[i], TRUE, DEFAULT_MODE);
  add_working_directory (points, covered, config);
  return g_steal_pointer (&points);
}

char **
sc_runtime_mounts_list_missing (JsonObject *config, const ScPaths *paths)
{
  g_autoptr (GStrvBuilder) missing = g_strv_builder_new ();
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  JsonArray *mounts = get_mounts (config);
  guint length = mounts != NULL ? json_array_get_length (mounts) : 0;
  for (guint i = 0; i < length; i++)
    {
      g_autofree char *clean = get_bind_source (json_array_get_object_element (mounts, i));
      if (clean == NULL)
        continue;
      g_autofree char *source = sc_host_path_resolve_legacy (clean);
      g_autofree char *full = g_strconcat (paths->root, clean, NULL);
      struct stat st;
      if (stat (full, &st) == 0 || !g_hash_table_add (seen, g_strdup (source)))
        continue;
      g_strv_builder_add (missing, source);
    }
  return g_strv_builder_end (missing);
}
