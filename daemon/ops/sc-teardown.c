/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-teardown.h"

#include "base/sc-log.h"
#include "deploy/sc-container.h"
#include "deploy/sc-deployment.h"
#include "host/sc-unit-files.h"

#define TMPFILES_TIMEOUT_S 60

static void
remove_tmpfiles (const ScPaths *paths, ScSystemd *systemd, const char *name)
{
  g_autofree char *path = sc_unit_files_tmpfiles_path (paths, name);
  const char *const argv[] = { "/usr/bin/systemd-tmpfiles", "--remove", path, NULL };
  g_autoptr (GError) error = NULL;

  if (g_file_test (path, G_FILE_TEST_EXISTS)
      && !sc_systemd_run (systemd, argv, "Remove temporary files of a system container", TMPFILES_TIMEOUT_S, NULL,
                          &error))
    sc_log (G_LOG_LEVEL_WARNING, &(ScLogFields){ .container = name }, "removing temporary files of \"%s\": %s", name,
            error->message);
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
  GHashTableIter iter;
  gpointer ref;

  if (refs == NULL)
    return FALSE;
  if (g_hash_table_size (refs) == 0)
    return TRUE;
  if (!sc_repo_begin (repo, NULL, error))
    return FALSE;
  g_autoptr (ScRepoTransaction) transaction G_GNUC_UNUSED = repo;
  g_hash_table_iter_init (&iter, refs);
  while (g_hash_table_iter_next (&iter, &ref, NULL))
    sc_repo_set_ref (repo, ref, NULL);
  return sc_repo_commit (repo, NULL, error);
}

gboolean
sc_teardown (const ScPaths *paths, const ScConfig *config, ScSystemd *systemd, const char *name, GError **error)
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

  if (!remove_deployments (paths, name, error) || !drop_refs (paths, name, error)
      || !sc_container_delete (paths, name, error))
    return FALSE;
  /* Before systemd is up it may have read the unit already: the marker keeps that from being started. */
  return systemd == NULL || sc_switching_set (paths, name, FALSE, error);
}
