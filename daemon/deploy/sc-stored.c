/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-stored.h"

#include <string.h>

JsonObject *
sc_stored_copy (JsonObject *object)
{
  JsonObject *copy = json_object_new ();
  JsonObjectIter iter;
  const char *member = NULL;
  JsonNode *node = NULL;
  if (object == NULL)
    return copy;
  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &member, &node))
    json_object_set_member (copy, member, json_node_copy (node));
  return copy;
}

gboolean
sc_stored_read_string (JsonObject *object, const char *member, char **out, GError **error)
{
  const char *text = NULL;
  if (!sc_json_get_string (object, member, &text, error))
    return FALSE;
  *out = g_strdup (text);
  return TRUE;
}

gboolean
sc_stored_read_time (JsonObject *object, const char *member, gint64 *out_usec, GError **error)
{
  guint64 number = 0;
  if (!sc_json_get_uint (object, member, 0, &number, error))
    return FALSE;
  *out_usec = (gint64)number;
  return TRUE;
}

gboolean
sc_stored_read_number (JsonObject *object, const char *member, gint64 *out, GError **error)
{
  guint64 number = 0;
  if (!sc_json_get_uint (object, member, 0, &number, error))
    return FALSE;
  *out = json_object_has_member (object, member) ? (gint64)number : -1;
  return TRUE;
}

void
sc_stored_write_number (JsonObject *object, const char *member, gint64 number)
{
  if (number >= 0)
    json_object_set_int_member (object, member, number);
  else if (json_object_has_member (object, member))
    json_object_remove_member (object, member);
}

gboolean
sc_stored_read_values (JsonObject *object, const char *member, GHashTable *values, GError **error)
{
  JsonObject *stored = NULL;
  if (!sc_json_get_object (object, member, &stored, error))
    return FALSE;
  if (stored == NULL)
    return TRUE;
  g_autoptr (GList) names = json_object_get_members (stored);
  for (GList *l = names; l != NULL; l = l->next)
    {
      const char *text = NULL;
      if (!sc_json_get_string (stored, l->data, &text, error))
        return sc_prefix_error (error, "%s: ", member);
      if (text != NULL)
        g_hash_table_replace (values, g_strdup (l->data), g_strdup (text));
    }
  return TRUE;
}

JsonObject *
sc_stored_write_values (GHashTable *values)
{
  JsonObject *stored = json_object_new ();
  g_autoptr (GList) names = g_hash_table_get_keys (values);
  names = g_list_sort (names, (GCompareFunc)strcmp);
  for (GList *l = names; l != NULL; l = l->next)
    json_object_set_string_member (stored, l->data, g_hash_table_lookup (values, l->data));
  return stored;
}

JsonArray *
sc_stored_write_strv (const char *const *texts)
{
  JsonArray *list = json_array_new ();
  for (guint i = 0; texts[i] != NULL; i++)
    json_array_add_string_element (list, texts[i]);
  return list;
}
