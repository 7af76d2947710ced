/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-convert-config.h"

#include "deploy/sc-host-path.h"
#include "deploy/sc-tmpfiles-text.h"
#include "deploy/sc-user-lookup.h"

#include <string.h>
#include <sys/stat.h>

#define DEFAULT_PATH "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char base_text[]
    = "{\"ociVersion\": \"1.0.2\","
      "\"process\": {\"terminal\": false, \"noNewPrivileges\": true},"
      "\"root\": {\"path\": \"rootfs\", \"readonly\": true},"
      "\"mounts\": ["
      "{\"destination\": \"/proc\", \"type\": \"proc\", \"source\": \"proc\","
      " \"options\": [\"nosuid\", \"noexec\", \"nodev\"]},"
      "{\"destination\": \"/dev\", \"type\": \"tmpfs\", \"source\": \"tmpfs\","
      " \"options\": [\"nosuid\", \"strictatime\", \"mode=755\", \"size=65536k\"]},"
      "{\"destination\": \"/dev/pts\", \"type\": \"devpts\", \"source\": \"devpts\","
      " \"options\": [\"nosuid\", \"noexec\", \"newinstance\", \"ptmxmode=0666\", \"mode=0620\","
      " \"gid=5\"]},"
      "{\"destination\": \"/dev/shm\", \"type\": \"tmpfs\", \"source\": \"shm\","
      " \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"mode=1777\", \"size=65536k\"]},"
      "{\"destination\": \"/dev/mqueue\", \"type\": \"mqueue\", \"source\": \"mqueue\","
      " \"options\": [\"nosuid\", \"noexec\", \"nodev\"]},"
      "{\"destination\": \"/sys\", \"type\": \"sysfs\", \"source\": \"sysfs\","
      " \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"ro\"]},"
      "{\"destination\": \"/sys/fs/cgroup\", \"type\": \"cgroup\", \"source\": \"cgroup\","
      " \"options\": [\"nosuid\", \"noexec\", \"nodev\", \"relatime\", \"ro\"]}],"
      "\"linux\": {"
      "\"namespaces\": [{\"type\": \"pid\"}, {\"type\": \"ipc\"}, {\"type\": \"uts\"},"
      " {\"type\": \"mount\"}],"
      "\"maskedPaths\": [\"/proc/acpi\", \"/proc/asound\", \"/proc/kcore\", \"/proc/keys\","
      " \"/proc/latency_stats\", \"/proc/timer_list\", \"/proc/timer_stats\","
      " \"/proc/sched_debug\", \"/sys/firmware\", \"/proc/scsi\"],"
      "\"readonlyPaths\": [\"/proc/bus\", \"/proc/fs\", \"/proc/irq\", \"/proc/sys\","
      " \"/proc/sysrq-trigger\"]}}";

static const char *const capabilities[] = {
  "CAP_AUDIT_WRITE", "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",     "CAP_FSETID",
  "CAP_KILL",        "CAP_MKNOD",   "CAP_NET_BIND_SERVICE", "CAP_NET_RAW",    "CAP_SETFCAP",
  "CAP_SETGID",      "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT",
};

typedef struct
{
  const char *destination;
  const char *type;
  const char *source;
  const char *const *options;
} Mount;

typedef struct
{
  JsonObject *config;
  const char *state; /* (nullable) STATE_DIRECTORY/NAME, where their directories are */
  const ScUser *user;
  GString *tmpfiles;
} Volumes;

static const char *const tmp_options[] = { "nosuid", "nodev", "mode=1777", NULL };
static const char *const run_options[] = { "nosuid", "nodev", "mode=755", "tmpcopyup", NULL };
static const char *const file_options[] = { "bind", "ro", "nosuid", "nodev", "noexec", NULL };
static const char *const volume_options[] = { "bind", "rw", "nosuid", "nodev", NULL };

static const Mount scratch_mounts[] = {
  { "/tmp", "tmpfs", "tmpfs", tmp_options },
  { "/run", "tmpfs", "tmpfs", run_options },
};

static const Mount host_mounts[] = {
  { "/etc/resolv.conf", "bind", "/etc/resolv.conf", file_options },
  { "/etc/hosts", "bind", "/etc/hosts", file_options },
};

static JsonArray *
array_of_strings (const char *const *strings)
{
  JsonArray *array = json_array_new ();
  for (const char *const *s = strings; s != NULL && *s != NULL; s++)
    json_array_add_string_element (array, *s);
  return array;
}

static void
add_mount (JsonObject *config, const Mount *mount)
{
  JsonObject *object = json_object_new ();
  json_object_set_string_member (object, "destination", mount->destination);
  json_object_set_string_member (object, "type", mount->type);
  json_object_set_string_member (object, "source", mount->source);
  json_object_set_array_member (object, "options", array_of_strings (mount->options));
  json_array_add_object_element (json_object_get_array_member (config, "mounts"), object);
}

static gboolean
set_args (JsonObject *process, const ScImageConfig *image_config, gboolean is_used, GError **error)
{
  JsonArray *args = array_of_strings ((const char *const *)image_config->entrypoint);
  json_object_set_array_member (process, "args", args);
  for (char **arg = image_config->cmd; arg != NULL && *arg != NULL; arg++)
    json_array_add_string_element (args, *arg);
  if (json_array_get_length (args) > 0 || !is_used)
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                       "the image has neither entrypoint nor command, and no config.json.template "
                       "in /exports that says what to run");
}

static void
set_env (JsonObject *process, const ScImageConfig *image_config)
{
  JsonArray *env = json_array_new ();
  gboolean has_path = FALSE;
  for (char **entry = image_config->env; entry != NULL && *entry != NULL; entry++)
    has_path = has_path || g_str_has_prefix (*entry, "PATH=");
  if (!has_path)
    json_array_add_string_element (env, DEFAULT_PATH);
  for (char **entry = image_config->env; entry != NULL && *entry != NULL; entry++)
    json_array_add_string_element (env, *entry);
  json_object_set_array_member (process, "env", env);
}

static void
set_user (JsonObject *process, const ScUser *user)
{
  JsonObject *object = json_object_new ();
  json_object_set_int_member (object, "uid", user->uid);
  json_object_set_int_member (object, "gid", user->gid);
  if (user->groups->len > 0)
    {
      JsonArray *groups = json_array_new ();
      for (guint i = 0; i < user->groups->len; i++)
        json_array_add_int_element (groups, g_array_index (user->groups, guint32, i));
      json_object_set_array_member (object, "additionalGids", groups);
    }
  json_object_set_object_member (process, "user", object);
}

static void
set_capabilities (JsonObject *process)
{
  static const char *const sets[] = { "bounding", "effective", "permitted" };
  JsonObject *object = json_object_new ();
  for (guint i = 0; i < G_N_ELEMENTS (sets); i++)
    {
      JsonArray *list = json_array_new ();
      for (guint j = 0; j < G_N_ELEMENTS (capabilities); j++)
        json_array_add_string_element (list, capabilities[j]);
      json_object_set_array_member (object, sets[i], list);
    }
  json_object_set_object_member (process, "capabilities", object);
}

static void
set_annotations (JsonObject *config, const ScImageConfig *image_config)
{
  JsonObject *annotations = json_object_new ();
  if (image_config->stop_signal != NULL)
    json_object_set_string_member (annotations, "org.opencontainers.image.stopSignal",
                                   image_config->stop_signal);
  if (image_config->exposed_ports != NULL && image_config->exposed_ports[0] != NULL)
    {
      g_autofree char *ports = g_strjoinv (",", image_config->exposed_ports);
      json_object_set_string_member (annotations, "org.opencontainers.image.exposedPorts", ports);
    }
  if (json_object_get_size (annotations) > 0)
    json_object_set_object_member (config, "annotations", annotations);
  else
    json_object_unref (annotations);
}

/* A file name that says which path it stands for: "/" is "-", and what is not a letter, digit or
 * "." is "_" and its code. */
static char *
encode_path (const char *path)
{
  g_autoptr (GString) name = g_string_new (NULL);
  for (const char *p = path + 1; *p != '\0'; p++)
    {
      if (*p == '/')
        g_string_append_c (name, '-');
      else if (g_ascii_isalnum (*p) || *p == '.')
        g_string_append_c (name, *p);
      else
        g_string_append_printf (name, "_%02X", (guint)(guchar)*p);
    }
  return g_string_free (g_steal_pointer (&name), FALSE);
}

static gboolean
add_volume (const Volumes *self, const char *volume, GError **error)
{
  static const char *const kernel[] = { "/proc", "/sys", "/dev" };
  g_autofree char *clean = sc_host_path_clean (volume);
  gboolean is_possible = clean != NULL && !g_str_equal (clean, "/");
  for (guint i = 0; is_possible && i < G_N_ELEMENTS (kernel); i++)
    is_possible = !sc_host_path_is_below (clean, kernel[i]);
  g_autofree char *name = is_possible ? encode_path (clean) : NULL;
  if (!is_possible || strlen (name) > 255)
    {
      g_autofree char *shown = sc_text_escape (volume);
      return sc_error_set (
          error, SYSCONT_ERROR_IMAGE_INVALID,
          "image config: volume \"%s\" is no path where a directory can be mounted", shown);
    }

  g_autofree char *source = g_build_filename (self->state, name, NULL);
  const Mount mount = { clean, "bind", source, volume_options };
  add_mount (self->config, &mount);
  sc_tmpfiles_text_append_directory (self->tmpfiles, source, 0755, self->user->uid,
                                     self->user->gid);
  return TRUE;
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static gboolean
add_volumes (const Volumes *self, char **list, GError **error)
{
  g_auto (GStrv) volumes = g_strdupv (list);
  if (volumes == NULL || volumes[0] == NULL)
    return TRUE;
  if (self->state == NULL)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "value \"STATE_DIRECTORY\": not an absolute path without \"..\"");

  sc_tmpfiles_text_append_directory (self->tmpfiles, self->state, 0755, 0, 0);
  /* parents before what is inside them */
  qsort (volumes, g_strv_length (volumes), sizeof *volumes, compare_paths);
  for (char **volume = volumes; *volume != NULL; volume++)
    {
      if (!add_volume (self, *volume, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
is_volume (const ScImageConfig *image_config, const char *path)
{
  return image_config->volumes != NULL
         && g_strv_contains ((const char *const *)image_config->volumes, path);
}

static void
add_scratch_and_host_mounts (JsonObject *config, const ScRenderRequest *request)
{
  for (guint i = 0; i < G_N_ELEMENTS (scratch_mounts); i++)
    {
      if (!is_volume (request->image_config, scratch_mounts[i].destination))
        add_mount (config, &scratch_mounts[i]);
    }
  for (guint i = 0; i < G_N_ELEMENTS (host_mounts); i++)
    {
      struct stat st;
      g_autofree char *full = g_strconcat (request->paths->root, host_mounts[i].source, NULL);
      if (stat (full, &st) == 0 && S_ISREG (st.st_mode))
        add_mount (config, &host_mounts[i]);
    }
}

JsonObject *
sc_convert_config (const ScRenderRequest *request,
                   const ScValues *values,
                   gboolean is_used,
                   GString *tmpfiles,
                   GError **error)
{
  const ScImageConfig *image_config = request->image_config;
  g_autoptr (JsonObject) config = sc_json_parse_object (base_text, strlen (base_text), NULL, error);
  if (config == NULL)
    return NULL;
  g_autoptr (ScUser) user
      = sc_user_lookup (image_config->user, request->passwd, request->group, error);
  if (user == NULL)
    return NULL;

  JsonObject *process = json_object_get_object_member (config, "process");
  if (!set_args (process, image_config, is_used, error))
    return NULL;
  const char *directory = image_config->working_dir;
  gboolean has_directory = directory != NULL && directory[0] != '\0';
  json_object_set_string_member (process, "cwd", has_directory ? directory : "/");
  set_env (process, image_config);
  set_user (process, user);
  set_capabilities (process);
  set_annotations (config, image_config);
  add_scratch_and_host_mounts (config, request);
  g_autofree char *directory_of_state
      = sc_host_path_clean (sc_values_get (values, "STATE_DIRECTORY"));
  g_autofree char *state = directory_of_state != NULL
                               ? g_build_filename (directory_of_state, request->name, NULL)
                               : NULL;
  const Volumes volumes = { config, state, user, tmpfiles };
  if (!add_volumes (&volumes, image_config->volumes, error))
    return NULL;
  return g_steal_pointer (&config);
}
