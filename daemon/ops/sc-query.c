/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-query.h"

#include "base/sc-json.h"
#include "deploy/sc-container.h"
#include "deploy/sc-deployment-files.h"
#include "deploy/sc-exports.h"
#include "deploy/sc-secrets.h"
#include "image/sc-reference.h"
#include "store/sc-image-store.h"

#include <string.h>

#define MASK "********"

/* The config of an image may be larger than a manifest. */
static const ScJsonLimits config_limits = {
  .max_bytes = SC_IMAGE_CONFIG_MAX_BYTES,
  .max_depth = 16,
  .max_values = 20000,
  .max_string_bytes = 64 * 1024,
};

/* @bytes: (nullable): null in the answer */
static gboolean
add_document (JsonObject *object, const char *member, GBytes *bytes, GError **error)
{
  gsize size = 0;
  const char *data = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;
  JsonNode *node = data != NULL ? sc_json_parse (data, size, &config_limits, error)
                                : json_node_new (JSON_NODE_NULL);

  if (node == NULL)
    return sc_prefix_error (error, "%s: ", member);
  json_object_set_member (object, member, node);
  return TRUE;
}

/* Images that other tools stored may lack either: an old manifest names no config, a tree made in
 * OSTree has no manifest, and a prune of atomic has taken configs away. */
static gboolean
read_document (GBytes **bytes,
               GBytes *(*read) (ScRepo *repo, const ScImage *image, GError **error),
               ScRepo *repo,
               const ScImage *image,
               GError **error)
{
  g_autoptr (GError) cause = NULL;

  *bytes = read (repo, image, &cause);
  if (*bytes != NULL || g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND)
      || g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_NOT_SUPPORTED))
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&cause));
  return FALSE;
}

static gboolean
add_documents (JsonObject *object, ScRepo *repo, const ScImage *image, GError **error)
{
  g_autoptr (GBytes) manifest = NULL;
  g_autoptr (GBytes) config = NULL;

  return read_document (&manifest, sc_image_store_get_manifest, repo, image, error)
         && read_document (&config, sc_image_store_get_config, repo, image, error)
         && add_document (object, "manifest", manifest, error)
         && add_document (object, "config", config, error);
}

static void
add_labels (JsonObject *object, GHashTable *labels)
{
  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (labels), (GCompareFunc)strcmp);
  JsonObject *members = json_object_new ();

  for (GList *l = names; l != NULL; l = l->next)
    json_object_set_string_member (members, l->data, g_hash_table_lookup (labels, l->data));
  json_object_set_object_member (object, "labels", members);
}

static gboolean
add_variables (JsonObject *object, ScRepo *repo, const ScImage *image, GError **error)
{
  g_autofree char *rootfs = sc_image_store_ensure_rootfs (repo, image, NULL, error);
  g_autoptr (ScExports) exports
      = rootfs != NULL ? sc_exports_load (repo, rootfs, NULL, error) : NULL;
  g_autoptr (GHashTable) variables
      = exports != NULL ? sc_exports_variables (exports, NULL, error) : NULL;
  if (variables == NULL)
    return FALSE;

  g_autoptr (GList) names = g_list_sort (g_hash_table_get_keys (variables), (GCompareFunc)strcmp);
  JsonObject *members = json_object_new ();
  for (GList *l = names; l != NULL; l = l->next)
    {
      const char *fallback = g_hash_table_lookup (variables, l->data);
      if (fallback != NULL)
        json_object_set_string_member (members, l->data, fallback);
      else
        json_object_set_null_member (members, l->data);
    }
  json_object_set_object_member (object, "variables", members);
  return TRUE;
}

static void
add_names (JsonObject *object, const ScImage *image)
{
  JsonArray *references = json_array_new ();

  for (guint i = 0; image->references[i] != NULL; i++)
    json_array_add_string_element (references, image->references[i]);
  json_object_set_int_member (object, "version", 1);
  json_object_set_string_member (object, "reference", image->references[0]);
  json_object_set_array_member (object, "references", references);
  json_object_set_string_member (object, "digest", image->digest);
  json_object_set_string_member (object, "source", image->source);
  json_object_set_string_member (object, "platform", image->platform);
}

static void
add_numbers (JsonObject *object, const ScImage *image)
{
  json_object_set_int_member (object, "created", MAX (image->created_usec, 0));
  json_object_set_int_member (object, "pulled", MAX (image->pulled_usec, 0));
  json_object_set_int_member (object, "size", (gint64)image->size_bytes);
  json_object_set_int_member (object, "compressed-size", (gint64)image->compressed_bytes);
  json_object_set_int_member (object, "exclusive-size", (gint64)image->exclusive_bytes);
}

/* The first of the names that @name may stand for and that is stored. */
static ScImage *
find_completed (ScRepo *repo, const ScConfig *config, const char *name)
{
  g_autoptr (ScReference) reference = sc_reference_parse (name, NULL);
  g_autoptr (GPtrArray) candidates
      = reference != NULL ? sc_reference_list_candidates (
            reference, config->short_names, (const char *const *)config->unqualified_search, NULL)
                          : NULL;
  ScImage *image = NULL;

  for (guint i = 0; candidates != NULL && i < candidates->len && image == NULL; i++)
    {
      const ScReference *candidate = candidates->pdata[i];
      image = sc_image_store_lookup (repo, candidate->fullname, NULL);
    }
  return image;
}

static ScImage *
find_image (ScRepo *repo, const ScConfig *config, const char *name, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  ScImage *image = sc_image_store_lookup (repo, name, &local_error);

  if (g_error_matches (local_error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND))
    image = find_completed (repo, config, name);
  if (image == NULL)
    g_propagate_error (error, g_steal_pointer (&local_error));
  return image;
}

char *
sc_query_inspect_image (const ScPaths *paths,
                        const ScConfig *config,
                        const char *name,
                        GError **error)
{
  g_autoptr (ScRepo) repo = sc_repo_open (paths, error);
  g_autoptr (ScImage) image = repo != NULL ? find_image (repo, config, name, error) : NULL;
  g_autoptr (JsonObject) object = json_object_new ();

  if (image == NULL)
    return NULL;
  add_names (object, image);
  add_numbers (object, image);
  add_labels (object, image->labels);
  if (!add_documents (object, repo, image, error) || !add_variables (object, repo, image, error))
    {
      sc_prefix_error (error, "image \"%s\": ", name);
      return NULL;
    }

  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  return sc_json_to_text (node, FALSE);
}

static JsonObject *
read_info (const ScPaths *paths, const char *name, GError **error)
{
  g_autoptr (GBytes) info = sc_deployment_read_file (paths, name, "info", error);
  if (info == NULL)
    return NULL;

  gsize size;
  const char *data = g_bytes_get_data (info, &size);
  return sc_json_parse_object (data, size, &config_limits, error);
}

/* That there are any is no secret. */
static gboolean
add_masked (const ScPaths *paths, const ScContainer *container, GHashTable *values, GError **error)
{
  g_autoptr (GHashTable) secrets
      = sc_secrets_load (paths, container->name, container->current, error);
  GHashTableIter iter;
  gpointer name;

  if (secrets == NULL)
    return FALSE;
  g_hash_table_iter_init (&iter, secrets);
  while (g_hash_table_iter_next (&iter, &name, NULL))
    g_hash_table_replace (values, g_strdup (name), g_strdup (MASK));
  return TRUE;
}

GHashTable *
sc_query_values (const ScPaths *paths, const char *name, GError **error)
{
  g_autoptr (ScContainer) container = sc_container_load (paths, name, error);
  if (container == NULL)
    return NULL;

  g_autoptr (GError) local_error = NULL;
  g_autoptr (JsonObject) object = read_info (paths, name, &local_error);
  JsonObject *members = NULL;
  if (object == NULL || !sc_json_get_object (object, "values", &members, &local_error))
    {
      /* The file is our own: whatever is wrong with it, the container is damaged. */
      sc_error_set (error, SYSCONT_ERROR_DAMAGED, "container \"%s\": info: %s", name,
                    local_error->message);
      return NULL;
    }

  g_autoptr (GHashTable) values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  g_autoptr (GList) names = members != NULL ? json_object_get_members (members) : NULL;
  for (GList *l = names; l != NULL; l = l->next)
    {
      JsonNode *node = json_object_get_member (members, l->data);
      /* atomic wrote the user's and group's ids as numbers */
      char *text = JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING
                       ? json_node_dup_string (node)
                       : json_to_string (node, FALSE);
      g_hash_table_insert (values, g_strdup (l->data), text);
    }
  return add_masked (paths, container, values, error) ? g_steal_pointer (&values) : NULL;
}
