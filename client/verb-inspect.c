/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-printer.h"
#include "sc-verb.h"

#include <json-glib/json-glib.h>

static void
print_labels (JsonObject *image)
{
  JsonNode *config = json_object_get_member (image, "config");
  JsonNode *inner = JSON_NODE_HOLDS_OBJECT (config)
                        ? json_object_get_member (json_node_get_object (config), "config")
                        : NULL;
  JsonNode *labels = inner != NULL && JSON_NODE_HOLDS_OBJECT (inner)
                         ? json_object_get_member (json_node_get_object (inner), "Labels")
                         : NULL;
  if (labels == NULL || !JSON_NODE_HOLDS_OBJECT (labels))
    return;

  g_autoptr (GList) names = json_object_get_members (json_node_get_object (labels));
  for (GList *l = names; l != NULL; l = l->next)
    {
      const char *value
          = json_object_get_string_member_with_default (json_node_get_object (labels), l->data, "");
      g_autofree char *safe_name = sc_safe_text (l->data);
      g_autofree char *safe_value = sc_safe_text (value);
      g_print ("%s: %s\n", safe_name, safe_value);
    }
}

static void
print_variables (JsonObject *variables, gboolean with_default, const char *heading)
{
  g_autoptr (GList) names = json_object_get_members (variables);

  g_print ("\n%s\n", heading);
  for (GList *l = names; l != NULL; l = l->next)
    {
      gboolean has_default = !json_object_get_null_member (variables, l->data);
      const char *value
          = json_object_get_string_member_with_default (variables, l->data, "{DEF_VALUE}");
      g_autofree char *safe_name = sc_safe_text (l->data);
      g_autofree char *safe_value = sc_safe_text (value);
      if (has_default == with_default)
        g_print ("%s: %s\n", safe_name, safe_value);
    }
}

static void
print_image (JsonObject *image)
{
  static const char *const members[] = { "reference", "digest", "source", "platform" };
  static const char *const headings[] = { "Image Name", "Digest", "Source", "Platform" };
  JsonObject *variables = json_object_get_object_member (image, "variables");

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      const char *value = json_object_get_string_member_with_default (image, members[i], "");
      g_autofree char *safe = sc_safe_text (value);
      g_print ("%s: %s\n", headings[i], safe);
    }
  print_labels (image);
  if (variables != NULL && json_object_get_size (variables) > 0)
    {
      print_variables (variables, TRUE,
                       "Template variables with default value, but overridable with --set:");
      print_variables (variables, FALSE,
                       "Template variables that has no default value, and must be set with --set:");
    }
}

static int
run (ScClient *client, char **arguments)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GVariant) reply = sc_client_call (
      client, "InspectImage", g_variant_new_parsed ("(%s, @a{sv} {})", arguments[0]), NULL, &error);
  const char *text;

  if (reply == NULL)
    return sc_client_fail (error);
  g_variant_get (reply, "(&s)", &text);
  if (client->json)
    {
      g_print ("%s\n", text);
      return 0;
    }

  g_autoptr (JsonNode) root = json_from_string (text, &error);
  if (root == NULL)
    return sc_client_fail (error);
  print_image (json_node_get_object (root));
  return 0;
}

const ScVerb sc_verb_inspect = {
  .name = "inspect",
  .arguments = "IMAGE",
  .summary = "Show an image: labels and template variables; all of it with --json",
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run,
};
