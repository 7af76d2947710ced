/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-printer.h"
#include "sc-verb.h"

#include <json-glib/json-glib.h>

/* One line; nothing for an empty text. */
static void
print_line (const char *heading, const char *text)
{
  g_autofree char *safe = sc_safe_text (text);

  if (*safe != '\0')
    g_print ("%s: %s\n", heading, safe);
}

static JsonObject *
get_object (JsonObject *parent, const char *member)
{
  JsonNode *node = parent != NULL ? json_object_get_member (parent, member) : NULL;

  return node != NULL && JSON_NODE_HOLDS_OBJECT (node) ? json_node_get_object (node) : NULL;
}

static void
print_labels (JsonObject *image)
{
  JsonObject *labels = get_object (image, "labels");
  g_autoptr (GList) names = labels != NULL ? json_object_get_members (labels) : NULL;

  for (GList *l = names; l != NULL; l = l->next)
    {
      g_autofree char *safe = sc_safe_text (l->data);
      g_autofree char *value
          = sc_safe_text (json_object_get_string_member_with_default (labels, l->data, ""));
      g_print ("%s: %s\n", safe, value);
    }
}

/* A string, an array of strings joined by spaces, or the names of an object's members. */
static char *
member_to_text (JsonObject *object, const char *member)
{
  JsonNode *node = json_object_get_member (object, member);
  g_autoptr (GString) text = g_string_new (NULL);

  if (node != NULL && JSON_NODE_HOLDS_OBJECT (node))
    {
      g_autoptr (GList) names = json_object_get_members (json_node_get_object (node));
      for (GList *l = names; l != NULL; l = l->next)
        g_string_append_printf (text, "%s%s", text->len > 0 ? " " : "", (char *)l->data);
    }
  else if (node != NULL && JSON_NODE_HOLDS_ARRAY (node))
    {
      JsonArray *array = json_node_get_array (node);
      for (guint i = 0; i < json_array_get_length (array); i++)
        {
          const char *word = json_node_get_string (json_array_get_element (array, i));
          g_string_append_printf (text, "%s%s", i > 0 ? " " : "", word != NULL ? word : "");
        }
    }
  else if (node != NULL && JSON_NODE_HOLDS_VALUE (node) && json_node_get_string (node) != NULL)
    g_string_append (text, json_node_get_string (node));
  return g_strdup (text->str);
}

/* What an image without templates is run by. */
static void
print_config (JsonObject *image)
{
  static const char *const members[] = { "Entrypoint", "Cmd",        "Env",     "WorkingDir",
                                         "User",       "StopSignal", "Volumes", "ExposedPorts" };
  JsonObject *config = get_object (get_object (image, "config"), "config");

  for (gsize i = 0; config != NULL && i < G_N_ELEMENTS (members); i++)
    {
      g_autofree char *text = member_to_text (config, members[i]);
      print_line (members[i], text);
    }
}

static void
print_layers (JsonObject *image)
{
  JsonObject *manifest = get_object (image, "manifest");
  JsonNode *node = manifest != NULL ? json_object_get_member (manifest, "layers") : NULL;
  JsonArray *layers
      = node != NULL && JSON_NODE_HOLDS_ARRAY (node) ? json_node_get_array (node) : NULL;

  for (guint i = 0; layers != NULL && i < json_array_get_length (layers); i++)
    {
      JsonNode *element = json_array_get_element (layers, i);
      if (!JSON_NODE_HOLDS_OBJECT (element))
        continue;
      JsonObject *layer = json_node_get_object (element);
      const char *digest = json_object_get_string_member_with_default (layer, "digest", "");
      gint64 size = json_object_get_int_member_with_default (layer, "size", 0);
      g_autofree char *safe = sc_safe_text (digest);
      g_autofree char *text = g_format_size ((guint64)MAX (size, 0));
      g_print ("Layer: %s %s\n", safe, text);
    }
}

static void
print_size (JsonObject *image, const char *heading, const char *member)
{
  gint64 size = json_object_get_int_member_with_default (image, member, 0);
  g_autofree char *text = g_format_size ((guint64)MAX (size, 0));

  if (size > 0)
    print_line (heading, text);
}

static void
print_time (JsonObject *image, const char *heading, const char *member)
{
  gint64 time_usec = json_object_get_int_member_with_default (image, member, 0);
  g_autofree char *text = sc_format_time ((guint64)MAX (time_usec, 0));

  if (time_usec > 0)
    print_line (heading, text);
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
  static const char *const members[] = { "references", "digest", "source", "platform" };
  static const char *const headings[] = { "Image Name", "Digest", "Source", "Platform" };
  JsonObject *variables = get_object (image, "variables");

  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autofree char *text = member_to_text (image, members[i]);
      print_line (headings[i], text);
    }
  print_time (image, "Created", "created");
  print_time (image, "Pulled", "pulled");
  print_size (image, "Compressed Size", "compressed-size");
  print_size (image, "Size", "size");
  print_size (image, "Exclusive Size", "exclusive-size");
  print_layers (image);
  print_config (image);
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
  .summary = "Show an image: what it is, its labels and template variables",
  .description = "With --json its whole manifest and config too.",
  .min_arguments = 1,
  .max_arguments = 1,
  .run = run,
};
