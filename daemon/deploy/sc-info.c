/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-info.h"

#include "base/sc-fd.h"
#include "base/sc-json.h"
#include "base/sc-name.h"

#include <string.h>

/* 256 values of 64 KiB may be in it, each byte escaped as six */
static const ScJsonLimits limits = {
  .max_bytes = 64 * 1024 * 1024,
  .max_depth = 16,
  .max_values = 100000,
  .max_string_bytes = 64 * 1024,
};

/* The two that have always been numbers here. */
static gboolean
is_number (const char *name)
{
  return g_str_equal (name, "HOST_UID") || g_str_equal (name, "HOST_GID");
}

static void
add_values (JsonBuilder *builder, const ScValues *values)
{
  json_builder_set_member_name (builder, "values");
  json_builder_begin_object (builder);
  g_autofree const char **names = sc_values_names (values);
  for (const char **name = names; *name != NULL; name++)
    {
      const char *value = sc_values_get (values, *name);
      if (sc_values_is_secret (values, *name))
        continue;
      json_builder_set_member_name (builder, *name);
      if (is_number (*name))
        json_builder_add_int_value (builder, g_ascii_strtoll (value, NULL, 10));
      else
        json_builder_add_string_value (builder, value);
    }
  json_builder_end_object (builder);
}

static void
add_string (JsonBuilder *builder, const char *member, const char *value)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_string_value (builder, value);
}

static void
add_null (JsonBuilder *builder, const char *member)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_null_value (builder);
}

static void
add_templates (JsonBuilder *builder, const ScHostFiles *files)
{
  json_builder_set_member_name (builder, "installed-files-template");
  json_builder_begin_array (builder);
  for (guint i = 0; files != NULL && files->templates[i] != NULL; i++)
    json_builder_add_string_value (builder, files->templates[i]);
  json_builder_end_array (builder);
}

static void
add_renames (JsonBuilder *builder, const ScHostFiles *files)
{
  g_autoptr (GList) names = files != NULL ? g_hash_table_get_keys (files->renames) : NULL;

  names = g_list_sort (names, (GCompareFunc)strcmp);
  json_builder_set_member_name (builder, "rename-installed-files");
  json_builder_begin_object (builder);
  for (GList *l = names; l != NULL; l = l->next)
    add_string (builder, l->data, g_hash_table_lookup (files->renames, l->data));
  json_builder_end_object (builder);
}

static void
add_boolean (JsonBuilder *builder, const char *member, gboolean value)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_boolean_value (builder, value);
}

char *
sc_info_build (const ScRenderRequest *request,
               const ScValues *values,
               gboolean has_service,
               const ScInfoFiles *files)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  json_builder_begin_object (builder);
  add_string (builder, "image", request->image_name);
  add_string (builder, "revision", sc_values_get (values, "IMAGE_ID"));
  add_string (builder, "ostree-commit", request->image_commit);
  json_builder_set_member_name (builder, "created");
  json_builder_add_int_value (builder, request->now_s);
  add_values (builder, values);
  add_boolean (builder, "has-container-service", has_service);
  sc_host_record_write (files->installed, builder);
  add_templates (builder, files->wanted);
  add_renames (builder, files->wanted);
  add_null (builder, "rpm-installed");
  add_string (builder, "system-package", "no");
  add_null (builder, "remote");
  add_boolean (builder, "use-links", FALSE);
  add_string (builder, "runtime", request->runtime);
  json_builder_end_object (builder);

  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  return sc_json_to_text (root, TRUE);
}

static JsonObject *
parse (GBytes *bytes, GError **error)
{
  gsize size = 0;
  const char *text = g_bytes_get_data (bytes, &size);

  return sc_json_parse_object (text, size, &limits, error);
}

JsonObject *
sc_info_load (const ScPaths *paths, const char *name, guint64 n, GError **error)
{
  if (!sc_name_check (name, error))
    return NULL;
  g_autoptr (GError) cause = NULL;
  g_autofree char *path = g_strdup_printf ("%s.%" G_GUINT64_FORMAT "/info", name, n);
  sc_autofd dir_fd = sc_fd_open_dir (paths->checkout, error);
  if (dir_fd < 0)
    return NULL;

  g_autoptr (GBytes) bytes = sc_fd_read_file (dir_fd, path, limits.max_bytes, &cause);
  JsonObject *info = bytes != NULL ? parse (bytes, &cause) : NULL;
  if (info != NULL)
    return info;
  gboolean is_missing = g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND);
  sc_error_set (error, is_missing ? SYSCONT_ERROR_NOT_FOUND : SYSCONT_ERROR_DAMAGED, "%s/%s: %s",
                paths->checkout, path, cause->message);
  return NULL;
}
