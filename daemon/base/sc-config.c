/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-config.h"

#include "base/sc-error-util.h"
#include "base/sc-key-file.h"
#include "base/sc-log.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define GIB            (G_GUINT64_CONSTANT (1) << 30)
#define MAX_SIZE_BYTES (G_GUINT64_CONSTANT (1) << 50)

typedef enum
{
  TYPE_PATH,       /* char * */
  TYPE_PATHS,      /* char ** */
  TYPE_REGISTRIES, /* char ** */
  TYPE_NAMES,      /* GHashTable * */
  TYPE_UINT,       /* guint */
  TYPE_SIZE,       /* guint64, in bytes */
} KeyType;

typedef struct
{
  const char *group;
  const char *key;
  KeyType type;
  gsize offset;             /* in ScConfig */
  const char *default_path; /* of TYPE_PATHS with ";" between them */
  guint64 default_number;
  guint64 min;
  guint64 max;
} KeyRow;

#define AT(member) offsetof (ScConfig, member)

/* Repository= has no default of its own: it follows Checkout=. */
static const KeyRow rows[] = {
  { "Storage", "Repository", TYPE_PATH, AT (repository) },
  { "Storage", "Checkout", TYPE_PATH, AT (checkout), "/var/lib/containers/syscont" },
  { "Storage", "KeepFreePercent", TYPE_UINT, AT (keep_free_percent), NULL, 5, 0, 50 },
  { "Storage", "KeepFreeBytes", TYPE_SIZE, AT (keep_free_bytes), NULL, GIB, 0, MAX_SIZE_BYTES },
  { "Spool", "MaxBytes", TYPE_SIZE, AT (spool_max_bytes), NULL, 8 * GIB, 0, MAX_SIZE_BYTES },
  { "Spool", "RetentionSec", TYPE_UINT, AT (spool_retention_s), NULL, 7 * 86400, 0, G_MAXINT32 },
  { "Runtime", "Path", TYPE_PATH, AT (runtime), "/usr/bin/runc" },
  { "Engine", "Socket", TYPE_PATHS, AT (engine_sockets),
    "/run/docker.sock;/run/podman/podman.sock" },
  { "HostFiles", "AllowedPrefixes", TYPE_PATHS, AT (allowed_prefixes),
    "/etc;/usr/local;/opt;/var/lib" },
  { "Registries", "Insecure", TYPE_REGISTRIES, AT (insecure_registries) },
  { "Registries", "ShortNames", TYPE_NAMES, AT (short_names) },
  { "Registries", "UnqualifiedSearch", TYPE_REGISTRIES, AT (unqualified_search) },
  { "Daemon", "IdleExitSec", TYPE_UINT, AT (idle_exit_s), NULL, 60, 0, 86400 },
  { "Daemon", "MaxJobs", TYPE_UINT, AT (max_jobs), NULL, 4, 1, 16 },
  { "Daemon", "StartTimeoutSec", TYPE_UINT, AT (start_timeout_s), NULL, 90, 1, 86400 },
  { "Deployments", "KeepDeployments", TYPE_UINT, AT (keep_deployments), NULL, 2, 1, 100 },
  { "Deployments", "ObserveSec", TYPE_UINT, AT (observe_s), NULL, 10, 0, 3600 },
  { "Limits", "BlobBytes", TYPE_SIZE, AT (max_blob_bytes), NULL, 8 * GIB, 1, MAX_SIZE_BYTES },
  { "Limits", "LayerBytes", TYPE_SIZE, AT (max_layer_bytes), NULL, 16 * GIB, 1, MAX_SIZE_BYTES },
  { "Limits", "ImageBytes", TYPE_SIZE, AT (max_image_bytes), NULL, 32 * GIB, 1, MAX_SIZE_BYTES },
  { "Limits", "LayerEntries", TYPE_UINT, AT (max_layer_entries), NULL, 500000, 1, 100000000 },
  { "Limits", "ImageEntries", TYPE_UINT, AT (max_image_entries), NULL, 1000000, 1, 100000000 },
};

static void
set_path (ScConfig *self, const KeyRow *row, char *path)
{
  char **member = G_STRUCT_MEMBER_P (self, row->offset);

  g_free (*member);
  *member = path;
}

static void
set_list (ScConfig *self, const KeyRow *row, char **list)
{
  char ***member = G_STRUCT_MEMBER_P (self, row->offset);

  g_strfreev (*member);
  *member = list;
}

static void
set_names (ScConfig *self, const KeyRow *row, GHashTable *names)
{
  GHashTable **member = G_STRUCT_MEMBER_P (self, row->offset);

  g_clear_pointer (member, g_hash_table_unref);
  *member = names;
}

static void
set_number (ScConfig *self, const KeyRow *row, guint64 number)
{
  if (row->type == TYPE_SIZE)
    G_STRUCT_MEMBER (guint64, self, row->offset) = number;
  else
    G_STRUCT_MEMBER (guint, self, row->offset) = (guint)number;
}

static GHashTable *
names_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static void
set_default (ScConfig *self, const KeyRow *row)
{
  switch (row->type)
    {
    case TYPE_PATH:
      set_path (self, row, g_strdup (row->default_path));
      break;
    case TYPE_PATHS:
      set_list (self, row, g_strsplit (row->default_path, ";", -1));
      break;
    case TYPE_REGISTRIES:
      set_list (self, row, g_new0 (char *, 1));
      break;
    case TYPE_NAMES:
      set_names (self, row, names_new ());
      break;
    case TYPE_UINT:
    case TYPE_SIZE:
    default:
      set_number (self, row, row->default_number);
    }
}

/* (transfer full) (nullable) */
static char *
parse_absolute_path (const char *value, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (value, "/", -1);
  const char *const *components = (const char *const *)parts;
  g_autofree char *canonical = g_canonicalize_filename (value, "/");
  g_autofree char *escaped = sc_text_escape_max (value, strlen (value) + 3);

  if (!g_path_is_absolute (value) || g_str_has_prefix (value, "//") || g_str_equal (canonical, "/")
      || !g_str_equal (escaped, value) || g_strv_contains (components, ".")
      || g_strv_contains (components, ".."))
    {
      sc_key_file_fail_value (value, "an absolute path without \".\" and \"..\"", error);
      return NULL;
    }
  return g_steal_pointer (&canonical);
}

static gboolean
parse_path (ScConfig *self, const KeyRow *row, const char *value, GError **error)
{
  char *path = parse_absolute_path (value, error);

  if (path == NULL)
    return FALSE;
  set_path (self, row, path);
  return TRUE;
}

static gboolean
parse_paths (ScConfig *self, const KeyRow *row, char **values, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (gsize i = 0; values[i] != NULL; i++)
    {
      g_autofree char *path = parse_absolute_path (g_strstrip (values[i]), error);

      if (path == NULL)
        return FALSE;
      g_strv_builder_add (builder, path);
    }

  set_list (self, row, g_strv_builder_end (builder));
  return TRUE;
}

static gboolean
parse_number (ScConfig *self, const KeyRow *row, const char *value, GError **error)
{
  guint64 number = 0;

  if (!g_ascii_string_to_unsigned (value, 10, row->min, row->max, &number, NULL))
    {
      g_autofree char *expected = g_strdup_printf (
          "a whole number from %" G_GUINT64_FORMAT " to %" G_GUINT64_FORMAT, row->min, row->max);
      return sc_key_file_fail_value (value, expected, error);
    }

  set_number (self, row, number);
  return TRUE;
}

static gboolean
is_registry (const char *text)
{
  static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789.-:[]";

  return text[0] != '\0' && text[strspn (text, allowed)] == '\0';
}

static gboolean
parse_registries (ScConfig *self, const KeyRow *row, char **values, GError **error)
{
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  for (gsize i = 0; values[i] != NULL; i++)
    {
      if (!is_registry (g_strstrip (values[i])))
        return sc_key_file_fail_value (values[i], "a registry, HOST or HOST:PORT in lower case",
                                       error);
      g_strv_builder_add (builder, values[i]);
    }

  set_list (self, row, g_strv_builder_end (builder));
  return TRUE;
}

static gboolean
parse_names (ScConfig *self, const KeyRow *row, char **values, GError **error)
{
  g_autoptr (GHashTable) names = names_new ();

  for (gsize i = 0; values[i] != NULL; i++)
    {
      g_auto (GStrv) pair = g_strsplit (g_strstrip (values[i]), "=", 2);

      if (g_strv_length (pair) != 2 || pair[0][0] == '\0' || strchr (pair[1], '/') == NULL)
        return sc_key_file_fail_value (values[i], "a short name, NAME=FULL/NAME", error);
      if (!g_hash_table_insert (names, g_strdup (pair[0]), g_strdup (pair[1])))
        return sc_key_file_fail_value (values[i], "the only entry for that short name", error);
    }

  set_names (self, row, g_steal_pointer (&names));
  return TRUE;
}

static gboolean
parse_list (ScConfig *self, const KeyRow *row, GKeyFile *file, GError **error)
{
  g_auto (GStrv) values = g_key_file_get_string_list (file, row->group, row->key, NULL, error);
  if (values == NULL)
    return FALSE;

  if (row->type == TYPE_PATHS)
    return parse_paths (self, row, values, error);
  if (row->type == TYPE_REGISTRIES)
    return parse_registries (self, row, values, error);
  return parse_names (self, row, values, error);
}

static gboolean
parse_scalar (ScConfig *self, const KeyRow *row, GKeyFile *file, GError **error)
{
  g_autofree char *value = g_key_file_get_string (file, row->group, row->key, error);
  if (value == NULL)
    return FALSE;

  g_strchomp (value);
  if (row->type == TYPE_PATH)
    return parse_path (self, row, value, error);
  return parse_number (self, row, value, error);
}

static gboolean
apply_file (ScConfig *self, GKeyFile *file, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const KeyRow *row = &rows[i];
      if (!g_key_file_has_key (file, row->group, row->key, NULL))
        continue;

      gboolean is_list
          = row->type == TYPE_PATHS || row->type == TYPE_REGISTRIES || row->type == TYPE_NAMES;
      if (!(is_list ? parse_list : parse_scalar) (self, row, file, error))
        return sc_prefix_error (error, "[%s] %s: ", row->group, row->key);
    }
  return TRUE;
}

static gboolean
is_known (const char *group, const char *key)
{
  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      if (g_str_equal (rows[i].group, group) && g_str_equal (rows[i].key, key))
        return TRUE;
    }
  return FALSE;
}

static void
warn_of_unknown_keys (GKeyFile *file, const char *path)
{
  g_auto (GStrv) groups = g_key_file_get_groups (file, NULL);

  for (gsize i = 0; groups[i] != NULL; i++)
    {
      g_auto (GStrv) keys = g_key_file_get_keys (file, groups[i], NULL, NULL);

      for (gsize j = 0; keys != NULL && keys[j] != NULL; j++)
        {
          if (!is_known (groups[i], keys[j]))
            sc_log (G_LOG_LEVEL_WARNING, NULL, "\"%s\": unknown key %s in group %s is ignored",
                    path, keys[j], groups[i]);
        }
    }
}

static gboolean
load_file (ScConfig *self, const char *path, GError **error)
{
  g_autoptr (GKeyFile) file = sc_key_file_load (path, error);
  GError *local_error = NULL;

  if (file == NULL)
    return FALSE;
  if (!apply_file (self, file, &local_error))
    return sc_key_file_fail (error, local_error, path);
  warn_of_unknown_keys (file, path);
  return TRUE;
}

static gboolean
load_main_file (ScConfig *self, const char *path, GError **error)
{
  struct stat st;

  if (lstat (path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR))
    return TRUE;
  return load_file (self, path, error);
}

static gboolean
load_dropins (ScConfig *self, const char *dir, GError **error)
{
  g_autoptr (GPtrArray) paths = sc_key_file_list (dir, error);
  if (paths == NULL)
    return FALSE;

  for (guint i = 0; i < paths->len; i++)
    if (!load_file (self, paths->pdata[i], error))
      return FALSE;
  return TRUE;
}

ScConfig *
sc_config_load (const ScPaths *paths, GError **error)
{
  g_autoptr (ScConfig) self = g_new0 (ScConfig, 1);

  for (gsize i = 0; i < G_N_ELEMENTS (rows); i++)
    set_default (self, &rows[i]);
  if (!load_main_file (self, paths->config_file, error)
      || !load_dropins (self, paths->config_dropins, error))
    return NULL;

  if (self->repository == NULL)
    self->repository = g_build_filename (self->checkout, ".repo", NULL);
  return g_steal_pointer (&self);
}

void
sc_config_free (ScConfig *self)
{
  g_free (self->repository);
  g_free (self->checkout);
  g_free (self->runtime);
  g_strfreev (self->allowed_prefixes);
  g_strfreev (self->insecure_registries);
  g_strfreev (self->unqualified_search);
  g_strfreev (self->engine_sockets);
  g_clear_pointer (&self->short_names, g_hash_table_unref);
  g_free (self);
}

gboolean
sc_config_is_insecure (const ScConfig *self, const char *registry)
{
  return g_strv_contains ((const char *const *)self->insecure_registries, registry);
}
