/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-host-files.h"

#include "base/sc-digest.h"
#include "base/sc-json.h"
#include "deploy/sc-info.h"

#include <string.h>

#define MANIFEST         "/exports/manifest.json"
#define MAX_TOTAL_BYTES  (G_GUINT64_CONSTANT (256) * 1024 * 1024)
#define HASH_CHUNK_BYTES (128 * 1024)

typedef struct
{
  const ScHostFilesRequest *request;
  ScHostFiles *out;
  GHashTable *by_path; /* (owned) path (lent) to ScHostFile (lent) */
  guint64 total_bytes;
} Render;

static void
host_file_free (gpointer data)
{
  ScHostFile *self = data;

  sc_host_entry_free (self->entry);
  g_clear_pointer (&self->text, g_bytes_unref);
  g_free (self->object);
  g_free (self);
}

void
sc_host_files_free (ScHostFiles *self)
{
  g_ptr_array_unref (self->files);
  g_hash_table_unref (self->renames);
  g_strfreev (self->templates);
  g_free (self);
}

static void
render_clear (Render *self)
{
  g_clear_pointer (&self->by_path, g_hash_table_unref);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Render, render_clear)

char *
sc_host_files_rename (GHashTable *renames, const char *path)
{
  g_auto (GStrv) parts = g_strsplit (path + 1, "/", -1);
  g_autoptr (GString) so_far = g_string_new (NULL);

  for (char **part = parts; *part != NULL; part++)
    {
      g_string_append_printf (so_far, "/%s", *part);
      const char *renamed = g_hash_table_lookup (renames, so_far->str);
      if (renamed != NULL)
        g_string_assign (so_far, renamed);
    }
  return g_string_free (g_steal_pointer (&so_far), FALSE);
}

/* (transfer full) (nullable): a path that manifest.json spells with variables */
static char *
expand_path (const Render *self, const char *member, const char *text, GError **error)
{
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));
  g_autofree char *file = g_strdup_printf (MANIFEST ": %s", member);
  g_autofree char *expanded
      = sc_template_expand (file, bytes, SC_TEMPLATE_TEXT, self->request->values, error);
  if (expanded == NULL)
    return NULL;

  g_autofree char *path = sc_host_path_clean (expanded);
  if (path != NULL && !g_str_equal (path, "/"))
    return g_steal_pointer (&path);
  g_autofree char *shown = sc_text_escape (expanded);
  sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                "%s: \"%s\" is not an absolute path without \"..\"", file, shown);
  return NULL;
}

static gboolean
expand_manifest (Render *self, GError **error)
{
  const ScExports *exports = self->request->exports;
  g_autoptr (GStrvBuilder) templates = g_strv_builder_new ();
  GHashTableIter iter;
  gpointer from, to;

  g_hash_table_iter_init (&iter, exports->renames);
  while (g_hash_table_iter_next (&iter, &from, &to))
    {
      char *path = expand_path (self, "renameFiles", to, error);
      if (path == NULL)
        return FALSE;
      g_hash_table_insert (self->out->renames, g_strdup (from), path);
    }
  for (guint i = 0; exports->host_templates != NULL && exports->host_templates[i] != NULL; i++)
    {
      g_autofree char *path
          = expand_path (self, "installedFilesTemplate", exports->host_templates[i], error);
      if (path == NULL)
        return FALSE;
      g_strv_builder_add (templates, path);
    }
  self->out->templates = g_strv_builder_end (templates);
  return TRUE;
}

static char *
hash_object (ScRepo *repo, const char *object, GError **error)
{
  g_autoptr (GInputStream) input = sc_repo_open_object (repo, object, error);
  g_autoptr (ScHasher) hasher = sc_hasher_new ();
  g_autofree char *chunk = g_malloc (HASH_CHUNK_BYTES);

  for (gssize n = 0; input != NULL; sc_hasher_update (hasher, chunk, (gsize)n))
    {
      n = g_input_stream_read (input, chunk, HASH_CHUNK_BYTES, NULL, error);
      if (n == 0)
        return sc_hasher_finish (hasher);
      if (n < 0)
        break;
    }
  return NULL;
}

static gboolean
render_template (Render *self, const ScTreeNode *node, ScHostFile *file, GError **error)
{
  g_autoptr (GInputStream) input = sc_repo_open_object (self->request->repo, node->object, error);
  if (input == NULL)
    return FALSE;
  if (node->size_bytes > SC_TEMPLATE_MAX_BYTES)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "a template of %" G_GUINT64_FORMAT " bytes, more than %d",
                         node->size_bytes, SC_TEMPLATE_MAX_BYTES);

  g_autofree char *data = g_malloc (node->size_bytes + 1);
  gsize n_read = 0;
  if (!g_input_stream_read_all (input, data, node->size_bytes, &n_read, NULL, error))
    return FALSE;
  g_autoptr (GBytes) text = g_bytes_new (data, n_read);
  char *rendered = sc_template_expand (file->entry->path, text, SC_TEMPLATE_TEXT,
                                       self->request->values, error);
  if (rendered == NULL)
    return FALSE;

  gsize size_bytes = strlen (rendered);
  g_autofree char *digest = sc_digest_of_bytes (rendered, size_bytes);
  file->text = g_bytes_new_take (rendered, size_bytes);
  file->entry->checksum = g_strdup (sc_digest_hex (digest));
  return TRUE;
}

static gboolean
fill_regular (Render *self, const ScTreeNode *node, ScHostFile *file, GError **error)
{
  const char *const *templates = (const char *const *)self->out->templates;

  file->entry->mode = (node->mode & 0111) != 0 ? 0755 : 0644;
  self->total_bytes += node->size_bytes;
  if (self->total_bytes > MAX_TOTAL_BYTES)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "the files for the host have more than %" G_GUINT64_FORMAT " bytes",
                         MAX_TOTAL_BYTES);
  if (g_strv_contains (templates, file->entry->path))
    return render_template (self, node, file, error);
  file->object = g_strdup (node->object);
  file->entry->checksum = hash_object (self->request->repo, node->object, error);
  return file->entry->checksum != NULL;
}

static gboolean
fill (Render *self, const ScTreeNode *node, ScHostFile *file, GError **error)
{
  const ScHostPathPolicy *policy = self->request->policy;
  ScHostEntry *entry = file->entry;

  if (!sc_host_path_check_file (policy, entry->path, node->type == SC_NODE_DIRECTORY, error))
    return FALSE;
  if (node->type == SC_NODE_DIRECTORY)
    {
      entry->type = SC_HOST_DIRECTORY;
      entry->mode = 0755;
      return TRUE;
    }
  if (node->type == SC_NODE_SYMLINK)
    {
      entry->type = SC_HOST_SYMLINK;
      entry->target = g_strdup (node->target);
      return sc_host_path_check_link (policy, entry->path, node->target, error);
    }
  entry->type = SC_HOST_FILE;
  return fill_regular (self, node, file, error);
}

static gboolean
add_node (Render *self, const ScTreeNode *node, GError **error)
{
  g_autofree char *given = g_strconcat ("/", node->path, NULL);
  g_autofree char *clean = sc_host_path_clean (given);
  g_autofree char *shown = sc_text_escape (given);
  if (clean == NULL)
    return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                         "/exports/hostfs%s: the name has control characters or is too long",
                         shown);

  ScHostFile *file = g_new0 (ScHostFile, 1);
  g_autofree char *path = sc_host_files_rename (self->out->renames, clean);
  file->entry = sc_host_entry_new (path, SC_HOST_NONE);
  g_ptr_array_add (self->out->files, file);
  if (!fill (self, node, file, error))
    return sc_prefix_error (error, "/exports/hostfs%s: ", shown);
  if (!g_hash_table_insert (self->by_path, file->entry->path, file))
    return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                         "/exports/hostfs%s: another file of the image gets the same name", shown);
  return TRUE;
}

/* What renaming put below a file can never be there. */
static gboolean
check_parents (const Render *self, const ScHostFile *file, GError **error)
{
  g_autofree char *parent = g_path_get_dirname (file->entry->path);

  while (!g_str_equal (parent, "/"))
    {
      const ScHostFile *above = g_hash_table_lookup (self->by_path, parent);
      g_autofree char *shown = sc_text_escape (file->entry->path);
      if (above != NULL && above->entry->type != SC_HOST_DIRECTORY)
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                             "/exports/hostfs: \"%s\" is below another file of the image", shown);
      char *next = g_path_get_dirname (parent);
      g_free (parent);
      parent = next;
    }
  return TRUE;
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  const ScHostFile *x = *(ScHostFile *const *)a;
  const ScHostFile *y = *(ScHostFile *const *)b;

  return strcmp (x->entry->path, y->entry->path);
}

ScHostFiles *
sc_host_files_render (const ScHostFilesRequest *request, GError **error)
{
  g_autoptr (ScHostFiles) out = g_new0 (ScHostFiles, 1);
  g_auto (Render) self
      = { .request = request, .out = out, .by_path = g_hash_table_new (g_str_hash, g_str_equal) };
  const GPtrArray *nodes = request->exports->host_nodes;

  out->files = g_ptr_array_new_with_free_func (host_file_free);
  out->renames = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (!expand_manifest (&self, error))
    return NULL;
  for (guint i = 0; nodes != NULL && i < nodes->len; i++)
    {
      const ScTreeNode *node = nodes->pdata[i];
      if ((node->type != SC_NODE_DIRECTORY || node->is_empty) && !add_node (&self, node, error))
        return NULL;
    }
  for (guint i = 0; i < out->files->len; i++)
    if (!check_parents (&self, out->files->pdata[i], error))
      return NULL;
  g_ptr_array_sort (out->files, compare_paths);
  return g_steal_pointer (&out);
}

/* HOST_UID and HOST_GID have always been numbers there. */
static void
take_value (JsonObject *values, const char *name, JsonNode *node, gpointer user_data)
{
  ScValues *out = user_data;

  if (!JSON_NODE_HOLDS_VALUE (node))
    return;
  if (json_node_get_value_type (node) == G_TYPE_INT64)
    {
      g_autofree char *number = g_strdup_printf ("%" G_GINT64_FORMAT, json_node_get_int (node));
      sc_values_set (out, name, number, SC_VALUE_BUILTIN);
    }
  else if (json_node_get_value_type (node) == G_TYPE_STRING)
    sc_values_set (out, name, json_node_get_string (node), SC_VALUE_BUILTIN);
}

static ScValues *
load_values (const ScPaths *paths, const char *name, guint64 n, GError **error)
{
  g_autoptr (JsonObject) info = sc_info_load (paths, name, n, error);
  g_autoptr (ScValues) out = sc_values_new ();
  JsonObject *values = NULL;

  if (info == NULL || !sc_json_get_object (info, "values", &values, error))
    return NULL;
  if (values != NULL)
    json_object_foreach_member (values, take_value, out);
  return g_steal_pointer (&out);
}

ScHostFiles *
sc_host_files_load (
    ScRepo *repo, const ScHostPathPolicy *policy, const char *name, guint64 n, GError **error)
{
  g_autofree char *directory = g_strdup_printf ("%s.%" G_GUINT64_FORMAT, name, n);
  g_autofree char *ref = g_strdup_printf ("syscont/deploy/%s/%" G_GUINT64_FORMAT, name, n);
  g_autofree char *commit = sc_repo_resolve (repo, ref, error);
  if (commit == NULL)
    {
      if (error != NULL && *error == NULL)
        sc_error_set (error, SYSCONT_ERROR_DAMAGED, "the repository has no \"%s\"", ref);
      return NULL;
    }

  g_autoptr (ScExports) exports = sc_exports_load (repo, commit, NULL, error);
  g_autoptr (ScValues) values
      = exports != NULL ? load_values (policy->paths, name, n, error) : NULL;
  const ScHostFilesRequest request
      = { .repo = repo, .exports = exports, .values = values, .policy = policy };
  ScHostFiles *files = values != NULL ? sc_host_files_render (&request, error) : NULL;
  if (files == NULL)
    sc_prefix_error (error, "deployment \"%s\": ", directory);
  return files;
}
