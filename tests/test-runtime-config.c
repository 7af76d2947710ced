/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-runtime-config.h"

#include "deploy/sc-mount-point.h"
#include "deploy/sc-runtime-mounts.h"

#include <string.h>

#define CGROUP "/system.slice/etcd.service/container"
#define HEAD   "{\"ociVersion\": \"1.0.2\", \"process\": {\"args\": [\"/bin/a\"], \"cwd\": \"/\"}, "
#define LINUX  "\"linux\": {\"namespaces\": [{\"type\": \"mount\"}]}"

typedef struct
{
  const char *name;
  const char *text;
  const char *expected; /* part of the message or of the first note; NULL: no note at all */
  int code;             /* -1: succeeds */
} Row;

#define OK (-1)

static const Row rows[] = {
  { "minimal", HEAD LINUX "}", NULL, OK },
  { "not-json", "{\n,}", "line 2", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "no-object", "[]", "file: ", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "duplicate-key", "{\"a\": 1, \"a\": 2}", "file: ", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "version-number", "{\"ociVersion\": 1}", "ociVersion", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "version-unknown", "{\"ociVersion\": \"2.0\"}", "\"2.0\"", SYSCONT_ERROR_NOT_SUPPORTED },
  { "version-missing", "{\"process\": {\"args\": [\"a\"]}, " LINUX "}", "ociVersion set", OK },
  /* TH14 */
  { "root-elsewhere", HEAD "\"root\": {\"path\": \"/\"}, " LINUX "}", "root.path",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "root-parent", HEAD "\"root\": {\"path\": \"rootfs/../..\"}, " LINUX "}", "root.path",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "root-string", HEAD "\"root\": \"rootfs\", " LINUX "}", "root",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "no-args", "{\"ociVersion\": \"1.0.2\", \"process\": {}, " LINUX "}", "process.args",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "empty-args", "{\"ociVersion\": \"1.0.2\", \"process\": {\"args\": []}, " LINUX "}",
    "process.args", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "args-number", "{\"ociVersion\": \"1.0.2\", \"process\": {\"args\": [1]}, " LINUX "}", "args",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "cwd-relative",
    "{\"ociVersion\": \"1.0.2\", \"process\": {\"args\": [\"a\"], \"cwd\": \"a\"}, " LINUX "}",
    "process.cwd", SYSCONT_ERROR_TEMPLATE_INVALID },
  /* MJ12 */
  { "cwd-proc-fd",
    "{\"ociVersion\": \"1.0.2\", \"process\": {\"args\": [\"a\"], \"cwd\": "
    "\"//proc/self/fd/8\"}, " LINUX "}",
    "process.cwd", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "terminal",
    "{\"ociVersion\": \"1.0.2\", \"process\": {\"args\": [\"a\"], \"terminal\": true}, " LINUX "}",
    "process.terminal", OK },
  { "mount-relative", HEAD "\"mounts\": [{\"destination\": \"proc\"}], " LINUX "}", "mounts[0]",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "mount-parent", HEAD "\"mounts\": [{\"destination\": \"/a/../../b\"}], " LINUX "}", "mounts[0]",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "mount-root", HEAD "\"mounts\": [{\"destination\": \"/./\"}], " LINUX "}", "mounts[0]",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "mount-no-destination", HEAD "\"mounts\": [{}], " LINUX "}", "mounts[0]",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "mount-no-object", HEAD "\"mounts\": [1], " LINUX "}", "mounts[0]",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "bind-relative",
    HEAD "\"mounts\": [{\"destination\": \"/a\", \"type\": \"bind\", \"source\": \"b\"}], " LINUX
         "}",
    "\"/a\"", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "bind-option-relative",
    HEAD
    "\"mounts\": [{\"destination\": \"/a\", \"options\": [\"rbind\"], \"source\": \"b\"}], " LINUX
    "}",
    "\"/a\"", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "bind-own-writable",
    HEAD "\"mounts\": [{\"destination\": \"/a\", \"type\": \"bind\","
         "\"source\": \"/var/lib/containers/syscont/etcd/rootfs\"}], " LINUX "}",
    "\"ro\"", SYSCONT_ERROR_NOT_SUPPORTED },
  { "bind-own-readonly",
    HEAD "\"mounts\": [{\"destination\": \"/a\", \"type\": \"bind\", \"options\": [\"ro\"],"
         "\"source\": \"/var/lib/containers/syscont/etcd/rootfs\"}], " LINUX "}",
    NULL, OK },
  { "hook-relative", HEAD "\"hooks\": {\"prestart\": [{\"path\": \"exports/x\"}]}, " LINUX "}",
    "hooks.prestart", SYSCONT_ERROR_TEMPLATE_INVALID },
  { "hook-no-path", HEAD "\"hooks\": {\"prestart\": [{}]}, " LINUX "}", "hooks.prestart",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "hook-absolute", HEAD "\"hooks\": {\"prestart\": [{\"path\": \"/bin/x\"}]}, " LINUX "}",
    "1 prestart hooks", OK },
  { "hooks-empty", HEAD "\"hooks\": {}, " LINUX "}", NULL, OK },
  { "hooks-empty-list", HEAD "\"hooks\": {\"prestart\": []}, " LINUX "}", NULL, OK },
  { "no-mount-namespace", HEAD "\"linux\": {\"namespaces\": [{\"type\": \"pid\"}]}}", "\"mount\"",
    SYSCONT_ERROR_TEMPLATE_INVALID },
  { "user-namespace-unmapped",
    HEAD "\"linux\": {\"namespaces\": [{\"type\": \"mount\"}, {\"type\": \"user\"}]}}",
    "user namespace", SYSCONT_ERROR_NOT_SUPPORTED },
  { "user-namespace-shifted",
    HEAD "\"linux\": {\"namespaces\": [{\"type\": \"mount\"}, {\"type\": \"user\"}],"
         "\"uidMappings\": [{\"containerID\": 0, \"hostID\": 100000, \"size\": 65536}],"
         "\"gidMappings\": [{\"containerID\": 0, \"hostID\": 0, \"size\": 1}]}}",
    "user namespace", SYSCONT_ERROR_NOT_SUPPORTED },
  { "user-namespace-root",
    HEAD "\"linux\": {\"namespaces\": [{\"type\": \"mount\"}, {\"type\": \"user\"}],"
         "\"uidMappings\": [{\"containerID\": 0, \"hostID\": 0, \"size\": 1}],"
         "\"gidMappings\": [{\"containerID\": 0, \"hostID\": 0, \"size\": 1}]}}",
    NULL, OK },
  { "cgroups-path",
    HEAD "\"linux\": {\"cgroupsPath\": \"/x\", \"namespaces\": [{\"type\": \"mount\"}]}}",
    "linux.cgroupsPath replaced", OK },
  { "memory-limit",
    HEAD "\"linux\": {\"resources\": {\"memory\": {\"limit\": 1000}},"
         "\"namespaces\": [{\"type\": \"mount\"}]}}",
    "MemoryMax=", OK },
  { "memory-nothing",
    HEAD "\"linux\": {\"resources\": {\"memory\": {\"limit\": null, \"disableOOMKiller\": false}},"
         "\"namespaces\": [{\"type\": \"mount\"}]}}",
    NULL, OK },
  { "unknown-member", HEAD "\"platform\": {\"os\": \"linux\"}, " LINUX "}", "\"platform\" dropped",
    OK },
  { "systemd-annotation",
    HEAD "\"annotations\": {\"org.systemd.property.ExecStart\": \"x\"}, " LINUX "}", "dropped",
    OK },
  { "selinux-label",
    "{\"ociVersion\": \"1.0.2\", \"process\": {\"args\": [\"a\"], \"selinuxLabel\": "
    "\"x:y:z\"}, " LINUX "}",
    "process.selinuxLabel dropped", OK },
};

typedef struct
{
  ScPaths *paths;
  GPtrArray *notes;
  ScRuntimeConfigRules rules;
} Fixture;

static void
setup (Fixture *fixture, gconstpointer data)
{
  fixture->paths = sc_paths_new (NULL);
  fixture->notes = g_ptr_array_new_with_free_func (g_free);
  fixture->rules = (ScRuntimeConfigRules){
    .file = "file", .paths = fixture->paths, .cgroups_path = CGROUP, .is_used = TRUE
  };
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  sc_paths_free (fixture->paths);
  g_ptr_array_unref (fixture->notes);
}

static JsonObject *
complete (Fixture *fixture, const char *text, GError **error)
{
  g_autoptr (JsonObject) config = sc_runtime_config_parse ("file", text, strlen (text), error);
  if (config == NULL
      || !sc_runtime_config_complete (config, &fixture->rules, fixture->notes, error))
    return NULL;
  return g_steal_pointer (&config);
}

static void
test_complete (Fixture *fixture, gconstpointer data)
{
  const Row *row = data;
  g_autoptr (GError) error = NULL;

  g_autoptr (JsonObject) config = complete (fixture, row->text, &error);

  if (row->code != OK)
    {
      g_assert_null (config);
      g_assert_error (error, SYSCONT_ERROR, row->code);
      g_assert_true (g_str_has_prefix (error->message, "file: "));
      g_assert_nonnull (strstr (error->message, row->expected));
      return;
    }
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->notes->len, ==, row->expected != NULL ? 1 : 0);
  if (row->expected != NULL)
    g_assert_nonnull (strstr (fixture->notes->pdata[0], row->expected));
  JsonObject *root = json_object_get_object_member (config, "root");
  g_assert_cmpstr (json_object_get_string_member (root, "path"), ==, "rootfs");
  g_assert_true (json_object_get_boolean_member (root, "readonly"));
  JsonObject *process = json_object_get_object_member (config, "process");
  g_assert_false (json_object_get_boolean_member (process, "terminal"));
  g_assert_false (json_object_has_member (process, "selinuxLabel"));
  if (json_object_has_member (config, "annotations"))
    g_assert_cmpuint (json_object_get_size (json_object_get_object_member (config, "annotations")),
                      ==, 0);
  JsonObject *linux_part = json_object_get_object_member (config, "linux");
  g_assert_cmpstr (json_object_get_string_member (linux_part, "cgroupsPath"), ==, CGROUP);
  g_assert_false (json_object_has_member (linux_part, "resources"));
}

static void
test_complete_unused_may_be_empty (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  fixture->rules.is_used = FALSE;

  g_autoptr (JsonObject) config = complete (fixture, "{}", &error);

  g_assert_no_error (error);
  g_assert_nonnull (config);
}

static void
test_complete_too_many_mounts (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) text = g_string_new (HEAD "\"mounts\": [");
  for (guint i = 0; i <= SC_RUNTIME_MAX_MOUNTS; i++)
    g_string_append_printf (text, "%s{\"destination\": \"/a\"}", i > 0 ? "," : "");
  g_string_append (text, "], " LINUX "}");

  g_assert_null (complete (fixture, text->str, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
}

static void
test_complete_keeps_device_rules (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (JsonObject) config
      = complete (fixture,
                  HEAD "\"linux\": {\"resources\": {\"devices\": [{\"allow\": false}], \"pids\": "
                       "{\"limit\": 5}}, \"namespaces\": [{\"type\": \"mount\"}]}}",
                  &error);

  g_assert_no_error (error);
  JsonObject *resources = json_object_get_object_member (
      json_object_get_object_member (config, "linux"), "resources");
  g_assert_true (json_object_has_member (resources, "devices"));
  g_assert_false (json_object_has_member (resources, "pids"));
}

static void
assert_five_sets (JsonObject *config, const char *capability)
{
  static const char *const sets[]
      = { "bounding", "effective", "inheritable", "permitted", "ambient" };
  JsonObject *capabilities = json_object_get_object_member (
      json_object_get_object_member (config, "process"), "capabilities");
  g_assert_cmpuint (json_object_get_size (capabilities), ==, G_N_ELEMENTS (sets));
  for (guint i = 0; i < G_N_ELEMENTS (sets); i++)
    {
      JsonArray *list = json_object_get_array_member (capabilities, sets[i]);
      g_assert_cmpstr (json_array_get_string_element (list, 0), ==, capability);
    }
}

static void
test_migrate_linux_members (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (JsonObject) config
      = complete (fixture,
                  "{\"ociVersion\": \"0.3.0\", \"process\": {\"args\": [\"a\"], \"cwd\": \"/\"},"
                  "\"linux\": {\"capabilities\": [\"CAP_KILL\"], \"rlimits\": [{\"type\": \"x\"}],"
                  "\"apparmorProfile\": \"\", \"devices\": null,"
                  "\"namespaces\": [{\"type\": \"mount\"}]}}",
                  &error);

  g_assert_no_error (error);
  g_assert_cmpuint (fixture->notes->len, ==, 3);
  g_assert_cmpstr (json_object_get_string_member (config, "ociVersion"), ==, "1.0.2");
  assert_five_sets (config, "CAP_KILL");
  JsonObject *process = json_object_get_object_member (config, "process");
  JsonObject *linux_part = json_object_get_object_member (config, "linux");
  g_assert_true (json_object_has_member (process, "rlimits"));
  g_assert_false (json_object_has_member (process, "apparmorProfile"));
  g_assert_false (json_object_has_member (linux_part, "capabilities"));
  g_assert_false (json_object_has_member (linux_part, "rlimits"));
}

static void
test_migrate_process_list (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autoptr (JsonObject) config
      = complete (fixture,
                  "{\"ociVersion\": \"1.0.0-rc3\", \"process\": {\"args\": [\"a\"],"
                  "\"capabilities\": [\"CAP_MKNOD\"]}, " LINUX "}",
                  &error);

  g_assert_no_error (error);
  g_assert_cmpstr (json_object_get_string_member (config, "ociVersion"), ==, "1.0.0-rc3");
  assert_five_sets (config, "CAP_MKNOD");
}

static void
test_migrate_capability_is_no_string (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_null (complete (fixture,
                           "{\"ociVersion\": \"1.0.0\", \"process\": {\"args\": [\"a\"],"
                           "\"capabilities\": [1]}, " LINUX "}",
                           &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TEMPLATE_INVALID);
}

static void
assert_points (GPtrArray *points, const char *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);
  for (guint i = 0; i < points->len; i++)
    {
      const ScMountPoint *point = points->pdata[i];
      g_string_append_printf (text, "%s%s ", point->path, point->is_directory ? "/" : "");
      if (point->mode != 0755)
        g_string_append_printf (text, "%04o ", point->mode);
    }
  g_assert_cmpstr (text->str, ==, expected);
}

static void
test_points_files_and_directories (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) config = complete (
      fixture,
      "{\"ociVersion\": \"1.0.2\", \"process\": {\"args\": [\"a\"], \"cwd\": \"/srv/x/\"},"
      "\"mounts\": ["
      "{\"destination\": \"/proc\", \"type\": \"proc\"},"
      "{\"destination\": \"/proc/x\", \"type\": \"tmpfs\"},"
      "{\"destination\": \"/tmp\", \"type\": \"tmpfs\", \"options\": [\"mode=1777\"]},"
      "{\"destination\": \"/etc/passwd\", \"type\": \"bind\", \"source\": \"/etc/passwd\"},"
      "{\"destination\": \"/var/run/\", \"type\": \"bind\", \"source\": \"/etc\"},"
      "{\"destination\": \"/var/run/a\", \"type\": \"bind\", \"source\": \"/etc\"},"
      "{\"destination\": \"/gone\", \"type\": \"bind\", \"source\": \"/no/such\"},"
      "{\"destination\": \"/gone2\", \"type\": \"bind\", \"source\": \"/no/such\"}], " LINUX "}",
      &error);
  g_assert_no_error (error);

  g_autoptr (GPtrArray) points = sc_runtime_mounts_list_points (config, fixture->paths, FALSE);
  g_auto (GStrv) missing = sc_runtime_mounts_list_missing (config, fixture->paths);

  assert_points (points, "proc/ tmp/ 1777 etc/passwd var/run/ gone/ gone2/ srv/x/ ");
  g_assert_cmpuint (g_strv_length (missing), ==, 1);
  g_assert_cmpstr (missing[0], ==, "/no/such");
}

static void
test_points_notify (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (JsonObject) config = complete (fixture, HEAD LINUX "}", &error);
  g_autoptr (JsonObject) covered = complete (
      fixture, HEAD "\"mounts\": [{\"destination\": \"/run\", \"type\": \"tmpfs\"}], " LINUX "}",
      &error);
  g_assert_no_error (error);

  g_autoptr (GPtrArray) points = sc_runtime_mounts_list_points (config, fixture->paths, TRUE);
  g_autoptr (GPtrArray) on_tmpfs = sc_runtime_mounts_list_points (covered, fixture->paths, TRUE);

  assert_points (points, "run/notify/ run/systemd/notify/ ");
  assert_points (on_tmpfs, "run/ ");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autofree char *path = g_strdup_printf ("/runtime-config/complete/%s", rows[i].name);
      g_test_add (path, Fixture, &rows[i], setup, test_complete, teardown);
    }
  const struct
  {
    const char *path;
    void (*func) (Fixture *, gconstpointer);
  } tests[] = {
    { "complete/unused-may-be-empty", test_complete_unused_may_be_empty },
    { "complete/too-many-mounts", test_complete_too_many_mounts },
    { "complete/keeps-device-rules", test_complete_keeps_device_rules },
    { "migrate/linux-members", test_migrate_linux_members },
    { "migrate/process-list", test_migrate_process_list },
    { "migrate/capability-is-no-string", test_migrate_capability_is_no_string },
    { "points/files-and-directories", test_points_files_and_directories },
    { "points/notify", test_points_notify },
  };
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/runtime-config/%s", tests[i].path);
      g_test_add (path, Fixture, NULL, setup, tests[i].func, teardown);
    }
  return g_test_run ();
}
