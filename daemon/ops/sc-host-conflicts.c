/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Says why an image cannot have its files on the host, and whose the files are that are in the way.
 */
#include "base/sc-fd.h"
#include "ops/sc-host-facts.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define MAX_TOLD        10
#define QUERY_TIMEOUT_S 30
#define MAX_ANSWER      (16 * 1024)

/* What programs of the package managers print of a path: "PACKAGE: PATH" or "PACKAGE". */
static const struct
{
  const char *program;
  const char *option;
} managers[] = {
  { "/usr/bin/dpkg", "-S" },
  { "/usr/bin/rpm", "-qf" },
};

/* The first word of the answer, when it is a package's name. */
static char *
parse_answer (GBytes *answer)
{
  static const char letters[]
      = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+-_~";
  const char *text = g_bytes_get_data (answer, NULL);
  gsize length = strspn (text, letters);

  return length > 0 && strchr (":,\n", text[length]) != NULL ? g_strndup (text, length) : NULL;
}

static char *
ask_manager (ScSystemd *systemd, const char *program, const char *option, const char *path)
{
  const char *const argv[] = { program, option, path, NULL };
  int ends[2] = { -1, -1 };
  sc_autofd null_fd = open ("/dev/null", O_RDWR | O_CLOEXEC);
  if (null_fd < 0 || pipe2 (ends, O_CLOEXEC) < 0)
    return NULL;

  sc_autofd read_fd = ends[0];
  sc_autofd write_fd = ends[1];
  const int stdio[] = { null_fd, write_fd, null_fd };
  const ScCommand command = { .argv = argv,
                              .description = "Ask which package a file belongs to",
                              .stdio = stdio,
                              .timeout_s = QUERY_TIMEOUT_S };
  int exit_status = 0;

  /* an answer is a line: far less than what a pipe holds */
  if (!sc_systemd_run_command (systemd, &command, &exit_status, NULL, NULL) || exit_status != 0)
    return NULL;
  sc_fd_cleanup (&write_fd);
  write_fd = -1;
  g_autoptr (GBytes) answer = sc_fd_read_all (read_fd, MAX_ANSWER, NULL);
  return answer != NULL ? parse_answer (answer) : NULL;
}

/* (transfer full) (nullable): a pattern would be searched for, which no path here can be. */
static char *
find_package (ScSystemd *systemd, const char *path)
{
  if (systemd == NULL || strpbrk (path, "*?[]\\") != NULL)
    return NULL;
  for (gsize i = 0; i < G_N_ELEMENTS (managers); i++)
    {
      if (!g_file_test (managers[i].program, G_FILE_TEST_IS_EXECUTABLE))
        continue;
      char *package = ask_manager (systemd, managers[i].program, managers[i].option, path);
      if (package != NULL)
        return package;
    }
  return NULL;
}

static char *
describe (const ScHostConflict *conflict, ScSystemd *systemd)
{
  const char *path = conflict->obstacle != NULL ? conflict->obstacle : conflict->path;
  g_autofree char *shown = sc_text_escape (path);
  g_autofree char *package = conflict->container == NULL ? find_package (systemd, path) : NULL;
  g_autofree char *owner = conflict->container != NULL
                               ? g_strdup_printf ("the container \"%s\"", conflict->container)
                           : package != NULL ? g_strdup_printf ("the package \"%s\"", package)
                                             : g_strdup ("nobody known");

  if (conflict->obstacle != NULL)
    return g_strdup_printf ("\"%s\" is no directory of the host (it belongs to %s)", shown, owner);
  return g_strdup_printf ("\"%s\" exists and is not what the image brings (it belongs to %s)",
                          shown, owner);
}

gboolean
sc_host_conflicts_to_error (const ScHostPlan *plan, ScSystemd *systemd, GError **error)
{
  g_autoptr (GString) text = g_string_new (NULL);

  if (plan->conflicts->len == 0)
    return TRUE;
  for (guint i = 0; i < plan->conflicts->len && i < MAX_TOLD; i++)
    {
      g_autofree char *one = describe (plan->conflicts->pdata[i], systemd);
      g_string_append_printf (text, "%s%s", i > 0 ? "; " : "", one);
    }
  if (plan->conflicts->len > MAX_TOLD)
    g_string_append_printf (text, "; and %u more", plan->conflicts->len - MAX_TOLD);
  return sc_error_set (error, SYSCONT_ERROR_HOST_FILE_CONFLICT,
                       "host files: %s; move it away, or rename the image's file", text->str);
}
