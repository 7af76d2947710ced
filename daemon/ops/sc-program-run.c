/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-program-run.h"

#include "base/sc-fd.h"
#include "base/sc-json.h"
#include "deploy/sc-runtime-config.h"

#include <fcntl.h>
#include <string.h>

#define DAEMON_UNIT   "syscontd.service"
#define MAX_LOG_BYTES (64 * 1024)

#define STATE_TIMEOUT_S 10

#define EXIT_CANNOT_RUN 126
#define EXIT_NOT_FOUND  127

/* Whoever kills the runtime leaves the program alive, which is in the container's control group and
 * not in that of this unit. The text is for systemd first, which has "$$" for "$". */
static const char kill_script[] = "[ \"$$EXIT_CODE\" != killed ] || kill -KILL \"$$(cat \"$$0\")\"";

/* Of an error that the runtime tells; NULL when it tells none. */
static char *
read_message (const char *line, gsize length)
{
  const char *level = NULL;
  const char *message = NULL;
  g_autoptr (JsonObject) object = sc_json_parse_object (line, length, NULL, NULL);

  if (object == NULL || !sc_json_get_string (object, "level", &level, NULL)
      || !sc_json_get_string (object, "msg", &message, NULL) || g_strcmp0 (level, "error") != 0)
    return NULL;
  return g_strdup (message);
}

/* (transfer full) (nullable): the last error in the runtime's log */
static char *
find_failure (int dir_fd)
{
  g_autoptr (GBytes) log = sc_fd_read_file (dir_fd, "log", MAX_LOG_BYTES, NULL);
  g_auto (GStrv) lines
      = log != NULL ? g_strsplit (g_bytes_get_data (log, NULL), "\n", -1) : g_new0 (char *, 1);
  char *found = NULL;

  for (guint i = 0; lines[i] != NULL; i++)
    {
      char *message = read_message (lines[i], strlen (lines[i]));
      if (message == NULL)
        continue;
      g_free (found);
      found = message;
    }
  return found;
}

/* Runtimes have no exit status of their own for a program that cannot be run: what they say is all
 * there is, and how others tell, too. */
static gboolean
judge (const ScProgramRun *self, int *exit_status, GError **error)
{
  sc_autofd dir_fd = sc_fd_open_dir (self->directory, error);
  struct stat st;

  if (dir_fd < 0)
    return FALSE;
  if (*exit_status == 0 || fstatat (dir_fd, "pid", &st, AT_SYMLINK_NOFOLLOW) == 0)
    return TRUE;

  g_autofree char *message = find_failure (dir_fd);
  if (message == NULL)
    return TRUE;
  g_autofree char *lower = g_ascii_strdown (message, -1);
  g_autofree char *shown = sc_text_escape (message);
  if (strstr (lower, "executable file") != NULL || strstr (lower, "no such file") != NULL)
    *exit_status = EXIT_NOT_FOUND;
  else if (strstr (lower, "permission denied") != NULL
           || strstr (lower, "operation not permitted") != NULL)
    *exit_status = EXIT_CANNOT_RUN;
  else
    return sc_error_set (error, SYSCONT_ERROR_START_FAILED, "the runtime says: %s", shown);
  return TRUE;
}

static gboolean
run (const ScProgramRun *self,
     ScCommand *command,
     int *exit_status,
     GCancellable *cancellable,
     GError **error)
{
  g_autofree char *service = g_strconcat (self->unit, ".service", NULL);
  const char *const bounds[] = { DAEMON_UNIT, self->container_unit, NULL };

  command->unit = service;
  command->description = self->description;
  command->directory = self->directory;
  command->stdio = self->stdio;
  command->bound_to = bounds;
  command->stop_timeout_s = self->stop_timeout_s;
  return sc_systemd_run_command (self->systemd, command, exit_status, cancellable, error)
         && judge (self, exit_status, error);
}

gboolean
sc_program_enter (const ScProgramRun *self,
                  const char *container,
                  int *exit_status,
                  GCancellable *cancellable,
                  GError **error)
{
  g_autofree char *log = g_build_filename (self->directory, "log", NULL);
  g_autofree char *process = g_build_filename (self->directory, SC_PROGRAM_PROCESS_FILE, NULL);
  g_autofree char *pid_file = g_build_filename (self->directory, "pid", NULL);
  const char *const argv[]
      = { self->runtime, "--log", log,          "--log-format", "json",    "exec",
          "--process",   process, "--pid-file", pid_file,       container, NULL };
  const char *const kill[] = { "/bin/sh", "-c", kill_script, pid_file, NULL };
  const char *const *const after[] = { kill, NULL };
  ScCommand command = { .argv = argv, .after = after };

  return run (self, &command, exit_status, cancellable, error);
}

gboolean
sc_program_has_container (ScSystemd *systemd,
                          const char *runtime,
                          const char *container,
                          GCancellable *cancellable)
{
  sc_autofd null_fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  const int stdio[] = { null_fd, null_fd, null_fd };
  const char *const argv[] = { runtime, "state", container, NULL };
  const ScCommand command = { .argv = argv,
                              .description = "Look for a system container",
                              .stdio = null_fd >= 0 ? stdio : NULL,
                              .timeout_s = STATE_TIMEOUT_S,
                              .is_quiet = TRUE };
  int exit_status = 0;

  return sc_systemd_run_command (systemd, &command, &exit_status, cancellable, NULL)
         && exit_status == 0;
}

/* The root is mounted by the service, so that it is also unmounted when nobody is left to do it. */
gboolean
sc_program_run_bundle (const ScProgramRun *self,
                       const char *lower,
                       int *exit_status,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autofree char *log = g_build_filename (self->directory, "log", NULL);
  g_autofree char *pid_file = g_build_filename (self->directory, "pid", NULL);
  g_autofree char *upper = g_build_filename (self->directory, "writable/upper", NULL);
  g_autofree char *work = g_build_filename (self->directory, "writable/work", NULL);
  g_autofree char *root = g_build_filename (self->directory, SC_WRITABLE_ROOT, NULL);
  g_autofree char *overlay = g_strdup_printf (
      "lowerdir=%s,upperdir=writable/upper,workdir=writable/work", lower != NULL ? lower : "");
  const char *const argv[] = { self->runtime, "--log",      log,      "--log-format", "json",
                               "run",         "--pid-file", pid_file, self->unit,     NULL };
  const char *const mkdir[] = { "/usr/bin/mkdir", "-p", "-m", "0755", upper, work, root, NULL };
  const char *const mount[]
      = { "/usr/bin/mount", "-t", "overlay", "-o", overlay, "overlay", root, NULL };
  const char *const delete[] = { self->runtime, "delete", "-f", self->unit, NULL };
  const char *const umount[] = { "/usr/bin/umount", "-l", root, NULL };
  const char *const *const before[] = { mkdir, mount, NULL };
  const char *const *const after[] = { delete, lower != NULL ? umount : NULL, NULL };
  ScCommand command
      = { .argv = argv, .delegate = TRUE, .before = lower != NULL ? before : NULL, .after = after };

  return run (self, &command, exit_status, cancellable, error);
}
