/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-program.h"

#include "base/sc-error-util.h"
#include "base/sc-fd.h"
#include "host/sc-systemd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* Where Linux has the terminals of the pts kind, Documentation/admin-guide/devices.txt */
#define PTS_FIRST_MAJOR 136
#define PTS_LAST_MAJOR  143

struct _ScProgram
{
  ScProcess process;             /* lends what is below */
  char **args;                   /* (owned) (nullable) */
  char **env;                    /* (owned) (nullable) */
  char *cwd;                     /* (owned) (nullable) */
  char *user;                    /* (owned) (nullable) */
  char *unit_stem;               /* (owned) */
  int stdio[SC_PROGRAM_N_STDIO]; /* (owned) -1 for none */
};

ScProgram *
sc_program_new (const ScProgramRequest *request)
{
  const ScProcess *process = &request->process;
  ScProgram *self = g_new0 (ScProgram, 1);

  self->args = g_strdupv ((char **)process->args);
  self->env = g_strdupv ((char **)process->env);
  self->cwd = g_strdup (process->cwd);
  self->user = g_strdup (process->user);
  self->unit_stem = g_strdup (request->unit_stem);
  self->process = (ScProcess){ .args = (const char *const *)self->args,
                               .env = (const char *const *)self->env,
                               .cwd = self->cwd,
                               .user = self->user,
                               .has_terminal = process->has_terminal };
  for (int i = 0; i < SC_PROGRAM_N_STDIO; i++)
    self->stdio[i] = request->stdio != NULL
                         ? fcntl (request->stdio[i], F_DUPFD_CLOEXEC, SC_PROGRAM_N_STDIO)
                         : -1;
  return self;
}

void
sc_program_free (ScProgram *self)
{
  for (int i = 0; i < SC_PROGRAM_N_STDIO; i++)
    sc_fd_cleanup (&self->stdio[i]);
  g_strfreev (self->args);
  g_strfreev (self->env);
  g_free (self->cwd);
  g_free (self->user);
  g_free (self->unit_stem);
  g_free (self);
}

const ScProcess *
sc_program_get_process (const ScProgram *self)
{
  return &self->process;
}

const int *
sc_program_get_stdio (const ScProgram *self)
{
  return self->stdio[0] >= 0 ? self->stdio : NULL;
}

char *
sc_program_dup_unit (const ScProgram *self, guint64 job_id)
{
  return g_strdup_printf ("%s-%" G_GUINT64_FORMAT, self->unit_stem, job_id);
}

/* By its number: an ioctl on what is no terminal may go to a file system that never answers. */
static gboolean
is_pseudo_terminal (int fd)
{
  struct stat st;

  return fd >= 0 && fstat (fd, &st) == 0 && S_ISCHR (st.st_mode)
         && major (st.st_rdev) >= PTS_FIRST_MAJOR && major (st.st_rdev) <= PTS_LAST_MAJOR;
}

gboolean
sc_program_look_at_terminal (ScProgram *self, GError **error)
{
  struct winsize size;

  if (!self->process.has_terminal)
    return TRUE;
  for (int i = 0; i < SC_PROGRAM_N_STDIO; i++)
    if (!is_pseudo_terminal (self->stdio[i]))
      return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                           "option \"tty\" needs a pseudo-terminal as each of the descriptors");
  if (ioctl (self->stdio[0], TIOCGWINSZ, &size) == 0)
    {
      self->process.rows = size.ws_row;
      self->process.columns = size.ws_col;
    }
  return TRUE;
}

gboolean
sc_program_resize (ScProgram *self, guint rows, guint columns, GError **error)
{
  const struct winsize size = { .ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns };

  if (!self->process.has_terminal || !is_pseudo_terminal (self->stdio[0]))
    return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED, "the program has no terminal");
  if (rows == 0 || columns == 0 || rows > G_MAXUINT16 || columns > G_MAXUINT16)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "a terminal cannot have %u rows and %u columns", rows, columns);
  if (ioctl (self->stdio[0], TIOCSWINSZ, &size) != 0)
    return sc_error_set_errno (error, errno, "resizing the terminal");
  return TRUE;
}

void
sc_program_signal_async (ScProgram *self,
                         GDBusConnection *bus,
                         guint64 job_id,
                         int signal,
                         GAsyncReadyCallback callback,
                         gpointer user_data)
{
  g_autofree char *stem = sc_program_dup_unit (self, job_id);
  g_autofree char *unit = g_strconcat (stem, ".service", NULL);

  sc_systemd_signal_async (bus, unit, signal, callback, user_data);
}

gboolean
sc_program_signal_finish (GDBusConnection *bus, GAsyncResult *result, GError **error)
{
  return sc_systemd_signal_finish (bus, result, error);
}
