/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-rendering.h"

#include "base/sc-fd.h"
#include "base/sc-json.h"

#include <glib/gstdio.h>
#include <string.h>

#define HEX    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define COMMIT "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define UUID   "6f1d3f6e-5a77-4d26-9df7-5b8c1d2d7f10"
#define UNIT                                                                                       \
  "[Service]\nExecStart=$EXEC_START\nExecStop=$EXEC_STOP\nWorkingDirectory=$DESTDIR\n"             \
  "[Install]\nWantedBy=multi-user.target\n"
#define CONFIG                                                                                     \
  "{\"ociVersion\": \"1.0.0\", \"process\": {\"args\": [\"/bin/a\"], \"env\": [\"PORT=$PORT\"],"   \
  "\"cwd\": \"/\"}, \"mounts\": [{\"destination\": \"/proc\", \"type\": \"proc\"}$ADDTL_MOUNTS],"  \
  "\"linux\": {\"namespaces\": [{\"type\": \"mount\"}]}}"

typedef struct
{
  char *root;
  ScPaths *paths;
  ScExports exports;
  ScImageConfig image_config;
  ScRenderRequest request;
  ScHostPathPolicy policy;
} Fixture;

static char *const entrypoint[] = { (char *)"/bin/server", NULL };
static char *const cmd[] = { (char *)"--port", (char *)"80", NULL };

static const char *const host_prefixes[] = { "/etc", "/usr/local", "/opt", "/var/lib", NULL };

static void
write_host_file (Fixture *fixture, const char *path, const char *text)
{
  g_autofree char *full = g_strconcat (fixture->root, path, NULL);
  g_autofree char *directory = g_path_get_dirname (full);
  g_assert_cmpint (g_mkdir_with_parents (directory, 0755), ==, 0);
  g_assert_true (g_file_set_contents (full, text, -1, NULL));
}

static void
setup (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  fixture->root = g_dir_make_tmp ("syscont-rendering-XXXXXX", &error);
  g_assert_no_error (error);
  fixture->paths = sc_paths_new (fixture->root);
  fixture->exports.default_values = g_hash_table_new (g_str_hash, g_str_equal);
  fixture->image_config.labels = g_hash_table_new (g_str_hash, g_str_equal);
  fixture->image_config.entrypoint = (char **)entrypoint;
  fixture->image_config.cmd = (char **)cmd;
  fixture->policy = (ScHostPathPolicy){ .paths = fixture->paths, .prefixes = host_prefixes };
  fixture->request = (ScRenderRequest){
    .name = "web",
    .paths = fixture->paths,
    .host_paths = &fixture->policy,
    .runtime = "/usr/sbin/runc",
    .image_name = "example.com/web:1",
    .image_commit = COMMIT,
    .manifest_digest = "sha256:" HEX,
    .uuid = UUID,
    .set_values = g_hash_table_new (g_str_hash, g_str_equal),
    .exports = &fixture->exports,
    .image_config = &fixture->image_config,
    .now_s = 1700000000,
  };
}

static void
teardown (Fixture *fixture, gconstpointer data)
{
  g_autofree char *parent = g_path_get_dirname (fixture->root);
  g_autofree char *name = g_path_get_basename (fixture->root);
  sc_autofd fd = sc_fd_open_dir (parent, NULL);
  sc_fd_remove_tree (fd, name, NULL);
  GBytes *templates[] = { fixture->exports.config, fixture->exports.config_template,
                          fixture->exports.service_template, fixture->exports.tmpfiles_template };
  for (guint i = 0; i < G_N_ELEMENTS (templates); i++)
    g_clear_pointer (&templates[i], g_bytes_unref);
  g_clear_pointer (&fixture->request.passwd, g_bytes_unref);
  g_hash_table_unref (fixture->exports.default_values);
  g_hash_table_unref (fixture->image_config.labels);
  g_hash_table_unref (fixture->request.set_values);
  sc_paths_free (fixture->paths);
  g_free (fixture->root);
}

static GBytes *
bytes (const char *text)
{
  return g_bytes_new_static (text, strlen (text));
}

static void
set_value (Fixture *fixture, const char *name, const char *value)
{
  g_hash_table_insert (fixture->request.set_values, (char *)name, (char *)value);
}

static void
set_default (Fixture *fixture, const char *name, const char *value)
{
  g_hash_table_insert (fixture->exports.default_values, (char *)name, (char *)value);
}

static ScRendering *
render (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  ScRendering *rendering = sc_render (&fixture->request, &error);
  g_assert_no_error (error);
  g_assert_nonnull (rendering);
  return rendering;
}

static void
assert_render_fails (Fixture *fixture, SyscontError code, const char *part)
{
  g_autoptr (GError) error = NULL;
  g_assert_null (sc_render (&fixture->request, &error));
  g_assert_error (error, SYSCONT_ERROR, (int)code);
  g_assert_nonnull (strstr (error->message, part));
}

static void
test_problems_of_all_parts (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) problems = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) error = NULL;

  fixture->request.problems = problems;
  fixture->exports.service_template = bytes ("[Service]\nExecStart=/x\nBusName=a.b\n");
  fixture->exports.config_template = bytes ("{broken");
  fixture->exports.tmpfiles_template = bytes ("d /etc/../x\n");

  g_assert_null (sc_render (&fixture->request, &error));
  g_assert_cmpuint (problems->len, ==, 2);
  g_assert_true (g_str_has_prefix (problems->pdata[0], "service.template: "));
  g_assert_true (g_str_has_prefix (problems->pdata[1], "config.json.template: "));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TEMPLATE_INVALID);
  g_assert_true (g_str_has_prefix (error->message, "tmpfiles.template: "));
}

static JsonObject *
parse (const char *text)
{
  g_autoptr (GError) error = NULL;
  JsonObject *object = sc_json_parse_object (text, strlen (text), NULL, &error);
  g_assert_no_error (error);
  return object;
}

static void
assert_noted (const ScRendering *rendering, const char *part)
{
  g_autofree char *notes = g_strjoinv ("\n", rendering->notes);
  g_test_message ("%s", notes);
  g_assert_nonnull (strstr (notes, part));
}

static JsonObject *
find_mount (JsonObject *config, const char *destination)
{
  JsonArray *mounts = json_object_get_array_member (config, "mounts");
  for (guint i = 0; i < json_array_get_length (mounts); i++)
    {
      JsonObject *mount = json_array_get_object_element (mounts, i);
      if (g_str_equal (json_object_get_string_member (mount, "destination"), destination))
        return mount;
    }
  return NULL;
}

static void
test_convert_process (Fixture *fixture, gconstpointer data)
{
  static char *env[] = { (char *)"A=b\nExecStart=/x", NULL };
  fixture->image_config.env = env;
  fixture->image_config.working_dir = (char *)"/srv";
  fixture->image_config.user = (char *)"app";
  fixture->request.passwd = bytes ("app:x:5:6::/:\n");

  g_autoptr (ScRendering) rendering = render (fixture);

  g_autoptr (JsonObject) config = parse (rendering->config_json);
  JsonObject *process = json_object_get_object_member (config, "process");
  g_auto (GStrv) args = NULL;
  g_auto (GStrv) out_env = NULL;
  g_assert_true (sc_json_get_strv (process, "args", &args, NULL));
  g_assert_true (sc_json_get_strv (process, "env", &out_env, NULL));
  g_autofree char *joined = g_strjoinv (" ", args);
  g_assert_cmpstr (joined, ==, "/bin/server --port 80");
  g_assert_true (g_str_has_prefix (out_env[0], "PATH="));
  g_assert_cmpstr (out_env[1], ==, env[0]);
  g_assert_null (strstr (rendering->texts.service, "ExecStart=/x"));
  g_assert_cmpstr (json_object_get_string_member (process, "cwd"), ==, "/srv");
  JsonObject *user = json_object_get_object_member (process, "user");
  g_assert_cmpint (json_object_get_int_member (user, "uid"), ==, 5);
  g_assert_cmpint (json_object_get_int_member (user, "gid"), ==, 6);
}

static void
test_convert_isolation (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ScRendering) rendering = render (fixture);

  g_autoptr (JsonObject) config = parse (rendering->config_json);
  JsonObject *linux_part = json_object_get_object_member (config, "linux");
  JsonObject *process = json_object_get_object_member (config, "process");
  JsonObject *sets = json_object_get_object_member (process, "capabilities");
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (sets, "bounding")), ==,
                    14);
  g_assert_true (json_object_get_boolean_member (process, "noNewPrivileges"));
  g_assert_cmpuint (json_array_get_length (json_object_get_array_member (linux_part, "namespaces")),
                    ==, 4);
  g_assert_cmpstr (json_object_get_string_member (linux_part, "cgroupsPath"), ==,
                   "/system.slice/web.service/container");
  g_assert_false (json_object_has_member (linux_part, "resources"));
  g_assert_nonnull (find_mount (config, "/tmp"));
  g_assert_nonnull (find_mount (config, "/run"));
  g_assert_null (find_mount (config, "/etc/hosts"));
}

static void
test_convert_host_files (Fixture *fixture, gconstpointer data)
{
  write_host_file (fixture, "/etc/hosts", "127.0.0.1 localhost\n");
  write_host_file (fixture, "/etc/resolv.conf/x", "a directory\n");

  g_autoptr (ScRendering) rendering = render (fixture);

  g_autoptr (JsonObject) config = parse (rendering->config_json);
  JsonObject *hosts = find_mount (config, "/etc/hosts");
  g_auto (GStrv) list = NULL;
  g_assert_true (sc_json_get_strv (hosts, "options", &list, NULL));
  g_assert_true (g_strv_contains ((const char *const *)list, "ro"));
  g_assert_null (find_mount (config, "/etc/resolv.conf"));
  const ScMountPoint *last = rendering->mount_points->pdata[rendering->mount_points->len - 1];
  g_assert_cmpstr (last->path, ==, "etc/hosts");
  g_assert_false (last->is_directory);
}

static void
test_convert_volumes (Fixture *fixture, gconstpointer data)
{
  static char *volumes[] = { (char *)"/var/lib/my-sql", (char *)"/data", (char *)"/tmp", NULL };
  fixture->image_config.volumes = volumes;
  fixture->image_config.user = (char *)"7:8";

  g_autoptr (ScRendering) rendering = render (fixture);

  g_autoptr (JsonObject) config = parse (rendering->config_json);
  g_assert_cmpstr (json_object_get_string_member (find_mount (config, "/data"), "source"), ==,
                   "/var/lib/web/data");
  g_assert_cmpstr (json_object_get_string_member (find_mount (config, "/tmp"), "type"), ==, "bind");
  g_assert_cmpstr (rendering->texts.tmpfiles, ==,
                   "d /var/lib/web 0755 0 0 - -\n"
                   "d /var/lib/web/data 0755 7 8 - -\n"
                   "d /var/lib/web/tmp 0755 7 8 - -\n"
                   "d /var/lib/web/var-lib-my_2Dsql 0755 7 8 - -\n");
}

/* MJ12 */
static void
test_convert_volume_of_kernel (Fixture *fixture, gconstpointer data)
{
  static char *volumes[] = { (char *)"/proc/x", NULL };
  fixture->image_config.volumes = volumes;

  assert_render_fails (fixture, SYSCONT_ERROR_IMAGE_INVALID, "\"/proc/x\"");

  volumes[0] = (char *)"/";
  assert_render_fails (fixture, SYSCONT_ERROR_IMAGE_INVALID, "\"/\"");
}

static void
test_convert_nothing_to_run (Fixture *fixture, gconstpointer data)
{
  fixture->image_config.entrypoint = NULL;
  fixture->image_config.cmd = NULL;

  assert_render_fails (fixture, SYSCONT_ERROR_TEMPLATE_INVALID, "neither entrypoint nor command");
}

static void
test_convert_unused (Fixture *fixture, gconstpointer data)
{
  fixture->image_config.entrypoint = NULL;
  fixture->image_config.cmd = NULL;
  fixture->exports.service_template
      = bytes ("[Service]\nExecStart=/usr/bin/python -u /usr/sbin/waagent\n"
               "WorkingDirectory=${DESTDIR}/rootfs\n");

  g_autoptr (ScRendering) rendering = render (fixture);

  g_assert_nonnull (strstr (rendering->texts.service,
                            "WorkingDirectory=/var/lib/containers/syscont/web/rootfs\n"));
}

static void
test_default_unit (Fixture *fixture, gconstpointer data)
{
  g_autoptr (ScRendering) rendering = render (fixture);

  g_assert_nonnull (strstr (rendering->texts.service, "\nDescription=web\n"));
  g_assert_nonnull (strstr (rendering->texts.service, "\nExecStart=/usr/sbin/runc run 'web'\n"));
  g_assert_nonnull (
      strstr (rendering->texts.service, "\nWorkingDirectory=/var/lib/containers/syscont/web\n"));
  g_assert_nonnull (strstr (rendering->texts.service, "\nKillMode=mixed\n"));
  g_assert_nonnull (strstr (rendering->texts.service, "\nWantedBy=multi-user.target\n"));
  g_assert_nonnull (strstr (rendering->texts.drop_in, "Delegate=yes\n"));
  g_assert_null (rendering->texts.tmpfiles);
}

static void
test_template_values (Fixture *fixture, gconstpointer data)
{
  fixture->exports.config_template = bytes (CONFIG);
  fixture->exports.service_template = bytes (UNIT);
  set_default (fixture, "PORT", "8081");
  set_default (fixture, "ADDTL_MOUNTS", "");
  set_value (fixture, "PORT", "8082\"");

  g_autoptr (ScRendering) rendering = render (fixture);

  g_assert_nonnull (strstr (rendering->config_json, "\"PORT=8082\\\"\""));
  g_assert_nonnull (strstr (rendering->texts.service, "ExecStop=/usr/sbin/runc kill 'web'\n"));
  g_assert_cmpuint (g_strv_length (rendering->notes), ==, 0);
}

static void
test_template_raw_fragment (Fixture *fixture, gconstpointer data)
{
  fixture->exports.config_template = bytes (CONFIG);
  set_default (fixture, "PORT", "1");
  set_value (fixture, "ADDTL_MOUNTS",
             ",\n{\"destination\": \"/x\", \"type\": \"bind\", \"source\": \"/srv/x\"}");

  g_autoptr (ScRendering) rendering = render (fixture);

  g_autoptr (JsonObject) config = parse (rendering->config_json);
  g_assert_nonnull (find_mount (config, "/x"));
  g_assert_cmpstr (rendering->texts.tmpfiles, ==, "d /srv/x 0700 0 0 - -\n");
}

static void
test_template_fragment_of_members (Fixture *fixture, gconstpointer data)
{
  fixture->exports.config_template = bytes (CONFIG);
  set_default (fixture, "PORT", "1");
  set_value (fixture, "ADDTL_MOUNTS", "], \"root\": {\"path\": \"/\"}, \"x\": [");

  assert_render_fails (fixture, SYSCONT_ERROR_TEMPLATE_INVALID, "\"ADDTL_MOUNTS\"");
}

static void
test_template_missing_value (Fixture *fixture, gconstpointer data)
{
  fixture->exports.config_template = bytes (CONFIG);
  set_default (fixture, "ADDTL_MOUNTS", "");

  assert_render_fails (fixture, SYSCONT_ERROR_VALUE_MISSING,
                       "config.json.template: line 1: still contains an unreplaced value for: "
                       "''PORT''");
}

static void
test_config_verbatim_wins (Fixture *fixture, gconstpointer data)
{
  fixture->exports.config_template = bytes ("$NOT_USED");
  fixture->exports.config
      = bytes ("{\"ociVersion\": \"1.0.0\", \"process\": {\"args\": [\"$HOME\"]},"
               "\"linux\": {\"namespaces\": [{\"type\": \"mount\"}]}}");

  g_autoptr (ScRendering) rendering = render (fixture);

  g_assert_nonnull (strstr (rendering->config_json, "\"$HOME\""));
  g_assert_null (strstr (rendering->config_json, "/bin/server"));
}

static void
test_pidfile_mode (Fixture *fixture, gconstpointer data)
{
  fixture->exports.service_template
      = bytes ("[Service]\nType=forking\nExecStart=$EXEC_START\nExecStop=$EXEC_STOP\n"
               "ExecStopPost=$EXEC_STOPPOST\nPIDFile=$PIDFILE\n");

  g_autoptr (ScRendering) rendering = render (fixture);

  g_assert_cmpstr (rendering->texts.service, ==,
                   "[Service]\nType=forking\n"
                   "ExecStart=/usr/sbin/runc run -d --pid-file /run/container-web.pid 'web'\n"
                   "ExecStop=\nExecStopPost=/usr/sbin/runc delete 'web'\n"
                   "PIDFile=/run/container-web.pid\n");
}

static void
test_pidfile_braces_are_no_mode (Fixture *fixture, gconstpointer data)
{
  fixture->exports.service_template = bytes ("[Service]\nExecStart=$EXEC_START\n"
                                             "ExecStopPost=${EXEC_STOPPOST}\nPIDFile=$PIDFILE\n");

  g_autoptr (ScRendering) rendering = render (fixture);

  g_assert_nonnull (strstr (rendering->texts.service, "ExecStart=/usr/sbin/runc run 'web'\n"));
  g_assert_nonnull (strstr (rendering->texts.service, "ExecStopPost=\n"));
}

static void
test_pidfile_of_caller (Fixture *fixture, gconstpointer data)
{
  fixture->exports.service_template
      = bytes ("[Service]\nExecStart=$EXEC_START\nExecStopPost=$EXEC_STOPPOST\nPIDFile=$PIDFILE\n");
  set_value (fixture, "RUN_DIRECTORY", "/run/x y");

  assert_render_fails (fixture, SYSCONT_ERROR_INVALID_ARGUMENT, "PIDFILE");
}

static void
test_values_precedence (Fixture *fixture, gconstpointer data)
{
  fixture->exports.service_template = bytes (UNIT);
  set_default (fixture, "CONF_DIRECTORY", "/image");
  set_default (fixture, "UUID", "image-uuid");
  set_default (fixture, "NAME", "image-name");
  set_value (fixture, "STATE_DIRECTORY", "/caller");

  g_autoptr (ScRendering) rendering = render (fixture);

  g_assert_cmpstr (sc_values_get (rendering->values, "CONF_DIRECTORY"), ==, "/etc");
  g_assert_cmpstr (sc_values_get (rendering->values, "UUID"), ==, "image-uuid");
  g_assert_cmpstr (sc_values_get (rendering->values, "NAME"), ==, "web");
  g_assert_cmpstr (sc_values_get (rendering->values, "STATE_DIRECTORY"), ==, "/caller");
  g_assert_cmpstr (sc_values_get (rendering->values, "DESTDIR"), ==,
                   "/var/lib/containers/syscont/web");
  g_assert_cmpstr (sc_values_get (rendering->values, "IMAGE_ID"), ==, HEX);
  g_assert_cmpstr (sc_values_get (rendering->values, "HOST_UID"), ==, "0");
  g_assert_cmpstr (sc_values_get (rendering->values, "ATOMIC"), ==, "/usr/bin/syscontctl");
  assert_noted (rendering, "the default of CONF_DIRECTORY is ignored");
  assert_noted (rendering, "the default of NAME is ignored");
}

static void
test_values_capabilities (Fixture *fixture, gconstpointer data)
{
  fixture->exports.config_template
      = bytes ("{\"ociVersion\": \"1.0.0\", \"process\": {\"args\": [\"a\"], \"capabilities\":"
               "{\"bounding\": [$ALL_PROCESS_CAPABILITIES]}},"
               "\"linux\": {\"namespaces\": [{\"type\": \"mount\"}]}}");

  g_autoptr (ScRendering) rendering = render (fixture);

  g_autoptr (JsonObject) config = parse (rendering->config_json);
  JsonObject *sets = json_object_get_object_member (
      json_object_get_object_member (config, "process"), "capabilities");
  JsonArray *list = json_object_get_array_member (sets, "bounding");
  g_assert_cmpuint (json_array_get_length (list), >=, 38);
  g_assert_cmpstr (json_array_get_string_element (list, 21), ==, "CAP_SYS_ADMIN");
}

static void
test_values_unused_are_noted (Fixture *fixture, gconstpointer data)
{
  set_value (fixture, "TYPO", "1");

  g_autoptr (ScRendering) rendering = render (fixture);

  assert_noted (rendering, "value TYPO: no template");
}

static void
test_values_newline_in_unit (Fixture *fixture, gconstpointer data)
{
  fixture->exports.service_template = bytes ("[Service]\nExecStart=$EXEC_START $X\n");
  set_value (fixture, "X", "a\nExecStartPre=/evil");

  assert_render_fails (fixture, SYSCONT_ERROR_TEMPLATE_INVALID, "\"X\"");
}

/* TH09 */
static void
test_set_values_check (void)
{
  g_autofree char *long_value = g_strnfill (64 * 1024 + 1, 'x');
  const struct
  {
    const char *name;
    const char *value;
    gboolean is_good;
  } pairs[] = {
    { "A", "b", TRUE },
    { "A", "", TRUE },
    { "A", "a\n\tb", TRUE },
    { "__proto__", "x", TRUE },
    { "PIDFILE", "/run/x.pid", TRUE },
    { "UUID", "x", TRUE },
    { "RUNTIME", "/x", TRUE },
    { "A", long_value, FALSE },
    { "A", "a\rb", FALSE },
    { "A", "a\033b", FALSE },
    { "A", "\xe2\x80\xa8", FALSE },
    { "A", "\xff", FALSE },
    { "", "x", FALSE },
    { "A-B", "x", FALSE },
    { "A\n", "x", FALSE },
    { "NAME", "x", FALSE },
    { "DESTDIR", "x", FALSE },
    { "EXEC_START", "x", FALSE },
    { "EXEC_STOPPOST", "x", FALSE },
    { "IMAGE_ID", "x", FALSE },
    { "HOST_UID", "0", FALSE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (pairs); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (GHashTable) values = g_hash_table_new (g_str_hash, g_str_equal);
      g_hash_table_insert (values, (char *)pairs[i].name, (char *)pairs[i].value);
      g_test_message ("%s", pairs[i].name);

      gboolean result = sc_set_values_check (values, &error);

      g_assert_cmpint (result, ==, pairs[i].is_good);
      if (!pairs[i].is_good)
        g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
    }
}

static void
test_set_values_check_number (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GHashTable) values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  for (guint i = 0; i < 256; i++)
    g_hash_table_insert (values, g_strdup_printf ("A%u", i), (char *)"x");

  g_assert_true (sc_set_values_check (values, &error));
  g_hash_table_insert (values, g_strdup ("B"), (char *)"x");
  g_assert_false (sc_set_values_check (values, &error));

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
  g_assert_true (sc_set_values_check (NULL, NULL));
}

static void
test_set_values_are_checked (Fixture *fixture, gconstpointer data)
{
  set_value (fixture, "NAME", "other");

  assert_render_fails (fixture, SYSCONT_ERROR_INVALID_ARGUMENT, "\"NAME\"");
}

static void
test_no_container_service (Fixture *fixture, gconstpointer data)
{
  fixture->exports.no_container_service = TRUE;
  fixture->image_config.entrypoint = NULL;
  fixture->image_config.cmd = NULL;

  g_autoptr (ScRendering) rendering = render (fixture);

  g_autoptr (JsonObject) info = parse (rendering->info);
  g_assert_null (rendering->texts.service);
  g_assert_null (rendering->texts.drop_in);
  g_assert_false (json_object_get_boolean_member (info, "has-container-service"));
}

static void
test_tmpfiles_template (Fixture *fixture, gconstpointer data)
{
  fixture->exports.tmpfiles_template = bytes ("d ${STATE_DIRECTORY}/$NAME 0700 $HOST_UID 0 - -");

  g_autoptr (ScRendering) rendering = render (fixture);

  g_assert_cmpstr (rendering->texts.tmpfiles, ==, "d /var/lib/web 0700 0 0 - -\n");
}

static void
test_tmpfiles_of_caller (Fixture *fixture, gconstpointer data)
{
  fixture->exports.tmpfiles_template = bytes ("\nd $X 0700");
  set_value (fixture, "X", "/etc/cron.d/x");

  assert_render_fails (fixture, SYSCONT_ERROR_TEMPLATE_INVALID, "tmpfiles.template: line 2");
}

static const char bind_config[]
    = "{\"ociVersion\": \"1.0.0\", \"process\": {\"args\": [\"a\"]}, \"mounts\": ["
      "{\"destination\": \"/a\", \"type\": \"bind\", \"source\": \"/var/run/kubernetes/\"},"
      "{\"destination\": \"/b\", \"type\": \"bind\", \"source\": \"/var/run/kubernetes\"},"
      "{\"destination\": \"/c\", \"type\": \"bind\", \"source\": \"/dev/virtio-ports\"}],"
      "\"linux\": {\"namespaces\": [{\"type\": \"mount\"}]}}";

static void
test_tmpfiles_missing_sources (Fixture *fixture, gconstpointer data)
{
  fixture->exports.config = bytes (bind_config);

  g_autoptr (ScRendering) rendering = render (fixture);

  g_assert_cmpstr (rendering->texts.tmpfiles, ==, "d /run/kubernetes 0700 0 0 - -\n");
  assert_noted (rendering, "\"/dev/virtio-ports\" does not exist");
}

static void
test_tmpfiles_empty_template (Fixture *fixture, gconstpointer data)
{
  fixture->exports.config = bytes (bind_config);
  fixture->exports.tmpfiles_template = bytes ("");

  g_autoptr (ScRendering) rendering = render (fixture);

  g_assert_null (rendering->texts.tmpfiles);
}

static void
test_info (Fixture *fixture, gconstpointer data)
{
  static const char *const members[] = {
    "installed-files",          "installed-files-checksum",
    "installed-files-template", "rpm-installed",
    "rename-installed-files",   "remote",
    "system-package",           "use-links",
  };
  g_autoptr (ScRendering) rendering = render (fixture);

  g_autoptr (JsonObject) info = parse (rendering->info);
  JsonObject *values = json_object_get_object_member (info, "values");
  g_assert_cmpstr (json_object_get_string_member (info, "image"), ==, "example.com/web:1");
  g_assert_cmpstr (json_object_get_string_member (info, "revision"), ==, HEX);
  g_assert_cmpstr (json_object_get_string_member (info, "ostree-commit"), ==, COMMIT);
  g_assert_cmpint (json_object_get_int_member (info, "created"), ==, 1700000000);
  g_assert_cmpstr (json_object_get_string_member (info, "runtime"), ==, "/usr/sbin/runc");
  g_assert_true (json_object_get_boolean_member (info, "has-container-service"));
  JsonNode *uid = json_object_get_member (values, "HOST_UID");
  g_assert_cmpuint (json_node_get_value_type (uid), ==, G_TYPE_INT64);
  g_assert_cmpstr (json_object_get_string_member (values, "UUID"), ==, UUID);
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    g_assert_true (json_object_has_member (info, members[i]));
  g_assert_true (g_str_has_prefix (rendering->info, "{\n    \""));
  g_assert_true (g_str_has_suffix (rendering->info, "}\n"));
}

static void
test_slice (Fixture *fixture, gconstpointer data)
{
  fixture->exports.service_template = bytes (UNIT "[Service]\nSlice=machine-x.slice\n");

  g_autoptr (ScRendering) rendering = render (fixture);

  g_assert_nonnull (
      strstr (rendering->config_json, "\"/machine.slice/machine-x.slice/web.service/container\""));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  const struct
  {
    const char *path;
    void (*func) (Fixture *, gconstpointer);
  } tests[] = {
    { "convert/process", test_convert_process },
    { "convert/isolation", test_convert_isolation },
    { "convert/host-files", test_convert_host_files },
    { "convert/volumes", test_convert_volumes },
    { "convert/volume-of-kernel", test_convert_volume_of_kernel },
    { "convert/nothing-to-run", test_convert_nothing_to_run },
    { "convert/unused", test_convert_unused },
    { "unit/default", test_default_unit },
    { "unit/slice", test_slice },
    { "unit/pidfile-mode", test_pidfile_mode },
    { "unit/pidfile-braces-are-no-mode", test_pidfile_braces_are_no_mode },
    { "unit/pidfile-of-caller", test_pidfile_of_caller },
    { "config/template-values", test_template_values },
    { "config/template-raw-fragment", test_template_raw_fragment },
    { "config/template-fragment-of-members", test_template_fragment_of_members },
    { "config/template-missing-value", test_template_missing_value },
    { "config/verbatim-wins", test_config_verbatim_wins },
    { "values/precedence", test_values_precedence },
    { "values/capabilities", test_values_capabilities },
    { "values/unused-are-noted", test_values_unused_are_noted },
    { "values/newline-in-unit", test_values_newline_in_unit },
    { "values/are-checked", test_set_values_are_checked },
    { "service/none", test_no_container_service },
    { "tmpfiles/template", test_tmpfiles_template },
    { "tmpfiles/of-caller", test_tmpfiles_of_caller },
    { "tmpfiles/missing-sources", test_tmpfiles_missing_sources },
    { "tmpfiles/empty-template", test_tmpfiles_empty_template },
    { "problems/of-all-parts", test_problems_of_all_parts },
    { "info/members", test_info },
  };
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/rendering/%s", tests[i].path);
      g_test_add (path, Fixture, NULL, setup, tests[i].func, teardown);
    }
  g_test_add_func ("/rendering/set-values-check/pairs", test_set_values_check);
  g_test_add_func ("/rendering/set-values-check/number", test_set_values_check_number);
  return g_test_run ();
}
