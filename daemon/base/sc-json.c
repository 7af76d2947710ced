/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-json.h"

#include <string.h>

JsonNode *
sc_json_parse (const char *data, gsize size_bytes, const ScJsonLimits *limits, GError **error)
{
  if (!sc_json_check (data, size_bytes, limits, error))
    return NULL;

  g_autoptr (GError) local_error = NULL;
  g_autoptr (JsonParser) parser = json_parser_new ();
  if (!json_parser_load_from_data (parser, data, (gssize)size_bytes, &local_error))
    {
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "invalid JSON: %s", local_error->message);
      return NULL;
    }

  JsonNode *root = json_parser_steal_root (parser);
  if (root == NULL)
    sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "invalid JSON: the document is empty");
  return root;
}

JsonObject *
sc_json_parse_object (const char *data,
                      gsize size_bytes,
                      const ScJsonLimits *limits,
                      GError **error)
{
  g_autoptr (JsonNode) root = sc_json_parse (data, size_bytes, limits, error);

  if (root == NULL)
    return NULL;
  if (!JSON_NODE_HOLDS_OBJECT (root))
    {
      sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "the document is not an object");
      return NULL;
    }
  return json_node_dup_object (root);
}

/* NULL for a member that is missing or null. */
static JsonNode *
find_member (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);

  return node != NULL && !JSON_NODE_HOLDS_NULL (node) ? node : NULL;
}

static gboolean
is_value_of (JsonNode *node, GType type)
{
  return JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == type;
}

static gboolean
fail_member (const char *member, const char *expected, GError **error)
{
  g_autofree char *shown = sc_text_escape (member);

  return sc_error_set (error, SYSCONT_ERROR_IMAGE_INVALID, "\"%s\" is not %s", shown, expected);
}

gboolean
sc_json_get_string (JsonObject *object, const char *member, const char **out, GError **error)
{
  JsonNode *node = find_member (object, member);

  *out = NULL;
  if (node == NULL)
    return TRUE;
  if (!is_value_of (node, G_TYPE_STRING))
    return fail_member (member, "a string", error);

  *out = json_node_get_string (node);
  return TRUE;
}

gboolean
sc_json_get_object (JsonObject *object, const char *member, JsonObject **out, GError **error)
{
  JsonNode *node = find_member (object, member);

  *out = NULL;
  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return fail_member (member, "an object", error);

  *out = json_node_get_object (node);
  return TRUE;
}

gboolean
sc_json_get_array (JsonObject *object, const char *member, JsonArray **out, GError **error)
{
  JsonNode *node = find_member (object, member);

  *out = NULL;
  if (node == NULL)
    return TRUE;
  if (!JSON_NODE_HOLDS_ARRAY (node))
    return fail_member (member, "an array", error);

  *out = json_node_get_array (node);
  return TRUE;
}

gboolean
sc_json_get_bool (
    JsonObject *object, const char *member, gboolean fallback, gboolean *out, GError **error)
{
  JsonNode *node = find_member (object, member);

  *out = fallback;
  if (node == NULL)
    return TRUE;
  if (!is_value_of (node, G_TYPE_BOOLEAN))
    return fail_member (member, "true or false", error);

  *out = json_node_get_boolean (node);
  return TRUE;
}

gboolean
sc_json_get_uint (
    JsonObject *object, const char *member, guint64 fallback, guint64 *out, GError **error)
{
  JsonNode *node = find_member (object, member);

  *out = fallback;
  if (node == NULL)
    return TRUE;
  /* A fraction or exponent makes it a double; that int64 holds it is known from the pre-scan. */
  if (!is_value_of (node, G_TYPE_INT64) || json_node_get_int (node) < 0)
    return fail_member (member, "a whole number of at least 0", error);

  *out = (guint64)json_node_get_int (node);
  return TRUE;
}

gboolean
sc_json_get_strv (JsonObject *object, const char *member, char ***out, GError **error)
{
  JsonArray *array = NULL;

  *out = NULL;
  if (!sc_json_get_array (object, member, &array, error))
    return FALSE;
  if (array == NULL)
    return TRUE;

  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  for (guint i = 0; i < json_array_get_length (array); i++)
    {
      JsonNode *element = json_array_get_element (array, i);

      if (!is_value_of (element, G_TYPE_STRING))
        return fail_member (member, "an array of strings", error);
      g_strv_builder_add (builder, json_node_get_string (element));
    }
  *out = g_strv_builder_end (builder);
  return TRUE;
}

/* The end of a string that begins before @p. */
static const char *
skip_string (const char *p)
{
  while (*p != '\0' && *p != '"')
    p += p[0] == '\\' && p[1] != '\0' ? 2 : 1;
  return p;
}

/* json-glib 1.6 puts ".0" behind every double that has no point: "1e+22.0" is not JSON. */
static void
repair_exponents (char *text)
{
  const char *p = text;
  char *out = text;

  while (*p != '\0')
    {
      const char *first = p;
      gboolean is_exponent = *p == 'e' && p > text && g_ascii_isdigit (p[-1]);

      if (*p == '"')
        {
          p = skip_string (p + 1);
          p += *p == '"' ? 1 : 0;
        }
      else if (is_exponent)
        p += 2 + strspn (p + 2, "0123456789");
      else
        p++;

      memmove (out, first, (gsize)(p - first));
      out += p - first;
      if (is_exponent && g_str_has_prefix (p, ".0"))
        p += strlen (".0");
    }
  *out = '\0';
}

char *
sc_json_to_text (JsonNode *node, gboolean pretty)
{
  g_autoptr (JsonGenerator) generator = json_generator_new ();

  json_generator_set_root (generator, node);
  json_generator_set_pretty (generator, pretty);
  json_generator_set_indent (generator, 4);

  g_autofree char *text = json_generator_to_data (generator, NULL);
  repair_exponents (text);
  return pretty ? g_strconcat (text, "\n", NULL) : g_steal_pointer (&text);
}
