/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "image/sc-manifest.h"

#include "base/sc-digest.h"
#include "base/sc-json.h"
#include "image/sc-image-config.h"

#include <string.h>

#define OCI_INDEX           "application/vnd.oci.image.index.v1+json"
#define OCI_MANIFEST        "application/vnd.oci.image.manifest.v1+json"
#define DOCKER_LIST         "application/vnd.docker.distribution.manifest.list.v2+json"
#define DOCKER_MANIFEST     "application/vnd.docker.distribution.manifest.v2+json"
#define MAX_NAMED_PLATFORMS 16
#define MAX_PLATFORM_BYTES  64
#define REF_NAME            "org.opencontainers.image.ref.name"

const char *const sc_manifest_accept[]
    = { OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST, NULL };

static const char *const config_types[] = {
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
  NULL,
};

static const struct
{
  const char *media_type;
  ScCompression compression;
} layer_types[] = {
  { "application/vnd.oci.image.layer.v1.tar", SC_COMPRESSION_NONE },
  { "application/vnd.oci.image.layer.v1.tar+gzip", SC_COMPRESSION_GZIP },
  { "application/vnd.oci.image.layer.v1.tar+zstd", SC_COMPRESSION_ZSTD },
  { "application/vnd.docker.image.rootfs.diff.tar", SC_COMPRESSION_NONE },
  { "application/vnd.docker.image.rootfs.diff.tar.gzip", SC_COMPRESSION_GZIP },
  { "application/vnd.docker.image.rootfs.diff.tar.zstd", SC_COMPRESSION_ZSTD },
};

void
sc_descriptor_free (ScDescriptor *self)
{
  g_free (self->media_type);
  g_free (self->digest);
  g_clear_pointer (&self->platform, sc_platform_free);
  g_free (self->ref_name);
  g_free (self);
}

void
sc_manifest_free (ScManifest *self)
{
  g_free (self->media_type);
  g_ptr_array_unref (self->children);
  g_clear_pointer (&self->config, sc_descriptor_free);
  g_ptr_array_unref (self->layers);
  g_free (self);
}

static gboolean
invalid (GError **error, const char *what)
{
  return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "%s", what);
}

/* A type of an outsider, for a message. */
static gboolean
unsupported (GError **error, const char *what, const char *media_type)
{
  g_autofree char *escaped = sc_text_escape (media_type);

  return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED, "%s of type \"%s\" is not supported",
                       what, escaped);
}

static ScDescriptor *
parse_descriptor (JsonObject *object, GError **error)
{
  g_autoptr (ScDescriptor) self = g_new0 (ScDescriptor, 1);
  const char *media_type;
  const char *digest;

  if (!sc_json_get_string (object, "mediaType", &media_type, error)
      || !sc_json_get_string (object, "digest", &digest, error)
      || !sc_json_get_uint (object, "size", 0, &self->size_bytes, error))
    return NULL;
  if (media_type == NULL || digest == NULL || json_object_get_member (object, "size") == NULL)
    {
      invalid (error, "a descriptor lacks mediaType, digest or size");
      return NULL;
    }
  if (self->size_bytes == 0)
    {
      invalid (error, "the size is 0");
      return NULL;
    }
  if (!sc_digest_is_valid (digest))
    {
      g_autofree char *escaped = sc_text_escape (digest);
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "\"%s\" is no sha256 digest", escaped);
      return NULL;
    }
  self->media_type = g_strdup (media_type);
  self->digest = g_strdup (digest);
  return g_steal_pointer (&self);
}

static JsonObject *
get_element (JsonArray *array, guint i, GError **error)
{
  JsonNode *node = json_array_get_element (array, i);

  if (JSON_NODE_HOLDS_OBJECT (node))
    return json_node_get_object (node);
  invalid (error, "a descriptor is no object");
  return NULL;
}

/* --- manifests --- */

static gboolean
parse_config (ScManifest *self, JsonObject *root, GError **error)
{
  JsonObject *object;

  if (!sc_json_get_object (root, "config", &object, error))
    return FALSE;
  if (object == NULL)
    return invalid (error, "the manifest has no config");
  self->config = parse_descriptor (object, error);
  if (self->config == NULL)
    return sc_prefix_error (error, "config: ");
  if (!g_strv_contains (config_types, self->config->media_type))
    return unsupported (error, "an artifact, with a config", self->config->media_type);
  if (self->config->size_bytes > SC_IMAGE_CONFIG_MAX_BYTES)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "the config has %" G_GUINT64_FORMAT " bytes, more than %d",
                         self->config->size_bytes, SC_IMAGE_CONFIG_MAX_BYTES);
  return TRUE;
}

static gboolean
check_layer (ScDescriptor *layer, GError **error)
{
  for (gsize i = 0; i < G_N_ELEMENTS (layer_types); i++)
    if (strcmp (layer_types[i].media_type, layer->media_type) == 0)
      {
        layer->compression = layer_types[i].compression;
        return TRUE;
      }
  return unsupported (error, "a layer", layer->media_type);
}

static gboolean
parse_layers (ScManifest *self, JsonObject *root, GError **error)
{
  guint64 left = G_MAXINT64; /* so that nobody's sum of the sizes overflows */
  JsonArray *array;

  if (!sc_json_get_array (root, "layers", &array, error))
    return FALSE;
  if (array == NULL || json_array_get_length (array) == 0)
    return invalid (error, "the manifest has no layers");
  if (json_array_get_length (array) > SC_MANIFEST_MAX_LAYERS)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "the image has %u layers, more than %d", json_array_get_length (array),
                         SC_MANIFEST_MAX_LAYERS);

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonObject *object = get_element (array, i, error);
      ScDescriptor *layer = object != NULL ? parse_descriptor (object, error) : NULL;
      if (layer == NULL)
        return sc_prefix_error (error, "layer %u: ", i);
      g_ptr_array_add (self->layers, layer);
      if (!check_layer (layer, error))
        return sc_prefix_error (error, "layer %u: ", i);
      if (layer->size_bytes > left)
        return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                             "the layers have more bytes together than can be counted");
      left -= layer->size_bytes;
    }
  return TRUE;
}

/* --- indexes --- */

static gboolean
parse_platform (ScDescriptor *child, JsonObject *object, GError **error)
{
  JsonObject *platform;
  const char *os;
  const char *architecture;
  const char *variant;

  if (!sc_json_get_object (object, "platform", &platform, error))
    return FALSE;
  if (platform == NULL)
    return TRUE;
  if (!sc_json_get_string (platform, "os", &os, error)
      || !sc_json_get_string (platform, "architecture", &architecture, error)
      || !sc_json_get_string (platform, "variant", &variant, error))
    return FALSE;
  if (os == NULL || architecture == NULL)
    return invalid (error, "a platform lacks os or architecture");
  child->platform = sc_platform_new (os, architecture, variant);
  return TRUE;
}

static gboolean
parse_ref_name (ScDescriptor *child, JsonObject *object, GError **error)
{
  JsonObject *annotations;
  const char *name = NULL;

  if (!sc_json_get_object (object, "annotations", &annotations, error)
      || (annotations != NULL && !sc_json_get_string (annotations, REF_NAME, &name, error)))
    return FALSE;
  child->ref_name = g_strdup (name);
  return TRUE;
}

static gboolean
parse_children (ScManifest *self, JsonObject *root, GError **error)
{
  JsonArray *array;

  if (!sc_json_get_array (root, "manifests", &array, error))
    return FALSE;
  if (array == NULL)
    return invalid (error, "the index has no manifests");
  if (json_array_get_length (array) > SC_INDEX_MAX_CHILDREN)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED,
                         "the index has %u manifests, more than %d", json_array_get_length (array),
                         SC_INDEX_MAX_CHILDREN);

  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonObject *object = get_element (array, i, error);
      ScDescriptor *child = object != NULL ? parse_descriptor (object, error) : NULL;
      if (child == NULL)
        return sc_prefix_error (error, "manifest %u: ", i);
      g_ptr_array_add (self->children, child);
      if (!parse_platform (child, object, error) || !parse_ref_name (child, object, error))
        return sc_prefix_error (error, "manifest %u: ", i);
    }
  return TRUE;
}

/* --- both --- */

/* Which of the two a document is must follow from each of its parts alike (CVE-2021-41190). */
static gboolean
check_keys (JsonObject *root, GError **error)
{
  gboolean is_manifest
      = json_object_has_member (root, "layers") || json_object_has_member (root, "config");

  if (json_object_has_member (root, "fsLayers") || json_object_has_member (root, "history"))
    return invalid (error, "it has the keys of schema 1 but says schema 2");
  if (is_manifest && json_object_has_member (root, "manifests"))
    return invalid (error, "it is a manifest and an index at once");
  if (!is_manifest && !json_object_has_member (root, "manifests"))
    return invalid (error, "it is neither a manifest nor an index");
  return TRUE;
}

/* Content types may have parameters. */
static char *
bare_type (const char *content_type)
{
  const char *semicolon = strchr (content_type, ';');
  char *type = semicolon != NULL ? g_strndup (content_type, (gsize)(semicolon - content_type))
                                 : g_strdup (content_type);

  return g_strstrip (type);
}

/* Sets the media type to what document and transfer say, NULL when neither says a thing. */
static gboolean
find_media_type (ScManifest *self, JsonObject *root, const char *content_type, GError **error)
{
  const char *media_type;
  g_autofree char *type
      = content_type != NULL && content_type[0] != '\0' ? bare_type (content_type) : NULL;

  if (!sc_json_get_string (root, "mediaType", &media_type, error))
    return FALSE;
  /* Servers of plain files do not know the type. */
  if (type != NULL
      && (g_str_equal (type, "application/json") || g_str_equal (type, "application/octet-stream")))
    g_clear_pointer (&type, g_free);
  if (media_type != NULL && type != NULL && strcmp (media_type, type) != 0)
    return invalid (error, "its mediaType is not the type that it was sent with");

  self->media_type = media_type != NULL ? g_strdup (media_type) : g_steal_pointer (&type);
  if (self->media_type != NULL && !g_strv_contains (sc_manifest_accept, self->media_type))
    return unsupported (error, "a manifest", self->media_type);
  return TRUE;
}

static gboolean
check_version (JsonObject *root, GError **error)
{
  guint64 version;

  if (!sc_json_get_uint (root, "schemaVersion", 0, &version, error))
    return FALSE;
  if (version == 1)
    return sc_error_set (
        error, SYSCONT_ERROR_NOT_SUPPORTED,
        "manifests of schema 1 are not supported; push the image again with a current tool");
  return version == 2 || invalid (error, "its schemaVersion is not 2");
}

static gboolean
parse (ScManifest *self, JsonObject *root, const char *content_type, GError **error)
{
  if (!find_media_type (self, root, content_type, error) || !check_version (root, error)
      || !check_keys (root, error))
    return FALSE;

  self->is_index = json_object_has_member (root, "manifests");
  if (self->media_type == NULL)
    self->media_type = g_strdup (self->is_index ? OCI_INDEX : OCI_MANIFEST);
  if (self->is_index
      != (g_str_equal (self->media_type, OCI_INDEX) || g_str_equal (self->media_type, DOCKER_LIST)))
    return invalid (error, "its content is not that of its mediaType");
  return self->is_index ? parse_children (self, root, error)
                        : parse_config (self, root, error) && parse_layers (self, root, error);
}

ScManifest *
sc_manifest_parse (GBytes *bytes, const char *content_type, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  g_autoptr (JsonObject) root = sc_json_parse_object (data, size, NULL, error);
  g_autoptr (ScManifest) self = g_new0 (ScManifest, 1);

  self->children = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_descriptor_free);
  self->layers = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_descriptor_free);
  if (root == NULL || !parse (self, root, content_type, error))
    return NULL;
  return g_steal_pointer (&self);
}

/* What there is instead, for a message that one can still read. */
static char *
list_platforms (const ScManifest *self)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);

  for (guint i = 0; i < self->children->len && names->len <= MAX_NAMED_PLATFORMS; i++)
    {
      const ScDescriptor *child = self->children->pdata[i];
      /* How build tools mark what they attach to images. */
      if (child->platform == NULL || strcmp (child->platform->os, "unknown") == 0)
        continue;
      g_autofree char *text = sc_platform_to_text (child->platform);
      g_autofree char *escaped = sc_text_escape_max (text, MAX_PLATFORM_BYTES);
      if (!g_ptr_array_find_with_equal_func (names, escaped, g_str_equal, NULL))
        g_ptr_array_add (names, g_steal_pointer (&escaped));
    }
  if (names->len == 0)
    return g_strdup ("the index names no platform");
  if (names->len > MAX_NAMED_PLATFORMS)
    {
      g_ptr_array_set_size (names, MAX_NAMED_PLATFORMS);
      g_ptr_array_add (names, g_strdup ("\u2026"));
    }
  g_ptr_array_add (names, NULL);
  g_autofree char *list = g_strjoinv (", ", (char **)names->pdata);
  return g_strconcat ("there is ", list, NULL);
}

const ScDescriptor *
sc_manifest_choose (const ScManifest *self, const ScPlatform *platform, GError **error)
{
  const ScDescriptor *best = NULL;
  guint best_rank = 0;

  for (guint i = 0; i < self->children->len; i++)
    {
      const ScDescriptor *child = self->children->pdata[i];
      if (child->platform == NULL && self->children->len == 1)
        return child;

      guint rank = child->platform != NULL ? sc_platform_rank (platform, child->platform) : 0;
      if (rank > best_rank)
        best = child;
      best_rank = MAX (rank, best_rank);
    }
  if (best != NULL)
    return best;

  g_autofree char *wanted = sc_platform_to_text (platform);
  g_autofree char *present = list_platforms (self);
  sc_error_set (error, SYSCONT_ERROR_PLATFORM_MISMATCH, "there is no image for %s; %s", wanted,
                present);
  return NULL;
}
