/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-runtime-config.h"

#include "deploy/sc-host-path.h"
#include "deploy/sc-runtime-migrate.h"
#include "deploy/sc-runtime-mounts.h"

static const ScJsonLimits limits = {
  .max_bytes = 8 * 1024 * 1024,
  .max_depth = 32,
  .max_values = 20000,
  .max_string_bytes = 64 * 1024,
};

/* Limits of controllers cannot be set below the unit: its own control group has processes in it,
 * and control group v2 forbids both at once. What to say on the unit instead. */
static const struct
{
  const char *key;
  const char *remedy;
} resources[] = {
  { "memory", "MemoryMax=" },
  { "cpu", "CPUWeight=, CPUQuota= or AllowedCPUs=" },
  { "pids", "TasksMax=" },
  { "blockIO", "IOWeight= or IOReadBandwidthMax=" },
  { "hugepageLimits", "no setting for it" },
  { "network", "IPAddressAllow= or IPAddressDeny=" },
  { "rdma", "no setting for it" },
  { "unified", "its resource control settings" },
};

gboolean
sc_template_error_convert (const char *file, GError **error)
{
  if (error != NULL && *error != NULL
      && g_error_matches (*error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID))
    (*error)->code = SYSCONT_ERROR_TEMPLATE_INVALID;
  return sc_prefix_error (error, "%s: ", file);
}

JsonObject *
sc_runtime_config_parse (const char *file, const char *text, gsize size_bytes, GError **error)
{
  g_autoptr (JsonObject) config = sc_json_parse_object (text, size_bytes, &limits, error);
  if (config == NULL)
    {
      sc_template_error_convert (file, error);
      return NULL;
    }
  return g_steal_pointer (&config);
}

static gboolean
invalid (GError **error, const char *what)
{
  return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID, "%s", what);
}

static void
add_note (GPtrArray *notes, const ScRuntimeConfigRules *rules, const char *text)
{
  g_ptr_array_add (notes, g_strdup_printf ("%s: %s", rules->file, text));
}

/* The member as an object, made when it is missing; NULL with @error when it is something else. */
static JsonObject *
ensure_object (JsonObject *parent, const char *member, GError **error)
{
  JsonObject *object = NULL;
  if (!sc_json_get_object (parent, member, &object, error))
    return NULL;
  if (object == NULL)
    {
      object = json_object_new ();
      json_object_set_object_member (parent, member, object);
    }
  return object;
}

static gboolean
complete_version (JsonObject *config,
                  const ScRuntimeConfigRules *rules,
                  GPtrArray *notes,
                  GError **error)
{
  const char *version = NULL;
  if (!sc_json_get_string (config, "ociVersion", &version, error))
    return FALSE;
  /* crun refuses what is not 1.0; everything before it has been migrated by now */
  if (version != NULL && g_str_has_prefix (version, "1."))
    return TRUE;
  if (version != NULL && !g_str_has_prefix (version, "0."))
    {
      g_autofree char *shown = sc_text_escape (version);
      return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED, "ociVersion \"%s\" is not known",
                           shown);
    }
  json_object_set_string_member (config, "ociVersion", "1.0.2");
  add_note (notes, rules, "ociVersion set to 1.0.2");
  return TRUE;
}

static gboolean
complete_root (JsonObject *config,
               const ScRuntimeConfigRules *rules,
               GPtrArray *notes,
               GError **error)
{
  const char *path = NULL;
  gboolean is_readonly = TRUE;
  JsonObject *root = ensure_object (config, "root", error);
  if (root == NULL || !sc_json_get_string (root, "path", &path, error)
      || !sc_json_get_bool (root, "readonly", TRUE, &is_readonly, error))
    return FALSE;
  if (path != NULL && !g_str_equal (path, "rootfs"))
    return invalid (error, "root.path must be \"rootfs\"");
  /* never the files themselves: they are the repository's objects */
  json_object_set_string_member (root, "path", is_readonly ? "rootfs" : SC_WRITABLE_ROOT);
  json_object_set_boolean_member (root, "readonly", is_readonly);
  if (!is_readonly)
    add_note (notes, rules,
              "the root may be written to; what is written there is lost with the deployment");
  return TRUE;
}

gboolean
sc_runtime_config_is_writable (JsonObject *config)
{
  return !json_object_get_boolean_member (json_object_get_object_member (config, "root"),
                                          "readonly");
}

static gboolean
check_args (JsonObject *process, const ScRuntimeConfigRules *rules, GError **error)
{
  g_auto (GStrv) args = NULL;
  if (!sc_json_get_strv (process, "args", &args, error))
    return FALSE;
  if (rules->is_used && (args == NULL || args[0] == NULL || args[0][0] == '\0'))
    return invalid (error, "process.args names no program");
  return TRUE;
}

static gboolean
complete_cwd (JsonObject *process, GError **error)
{
  const char *cwd = NULL;
  if (!sc_json_get_string (process, "cwd", &cwd, error))
    return FALSE;
  g_autofree char *clean = sc_host_path_clean (cwd != NULL && cwd[0] != '\0' ? cwd : "/");
  /* /proc/self/fd/N as working directory has led out of containers: CVE-2024-21626 */
  if (clean == NULL || sc_host_path_is_below (clean, "/proc"))
    return invalid (error, "process.cwd must be an absolute path without \"..\", not below /proc");
  json_object_set_string_member (process, "cwd", clean);
  return TRUE;
}

static gboolean
complete_process (JsonObject *config,
                  const ScRuntimeConfigRules *rules,
                  GPtrArray *notes,
                  GError **error)
{
  g_auto (GStrv) env = NULL;
  gboolean has_terminal = FALSE;
  const char *label = NULL;
  JsonObject *process = ensure_object (config, "process", error);
  if (process == NULL || !sc_json_get_bool (process, "terminal", FALSE, &has_terminal, error)
      || (rules->process != NULL && !sc_process_apply (rules->process, process, NULL, NULL, error))
      || !check_args (process, rules, error) || !complete_cwd (process, error)
      || !sc_json_get_strv (process, "env", &env, error)
      || !sc_json_get_string (process, "selinuxLabel", &label, error))
    return FALSE;

  JsonObject *user = ensure_object (process, "user", error);
  guint64 id = 0;
  if (user == NULL || !sc_json_get_uint (user, "uid", 0, &id, error))
    return FALSE;
  json_object_set_int_member (user, "uid", (gint64)id);
  if (!sc_json_get_uint (user, "gid", 0, &id, error))
    return FALSE;
  json_object_set_int_member (user, "gid", (gint64)id);

  if (has_terminal && rules->process == NULL)
    add_note (notes, rules, "process.terminal set to false: a service has none");
  json_object_set_boolean_member (process, "terminal",
                                  rules->process != NULL && rules->process->has_terminal);
  /* runc refuses to start with a label on a host without SELinux, and hosts with it are not
   * supported yet */
  if (label != NULL && label[0] != '\0')
    add_note (notes, rules, "process.selinuxLabel dropped: SELinux is not supported yet");
  json_object_remove_member (process, "selinuxLabel");
  return TRUE;
}

static gboolean
check_hook_list (JsonArray *list, const char *kind, GError **error)
{
  guint length = list != NULL ? json_array_get_length (list) : 0;
  for (guint i = 0; i < length; i++)
    {
      const char *path = NULL;
      JsonNode *node = json_array_get_element (list, i);
      if (!JSON_NODE_HOLDS_OBJECT (node))
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                             "hooks.%s: element %u is no object", kind, i);
      if (!sc_json_get_string (json_node_get_object (node), "path", &path, error))
        return sc_prefix_error (error, "hooks.%s: ", kind);
      g_autofree char *clean = path != NULL ? sc_host_path_clean (path) : NULL;
      if (clean == NULL)
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                             "hooks.%s: a hook's path must be absolute and without \"..\"", kind);
    }
  return TRUE;
}

static gboolean
check_hooks (JsonObject *config,
             const ScRuntimeConfigRules *rules,
             GPtrArray *notes,
             GError **error)
{
  JsonObject *hooks = NULL;
  if (!sc_json_get_object (config, "hooks", &hooks, error))
    return FALSE;
  if (hooks == NULL)
    return TRUE;

  g_autoptr (GList) kinds = json_object_get_members (hooks);
  for (GList *l = kinds; l != NULL; l = l->next)
    {
      JsonArray *list = NULL;
      if (!sc_json_get_array (hooks, l->data, &list, error)
          || !check_hook_list (list, l->data, error))
        return FALSE;
      if (list != NULL && json_array_get_length (list) > 0)
        g_ptr_array_add (notes,
                         g_strdup_printf ("%s: runs %u %s hooks on the host", rules->file,
                                          json_array_get_length (list), (const char *)l->data));
    }
  return TRUE;
}

static gboolean
maps_root (JsonObject *linux_part, const char *member, gboolean *maps, GError **error)
{
  JsonArray *list = NULL;
  *maps = FALSE;
  if (!sc_json_get_array (linux_part, member, &list, error))
    return FALSE;
  guint length = list != NULL ? json_array_get_length (list) : 0;
  for (guint i = 0; i < length; i++)
    {
      guint64 container = 0;
      guint64 host = 0;
      guint64 size = 0;
      JsonNode *node = json_array_get_element (list, i);
      if (!JSON_NODE_HOLDS_OBJECT (node))
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                             "linux.%s: element %u is no object", member, i);
      JsonObject *mapping = json_node_get_object (node);
      if (!sc_json_get_uint (mapping, "containerID", G_MAXUINT32, &container, error)
          || !sc_json_get_uint (mapping, "hostID", G_MAXUINT32, &host, error)
          || !sc_json_get_uint (mapping, "size", 0, &size, error))
        return sc_prefix_error (error, "linux.%s: ", member);
      if (container == 0 && host == 0 && size > 0)
        *maps = TRUE;
    }
  return TRUE;
}

static gboolean
check_user_namespace (JsonObject *linux_part, const char *path, GError **error)
{
  gboolean maps_uid = FALSE;
  gboolean maps_gid = FALSE;
  if (!maps_root (linux_part, "uidMappings", &maps_uid, error)
      || !maps_root (linux_part, "gidMappings", &maps_gid, error))
    return FALSE;
  if (path == NULL && maps_uid && maps_gid)
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                       "a user namespace that does not map user and group 0 to 0 of the host "
                       "cannot reach the image's files; remove the namespace or map 0 to 0");
}

static gboolean
check_namespaces (JsonObject *linux_part, const ScRuntimeConfigRules *rules, GError **error)
{
  JsonArray *list = NULL;
  gboolean has_mount = FALSE;
  if (!sc_json_get_array (linux_part, "namespaces", &list, error))
    return FALSE;
  guint length = list != NULL ? json_array_get_length (list) : 0;
  for (guint i = 0; i < length; i++)
    {
      const char *type = NULL;
      const char *path = NULL;
      JsonNode *node = json_array_get_element (list, i);
      if (!JSON_NODE_HOLDS_OBJECT (node))
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                             "linux.namespaces: element %u is no object", i);
      JsonObject *namespace = json_node_get_object (node);
      if (!sc_json_get_string (namespace, "type", &type, error)
          || !sc_json_get_string (namespace, "path", &path, error))
        return sc_prefix_error (error, "linux.namespaces: ");
      if (g_strcmp0 (type, "user") == 0 && !check_user_namespace (linux_part, path, error))
        return FALSE;
      has_mount = has_mount || (g_strcmp0 (type, "mount") == 0 && path == NULL);
    }
  /* without one of its own the mounts of the container would be made on the host */
  if (rules->is_used && !has_mount)
    return invalid (error, "linux.namespaces has no new \"mount\" namespace");
  return TRUE;
}

/* Whether there is anything to enforce: null, false, zero and empty containers of them say nothing.
 */
static gboolean
says_something (JsonNode *node)
{
  if (JSON_NODE_HOLDS_NULL (node))
    return FALSE;
  if (JSON_NODE_HOLDS_ARRAY (node))
    return json_array_get_length (json_node_get_array (node)) > 0;
  if (!JSON_NODE_HOLDS_OBJECT (node))
    return json_node_get_value_type (node) == G_TYPE_BOOLEAN ? json_node_get_boolean (node)
                                                             : json_node_get_int (node) != 0;
  JsonObjectIter iter;
  JsonNode *member = NULL;
  json_object_iter_init (&iter, json_node_get_object (node));
  while (json_object_iter_next (&iter, NULL, &member))
    {
      if (!JSON_NODE_HOLDS_OBJECT (member) && says_something (member))
        return TRUE;
      if (JSON_NODE_HOLDS_OBJECT (member) && json_object_get_size (json_node_get_object (member)))
        return TRUE;
    }
  return FALSE;
}

static gboolean
reduce_resources (JsonObject *linux_part,
                  const ScRuntimeConfigRules *rules,
                  GPtrArray *notes,
                  GError **error)
{
  JsonObject *object = NULL;
  if (!sc_json_get_object (linux_part, "resources", &object, error))
    return FALSE;
  for (guint i = 0; object != NULL && i < G_N_ELEMENTS (resources); i++)
    {
      JsonNode *node = json_object_get_member (object, resources[i].key);
      if (node == NULL)
        continue;
      if (says_something (node))
        g_ptr_array_add (notes,
                         g_strdup_printf ("%s: linux.resources.%s dropped; set it on the unit (%s)",
                                          rules->file, resources[i].key, resources[i].remedy));
      json_object_remove_member (object, resources[i].key);
    }
  if (object == NULL || json_object_get_size (object) == 0)
    json_object_remove_member (linux_part, "resources");
  return TRUE;
}

static gboolean
complete_linux (JsonObject *config,
                const ScRuntimeConfigRules *rules,
                GPtrArray *notes,
                GError **error)
{
  const char *cgroups_path = NULL;
  const char *label = NULL;
  JsonObject *linux_part = ensure_object (config, "linux", error);
  if (linux_part == NULL || !sc_json_get_string (linux_part, "cgroupsPath", &cgroups_path, error)
      || !sc_json_get_string (linux_part, "mountLabel", &label, error)
      || !check_namespaces (linux_part, rules, error)
      || !reduce_resources (linux_part, rules, notes, error))
    return FALSE;

  if (cgroups_path != NULL && !g_str_equal (cgroups_path, rules->cgroups_path))
    add_note (notes, rules, "linux.cgroupsPath replaced by a group below the unit");
  json_object_set_string_member (linux_part, "cgroupsPath", rules->cgroups_path);
  if (label != NULL && label[0] != '\0')
    add_note (notes, rules, "linux.mountLabel dropped: SELinux is not supported yet");
  json_object_remove_member (linux_part, "mountLabel");
  return TRUE;
}

gboolean
sc_runtime_config_complete (JsonObject *config,
                            const ScRuntimeConfigRules *rules,
                            GPtrArray *notes,
                            GError **error)
{
  if (sc_runtime_migrate (config, rules->file, notes, error)
      && complete_version (config, rules, notes, error)
      && complete_root (config, rules, notes, error)
      && complete_process (config, rules, notes, error)
      && sc_runtime_mounts_check (config, rules->paths, error)
      && check_hooks (config, rules, notes, error) && complete_linux (config, rules, notes, error))
    return TRUE;
  return sc_template_error_convert (rules->file, error);
}
