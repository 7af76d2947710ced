/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "store/sc-stored-manifest.h"

#include "base/sc-digest.h"
#include "base/sc-json.h"

#include <string.h>

static gboolean
read_digest (JsonObject *object, const char *member, const char **digest, GError **error)
{
  if (!sc_json_get_string (object, member, digest, error))
    return FALSE;
  if (*digest == NULL || !sc_digest_is_valid (*digest))
    return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "\"%s\" is no digest", member);
  return TRUE;
}

static JsonObject *
get_object_element (JsonArray *array, guint index, GError **error)
{
  JsonNode *node = json_array_get_element (array, index);

  if (JSON_NODE_HOLDS_OBJECT (node))
    return json_node_get_object (node);
  sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "an element of a list is not an object");
  return NULL;
}

/* Schema 1 lists the newest layer first. */
static gboolean
read_layer_objects (ScStoredManifest *self, JsonArray *array, const char *member, GError **error)
{
  guint n = json_array_get_length (array);

  self->layers = g_new0 (char *, n + 1);
  self->layer_sizes = g_new0 (guint64, n + 1);
  for (guint i = 0; i < n; i++)
    {
      JsonObject *object = get_object_element (array, self->is_schema1 ? n - 1 - i : i, error);
      const char *digest = NULL;

      if (object == NULL || !read_digest (object, member, &digest, error)
          || !sc_json_get_uint (object, "size", 0, &self->layer_sizes[i], error))
        return FALSE;
      self->layers[i] = g_strdup (digest);
    }
  return TRUE;
}

static gboolean
read_layer_names (ScStoredManifest *self, JsonObject *root, GError **error)
{
  if (!sc_json_get_strv (root, "Layers", &self->layers, error))
    return FALSE;
  if (self->layers == NULL)
    self->layers = g_new0 (char *, 1);
  for (guint i = 0; self->layers[i] != NULL; i++)
    if (!sc_digest_is_valid (self->layers[i]))
      return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID,
                           "\"Layers\" has an element that is no digest");
  self->layer_sizes = g_new0 (guint64, g_strv_length (self->layers) + 1);
  return TRUE;
}

static gboolean
read_layers (ScStoredManifest *self, JsonObject *root, GError **error)
{
  JsonArray *array = NULL;

  if (!sc_json_get_array (root, "fsLayers", &array, error))
    return FALSE;
  if (array != NULL)
    {
      self->is_schema1 = TRUE;
      return read_layer_objects (self, array, "blobSum", error);
    }
  if (!sc_json_get_array (root, "layers", &array, error))
    return FALSE;
  if (array != NULL)
    return read_layer_objects (self, array, "digest", error);
  return read_layer_names (self, root, error);
}

/* Labels are only shown: those of another type than string are left out. */
static void
add_labels (ScStoredManifest *self, JsonObject *parent, const char *member)
{
  JsonObject *labels = NULL;
  JsonObjectIter iter;
  const char *name = NULL;
  JsonNode *value = NULL;

  if (!sc_json_get_object (parent, member, &labels, NULL) || labels == NULL)
    return;
  json_object_iter_init (&iter, labels);
  while (json_object_iter_next (&iter, &name, &value))
    if (JSON_NODE_HOLDS_VALUE (value) && json_node_get_value_type (value) == G_TYPE_STRING)
      g_hash_table_insert (self->labels, g_strdup (name), json_node_dup_string (value));
}

static void
read_platform (ScStoredManifest *self, JsonObject *image)
{
  const char *os = NULL;
  const char *architecture = NULL;

  if (!sc_json_get_string (image, "os", &os, NULL) || os == NULL
      || !sc_json_get_string (image, "architecture", &architecture, NULL) || architecture == NULL)
    return;
  g_free (self->platform);
  self->platform = g_strconcat (os, "/", architecture, NULL);
}

static void
read_history_entry (ScStoredManifest *self, JsonObject *entry)
{
  const char *text = NULL;
  JsonObject *config = NULL;

  if (!sc_json_get_string (entry, "v1Compatibility", &text, NULL) || text == NULL)
    return;
  g_autoptr (JsonObject) image = sc_json_parse_object (text, strlen (text), NULL, NULL);
  if (image == NULL)
    return;
  if (sc_json_get_object (image, "container_config", &config, NULL) && config != NULL)
    add_labels (self, config, "Labels");
  if (sc_json_get_object (image, "config", &config, NULL) && config != NULL)
    add_labels (self, config, "Labels");
  read_platform (self, image);
}

/* From the oldest to the newest, which decides. */
static void
read_history (ScStoredManifest *self, JsonObject *root)
{
  JsonArray *history = NULL;

  add_labels (self, root, "Labels");
  if (!sc_json_get_array (root, "history", &history, NULL) || history == NULL)
    return;
  for (guint i = json_array_get_length (history); i > 0; i--)
    {
      JsonObject *entry = get_object_element (history, i - 1, NULL);
      if (entry != NULL)
        read_history_entry (self, entry);
    }
}

ScStoredManifest *
sc_stored_manifest_parse (const char *text, GError **error)
{
  g_autoptr (JsonObject) root = sc_json_parse_object (text, strlen (text), NULL, error);
  if (root == NULL)
    return NULL;

  g_autoptr (ScStoredManifest) self = g_new0 (ScStoredManifest, 1);
  JsonObject *config = NULL;
  const char *digest = NULL;
  self->text = g_strdup (text);
  self->labels = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (!read_layers (self, root, error) || !sc_json_get_object (root, "config", &config, error))
    return NULL;
  if (config != NULL && !read_digest (config, "digest", &digest, error))
    return NULL;

  self->config_digest = g_strdup (digest);
  if (config == NULL)
    read_history (self, root);
  return g_steal_pointer (&self);
}

gboolean
sc_stored_manifest_load (ScRepo *repo,
                         const char *commit,
                         ScStoredManifest **manifest,
                         GError **error)
{
  g_autoptr (GHashTable) strings = sc_repo_get_commit_strings (repo, commit, error);
  if (strings == NULL)
    return FALSE;

  const char *text = g_hash_table_lookup (strings, "docker.manifest");
  *manifest = text != NULL ? sc_stored_manifest_parse (text, error) : NULL;
  return text == NULL || *manifest != NULL || sc_prefix_error (error, "stored manifest: ");
}

void
sc_stored_manifest_free (ScStoredManifest *self)
{
  g_free (self->text);
  g_strfreev (self->layers);
  g_free (self->layer_sizes);
  g_free (self->config_digest);
  g_free (self->platform);
  g_clear_pointer (&self->labels, g_hash_table_unref);
  g_free (self);
}
