/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-exports.h"

#include "base/sc-json.h"
#include "base/sc-problems.h"
#include "deploy/sc-builtin-values.h"
#include "deploy/sc-host-files.h"
#include "deploy/sc-host-path.h"
#include "deploy/sc-runtime-config.h"

#include <string.h>

#define EXPORTS            "exports"
#define HOST_FILES         EXPORTS "/hostfs"
#define MANIFEST           EXPORTS "/manifest.json"
#define MAX_CONFIG_BYTES   (8 * 1024 * 1024)
#define MAX_MANIFEST_BYTES (4 * 1024 * 1024)
#define MAX_HOST_FILES     2000
#define SET_BY_OS          "{SET_BY_OS}"

typedef struct
{
  ScRepo *repo;
  const char *commit;
  GPtrArray *problems; /* (nullable) */
} Tree;

/* What @path is; a symbolic link or the wrong type is an error, so that nothing of the host can be
 * meant. */
static gboolean
look_up (const Tree *tree, const char *path, ScNodeType wanted, gboolean *exists, GError **error)
{
  ScNodeType type = SC_NODE_NONE;
  if (!sc_repo_lookup (tree->repo, tree->commit, path, &type, error))
    return FALSE;
  *exists = type == wanted;
  if (type == SC_NODE_NONE || type == wanted)
    return TRUE;
  const char *is = type == SC_NODE_SYMLINK     ? "is a symbolic link"
                   : type == SC_NODE_DIRECTORY ? "is a directory"
                                               : "is no directory";
  return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID, "/%s: %s", path, is);
}

static gboolean
read_file (const Tree *tree, const char *path, gsize max_bytes, GBytes **bytes, GError **error)
{
  gboolean exists = FALSE;
  if (!look_up (tree, path, SC_NODE_REGULAR, &exists, error))
    return FALSE;
  if (!exists)
    return TRUE;
  *bytes = sc_repo_read_file (tree->repo, tree->commit, path, max_bytes, error);
  if (*bytes != NULL)
    return TRUE;
  g_autofree char *shown = g_strconcat ("/", path, NULL);
  return sc_template_error_convert (shown, error);
}

static char *
default_text (JsonNode *node)
{
  if (!JSON_NODE_HOLDS_VALUE (node))
    return NULL;
  if (json_node_get_value_type (node) == G_TYPE_STRING)
    return g_strdup (json_node_get_string (node));
  if (json_node_get_value_type (node) == G_TYPE_INT64)
    return g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
  return NULL;
}

static gboolean
read_defaults (ScExports *self, JsonObject *manifest, GError **error)
{
  JsonObject *defaults = NULL;
  if (!sc_json_get_object (manifest, "defaultValues", &defaults, error))
    return FALSE;
  if (defaults == NULL)
    return TRUE;

  g_autoptr (GList) members = json_object_get_members (defaults);
  for (GList *l = members; l != NULL; l = l->next)
    {
      g_autofree char *text = default_text (json_object_get_member (defaults, l->data));
      g_autofree char *shown = sc_text_escape (l->data);
      if (!sc_values_name_is_valid (l->data))
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                             "defaultValues: \"%s\" cannot be the name of a variable", shown);
      if (text == NULL)
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                             "defaultValues: \"%s\" is not a string", shown);
      g_hash_table_replace (self->default_values, g_strdup (l->data), g_steal_pointer (&text));
    }
  return TRUE;
}

static gboolean
read_renames (ScExports *self, JsonObject *manifest, GError **error)
{
  JsonObject *renames = NULL;
  if (!sc_json_get_object (manifest, "renameFiles", &renames, error))
    return FALSE;
  if (renames == NULL)
    return TRUE;

  g_autoptr (GList) members = json_object_get_members (renames);
  for (GList *l = members; l != NULL; l = l->next)
    {
      const char *target = NULL;
      g_autofree char *path = sc_host_path_clean (l->data);
      g_autofree char *shown = sc_text_escape (l->data);
      if (!sc_json_get_string (renames, l->data, &target, error))
        return sc_prefix_error (error, "renameFiles: ");
      if (target == NULL)
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID, "renameFiles: null");
      if (path == NULL || g_str_equal (path, "/"))
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                             "renameFiles: \"%s\" is not an absolute path without \"..\"", shown);
      g_hash_table_replace (self->renames, g_steal_pointer (&path), g_strdup (target));
    }
  return TRUE;
}

/* That links may be used is accepted and makes no difference: a file on the host is always a copy,
 * or an edit there would change the image. */
static gboolean
read_host_file_members (ScExports *self, JsonObject *manifest, GError **error)
{
  gboolean use_links = TRUE;
  return sc_json_get_strv (manifest, "installedFilesTemplate", &self->host_templates, error)
         && sc_json_get_bool (manifest, "useLinks", TRUE, &use_links, error);
}

static gboolean
read_health (ScExports *self, JsonObject *manifest, GError **error)
{
  JsonObject *health = NULL;
  if (!sc_json_get_object (manifest, "health", &health, error))
    return FALSE;
  if (health == NULL)
    return TRUE;
  self->health = sc_health_parse (health, error);
  return self->health != NULL;
}

static gboolean
read_no_service (ScExports *self, JsonObject *manifest, GError **error)
{
  return sc_json_get_bool (manifest, "noContainerService", FALSE, &self->no_container_service,
                           error);
}

static gboolean
parse_manifest (ScExports *self, GBytes *bytes, GPtrArray *problems, GError **error)
{
  static gboolean (*const readers[]) (ScExports *, JsonObject *, GError **)
      = { read_defaults, read_renames, read_host_file_members, read_health, read_no_service };
  gsize size = 0;
  const char *data = g_bytes_get_data (bytes, &size);
  GError *cause = NULL;
  g_autoptr (JsonObject) manifest = sc_json_parse_object (data, size, NULL, &cause);

  if (manifest == NULL)
    {
      sc_template_error_convert ("/" MANIFEST, &cause);
      return sc_problems_add (problems, cause, error);
    }
  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    if (!readers[i](self, manifest, &cause))
      {
        sc_template_error_convert ("/" MANIFEST, &cause);
        if (!sc_problems_add (problems, g_steal_pointer (&cause), error))
          return FALSE;
      }
  return TRUE;
}

/* A template that is no text, or too large for one, is told when it is to be rendered. */
static void
load_host_texts (ScExports *self, const Tree *tree)
{
  const char *const *templates = (const char *const *)self->host_templates;

  self->host_texts = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  for (guint i = 0; templates != NULL && i < self->host_nodes->len; i++)
    {
      const ScTreeNode *node = self->host_nodes->pdata[i];
      g_autofree char *path = g_strconcat ("/", node->path, NULL);
      g_autofree char *renamed = sc_host_files_rename (self->renames, path);
      if (node->type != SC_NODE_REGULAR || !g_strv_contains (templates, renamed))
        continue;
      g_autofree char *stored = g_strconcat (HOST_FILES, path, NULL);
      GBytes *text
          = sc_repo_read_file (tree->repo, tree->commit, stored, SC_TEMPLATE_MAX_BYTES, NULL);
      if (text != NULL)
        g_ptr_array_add (self->host_texts, text);
    }
}

static gboolean
load_host_files (ScExports *self, const Tree *tree, GError **error)
{
  gboolean exists = FALSE;
  if (!look_up (tree, HOST_FILES, SC_NODE_DIRECTORY, &exists, error))
    return FALSE;
  if (!exists)
    return TRUE;

  self->host_nodes
      = sc_repo_list_tree (tree->repo, tree->commit, HOST_FILES, MAX_HOST_FILES, error);
  if (self->host_nodes == NULL)
    return FALSE;
  load_host_texts (self, tree);
  return TRUE;
}

static gboolean
load_files (ScExports *self, const Tree *tree, GError **error)
{
  const struct
  {
    const char *path;
    gsize max_bytes;
    GBytes **bytes;
  } files[] = {
    { EXPORTS "/config.json", MAX_CONFIG_BYTES, &self->config },
    { EXPORTS "/config.json.template", SC_TEMPLATE_MAX_BYTES, &self->config_template },
    { EXPORTS "/service.template", SC_TEMPLATE_MAX_BYTES, &self->service_template },
    { EXPORTS "/tmpfiles.template", SC_TEMPLATE_MAX_BYTES, &self->tmpfiles_template },
  };
  GError *cause = NULL;
  for (guint i = 0; i < G_N_ELEMENTS (files); i++)
    if (!read_file (tree, files[i].path, files[i].max_bytes, files[i].bytes, &cause)
        && !sc_problems_add (tree->problems, g_steal_pointer (&cause), error))
      return FALSE;

  g_autoptr (GBytes) manifest = NULL;
  if (!read_file (tree, MANIFEST, MAX_MANIFEST_BYTES, &manifest, &cause))
    return sc_problems_add (tree->problems, cause, error);
  return manifest == NULL || parse_manifest (self, manifest, tree->problems, error);
}

ScExports *
sc_exports_load (ScRepo *repo, const char *rootfs_commit, GPtrArray *problems, GError **error)
{
  const Tree tree = { .repo = repo, .commit = rootfs_commit, .problems = problems };
  g_autoptr (ScExports) self = g_new0 (ScExports, 1);
  GError *cause = NULL;

  self->default_values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->renames = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (!look_up (&tree, EXPORTS, SC_NODE_DIRECTORY, &self->has_exports, error)
      || !load_files (self, &tree, error))
    return NULL;
  if (!load_host_files (self, &tree, &cause) && !sc_problems_add (problems, cause, error))
    return NULL;
  return g_steal_pointer (&self);
}

void
sc_exports_free (ScExports *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->config, g_bytes_unref);
  g_clear_pointer (&self->config_template, g_bytes_unref);
  g_clear_pointer (&self->service_template, g_bytes_unref);
  g_clear_pointer (&self->tmpfiles_template, g_bytes_unref);
  g_clear_pointer (&self->default_values, g_hash_table_unref);
  g_clear_pointer (&self->host_nodes, g_ptr_array_unref);
  g_clear_pointer (&self->host_texts, g_ptr_array_unref);
  g_clear_pointer (&self->renames, g_hash_table_unref);
  g_strfreev (self->host_templates);
  g_clear_pointer (&self->health, sc_health_free);
  g_free (self);
}

static void
add_variable (const ScExports *self, GHashTable *table, const char *name)
{
  const char *value = g_hash_table_lookup (self->default_values, name);
  gboolean image_decides = value != NULL && g_str_equal (name, "UUID");
  if (sc_builtin_is_reserved (name))
    return;
  if (sc_builtin_is_overridable (name) && !image_decides)
    value = SET_BY_OS;
  g_hash_table_replace (table, g_strdup (name), g_strdup (value));
}

/* (transfer full): of GBytes: what host files use variables in, besides templates */
static GPtrArray *
list_host_texts (const ScExports *self)
{
  GPtrArray *texts = g_ptr_array_new_with_free_func ((GDestroyNotify)g_bytes_unref);
  GHashTableIter iter;
  gpointer target;

  if (self->renames == NULL)
    return texts;
  g_hash_table_iter_init (&iter, self->renames);
  while (g_hash_table_iter_next (&iter, NULL, &target))
    g_ptr_array_add (texts, g_bytes_new (target, strlen (target)));
  for (char **path = self->host_templates; path != NULL && *path != NULL; path++)
    g_ptr_array_add (texts, g_bytes_new (*path, strlen (*path)));
  for (guint i = 0; self->host_texts != NULL && i < self->host_texts->len; i++)
    g_ptr_array_add (texts, g_bytes_ref (self->host_texts->pdata[i]));
  return texts;
}

gboolean
sc_exports_host_files_use (const ScExports *self, const char *name)
{
  g_autoptr (GPtrArray) texts = list_host_texts (self);

  for (guint i = 0; i < texts->len; i++)
    {
      g_auto (GStrv) names = sc_template_variables ("", texts->pdata[i], NULL);
      if (names != NULL && g_strv_contains ((const char *const *)names, name))
        return TRUE;
    }
  return FALSE;
}

static gboolean
collect (const ScExports *self, GHashTable *table, const char *file, GBytes *text, GError **error)
{
  if (text == NULL)
    return TRUE;
  g_auto (GStrv) names = sc_template_variables (file, text, error);
  if (names == NULL)
    return FALSE;
  for (char **name = names; *name != NULL; name++)
    add_variable (self, table, *name);
  return TRUE;
}

GHashTable *
sc_exports_variables (const ScExports *self, GPtrArray *problems, GError **error)
{
  g_autoptr (GHashTable) table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GPtrArray) host_texts = list_host_texts (self);
  const struct
  {
    const char *file;
    GBytes *text;
  } templates[] = {
    /* a config.json that is there as it is wins over the template */
    { "config.json.template", self->config == NULL ? self->config_template : NULL },
    { "service.template", self->service_template },
    { "tmpfiles.template", self->tmpfiles_template },
  };
  GError *cause = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (templates); i++)
    if (!collect (self, table, templates[i].file, templates[i].text, &cause)
        && !sc_problems_add (problems, g_steal_pointer (&cause), error))
      return NULL;
  for (guint i = 0; i < host_texts->len; i++)
    if (!collect (self, table, "hostfs", host_texts->pdata[i], &cause)
        && !sc_problems_add (problems, g_steal_pointer (&cause), error))
      return NULL;
  return g_steal_pointer (&table);
}
