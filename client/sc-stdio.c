/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-stdio.h"

#include "dbus/sc-error.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int
append (GUnixFDList *fds, const ScTerminal *terminal, gboolean is_empty, int fd, GError **error)
{
  if (terminal != NULL)
    return g_unix_fd_list_append (fds, sc_terminal_get_end (terminal), error);
  if (!is_empty)
    return g_unix_fd_list_append (fds, fd, error);

  int null_fd = open ("/dev/null", O_RDONLY | O_CLOEXEC);
  if (null_fd < 0)
    {
      g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED, "opening /dev/null: %s",
                   g_strerror (errno));
      return -1;
    }
  int handle = g_unix_fd_list_append (fds, null_fd, error);
  close (null_fd);
  return handle;
}

GVariant *
sc_stdio_new_handles (const ScTerminal *terminal,
                      gboolean reads_input,
                      GUnixFDList **fds,
                      GError **error)
{
  GVariantBuilder handles;

  if (*fds == NULL)
    *fds = g_unix_fd_list_new ();
  g_variant_builder_init (&handles, G_VARIANT_TYPE ("ah"));
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    {
      int handle = append (*fds, terminal, fd == STDIN_FILENO && !reads_input, fd, error);
      if (handle < 0)
        {
          g_variant_builder_clear (&handles);
          return NULL;
        }
      g_variant_builder_add (&handles, "h", handle);
    }
  return g_variant_builder_end (&handles);
}

/* As with other engines, a name alone is a variable that we have ourselves. */
static char *
complete (const char *entry)
{
  const char *value = strchr (entry, '=') == NULL ? g_getenv (entry) : NULL;

  if (strchr (entry, '=') != NULL)
    return g_strdup (entry);
  return value != NULL ? g_strdup_printf ("%s=%s", entry, value) : NULL;
}

void
sc_stdio_add_env (char **env, gboolean has_terminal, GVariantBuilder *builder)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new_with_free_func (g_free);

  if (has_terminal && g_getenv ("TERM") != NULL)
    g_ptr_array_add (entries, complete ("TERM"));
  for (guint i = 0; env != NULL && env[i] != NULL; i++)
    {
      char *entry = complete (env[i]);
      if (entry != NULL)
        g_ptr_array_add (entries, entry);
    }
  if (entries->len > 0)
    g_variant_builder_add (
        builder, "{sv}", "env",
        g_variant_new_strv ((const char *const *)entries->pdata, (gssize)entries->len));
}
