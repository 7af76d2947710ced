/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-runtime-migrate.h"

#include <string.h>

static const char *const known_members[] = {
  "ociVersion", "process", "root",  "hostname",    "domainname",
  "mounts",     "hooks",   "linux", "annotations", NULL,
};

static const char *const capability_sets[]
    = { "bounding", "effective", "inheritable", "permitted", "ambient" };

static void
add_note (GPtrArray *notes, const char *file, const char *text)
{
  g_ptr_array_add (notes, g_strdup_printf ("%s: %s", file, text));
}

static void
drop_unknown_members (JsonObject *config, const char *file, GPtrArray *notes)
{
  g_autoptr (GList) members = json_object_get_members (config);
  for (GList *l = members; l != NULL; l = l->next)
    {
      if (g_strv_contains (known_members, l->data))
        continue;
      g_autofree char *shown = sc_text_escape (l->data);
      g_ptr_array_add (notes, g_strdup_printf ("%s: unknown member \"%s\" dropped", file, shown));
      json_object_remove_member (config, l->data);
    }
}

static gboolean
drop_unit_annotations (JsonObject *config, const char *file, GPtrArray *notes, GError **error)
{
  JsonObject *annotations = NULL;
  if (!sc_json_get_object (config, "annotations", &annotations, error))
    return FALSE;
  if (annotations == NULL)
    return TRUE;
  g_autoptr (GList) members = json_object_get_members (annotations);
  for (GList *l = members; l != NULL; l = l->next)
    {
      if (!g_str_has_prefix (l->data, "org.systemd.property."))
        continue;
      g_autofree char *shown = sc_text_escape (l->data);
      g_ptr_array_add (notes, g_strdup_printf ("%s: annotation \"%s\" dropped", file, shown));
      json_object_remove_member (annotations, l->data);
    }
  return TRUE;
}

static void
set_capability_sets (JsonObject *process, JsonNode *list)
{
  JsonObject *sets = json_object_new ();
  for (guint i = 0; i < G_N_ELEMENTS (capability_sets); i++)
    json_object_set_member (sets, capability_sets[i], json_node_copy (list));
  json_object_set_object_member (process, "capabilities", sets);
}

static gboolean
migrate_capabilities (
    JsonObject *process, JsonObject *linux_part, const char *file, GPtrArray *notes, GError **error)
{
  JsonNode *node = json_object_get_member (process, "capabilities");
  JsonNode *old = linux_part != NULL ? json_object_get_member (linux_part, "capabilities") : NULL;
  g_auto (GStrv) names = NULL;
  if (node != NULL && JSON_NODE_HOLDS_ARRAY (node))
    {
      if (!sc_json_get_strv (process, "capabilities", &names, error))
        return FALSE;
      g_autoptr (JsonNode) list = json_node_copy (node);
      set_capability_sets (process, list);
      add_note (notes, file, "process.capabilities turned from a list into the five sets");
    }
  else if ((node == NULL || JSON_NODE_HOLDS_NULL (node)) && old != NULL
           && JSON_NODE_HOLDS_ARRAY (old))
    {
      if (!sc_json_get_strv (linux_part, "capabilities", &names, error))
        return FALSE;
      set_capability_sets (process, old);
      add_note (notes, file, "linux.capabilities moved to the five sets of process.capabilities");
    }
  if (linux_part != NULL)
    json_object_remove_member (linux_part, "capabilities");
  return TRUE;
}

static gboolean
is_empty (JsonNode *node)
{
  if (JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  return json_node_get_value_type (node) == G_TYPE_STRING && json_node_get_string (node)[0] == '\0';
}

static void
move_to_process (JsonObject *linux_part, JsonObject *process, const char *file, GPtrArray *notes)
{
  static const struct
  {
    const char *from;
    const char *to;
  } moves[] = {
    { "rlimits", "rlimits" },
    { "apparmorProfile", "apparmorProfile" },
    { "selinuxProcessLabel", "selinuxLabel" },
  };
  for (guint i = 0; i < G_N_ELEMENTS (moves); i++)
    {
      JsonNode *node = json_object_get_member (linux_part, moves[i].from);
      if (node == NULL)
        continue;
      if (!is_empty (node) && !json_object_has_member (process, moves[i].to))
        {
          json_object_set_member (process, moves[i].to, json_node_copy (node));
          g_ptr_array_add (notes, g_strdup_printf ("%s: linux.%s moved to process.%s", file,
                                                   moves[i].from, moves[i].to));
        }
      json_object_remove_member (linux_part, moves[i].from);
    }
}

gboolean
sc_runtime_migrate (JsonObject *config, const char *file, GPtrArray *notes, GError **error)
{
  JsonObject *process = NULL;
  JsonObject *linux_part = NULL;
  drop_unknown_members (config, file, notes);
  if (!drop_unit_annotations (config, file, notes, error)
      || !sc_json_get_object (config, "process", &process, error)
      || !sc_json_get_object (config, "linux", &linux_part, error))
    return FALSE;
  if (process == NULL)
    return TRUE;
  if (!migrate_capabilities (process, linux_part, file, notes, error))
    return FALSE;
  if (linux_part != NULL)
    move_to_process (linux_part, process, file, notes);
  return TRUE;
}
