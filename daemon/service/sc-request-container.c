/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-request-private.h"

#include "base/sc-digest.h"
#include "base/sc-fd.h"
#include "base/sc-name.h"
#include "deploy/sc-host-path.h"
#include "deploy/sc-rendering.h"

#include <string.h>

#define MAX_HOST_PATHS 64

static gboolean
check_install_options (ScRequest *request,
                       GHashTable **values,
                       ScPlatform **platform,
                       GError **error)
{
  const char *digest = sc_options_get_string (request->options, "digest");

  if (!sc_options_get_map (request->options, "values", values, error))
    return FALSE;
  if (*values != NULL && !sc_set_values_check (*values, error))
    return FALSE;
  if (digest != NULL && !sc_digest_is_valid (digest))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "option \"digest\" must be \"sha256:\" and 64 hex digits");
  request->subject.digest = g_strdup (digest);
  return sc_request_parse_platform (request->options, platform, error);
}

/* Whether images may ever use such a path is only known with the configuration. */
static gboolean
parse_host_paths (const ScOptions *options, char ***paths, GError **error)
{
  g_autofree const char **given = sc_options_get_strv (options, "allow-host-paths");
  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();

  if (given == NULL)
    return TRUE;
  if (g_strv_length ((char **)given) > MAX_HOST_PATHS)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "option \"allow-host-paths\" has more than %d paths", MAX_HOST_PATHS);
  for (gsize i = 0; given[i] != NULL; i++)
    {
      g_autofree char *clean = sc_host_path_clean (given[i]);
      g_autofree char *shown = sc_text_escape (given[i]);
      if (clean == NULL || strcmp (clean, "/") == 0)
        return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                             "option \"allow-host-paths\": \"%s\" is not an absolute path of a "
                             "file or directory, without \"..\"",
                             shown);
      g_strv_builder_add (builder, clean);
    }
  *paths = g_strv_builder_end (builder);
  return TRUE;
}

/* What a container that runs once runs in place of what its image says; @argv and @env: (out)
 * (transfer container): lent to @process */
static gboolean
parse_once (ScRequest *request,
            ScInstallRequest *install,
            const char ***argv,
            const char ***env,
            GError **error)
{
  const ScOptions *options = request->options;

  *argv = sc_options_get_strv (options, "argv");
  *env = sc_options_get_strv (options, "env");
  install->once = sc_options_get_bool (options, "once", FALSE);
  install->process = (ScProcess){ .args = *argv,
                                  .env = *env,
                                  .has_terminal = sc_options_get_bool (options, "tty", FALSE) };
  if (!install->once && (*argv != NULL || *env != NULL || install->process.has_terminal))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "the options \"argv\", \"env\" and \"tty\" need \"once\"");
  return sc_process_check (&install->process, error);
}

static gboolean
parse_stdio (const ScCall *call,
             ScRequest *request,
             ScInstallRequest *install,
             int stdio[SC_PROGRAM_N_STDIO],
             GError **error)
{
  gsize n = 0;
  const gint32 *handles = sc_options_get_handles (request->options, "stdio", &n);

  if (handles == NULL)
    return !install->process.has_terminal
           || sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                            "option \"tty\" needs \"stdio\"");
  install->stdio = stdio;
  return sc_request_take_stdio (call, handles, n, stdio, error);
}

static gboolean
parse_writable (const ScOptions *options, gboolean *is_volatile, GError **error)
{
  const char *text = sc_options_get_string (options, "writable");

  *is_volatile = g_strcmp0 (text, "volatile") == 0;
  return text == NULL || *is_volatile || strcmp (text, "persistent") == 0
         || sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                          "option \"writable\" must be \"volatile\" or \"persistent\"");
}

static gboolean
parse_install (const ScCall *call, ScRequest *request, GError **error)
{
  const char *text;
  const char *given_name;
  g_autofree char *name = NULL;
  g_autoptr (GHashTable) values = NULL;
  g_autoptr (ScPlatform) platform = NULL;
  g_auto (GStrv) allow_host_paths = NULL;
  g_autoptr (ScHealth) health = NULL;

  g_variant_get (call->parameters, "(&s&s@a{sv})", &text, &given_name, NULL);
  request->subject.reference = sc_reference_parse (text, error);
  if (request->subject.reference == NULL)
    return FALSE;
  name = *given_name != '\0' ? g_strdup (given_name)
                             : sc_reference_container_name (request->subject.reference);
  if (!sc_request_set_container (request, name, error))
    {
      if (*given_name == '\0' && error != NULL)
        g_prefix_error (error, "the image's name makes no container name, give one with --name: ");
      return FALSE;
    }
  if (!check_install_options (request, &values, &platform, error)
      || !parse_host_paths (request->options, &allow_host_paths, error)
      || !sc_request_parse_health (request->options, &health, error))
    return FALSE;

  g_autofree const char **argv = NULL;
  g_autofree const char **env = NULL;
  ScInstallRequest install = {
    .reference = request->subject.reference,
    .name = name,
    .values = values,
    .allow_host_paths = (const char *const *)allow_host_paths,
    .digest = request->subject.digest,
    .health = health,
    .platform = platform,
    .enable = sc_options_get_bool (request->options, "enable", TRUE),
    .start = sc_options_get_bool (request->options, "start", FALSE),
  };
  int stdio[SC_PROGRAM_N_STDIO] = { -1, -1, -1 };
  gboolean is_good = parse_writable (request->options, &install.is_volatile, error)
                     && parse_once (request, &install, &argv, &env, error)
                     && parse_stdio (call, request, &install, stdio, error);
  if (is_good)
    request->op = sc_op_new_install (&install);
  sc_request_clear_stdio (stdio);
  return is_good && sc_request_take_auth (call, request, error)
         && sc_request_take_secrets (call, request, values, error);
}

static gboolean
parse_names (const ScCall *call, ScRequest *request, GError **error)
{
  g_autofree const char **names = NULL;

  g_variant_get (call->parameters, "(^a&s@a{sv})", &names, NULL);
  request->subject.containers = sc_request_check_names (request->method, names, error);
  return request->subject.containers != NULL;
}

static gboolean
parse_uninstall (const ScCall *call, ScRequest *request, GError **error)
{
  if (!parse_names (call, request, error))
    return FALSE;
  request->op = sc_op_new_uninstall ((const char *const *)request->subject.containers,
                                     sc_options_get_bool (request->options, "keep-image", TRUE));
  return TRUE;
}

static gboolean
parse_unit (const ScCall *call, ScUnitVerb verb, ScRequest *request, GError **error)
{
  if (!parse_names (call, request, error))
    return FALSE;
  request->op = sc_op_new_unit (verb, (const char *const *)request->subject.containers);
  return TRUE;
}

static gboolean
parse_start (const ScCall *call, ScRequest *request, GError **error)
{
  return parse_unit (call, SC_UNIT_START, request, error);
}

static gboolean
parse_stop (const ScCall *call, ScRequest *request, GError **error)
{
  return parse_unit (call, SC_UNIT_STOP, request, error);
}

static gboolean
parse_restart (const ScCall *call, ScRequest *request, GError **error)
{
  return parse_unit (call, SC_UNIT_RESTART, request, error);
}

static gboolean
parse_name (const ScCall *call, ScRequest *request, GError **error)
{
  const char *name;

  g_variant_get (call->parameters, "(&s@a{sv})", &name, NULL);
  return sc_request_set_container (request, name, error);
}

static gboolean
parse_adopt (const ScCall *call, ScRequest *request, GError **error)
{
  if (!parse_name (call, request, error))
    return FALSE;
  if (sc_request_accepts_privileges (request))
    request->rule = "Adopt:accept";
  request->op = sc_op_new_adopt (request->subject.containers[0]);
  return TRUE;
}

static const ScOptionSpec install_options[] = {
  { "values", "a{ss}" },
  { "start", "b" },
  { "enable", "b" },
  { "digest", "s" },
  { "platform", "s" },
  { "auth", "h" },
  { "no-queue", "b" },
  { "allow-host-paths", "as" },
  { "writable", "s" },
  { "once", "b" },
  { "argv", "as" },
  { "env", "as" },
  { "tty", "b" },
  { "stdio", "ah" },
  { "health", "a{sv}" },
  { "secrets", "a{sh}" },
  { "accept-privileges", "as" },
  { "plan-id", "s" },
  { NULL, NULL },
};

static const ScOptionSpec adopt_options[] = {
  { "accept-privileges", "as" },
  { "plan-id", "s" },
  { "no-queue", "b" },
  { NULL, NULL },
};

static const ScOptionSpec uninstall_options[] = {
  { "keep-image", "b" },
  { "plan-id", "s" },
  { "no-queue", "b" },
  { NULL, NULL },
};

static const ScOptionSpec unit_options[] = {
  { "no-queue", "b" },
  { NULL, NULL },
};

const ScMethod sc_request_container_methods[] = {
  { "Install", install_options, parse_install },
  { "Adopt", adopt_options, parse_adopt },
  { "Uninstall", uninstall_options, parse_uninstall },
  { "Start", unit_options, parse_start },
  { "Stop", unit_options, parse_stop },
  { "Restart", unit_options, parse_restart },
  { "GetContainer", sc_request_no_options, parse_name },
  { "GetValues", sc_request_no_options, parse_name },
  { NULL, NULL, NULL },
};
