/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-unit-text.h"

#include "deploy/sc-host-path.h"
#include "deploy/sc-unit-entries.h"

#include <signal.h>
#include <string.h>

#define TYPE_LABEL "org.syscont.service-type"

static const struct
{
  const char *name;
  int number;
} signals[] = {
  { "HUP", SIGHUP },       { "INT", SIGINT },       { "QUIT", SIGQUIT }, { "ILL", SIGILL },
  { "TRAP", SIGTRAP },     { "ABRT", SIGABRT },     { "IOT", SIGIOT },   { "BUS", SIGBUS },
  { "FPE", SIGFPE },       { "KILL", SIGKILL },     { "USR1", SIGUSR1 }, { "SEGV", SIGSEGV },
  { "USR2", SIGUSR2 },     { "PIPE", SIGPIPE },     { "ALRM", SIGALRM }, { "TERM", SIGTERM },
  { "CHLD", SIGCHLD },     { "CONT", SIGCONT },     { "STOP", SIGSTOP }, { "TSTP", SIGTSTP },
  { "TTIN", SIGTTIN },     { "TTOU", SIGTTOU },     { "URG", SIGURG },   { "XCPU", SIGXCPU },
  { "XFSZ", SIGXFSZ },     { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF }, { "WINCH", SIGWINCH },
  { "POLL", SIGPOLL },     { "IO", SIGIO },         { "PWR", SIGPWR },   { "SYS", SIGSYS },
  { "STKFLT", SIGSTKFLT },
};

/* Controllers whose name and a dot at the beginning of a cgroup's name make systemd put "_" before
 * it, as it does for names that the kernel may use itself. */
static const char *const controllers[] = {
  "cpu",         "cpuacct",
  "cpuset",      "io",
  "blkio",       "memory",
  "devices",     "pids",
  "bpf-devices", "bpf-firewall",
  "bpf-foreign", "bpf-socket-bind",
  "cgroup",      "bpf-restrict-network-interfaces",
};

void
sc_unit_facts_clear (ScUnitFacts *self)
{
  g_clear_pointer (&self->slice, g_free);
}

int
sc_signal_from_text (const char *text)
{
  guint64 number = 0;
  if (g_ascii_string_to_unsigned (text, 10, 1, (guint64)SIGRTMAX, &number, NULL))
    return (int)number;

  const char *name = g_str_has_prefix (text, "SIG") ? text + 3 : text;
  for (guint i = 0; i < G_N_ELEMENTS (signals); i++)
    {
      if (g_str_equal (signals[i].name, name))
        return signals[i].number;
    }
  guint64 range = (guint64)(SIGRTMAX - SIGRTMIN);
  if (g_str_equal (name, "RTMIN"))
    return SIGRTMIN;
  if (g_str_equal (name, "RTMAX"))
    return SIGRTMAX;
  if (g_str_has_prefix (name, "RTMIN+")
      && g_ascii_string_to_unsigned (name + 6, 10, 0, range, &number, NULL))
    return SIGRTMIN + (int)number;
  if (g_str_has_prefix (name, "RTMAX-")
      && g_ascii_string_to_unsigned (name + 6, 10, 0, range, &number, NULL))
    return SIGRTMAX - (int)number;
  return 0;
}

static int
stop_signal (const ScImageConfig *image_config, GPtrArray *notes)
{
  const char *text = image_config->stop_signal;
  if (text == NULL || text[0] == '\0')
    return SIGTERM;
  int number = sc_signal_from_text (text);
  /* what these two do is done at the end anyway, and no program can catch them */
  if (number != 0 && number != SIGKILL && number != SIGSTOP)
    return number;

  g_autofree char *shown = sc_text_escape (text);
  g_ptr_array_add (notes, g_strdup_printf ("image config: stop signal \"%s\" ignored", shown));
  return SIGTERM;
}

static const char *
service_type (const ScImageConfig *image_config, GPtrArray *notes)
{
  static const char *const types[] = { "simple", "exec", "notify" };
  const char *wanted = image_config->labels != NULL
                           ? g_hash_table_lookup (image_config->labels, TYPE_LABEL)
                           : NULL;
  if (wanted == NULL)
    return "simple";
  for (guint i = 0; i < G_N_ELEMENTS (types); i++)
    {
      if (g_str_equal (wanted, types[i]))
        return types[i];
    }
  g_autofree char *shown = sc_text_escape (wanted);
  g_ptr_array_add (notes, g_strdup_printf ("label " TYPE_LABEL ": \"%s\" ignored", shown));
  return "simple";
}

GBytes *
sc_unit_text_default (const ScImageConfig *image_config, GPtrArray *notes)
{
  int number = stop_signal (image_config, notes);
  const char *type = service_type (image_config, notes);

  /* No ExecStop=: KillSignal= goes to the runtime in the foreground, which passes it on, so that
   * the container gets its stop signal once. A container that dies of it makes the runtime exit
   * with 128 and the number of the signal. Devices are a matter of the unit, as every limit is: its
   * control group is above the container's. */
  g_autofree char *text = g_strdup_printf ("[Unit]\n"
                                           "Description=$NAME\n"
                                           "\n"
                                           "[Service]\n"
                                           "Type=%s\n"
                                           "ExecStart=$EXEC_START\n"
                                           "KillMode=mixed\n"
                                           "KillSignal=%d\n"
                                           "SuccessExitStatus=%d\n"
                                           "TimeoutStopSec=30\n"
                                           "Restart=on-failure\n"
                                           "DevicePolicy=closed\n"
                                           "WorkingDirectory=$DESTDIR\n"
                                           "\n"
                                           "[Install]\n"
                                           "WantedBy=multi-user.target\n",
                                           type, number, 128 + number);
  gsize length = strlen (text);
  return g_bytes_new_take (g_steal_pointer (&text), length);
}

static gboolean
check_bytes (const char *file, const char *text, GError **error)
{
  if (strlen (text) > SC_TEMPLATE_MAX_BYTES)
    return sc_error_set (error, SYSCONT_ERROR_LIMIT_EXCEEDED, "%s: larger than %d bytes", file,
                         SC_TEMPLATE_MAX_BYTES);

  if (g_str_has_prefix (text, "\xef\xbb\xbf"))
    return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID, "%s: line 1: a byte order mark",
                         file);

  guint line = 1;
  for (const char *p = text; *p != '\0'; p = g_utf8_next_char (p))
    {
      gunichar c = g_utf8_get_char (p);
      if (c == '\n')
        line++;
      else if (c != '\t' && (c < 0x20 || c == 0x7f))
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                             "%s: line %u: a %s; lines end with a newline alone", file, line,
                             c == '\r' ? "carriage return" : "control character");
    }
  return TRUE;
}

static gboolean
is_own_unit (const char *token, const char *name)
{
  gsize length = strlen (name);
  return strncmp (token, name, length) == 0 && token[length] == '.'
         && strchr (token + length + 1, '.') == NULL;
}

static gboolean
check_install_names (const char *file, const ScUnitEntry *entry, const char *name, GError **error)
{
  g_auto (GStrv) tokens = g_strsplit_set (entry->value, " \t", -1);
  for (char **token = tokens; *token != NULL; token++)
    {
      if (**token == '\0' || is_own_unit (*token, name))
        continue;
      g_autofree char *shown = sc_text_escape (*token);
      return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                           "%s: line %u: %s= names \"%s\", which is not this container's", file,
                           entry->line, entry->key, shown);
    }
  return TRUE;
}

static gboolean
check_names (const char *file, GPtrArray *entries, const char *name, GError **error)
{
  for (guint i = 0; i < entries->len; i++)
    {
      const ScUnitEntry *entry = entries->pdata[i];
      gboolean is_install = g_str_equal (entry->section, "Install");
      if (is_install && (g_str_equal (entry->key, "Alias") || g_str_equal (entry->key, "Also"))
          && !check_install_names (file, entry, name, error))
        return FALSE;
      if (g_str_equal (entry->section, "Service") && g_str_equal (entry->key, "BusName"))
        return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                             "%s: line %u: BusName= is not allowed", file, entry->line);
    }
  return TRUE;
}

/* The last assignment of a setting wins; an empty one takes it back. */
static const ScUnitEntry *
find_last (GPtrArray *entries, const char *key)
{
  const ScUnitEntry *found = NULL;
  for (guint i = 0; i < entries->len; i++)
    {
      const ScUnitEntry *entry = entries->pdata[i];
      if (g_str_equal (entry->section, "Service") && g_str_equal (entry->key, key))
        found = entry->value[0] != '\0' ? entry : NULL;
    }
  return found;
}

static gboolean
value_is_one_of (const ScUnitEntry *entry, const char *const *values)
{
  return entry != NULL && g_strv_contains (values, entry->value);
}

static gboolean
check_watchdog (const char *file, GPtrArray *entries, const ScUnitRules *rules, GError **error)
{
  static const char *const off[] = { "0", "0s", "infinity", NULL };
  const ScUnitEntry *watchdog = find_last (entries, "WatchdogSec");
  g_autofree char *runtime = g_path_get_basename (rules->runtime);
  if (watchdog == NULL || value_is_one_of (watchdog, off) || !g_str_equal (runtime, "runc")
      || !sc_unit_entries_run_runtime (entries, rules->runtime))
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                       "%s: line %u: WatchdogSec= cannot work, because runc does not pass watchdog "
                       "messages on; bind the directory /run/systemd into the container in "
                       "config.json and set NOTIFY_SOCKET there, or remove the line",
                       file, watchdog->line);
}

static gboolean
check_user (const char *file, GPtrArray *entries, const ScUnitRules *rules, GError **error)
{
  static const char *const root[] = { "root", "0", NULL };
  static const char *const yes[] = { "yes", "true", "on", "1", "y", "t", NULL };
  const ScUnitEntry *user = find_last (entries, "User");
  const ScUnitEntry *dynamic = find_last (entries, "DynamicUser");
  const ScUnitEntry *directory = find_last (entries, "WorkingDirectory");
  if (!value_is_one_of (dynamic, yes))
    dynamic = NULL;
  if (value_is_one_of (user, root))
    user = NULL;
  const ScUnitEntry *fault = user != NULL ? user : dynamic;
  if (fault == NULL || directory == NULL)
    return TRUE;

  const char *path = directory->value[0] == '-' ? directory->value + 1 : directory->value;
  if (!sc_host_path_is_below (path, rules->destdir))
    return TRUE;
  return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                       "%s: line %u: %s= with WorkingDirectory=%s cannot work, because only root "
                       "can enter that directory; set process.user in config.json instead",
                       file, fault->line, fault->key, path);
}

static gboolean
slice_name_is_valid (const char *slice)
{
  if (g_str_equal (slice, "-.slice"))
    return TRUE;
  if (!g_str_has_suffix (slice, ".slice") || slice[0] == '-' || slice[0] == '.'
      || strlen (slice) > 255)
    return FALSE;
  if (strstr (slice, "--") != NULL || strstr (slice, "-.slice") != NULL)
    return FALSE;
  return slice[strspn (slice, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                              ":-_.\\")]
         == '\0';
}

static gboolean
collect_facts (const char *file,
               GPtrArray *entries,
               const ScUnitRules *rules,
               ScUnitFacts *facts,
               GError **error)
{
  static const char *const notify_types[] = { "notify", "notify-reload", NULL };
  static const char *const no_access[] = { "none", NULL };
  const ScUnitEntry *access = find_last (entries, "NotifyAccess");
  const ScUnitEntry *slice = find_last (entries, "Slice");
  if (slice != NULL && !slice_name_is_valid (slice->value))
    return sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                         "%s: line %u: Slice= must be the plain name of a slice", file,
                         slice->line);

  facts->uses_runtime = sc_unit_entries_run_runtime (entries, rules->runtime);
  facts->is_notify = value_is_one_of (find_last (entries, "Type"), notify_types)
                     || (access != NULL && !value_is_one_of (access, no_access));
  g_free (facts->slice);
  facts->slice = g_strdup (slice != NULL ? slice->value : "system.slice");
  return TRUE;
}

gboolean
sc_unit_text_check (const char *file,
                    const char *text,
                    const ScUnitRules *rules,
                    ScUnitFacts *facts,
                    GError **error)
{
  if (!check_bytes (file, text, error))
    return FALSE;
  g_autoptr (GPtrArray) entries = sc_unit_entries_parse (file, text, error);
  if (entries == NULL)
    return FALSE;
  return check_names (file, entries, rules->name, error)
         && check_watchdog (file, entries, rules, error) && check_user (file, entries, rules, error)
         && collect_facts (file, entries, rules, facts, error);
}

/* "+": whatever the unit takes away from its processes, these are for the host. What a unit that
 * was killed has left mounted is mounted anew. */
static void
append_writable (GString *text, const char *destdir, ScWritable writable)
{
  g_autofree char *own = g_strconcat (destdir, "/writable", NULL);

  g_string_append_printf (text, "ExecStartPre=-+/usr/bin/umount -ql %s/root\n", own);
  if (writable == SC_WRITABLE_VOLATILE)
    g_string_append_printf (text, "ExecStartPre=+/usr/bin/rm -rf %s\n", own);
  g_string_append_printf (text,
                          "ExecStartPre=+/usr/bin/mkdir -p -m 0755 %s/upper %s/work %s/root\n"
                          "ExecStartPre=+/usr/bin/env -C %s /usr/bin/mount -t overlay "
                          "-o " SC_OVERLAY_OPTIONS " overlay %s/root\n"
                          "ExecStopPost=-+/usr/bin/umount -l %s/root\n",
                          own, own, own, destdir, own, own);
}

char *
sc_unit_text_drop_in (const ScPaths *paths,
                      const ScUnitRules *rules,
                      ScWritable writable,
                      gboolean is_checked)
{
  const char *run = sc_host_path_strip_root (paths, paths->runtime);
  g_autoptr (GString) text = g_string_new (NULL);

  g_string_append_printf (text,
                          "# Made by syscont for the container %s; removed with it.\n"
                          "[Unit]\n"
                          "ConditionPathExists=!%s/switching/%s\n",
                          rules->name, run, rules->name);
  if (is_checked)
    g_string_append_printf (text, "Wants=syscont-health@%s.timer\n", rules->name);
  g_string_append_printf (text,
                          "\n"
                          "[Service]\n"
                          "Delegate=yes\n"
                          "ExecStartPre=-%s delete -f %s\n",
                          rules->runtime, rules->name);
  /* what was found before says nothing of a new start */
  if (is_checked)
    g_string_append_printf (text, "ExecStartPre=-+/usr/bin/rm -f %s/health/%s\n", run, rules->name);
  if (writable != SC_WRITABLE_NOT)
    append_writable (text, rules->destdir, writable);
  return g_string_free (g_steal_pointer (&text), FALSE);
}

static void
append_cgroup_name (GString *path, const char *unit)
{
  gboolean escape = unit[0] == '_' || unit[0] == '.';
  for (guint i = 0; i < G_N_ELEMENTS (controllers); i++)
    {
      gsize length = strlen (controllers[i]);
      if (strncmp (unit, controllers[i], length) == 0 && unit[length] == '.')
        escape = TRUE;
    }
  g_string_append_printf (path, "/%s%s", escape ? "_" : "", unit);
}

char *
sc_unit_text_cgroups_path (const char *slice, const char *name)
{
  g_autoptr (GString) path = g_string_new (NULL);
  /* a-b.slice is inside a.slice (systemd.slice(5)); "-.slice" is the root */
  gsize stem = strlen (slice) - strlen (".slice");
  for (gsize i = 1; i <= stem && !g_str_equal (slice, "-.slice"); i++)
    {
      if (i < stem && slice[i] != '-')
        continue;
      g_autofree char *part = g_strdup_printf ("%.*s.slice", (int)i, slice);
      append_cgroup_name (path, part);
    }
  g_autofree char *service = g_strdup_printf ("%s.service", name);
  append_cgroup_name (path, service);
  g_string_append (path, "/container");
  return g_string_free (g_steal_pointer (&path), FALSE);
}
