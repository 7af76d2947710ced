/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-privileges-private.h"

#include "deploy/sc-host-path.h"
#include "deploy/sc-runtime-config.h"

#include <string.h>

typedef struct
{
  const ScPrivilegeSources *sources;
  GPtrArray *list;
  JsonObject *process; /* (nullable) */
  JsonObject *linux_part;
} Reader;

/* With one of these a process is root on the host sooner or later. */
static const char *const high_capabilities[] = {
  "CAP_BPF",        "CAP_CHECKPOINT_RESTORE", "CAP_DAC_READ_SEARCH",
  "CAP_MAC_ADMIN",  "CAP_NET_ADMIN",          "CAP_PERFMON",
  "CAP_SYS_ADMIN",  "CAP_SYS_BOOT",           "CAP_SYSLOG",
  "CAP_SYS_MODULE", "CAP_SYS_PTRACE",         "CAP_SYS_RAWIO",
  "CAP_SYS_TIME",   "CAP_MAC_OVERRIDE",       NULL,
};

static const struct
{
  const char *type;
  ScRisk risk; /* of having that of the host */
} namespaces[] = {
  { "pid", SC_RISK_HIGH },   { "network", SC_RISK_MEDIUM }, { "ipc", SC_RISK_MEDIUM },
  { "mount", SC_RISK_HIGH }, { "uts", SC_RISK_LOW },        { "cgroup", SC_RISK_LOW },
  { "user", SC_RISK_LOW },
};

/* Whoever writes here, or at all sees it, has the host. */
static const char *const high_trees[] = {
  "/bin", "/boot", "/dev", "/lib", "/lib64", "/proc", "/root", "/sbin", "/sys", "/usr",
};

/* Sockets of services that do what they are asked as root; a mount that cannot be written to does
 * not keep anybody from talking to them. */
static const char *const sockets[] = {
  "/run/containerd", "/run/crio", "/run/docker.sock", "/run/libvirt",
  "/run/podman",     "/run/dbus", "/run/systemd",
};

static const char *const secrets[]
    = { "/etc/shadow", "/etc/gshadow", "/etc/ssh", "/root", "/home", "/var/lib/syscont" };

/* What everybody may read, and what a program looks for where it was moved to. */
static const char *const common[] = {
  "/etc/hosts",       "/etc/localtime",      "/etc/machine-id", "/etc/os-release",
  "/etc/resolv.conf", "/usr/share/zoneinfo", "/etc/pki",        "/etc/ssl/certs",
};

static gboolean
is_below_any (const char *path, const char *const *parents, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (sc_host_path_is_below (path, parents[i]))
      return TRUE;
  return FALSE;
}

/* Whether @path is, has, or is in one of them. */
static gboolean
touches_any (const char *path, const char *const *others, gsize n)
{
  for (gsize i = 0; i < n; i++)
    if (sc_host_path_is_below (others[i], path))
      return TRUE;
  return is_below_any (path, others, n);
}

static ScRisk
rate_bind (const ScPrivilegeSources *sources, const char *path, gboolean is_writable)
{
  if (sc_privileges_is_own (sources, path))
    return SC_RISK_LOW;
  if (touches_any (path, sockets, G_N_ELEMENTS (sockets)))
    return SC_RISK_HIGH;
  if (!is_writable)
    {
      if (touches_any (path, secrets, G_N_ELEMENTS (secrets)))
        return SC_RISK_HIGH;
      return is_below_any (path, common, G_N_ELEMENTS (common)) ? SC_RISK_LOW : SC_RISK_MEDIUM;
    }
  return touches_any (path, high_trees, G_N_ELEMENTS (high_trees))
                 || sc_host_path_is_critical (sources->paths, path)
                 || touches_any (path, secrets, G_N_ELEMENTS (secrets))
             ? SC_RISK_HIGH
             : SC_RISK_MEDIUM;
}

static gboolean
has_option (char **options, const char *name)
{
  return options != NULL && g_strv_contains ((const char *const *)options, name);
}

static gboolean
add_mount (const Reader *self, JsonObject *mount, GError **error)
{
  const char *type = NULL;
  const char *source = NULL;
  g_auto (GStrv) options = NULL;

  if (!sc_json_get_string (mount, "type", &type, error)
      || !sc_json_get_string (mount, "source", &source, error)
      || !sc_json_get_strv (mount, "options", &options, error))
    return FALSE;
  gboolean is_bind = (type != NULL && strstr (type, "bind") != NULL) || has_option (options, "bind")
                     || has_option (options, "rbind");
  g_autofree char *clean = is_bind && source != NULL ? sc_host_path_clean (source) : NULL;
  if (clean == NULL)
    return TRUE;

  g_autofree char *path = sc_host_path_resolve_legacy (clean);
  gboolean is_writable = !has_option (options, "ro");
  sc_privilege_list_add (self->list, rate_bind (self->sources, path, is_writable), "bind:%s:%s",
                         path, is_writable ? "rw" : "ro");
  if (has_option (options, "shared") || has_option (options, "rshared"))
    sc_privilege_list_add (self->list, SC_RISK_HIGH, "mounts-to-host:%s", path);
  return TRUE;
}

typedef gboolean (*ReadFunc) (const Reader *self, JsonObject *element, GError **error);

/* Every object of the array @member; what is no object has been refused before. */
static gboolean
read_each (
    const Reader *self, JsonObject *parent, const char *member, ReadFunc func, GError **error)
{
  JsonArray *array = NULL;

  if (parent == NULL)
    return TRUE;
  if (!sc_json_get_array (parent, member, &array, error))
    return FALSE;
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      if (JSON_NODE_HOLDS_OBJECT (node) && !func (self, json_node_get_object (node), error))
        return sc_prefix_error (error, "%s[%u]: ", member, i);
    }
  return TRUE;
}

static gboolean
add_capabilities (const Reader *self, GError **error)
{
  static const char *const sets[]
      = { "bounding", "effective", "permitted", "inheritable", "ambient" };
  JsonObject *object = NULL;

  if (!sc_json_get_object (self->process, "capabilities", &object, error))
    return FALSE;
  for (guint i = 0; object != NULL && i < G_N_ELEMENTS (sets); i++)
    {
      g_auto (GStrv) names = NULL;
      if (!sc_json_get_strv (object, sets[i], &names, error))
        return FALSE;
      for (guint j = 0; names != NULL && names[j] != NULL; j++)
        {
          gboolean is_high = g_strv_contains (high_capabilities, names[j]);
          sc_privilege_list_add (self->list, is_high ? SC_RISK_HIGH : SC_RISK_MEDIUM,
                                 "capability:%s", names[j]);
        }
    }
  return TRUE;
}

static gboolean
add_process (const Reader *self, GError **error)
{
  JsonObject *user = NULL;
  guint64 uid = 0;
  gboolean no_new_privileges = FALSE;

  if (!sc_json_get_bool (self->process, "noNewPrivileges", FALSE, &no_new_privileges, error)
      || !sc_json_get_object (self->process, "user", &user, error)
      || (user != NULL && !sc_json_get_uint (user, "uid", 0, &uid, error)))
    return FALSE;
  if (!no_new_privileges)
    sc_privilege_list_add (self->list, SC_RISK_MEDIUM, "no-new-privileges:off");
  if (uid == 0)
    sc_privilege_list_add (self->list, SC_RISK_MEDIUM, "user:root");
  else
    sc_privilege_list_add (self->list, SC_RISK_LOW, "user:%" G_GUINT64_FORMAT, uid);
  return add_capabilities (self, error);
}

static gboolean
find_namespace (JsonArray *array, const char *type, const char **path)
{
  for (guint i = 0; array != NULL && i < json_array_get_length (array); i++)
    {
      JsonNode *node = json_array_get_element (array, i);
      const char *found = NULL;
      if (JSON_NODE_HOLDS_OBJECT (node)
          && sc_json_get_string (json_node_get_object (node), "type", &found, NULL)
          && g_strcmp0 (found, type) == 0)
        return sc_json_get_string (json_node_get_object (node), "path", path, NULL);
    }
  return FALSE;
}

static gboolean
add_namespaces (const Reader *self, GError **error)
{
  JsonArray *array = NULL;

  if (!sc_json_get_array (self->linux_part, "namespaces", &array, error))
    return FALSE;
  for (guint i = 0; i < G_N_ELEMENTS (namespaces); i++)
    {
      const char *path = NULL;
      if (!find_namespace (array, namespaces[i].type, &path))
        sc_privilege_list_add (self->list, namespaces[i].risk, "host-namespace:%s",
                               namespaces[i].type);
      else if (path != NULL)
        sc_privilege_list_add (self->list, MAX (namespaces[i].risk, SC_RISK_MEDIUM),
                               "joins-namespace:%s:%s", namespaces[i].type, path);
    }
  return TRUE;
}

/* A filter that lets everything through is none. */
static gboolean
add_seccomp (const Reader *self, GError **error)
{
  JsonObject *filter = NULL;
  JsonArray *rules = NULL;
  const char *action = NULL;

  if (!sc_json_get_object (self->linux_part, "seccomp", &filter, error)
      || (filter != NULL
          && (!sc_json_get_string (filter, "defaultAction", &action, error)
              || !sc_json_get_array (filter, "syscalls", &rules, error))))
    return FALSE;
  gboolean filters = g_strcmp0 (action, "SCMP_ACT_ALLOW") != 0
                     || (rules != NULL && json_array_get_length (rules) > 0);
  if (filter == NULL || !filters)
    sc_privilege_list_add (self->list, SC_RISK_MEDIUM, "seccomp:off");
  return TRUE;
}

static gboolean
add_path_list (const Reader *self, const char *member, const char *word, GError **error)
{
  g_auto (GStrv) paths = NULL;

  if (!sc_json_get_strv (self->linux_part, member, &paths, error))
    return FALSE;
  if (paths == NULL || paths[0] == NULL)
    sc_privilege_list_add (self->list, SC_RISK_MEDIUM, "%s:off", word);
  return TRUE;
}

static gboolean
add_device (const Reader *self, JsonObject *device, GError **error)
{
  const char *path = NULL;
  const char *type = NULL;

  if (!sc_json_get_string (device, "path", &path, error)
      || !sc_json_get_string (device, "type", &type, error))
    return FALSE;
  if (path != NULL)
    sc_privilege_list_add (self->list, g_strcmp0 (type, "b") == 0 ? SC_RISK_HIGH : SC_RISK_MEDIUM,
                           "device:%s", path);
  return TRUE;
}

static gboolean
append_number (GString *text, JsonObject *rule, const char *member, GError **error)
{
  guint64 number = 0;

  if (!sc_json_get_uint (rule, member, G_MAXUINT64, &number, error))
    return FALSE;
  if (number == G_MAXUINT64)
    g_string_append (text, ":*");
  else
    g_string_append_printf (text, ":%" G_GUINT64_FORMAT, number);
  return TRUE;
}

/* Of all block devices, or of all devices at all: the disks among them. */
static gboolean
add_device_rule (const Reader *self, JsonObject *rule, GError **error)
{
  gboolean is_allowed = FALSE;
  const char *type = NULL;
  const char *access = NULL;

  if (!sc_json_get_bool (rule, "allow", FALSE, &is_allowed, error)
      || !sc_json_get_string (rule, "type", &type, error)
      || !sc_json_get_string (rule, "access", &access, error))
    return FALSE;
  if (!is_allowed)
    return TRUE;
  g_autoptr (GString) numbers = g_string_new (type != NULL && *type != '\0' ? type : "a");
  if (!append_number (numbers, rule, "major", error)
      || !append_number (numbers, rule, "minor", error))
    return FALSE;
  gboolean is_high = numbers->str[0] != 'c' || strchr (numbers->str, '*') != NULL;
  sc_privilege_list_add (self->list, is_high ? SC_RISK_HIGH : SC_RISK_MEDIUM, "device-access:%s:%s",
                         numbers->str, access != NULL ? access : "rwm");
  return TRUE;
}

static gboolean
add_devices (const Reader *self, GError **error)
{
  JsonObject *resources = NULL;

  return read_each (self, self->linux_part, "devices", add_device, error)
         && sc_json_get_object (self->linux_part, "resources", &resources, error)
         && read_each (self, resources, "devices", add_device_rule, error);
}

static gboolean
add_sysctls (const Reader *self, GError **error)
{
  JsonObject *sysctls = NULL;

  if (!sc_json_get_object (self->linux_part, "sysctl", &sysctls, error))
    return FALSE;
  g_autoptr (GList) names = sysctls != NULL ? json_object_get_members (sysctls) : NULL;
  for (GList *l = names; l != NULL; l = l->next)
    sc_privilege_list_add (self->list, SC_RISK_MEDIUM, "sysctl:%s", (const char *)l->data);
  return TRUE;
}

static gboolean
add_linux (const Reader *self, GError **error)
{
  const char *propagation = NULL;

  if (!sc_json_get_string (self->linux_part, "rootfsPropagation", &propagation, error))
    return FALSE;
  if (g_strcmp0 (propagation, "shared") == 0 || g_strcmp0 (propagation, "rshared") == 0)
    sc_privilege_list_add (self->list, SC_RISK_HIGH, "mounts-to-host:/");
  return add_namespaces (self, error) && add_seccomp (self, error)
         && add_path_list (self, "maskedPaths", "masked-paths", error)
         && add_path_list (self, "readonlyPaths", "readonly-paths", error)
         && add_devices (self, error) && add_sysctls (self, error);
}

static gboolean
add_hook (const Reader *self, JsonObject *hook, GError **error)
{
  const char *path = NULL;

  if (!sc_json_get_string (hook, "path", &path, error))
    return FALSE;
  sc_privilege_list_add (self->list, SC_RISK_HIGH, "hook:%s", path != NULL ? path : "");
  return TRUE;
}

static gboolean
add_hooks (const Reader *self, JsonObject *config, GError **error)
{
  JsonObject *hooks = NULL;

  if (!sc_json_get_object (config, "hooks", &hooks, error))
    return FALSE;
  g_autoptr (GList) kinds = hooks != NULL ? json_object_get_members (hooks) : NULL;
  for (GList *l = kinds; l != NULL; l = l->next)
    if (!read_each (self, hooks, l->data, add_hook, error))
      return FALSE;
  return TRUE;
}

static gboolean
add_root (const Reader *self, JsonObject *config, GError **error)
{
  JsonObject *root = NULL;
  gboolean is_readonly = TRUE;

  if (!sc_json_get_object (config, "root", &root, error)
      || (root != NULL && !sc_json_get_bool (root, "readonly", TRUE, &is_readonly, error)))
    return FALSE;
  if (!is_readonly)
    sc_privilege_list_add (self->list, SC_RISK_LOW, "root:writable");
  return TRUE;
}

gboolean
sc_privileges_add_config (const ScPrivilegeSources *sources, GPtrArray *list, GError **error)
{
  Reader self = { .sources = sources, .list = list };
  g_autoptr (JsonObject) config = sc_runtime_config_parse ("config.json", sources->config_json,
                                                           strlen (sources->config_json), error);

  if (config == NULL || !sc_json_get_object (config, "process", &self.process, error)
      || !sc_json_get_object (config, "linux", &self.linux_part, error))
    return FALSE;
  return add_root (&self, config, error) && read_each (&self, config, "mounts", add_mount, error)
         && (self.process == NULL || add_process (&self, error))
         && (self.linux_part == NULL || add_linux (&self, error))
         && add_hooks (&self, config, error);
}
