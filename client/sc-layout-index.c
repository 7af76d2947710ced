/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-layout-index.h"

#include "dbus/sc-error.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>
#include <unistd.h>

#define CHUNK_BYTES (256 * 1024)
#define REF_NAME    "org.opencontainers.image.ref.name"

JsonObject *
sc_layout_parse (GBytes *bytes, const char *what, GError **error)
{
  g_autoptr (JsonParser) parser = json_parser_new_immutable ();
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);

  JsonNode *root = json_parser_load_from_data (parser, data, (gssize)size, NULL)
                       ? json_parser_get_root (parser)
                       : NULL;
  if (root == NULL || !JSON_NODE_HOLDS_OBJECT (root))
    {
      g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID, "%s is no JSON object", what);
      return NULL;
    }
  return json_node_dup_object (root);
}

JsonObject *
sc_layout_get_object (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

JsonArray *
sc_layout_get_array (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;
}

static const char *
get_string (JsonObject *object, const char *member)
{
  JsonNode *node = object != NULL ? json_object_get_member (object, member) : NULL;

  return node != NULL && json_node_get_value_type (node) == G_TYPE_STRING
             ? json_node_get_string (node)
             : NULL;
}

JsonObject *
sc_layout_get_element (JsonArray *array, guint i)
{
  JsonNode *node = json_array_get_element (array, i);

  return JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static const char *
ref_name_of (JsonObject *entry)
{
  JsonObject *annotations = sc_layout_get_object (entry, "annotations");

  return annotations != NULL ? get_string (annotations, REF_NAME) : NULL;
}

JsonObject *
sc_layout_find (JsonObject *index, const char *tag, GError **error)
{
  JsonArray *entries = sc_layout_get_array (index, "manifests");
  g_autoptr (GString) names = g_string_new (NULL);
  JsonObject *first = NULL;
  gboolean several = FALSE;

  for (guint i = 0; entries != NULL && i < json_array_get_length (entries); i++)
    {
      JsonObject *entry = sc_layout_get_element (entries, i);
      const char *name = entry != NULL ? ref_name_of (entry) : NULL;
      if (entry == NULL)
        continue;
      if (tag != NULL && g_strcmp0 (name, tag) == 0)
        return entry;
      several |= first != NULL && g_strcmp0 (ref_name_of (first), name) != 0;
      first = first != NULL ? first : entry;
      if (name != NULL)
        g_string_append_printf (names, "%s\"%s\"", names->len > 0 ? ", " : "", name);
    }

  if (tag == NULL && first != NULL && !several)
    return first;
  g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND,
               tag != NULL
                   ? "the image layout has no entry \"%s\"; it has %s"
                   : "the image layout has no single entry%s: say which one as :TAG; it has %s",
               tag != NULL ? tag : "", names->len > 0 ? names->str : "none with a name");
  return NULL;
}

char *
sc_layout_find_name (GBytes *index, const char *tag, GError **error)
{
  g_autoptr (JsonObject) object = sc_layout_parse (index, "index.json", error);
  JsonObject *entry = object != NULL ? sc_layout_find (object, tag, error) : NULL;
  if (entry == NULL)
    return NULL;

  const char *name = ref_name_of (entry);
  return g_strdup (name != NULL ? name : "");
}

char *
sc_layout_dup_member (JsonObject *descriptor, GError **error)
{
  const char *digest = get_string (descriptor, "digest");

  if (digest != NULL && g_str_has_prefix (digest, "sha256:") && strlen (digest) == 71
      && strspn (digest + 7, "0123456789abcdef") == 64)
    return g_strconcat ("blobs/sha256/", digest + 7, NULL);
  g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID,
               "the image layout has a descriptor without a sha256 digest");
  return NULL;
}

static GBytes *
read_member (struct archive *archive, struct archive_entry *entry)
{
  gint64 size = archive_entry_size (entry);
  if (size <= 0 || size > SC_LAYOUT_DOCUMENT_MAX_BYTES)
    return NULL;

  g_autofree char *data = g_malloc ((gsize)size);
  if (archive_read_data (archive, data, (gsize)size) != size)
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&data), (gsize)size);
}

char *
sc_layout_find_archive_entry (int fd, const char *tag, GError **error)
{
  struct archive *archive = archive_read_new ();
  struct archive_entry *entry;
  g_autoptr (GBytes) index = NULL;

  archive_read_support_format_tar (archive);
  archive_read_support_filter_gzip (archive);
  archive_read_support_filter_zstd (archive);
  if (archive_read_open_fd (archive, fd, CHUNK_BYTES) == ARCHIVE_OK)
    while (index == NULL && archive_read_next_header (archive, &entry) == ARCHIVE_OK)
      {
        const char *name = archive_entry_pathname (entry);
        while (name != NULL && g_str_has_prefix (name, "./"))
          name += 2;
        if (g_strcmp0 (name, "index.json") == 0)
          index = read_member (archive, entry);
      }
  archive_read_free (archive);
  lseek (fd, 0, SEEK_SET);

  if (index == NULL)
    {
      g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID,
                   "it has no index.json: it is no oci-archive");
      return NULL;
    }
  return sc_layout_find_name (index, tag, error);
}
