/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-builtin-values.h"

#include "base/sc-digest.h"
#include "deploy/sc-host-path.h"

#include <string.h>

#define MAX_SET_VALUES      256
#define MAX_SET_VALUE_BYTES (64 * 1024)
#define ATOMIC_PROGRAM      "/usr/bin/syscontctl"
#define CAP_LAST_CAP        "/proc/sys/kernel/cap_last_cap"
#define INIT_STATUS         "/proc/1/status"

static const char *const reserved[] = {
  "DESTDIR",       "NAME",     "EXEC_START", "EXEC_STOP", "EXEC_STARTPRE",
  "EXEC_STOPPOST", "HOST_UID", "HOST_GID",   "IMAGE_ID",  "IMAGE_NAME",
};

static const char *const overridable[] = {
  "RUN_DIRECTORY", "PIDFILE", "CONF_DIRECTORY", "STATE_DIRECTORY", "ALL_PROCESS_CAPABILITIES",
  "RUNTIME",       "ATOMIC",  "UUID",
};

/* capabilities(7), by number */
static const char *const capabilities[] = {
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_DAC_READ_SEARCH",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_SETGID",
  "CAP_SETUID",
  "CAP_SETPCAP",
  "CAP_LINUX_IMMUTABLE",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_BROADCAST",
  "CAP_NET_ADMIN",
  "CAP_NET_RAW",
  "CAP_IPC_LOCK",
  "CAP_IPC_OWNER",
  "CAP_SYS_MODULE",
  "CAP_SYS_RAWIO",
  "CAP_SYS_CHROOT",
  "CAP_SYS_PTRACE",
  "CAP_SYS_PACCT",
  "CAP_SYS_ADMIN",
  "CAP_SYS_BOOT",
  "CAP_SYS_NICE",
  "CAP_SYS_RESOURCE",
  "CAP_SYS_TIME",
  "CAP_SYS_TTY_CONFIG",
  "CAP_MKNOD",
  "CAP_LEASE",
  "CAP_AUDIT_WRITE",
  "CAP_AUDIT_CONTROL",
  "CAP_SETFCAP",
  "CAP_MAC_OVERRIDE",
  "CAP_MAC_ADMIN",
  "CAP_SYSLOG",
  "CAP_WAKE_ALARM",
  "CAP_BLOCK_SUSPEND",
  "CAP_AUDIT_READ",
  "CAP_PERFMON",
  "CAP_BPF",
  "CAP_CHECKPOINT_RESTORE",
};

static gboolean
is_listed (const char *const *list, gsize length, const char *name)
{
  for (gsize i = 0; i < length; i++)
    {
      if (g_str_equal (list[i], name))
        return TRUE;
    }
  return FALSE;
}

gboolean
sc_builtin_is_reserved (const char *name)
{
  return is_listed (reserved, G_N_ELEMENTS (reserved), name);
}

gboolean
sc_builtin_is_overridable (const char *name)
{
  return is_listed (overridable, G_N_ELEMENTS (overridable), name);
}

static gboolean
check_set_value (const char *name, const char *value, GError **error)
{
  if (!sc_values_name_is_valid (name))
    {
      g_autofree char *shown = sc_text_escape (name);
      return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                           "value \"%s\": a name is letters, digits and \"_\", does not begin with "
                           "a digit and has at most 255 characters",
                           shown);
    }
  if (sc_builtin_is_reserved (name))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "value \"%s\": computed for every container and cannot be set", name);
  if (strlen (value) > MAX_SET_VALUE_BYTES)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "value \"%s\": longer than %d bytes", name, MAX_SET_VALUE_BYTES);
  if (!g_utf8_validate (value, -1, NULL))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "value \"%s\": not UTF-8", name);
  /* fragments of JSON may span lines; everywhere else the template refuses these two as well */
  if (sc_text_has_control (value, "\n\t"))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "value \"%s\": has a control character", name);
  return TRUE;
}

gboolean
sc_set_values_check (GHashTable *set_values, GError **error)
{
  if (set_values == NULL)
    return TRUE;
  if (g_hash_table_size (set_values) > MAX_SET_VALUES)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT, "more than %d values",
                         MAX_SET_VALUES);

  GHashTableIter iter;
  gpointer name = NULL;
  gpointer value = NULL;
  g_hash_table_iter_init (&iter, set_values);
  while (g_hash_table_iter_next (&iter, &name, &value))
    {
      if (!check_set_value (name, value, error))
        return FALSE;
    }
  return TRUE;
}

char *
sc_builtin_destdir (const ScPaths *paths, const char *name)
{
  return g_build_filename (sc_host_path_strip_root (paths, paths->checkout), name, NULL);
}

/* Bits of the capabilities that a process of this machine can have at all: those of PID 1, which a
 * virtual environment may have limited, and not what this service keeps for itself. */
static guint64
available_capabilities (void)
{
  g_autofree char *status = NULL;
  const char *line = NULL;

  if (g_file_get_contents (INIT_STATUS, &status, NULL, NULL))
    line = strstr (status, "\nCapBnd:");
  return line != NULL ? g_ascii_strtoull (line + strlen ("\nCapBnd:"), NULL, 16) : G_MAXUINT64;
}

/* The body of a JSON array: quoted names, one on each line. */
static char *
all_process_capabilities (void)
{
  guint64 last = G_N_ELEMENTS (capabilities) - 1;
  guint64 available = available_capabilities ();
  g_autofree char *text = NULL;
  if (g_file_get_contents (CAP_LAST_CAP, &text, NULL, NULL))
    last = MIN (last, g_ascii_strtoull (text, NULL, 10));

  g_autoptr (GString) list = g_string_new (NULL);
  for (guint64 i = 0; i <= last; i++)
    if ((available >> i & 1) != 0)
      g_string_append_printf (list, "%s\"%s\"", list->len > 0 ? ",\n" : "", capabilities[i]);
  g_string_append_c (list, '\n');
  return g_string_free (g_steal_pointer (&list), FALSE);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static void
set_defaults (ScValues *values, const ScRenderRequest *request, GPtrArray *notes)
{
  GHashTable *defaults = request->exports->default_values;
  guint length = 0;
  g_autofree const char **names = (const char **)g_hash_table_get_keys_as_array (defaults, &length);
  qsort (names, length, sizeof *names, compare_names);
  for (guint i = 0; i < length; i++)
    {
      const char *name = names[i];
      gboolean is_ours = sc_builtin_is_reserved (name)
                         || (sc_builtin_is_overridable (name) && !g_str_equal (name, "UUID"));
      if (is_ours)
        g_ptr_array_add (notes,
                         g_strdup_printf ("manifest.json: the default of %s is ignored", name));
      else
        sc_values_set (values, name, g_hash_table_lookup (defaults, name), SC_VALUE_DEFAULT);
    }
}

static void
set_overridable (ScValues *values, const ScRenderRequest *request)
{
  const struct
  {
    const char *name;
    const char *value;
  } fixed[] = {
    { "RUN_DIRECTORY", "/run" },       { "CONF_DIRECTORY", "/etc" },
    { "STATE_DIRECTORY", "/var/lib" }, { "RUNTIME", request->runtime },
    { "ATOMIC", ATOMIC_PROGRAM },
  };
  for (guint i = 0; i < G_N_ELEMENTS (fixed); i++)
    sc_values_set (values, fixed[i].name, fixed[i].value, SC_VALUE_BUILTIN);

  g_autofree char *all = all_process_capabilities ();
  sc_values_set (values, "ALL_PROCESS_CAPABILITIES", all, SC_VALUE_BUILTIN);
}

static void
set_from_caller (ScValues *values, const ScRenderRequest *request)
{
  GHashTable *set_values = request->set_values;
  const char *run = set_values ? g_hash_table_lookup (set_values, "RUN_DIRECTORY") : NULL;
  g_autofree char *pidfile
      = g_strdup_printf ("%s/container-%s.pid", run != NULL ? run : "/run", request->name);
  sc_values_set (values, "PIDFILE", pidfile, run != NULL ? SC_VALUE_SET : SC_VALUE_BUILTIN);
  if (set_values == NULL)
    return;

  GHashTableIter iter;
  gpointer name = NULL;
  gpointer value = NULL;
  g_hash_table_iter_init (&iter, set_values);
  while (g_hash_table_iter_next (&iter, &name, &value))
    sc_values_set (values, name, value, SC_VALUE_SET);
}

static gboolean
has_text (GBytes *bytes, const char *text)
{
  gsize size = 0;
  const char *data = g_bytes_get_data (bytes, &size);
  return size > 0 && memmem (data, size, text, strlen (text)) != NULL;
}

/* A unit that cleans up by itself and knows a pid file gets a detached runtime. */
static gboolean
wants_pidfile (const ScExports *exports)
{
  return exports->service_template != NULL && has_text (exports->service_template, "$EXEC_STOPPOST")
         && has_text (exports->service_template, "$PIDFILE");
}

static gboolean
is_plain_path (const char *path)
{
  return path[0] == '/'
         && path[strspn (path, "/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                               "_.:@+,=-")]
                == '\0';
}

/* What goes into command lines of the unit must need no quoting there. */
static gboolean
set_commands (ScValues *values, const ScRenderRequest *request, GError **error)
{
  const char *runtime = request->runtime;
  const char *pidfile = sc_values_get (values, "PIDFILE");
  gboolean detached = wants_pidfile (request->exports);
  if (!is_plain_path (runtime))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "runtime \"%s\": not an absolute path without spaces", runtime);
  if (detached && !is_plain_path (pidfile))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "value \"PIDFILE\": not an absolute path without spaces");

  g_autofree char *run = g_strdup_printf ("%s run '%s'", runtime, request->name);
  g_autofree char *run_detached
      = g_strdup_printf ("%s run -d --pid-file %s '%s'", runtime, pidfile, request->name);
  g_autofree char *stop = g_strdup_printf ("%s kill '%s'", runtime, request->name);
  g_autofree char *remove = g_strdup_printf ("%s delete '%s'", runtime, request->name);
  sc_values_set (values, "EXEC_STARTPRE", "", SC_VALUE_BUILTIN);
  sc_values_set (values, "EXEC_START", detached ? run_detached : run, SC_VALUE_BUILTIN);
  sc_values_set (values, "EXEC_STOP", detached ? "" : stop, SC_VALUE_BUILTIN);
  sc_values_set (values, "EXEC_STOPPOST", detached ? remove : "", SC_VALUE_BUILTIN);
  return TRUE;
}

ScValues *
sc_builtin_values_new (const ScRenderRequest *request, GPtrArray *notes, GError **error)
{
  if (!sc_set_values_check (request->set_values, error))
    return NULL;

  g_autoptr (ScValues) values = sc_values_new ();
  sc_values_set (values, "UUID", request->uuid, SC_VALUE_BUILTIN);
  set_defaults (values, request, notes);
  set_overridable (values, request);
  set_from_caller (values, request);

  g_autofree char *destdir = sc_builtin_destdir (request->paths, request->name);
  const char *revision = request->manifest_digest != NULL ? sc_digest_hex (request->manifest_digest)
                                                          : request->image_commit;
  sc_values_set (values, "NAME", request->name, SC_VALUE_BUILTIN);
  sc_values_set (values, "DESTDIR", destdir, SC_VALUE_BUILTIN);
  sc_values_set (values, "HOST_UID", "0", SC_VALUE_BUILTIN);
  sc_values_set (values, "HOST_GID", "0", SC_VALUE_BUILTIN);
  sc_values_set (values, "IMAGE_ID", revision, SC_VALUE_BUILTIN);
  sc_values_set (values, "IMAGE_NAME", request->image_name, SC_VALUE_BUILTIN);
  if (!set_commands (values, request, error))
    return NULL;
  return g_steal_pointer (&values);
}
