/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-request-private.h"

#include "deploy/sc-host-path.h"

#include <string.h>

static gboolean
check_process (ScRequest *request, const ScProcess *process, const int *stdio, GError **error)
{
  if (!sc_process_check (process, error))
    return FALSE;
  request->op = sc_op_new_exec (request->subject.containers[0], process, stdio);
  return TRUE;
}

static gboolean
parse_exec (const ScCall *call, ScRequest *request, GError **error)
{
  const ScOptions *options = request->options;
  const char *name;
  g_autofree const char **argv = NULL;
  g_autofree const char **env = sc_options_get_strv (options, "env");
  g_autoptr (GVariant) handles = NULL;
  gsize n_handles = 0;
  int stdio[SC_PROGRAM_N_STDIO] = { -1, -1, -1 };

  g_variant_get (call->parameters, "(&s^a&s@ah@a{sv})", &name, &argv, &handles, NULL);
  const gint32 *indices = g_variant_get_fixed_array (handles, &n_handles, sizeof (gint32));
  const ScProcess process = { .args = argv,
                              .env = env,
                              .cwd = sc_options_get_string (options, "cwd"),
                              .user = sc_options_get_string (options, "user"),
                              .has_terminal = sc_options_get_bool (options, "tty", FALSE) };
  gboolean is_good = sc_request_set_container (request, name, error)
                     && sc_request_take_stdio (call, indices, n_handles, stdio, error)
                     && check_process (request, &process, stdio, error);
  sc_request_clear_stdio (stdio);
  return is_good;
}

static gboolean
check_directory (const char *directory, GError **error)
{
  g_autofree char *clean = sc_host_path_clean (directory);
  g_autofree char *shown = sc_text_escape (directory);

  return (clean != NULL && strcmp (clean, directory) == 0 && strcmp (clean, "/") != 0)
         || sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                          "\"%s\" is not the clean absolute path of a directory", shown);
}

static gboolean
parse_mount (const ScCall *call, ScRequest *request, GError **error)
{
  const char *what;
  const char *where;

  g_variant_get (call->parameters, "(&s&s@a{sv})", &what, &where, NULL);
  if (!sc_request_check_image (what, error) || !check_directory (where, error))
    return FALSE;
  request->subject.image = g_strdup (what);
  request->op = sc_op_new_mount (what, where);
  return TRUE;
}

static gboolean
parse_unmount (const ScCall *call, ScRequest *request, GError **error)
{
  const char *where;

  g_variant_get (call->parameters, "(&s@a{sv})", &where, NULL);
  if (!check_directory (where, error))
    return FALSE;
  request->op = sc_op_new_unmount (where);
  return TRUE;
}

static const ScOptionSpec mount_options[] = {
  { "no-queue", "b" },
  { NULL, NULL },
};

static const ScOptionSpec exec_options[] = {
  { "tty", "b" }, { "user", "s" }, { "env", "as" }, { "cwd", "s" }, { NULL, NULL },
};

const ScMethod sc_request_exec_methods[] = {
  { "Exec", exec_options, parse_exec },
  { "Mount", mount_options, parse_mount },
  { "Unmount", mount_options, parse_unmount },
  { NULL, NULL, NULL },
};
