/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-health-probe.h"

#include "base/sc-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SHOWN 300 /* bytes of what a check printed */

/* (transfer full): the last line, without what a terminal would obey */
static char *
read_last_line (int fd)
{
  char bytes[MAX_SHOWN + 1] = { 0 };
  struct stat st;

  if (fstat (fd, &st) != 0)
    return g_strdup ("");
  off_t from = st.st_size > MAX_SHOWN ? st.st_size - MAX_SHOWN : 0;
  if (pread (fd, bytes, MAX_SHOWN, from) < 0)
    return g_strdup ("");
  g_autofree char *valid = g_utf8_make_valid (g_strchomp (bytes), -1);
  const char *newline = strrchr (valid, '\n');
  return sc_text_escape (newline != NULL ? newline + 1 : valid);
}

static GPtrArray *
make_argv (const ScHealthProbe *self)
{
  GPtrArray *argv = g_ptr_array_new ();

  g_ptr_array_add (argv, (gpointer)self->runtime);
  g_ptr_array_add (argv, (gpointer) "exec");
  g_ptr_array_add (argv, (gpointer)self->name);
  for (char **word = self->health->command; *word != NULL; word++)
    g_ptr_array_add (argv, *word);
  g_ptr_array_add (argv, NULL);
  return argv;
}

static gboolean
fail (int exit_status, int output_fd, GError **error)
{
  g_autofree char *line = read_last_line (output_fd);

  return sc_error_set (error, SYSCONT_ERROR_HEALTH_CHECK_FAILED,
                       "the health check ended with status %d%s%s", exit_status,
                       *line != '\0' ? ": " : "", line);
}

/* It prints into memory that is counted for the container, and cannot wait for a reader. */
static gboolean
run_command (const ScHealthProbe *self, guint timeout_s, GError **error)
{
  g_autoptr (GPtrArray) argv = make_argv (self);
  g_autofree char *service = g_strconcat (self->name, ".service", NULL);
  sc_autofd null_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  sc_autofd output_fd = memfd_create ("syscont-health", MFD_CLOEXEC);
  const int stdio[] = { null_fd, output_fd, output_fd };
  const char *const bounds[] = { service, NULL };
  const ScCommand command = { .argv = (const char *const *)argv->pdata,
                              .description = "Health check of a system container",
                              .stdio = stdio,
                              .bound_to = bounds,
                              .timeout_s = timeout_s,
                              .is_quiet = TRUE };
  int exit_status = 0;

  if (null_fd < 0 || output_fd < 0)
    return sc_error_set_errno (error, errno, "preparing a health check");
  if (!sc_systemd_run_command (self->systemd, &command, &exit_status, NULL, error))
    return FALSE;
  return exit_status == 0 || fail (exit_status, output_fd, error);
}

/* One that has failed before is tried like any other. */
static gboolean
run_unit (const ScHealthProbe *self, guint timeout_s, GError **error)
{
  sc_systemd_reset_failed (self->systemd, self->health->unit, NULL);
  return sc_systemd_start (self->systemd, self->health->unit, timeout_s, NULL, error);
}

gboolean
sc_health_probe_run (const ScHealthProbe *self, gint64 max_usec, GError **error)
{
  gint64 limit_usec = MIN (max_usec, self->health->timeout_usec);
  guint timeout_s = (guint)MAX ((limit_usec + G_USEC_PER_SEC - 1) / G_USEC_PER_SEC, 1);

  return self->health->unit != NULL ? run_unit (self, timeout_s, error)
                                    : run_command (self, timeout_s, error);
}
