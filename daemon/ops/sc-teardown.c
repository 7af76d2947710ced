/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-teardown.h"

#include "base/sc-fd.h"
#include "base/sc-log.h"
#include "deploy/sc-container.h"
#include "deploy/sc-deployment.h"
#include "deploy/sc-secrets.h"
#include "host/sc-unit-files.h"
#include "ops/sc-host-ops.h"
#include "ops/sc-intent.h"
#include "ops/sc-made-directories.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define TMPFILES_TIMEOUT_S 60

/* Directories in /run that a line made and that are empty now; tmpfiles.d(5) has no word for that.
 */
static void
remove_run_directory (const ScPaths *paths, const char *line)
{
  const char *path = line + strcspn (line, " \t");
  path += strspn (path, " \t");
  if ((line[0] != 'd' && line[0] != 'D') || !g_str_has_prefix (path, "/run/"))
    return;

  g_autofree char *root = g_strconcat (paths->root, "/run", NULL);
  const char *start = path + strlen ("/run/");
  g_autofree char *relative = g_strndup (start, strcspn (start, " \t"));
  g_autofree char *parent = g_path_get_dirname (relative);
  g_autofree char *name = g_path_get_basename (relative);
  sc_autofd root_fd = sc_fd_open_dir (root, NULL);
  sc_autofd parent_fd
      = root_fd >= 0 ? sc_fd_open_beneath (root_fd, parent, O_PATH | O_DIRECTORY, 0) : -1;

  if (parent_fd >= 0)
    (void)unlinkat (parent_fd, name, AT_REMOVEDIR);
}

static void
remove_tmpfiles (const ScPaths *paths, ScSystemd *systemd, const char *name)
{
  g_autofree char *path = sc_unit_files_tmpfiles_path (paths, name);
  const char *const argv[] = { "/usr/bin/systemd-tmpfiles", "--remove", path, NULL };
  g_autofree char *text = NULL;
  g_autoptr (GError) error = NULL;

  if (!g_file_get_contents (path, &text, NULL, NULL))
    return;
  if (!sc_systemd_run (systemd, argv, "Remove temporary files of a system container",
                       TMPFILES_TIMEOUT_S, NULL, &error))
    sc_log (G_LOG_LEVEL_WARNING, &(ScLogFields){ .container = name },
            "removing temporary files of \"%s\": %s", name, error->message);

  g_auto (GStrv) lines = g_strsplit (text, "\n", -1);
  for (guint i = g_strv_length (lines); i > 0; i--) /* deeper directories come later */
    remove_run_directory (paths, lines[i - 1]);
}

static gboolean
remove_deployments (const ScPaths *paths, const char *name, GError **error)
{
  g_autoptr (GArray) numbers = sc_deployment_list (paths, name, error);
  if (numbers == NULL || !sc_deployment_unlink (paths, name, error))
    return FALSE;

  for (guint i = 0; i < numbers->len; i++)
    if (!sc_deployment_remove (paths, name, g_array_index (numbers, guint64, i), error))
      return FALSE;
  return TRUE;
}

static gboolean
drop_refs (const ScPaths *paths, const char *name, GError **error)
{
  g_autofree char *prefix = g_strconcat ("syscont/deploy/", name, NULL);
  g_autoptr (ScRepo) repo = sc_repo_open (paths, error);
  g_autoptr (GHashTable) refs = repo != NULL ? sc_repo_list_refs (repo, prefix, error) : NULL;
  if (refs == NULL)
    return FALSE;

  g_autofree char **names = (char **)g_hash_table_get_keys_as_array (refs, NULL);
  return sc_repo_change_refs (repo, (const char *const *)names, NULL, NULL, error);
}

/* What an operation that did not come to its end has made, and then what the deployment answers
 * for. */
static gboolean
remove_host_files (const ScPaths *paths,
                   const ScConfig *config,
                   const char *name,
                   GPtrArray *notes,
                   GError **error)
{
  const ScHostScope scope = { .paths = paths, .config = config, .name = name };
  g_autoptr (GPtrArray) intents = sc_intent_list (paths, error);

  if (intents == NULL)
    return FALSE;
  for (guint i = 0; i < intents->len; i++)
    {
      const ScIntent *intent = intents->pdata[i];
      const ScHostJob job = { .paths = paths, .id = intent->job, .container = name };
      if (strcmp (intent->container, name) == 0 && !sc_host_ops_undo (&job, error))
        return FALSE;
    }
  return sc_host_ops_remove (&scope, notes, error);
}

gboolean
sc_teardown (const ScPaths *paths,
             const ScConfig *config,
             ScSystemd *systemd,
             const char *name,
             GPtrArray *notes,
             GError **error)
{
  g_autofree char *unit = g_strconcat (name, ".service", NULL);

  if (!sc_switching_set (paths, name, TRUE, error))
    return FALSE;
  if (systemd != NULL)
    {
      if (!sc_systemd_stop (systemd, unit, config->start_timeout_s, NULL, error))
        return FALSE;
      remove_tmpfiles (paths, systemd, name);
    }

  if (!sc_unit_files_remove (paths, name, error))
    return FALSE;
  if (systemd != NULL)
    {
      sc_systemd_reset_failed (systemd, unit, NULL);
      if (!sc_systemd_reload (systemd, NULL, error))
        return FALSE;
    }

  if (!remove_host_files (paths, config, name, notes, error))
    return FALSE;
  sc_made_directories_remove (paths, name, notes);
  if (!remove_deployments (paths, name, error) || !drop_refs (paths, name, error)
      || !sc_secrets_delete (paths, name, error) || !sc_container_delete (paths, name, error))
    return FALSE;
  /* Before systemd is up it may have read the unit already: the marker keeps that from being
   * started. */
  return systemd == NULL || sc_switching_set (paths, name, FALSE, error);
}
