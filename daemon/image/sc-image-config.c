/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-image-config.h"

#include "base/sc-digest.h"
#include "base/sc-json.h"

#include <string.h>

#define MAX_LABELS 10000

const ScJsonLimits sc_image_config_limits = {
  .max_bytes = SC_IMAGE_CONFIG_MAX_BYTES,
  .max_depth = 16,
  .max_values = 20000,
  .max_string_bytes = 64 * 1024,
};

void
sc_image_config_free (ScImageConfig *self)
{
  g_clear_pointer (&self->platform, sc_platform_free);
  g_strfreev (self->entrypoint);
  g_strfreev (self->cmd);
  g_strfreev (self->env);
  g_free (self->working_dir);
  g_free (self->user);
  g_free (self->stop_signal);
  g_strfreev (self->volumes);
  g_strfreev (self->exposed_ports);
  g_strfreev (self->health.command);
  g_clear_pointer (&self->labels, g_hash_table_unref);
  g_strfreev (self->diff_ids);
  g_free (self);
}

static gboolean
invalid (GError **error, const char *what, const char *value)
{
  g_autofree char *escaped = sc_text_escape (value);

  return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "%s \"%s\" is not valid", what, escaped);
}

static gboolean
parse_platform (ScImageConfig *self, JsonObject *root, GError **error)
{
  const char *os;
  const char *architecture;
  const char *variant;

  if (!sc_json_get_string (root, "os", &os, error)
      || !sc_json_get_string (root, "architecture", &architecture, error)
      || !sc_json_get_string (root, "variant", &variant, error))
    return FALSE;
  if (os == NULL || architecture == NULL)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "os or architecture is missing");
  self->platform = sc_platform_new (os, architecture, variant);
  return TRUE;
}

static gboolean
parse_created (ScImageConfig *self, JsonObject *root, GError **error)
{
  const char *text;

  if (!sc_json_get_string (root, "created", &text, error))
    return FALSE;
  g_autoptr (GDateTime) created = text != NULL ? g_date_time_new_from_iso8601 (text, NULL) : NULL;
  if (created != NULL && g_date_time_to_unix (created) > 0)
    self->created_usec
        = g_date_time_to_unix (created) * G_USEC_PER_SEC + g_date_time_get_microsecond (created);
  return TRUE;
}

static gboolean
parse_diff_ids (ScImageConfig *self, JsonObject *root, guint n_layers, GError **error)
{
  JsonObject *rootfs;
  const char *type;

  if (!sc_json_get_object (root, "rootfs", &rootfs, error))
    return FALSE;
  if (rootfs == NULL)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "rootfs is missing");
  if (!sc_json_get_string (rootfs, "type", &type, error)
      || !sc_json_get_strv (rootfs, "diff_ids", &self->diff_ids, error))
    return FALSE;
  if (g_strcmp0 (type, "layers") != 0)
    return invalid (error, "rootfs.type", type != NULL ? type : "");

  guint n = self->diff_ids != NULL ? g_strv_length (self->diff_ids) : 0;
  if (n != n_layers && n_layers != G_MAXUINT)
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                         "it names %u layers, but the manifest has %u", n, n_layers);
  for (guint i = 0; i < n; i++)
    if (!sc_digest_is_valid (self->diff_ids[i]))
      return invalid (error, "diff_id", self->diff_ids[i]);
  return TRUE;
}

/* "/a/b": no empty, "." or ".." component, no trailing slash but for the root itself */
static gboolean
is_clean_path (const char *path)
{
  if (path[0] != '/' || strlen (path) > 4095)
    return FALSE;
  if (path[1] == '\0')
    return TRUE;

  g_auto (GStrv) components = g_strsplit (path + 1, "/", -1);
  for (guint i = 0; components[i] != NULL; i++)
    if (components[i][0] == '\0' || strcmp (components[i], ".") == 0
        || strcmp (components[i], "..") == 0)
      return FALSE;
  return TRUE;
}

static gboolean
is_below (const char *path, const char *dir)
{
  gsize n = strlen (dir);

  return strncmp (path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

static gboolean
has_controls (const char *text)
{
  for (const char *p = text; *p != '\0'; p++)
    if (g_ascii_iscntrl (*p))
      return TRUE;
  return FALSE;
}

static gboolean
parse_working_dir (ScImageConfig *self, JsonObject *config, GError **error)
{
  const char *text;

  if (!sc_json_get_string (config, "WorkingDir", &text, error))
    return FALSE;
  if (text == NULL || text[0] == '\0')
    return TRUE;

  gsize n = strlen (text);
  while (n > 1 && text[n - 1] == '/')
    n--;
  g_autofree char *path = g_strndup (text, n);
  if (!is_clean_path (path) || has_controls (path) || is_below (path, "/proc")
      || is_below (path, "/sys") || is_below (path, "/dev"))
    return invalid (error, "WorkingDir", text);
  self->working_dir = g_steal_pointer (&path);
  return TRUE;
}

/* A number of an account, or its name as useradd(8) would take it: "-1" and "4294967296" are
 * neither. */
static gboolean
account_is_valid (const char *text)
{
  guint64 id;

  if (text[0] == '\0' || strlen (text) > 255)
    return FALSE;
  if (strspn (text, "0123456789") == strlen (text))
    return g_ascii_string_to_unsigned (text, 10, 0, G_MAXINT32, &id, NULL);
  if (!g_ascii_isalnum (text[0]) && text[0] != '_' && text[0] != '.')
    return FALSE;
  for (const char *p = text; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && strchr ("_.@-", *p) == NULL && (*p != '$' || p[1] != '\0'))
      return FALSE;
  return TRUE;
}

static gboolean
parse_user (ScImageConfig *self, JsonObject *config, GError **error)
{
  const char *text;

  if (!sc_json_get_string (config, "User", &text, error))
    return FALSE;
  if (text == NULL || text[0] == '\0')
    return TRUE;

  g_auto (GStrv) parts = g_strsplit (text, ":", 3);
  gboolean valid = account_is_valid (parts[0]);
  if (parts[1] != NULL)
    valid = valid && parts[2] == NULL && account_is_valid (parts[1]);
  if (!valid)
    return invalid (error, "User", text);
  self->user = g_strdup (text);
  return TRUE;
}

/* "SIGTERM", "TERM", "SIGRTMIN+3" or a number of signal(7) */
static gboolean
signal_is_valid (const char *text)
{
  guint64 number;

  if (g_ascii_isdigit (text[0]))
    return g_ascii_string_to_unsigned (text, 10, 1, 64, &number, NULL);

  gsize n = strspn (text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
  if (n == 0 || n > 16)
    return FALSE;
  if (text[n] == '+' || text[n] == '-')
    return g_ascii_string_to_unsigned (text + n + 1, 10, 0, 64, &number, NULL);
  return text[n] == '\0';
}

static gboolean
parse_stop_signal (ScImageConfig *self, JsonObject *config, GError **error)
{
  const char *text;

  if (!sc_json_get_string (config, "StopSignal", &text, error))
    return FALSE;
  if (text == NULL || text[0] == '\0')
    return TRUE;
  if (!signal_is_valid (text))
    return invalid (error, "StopSignal", text);
  self->stop_signal = g_strdup (text);
  return TRUE;
}

static gboolean
parse_env (ScImageConfig *self, JsonObject *config, GError **error)
{
  if (!sc_json_get_strv (config, "Env", &self->env, error))
    return FALSE;
  for (guint i = 0; self->env != NULL && self->env[i] != NULL; i++)
    if (self->env[i][0] == '=' || strchr (self->env[i], '=') == NULL)
      return invalid (error, "Env", self->env[i]);
  return TRUE;
}

/* The names of an object's members: how sets are written in this document. */
static gboolean
parse_set (JsonObject *config, const char *member, char ***out, GError **error)
{
  JsonObject *set;

  if (!sc_json_get_object (config, member, &set, error))
    return FALSE;
  if (set == NULL)
    return TRUE;

  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();
  g_autoptr (GList) members = json_object_get_members (set);
  for (GList *l = members; l != NULL; l = l->next)
    g_strv_builder_add (names, l->data);
  *out = g_strv_builder_end (names);
  return TRUE;
}

static gboolean
parse_volumes (ScImageConfig *self, JsonObject *config, GError **error)
{
  if (!parse_set (config, "Volumes", &self->volumes, error))
    return FALSE;
  for (guint i = 0; self->volumes != NULL && self->volumes[i] != NULL; i++)
    {
      char *path = self->volumes[i];
      gsize n = strlen (path);
      if (n > 1 && path[n - 1] == '/')
        path[n - 1] = '\0';
      if (!is_clean_path (path) || path[1] == '\0' || has_controls (path))
        return invalid (error, "Volumes", path);
    }
  return TRUE;
}

static gboolean
parse_labels (ScImageConfig *self, JsonObject *config, GError **error)
{
  JsonObject *labels;

  if (!sc_json_get_object (config, "Labels", &labels, error))
    return FALSE;
  if (labels == NULL)
    return TRUE;
  if (json_object_get_size (labels) > MAX_LABELS)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED, "it has more than %d labels",
                         MAX_LABELS);

  g_autoptr (GList) names = json_object_get_members (labels);
  for (GList *l = names; l != NULL; l = l->next)
    {
      const char *value;
      if (!sc_json_get_string (labels, l->data, &value, error))
        return sc_prefix_error (error, "Labels: ");
      g_hash_table_insert (self->labels, g_strdup (l->data), g_strdup (value != NULL ? value : ""));
    }
  return TRUE;
}

/* ["NONE"], ["CMD", word…], ["CMD-SHELL", text]; [] is what the image below it has, which its config
 * has already. */
static gboolean
take_test (ScImageHealth *self, char **test, GError **error)
{
  const char *kind = test != NULL && test[0] != NULL ? test[0] : "";

  if (*kind == '\0')
    return TRUE;
  if (strcmp (kind, "NONE") == 0)
    self->is_off = TRUE;
  else if (strcmp (kind, "CMD") == 0 && test[1] != NULL)
    self->command = g_strdupv (test + 1);
  else if (strcmp (kind, "CMD-SHELL") == 0 && test[1] != NULL)
    {
      const char *const words[] = { "/bin/sh", "-c", test[1], NULL };
      self->command = g_strdupv ((char **)words);
    }
  else
    return invalid (error, "Healthcheck.Test", kind);
  return TRUE;
}

/* Nanoseconds */
static gboolean
parse_nanoseconds (JsonObject *object, const char *member, gint64 *usec, GError **error)
{
  guint64 number = 0;

  if (!sc_json_get_uint (object, member, 0, &number, error))
    return FALSE;
  *usec = (gint64)(number / 1000);
  return TRUE;
}

static gboolean
parse_health (ScImageConfig *self, JsonObject *config, GError **error)
{
  ScImageHealth *health = &self->health;
  JsonObject *object;
  g_auto (GStrv) test = NULL;

  if (!sc_json_get_object (config, "Healthcheck", &object, error))
    return FALSE;
  if (object == NULL)
    return TRUE;
  return (sc_json_get_strv (object, "Test", &test, error) && take_test (health, test, error)
          && parse_nanoseconds (object, "Interval", &health->interval_usec, error)
          && parse_nanoseconds (object, "Timeout", &health->timeout_usec, error)
          && parse_nanoseconds (object, "StartPeriod", &health->start_period_usec, error)
          && sc_json_get_uint (object, "Retries", 0, &health->retries, error))
         || sc_prefix_error (error, "Healthcheck: ");
}

static gboolean
parse_config (ScImageConfig *self, JsonObject *root, GError **error)
{
  JsonObject *config;

  if (!sc_json_get_object (root, "config", &config, error))
    return FALSE;
  if (config == NULL)
    return TRUE;
  return sc_json_get_strv (config, "Entrypoint", &self->entrypoint, error)
         && sc_json_get_strv (config, "Cmd", &self->cmd, error) && parse_env (self, config, error)
         && parse_working_dir (self, config, error) && parse_user (self, config, error)
         && parse_stop_signal (self, config, error) && parse_volumes (self, config, error)
         && parse_set (config, "ExposedPorts", &self->exposed_ports, error)
         && parse_labels (self, config, error) && parse_health (self, config, error);
}

ScImageConfig *
sc_image_config_parse (GBytes *bytes, guint n_layers, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  g_autoptr (JsonObject) root = sc_json_parse_object (data, size, &sc_image_config_limits, error);
  g_autoptr (ScImageConfig) self = g_new0 (ScImageConfig, 1);

  self->labels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (root == NULL || !parse_platform (self, root, error) || !parse_created (self, root, error)
      || !parse_diff_ids (self, root, n_layers, error) || !parse_config (self, root, error))
    return NULL;
  return g_steal_pointer (&self);
}
