/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-privileges.h"

#include "deploy/sc-deployment-files.h"
#include "deploy/sc-info.h"
#include "deploy/sc-privileges-private.h"

#include <string.h>

static const char *const own_parents[]
    = { "/run", "/etc", "/srv", "/var/cache", "/var/lib", "/var/log", "/var/spool" };

gboolean
sc_privileges_is_own (const ScPrivilegeSources *sources, const char *path)
{
  for (guint i = 0; i < G_N_ELEMENTS (own_parents); i++)
    {
      g_autofree char *own = g_build_filename (own_parents[i], sources->name, NULL);
      gsize length = strlen (own);
      if (strncmp (path, own, length) == 0 && (path[length] == '\0' || path[length] == '/'))
        return TRUE;
    }
  return FALSE;
}

static void
add_host_files (const ScHostRecord *record, GPtrArray *list)
{
  for (guint i = 0; record != NULL && i < record->entries->len; i++)
    {
      const ScHostEntry *entry = record->entries->pdata[i];
      if (entry->type == SC_HOST_DIRECTORY)
        sc_privilege_list_add (list, SC_RISK_LOW, "host-directory:%s", entry->path);
      else
        sc_privilege_list_add (list, SC_RISK_MEDIUM, "host-file:%s", entry->path);
    }
}

GPtrArray *
sc_privileges_list (const ScPrivilegeSources *sources, GError **error)
{
  g_autoptr (GPtrArray) list = sc_privilege_list_new ();
  gboolean uses_runtime = sources->is_once;

  if (sources->service != NULL && !sc_privileges_add_unit (sources, list, &uses_runtime, error))
    return NULL;
  if (uses_runtime && sources->config_json != NULL
      && !sc_privileges_add_config (sources, list, error))
    return NULL;
  sc_privileges_add_tmpfiles (sources, list);
  if (sources->health != NULL && sources->health->unit != NULL)
    sc_privilege_list_add (list, SC_RISK_MEDIUM, "unit:health:%s", sources->health->unit);
  add_host_files (sources->host_files, list);
  sc_privilege_list_sort (list);
  return g_steal_pointer (&list);
}

static GPtrArray *
load (const ScPaths *paths, const ScContainer *container, guint64 n, GError **error)
{
  const char *name = container->name;
  const ScDeploymentRecord *deployment = sc_container_find (container, n);
  const char *runtime = NULL;
  g_auto (ScUnitTexts) texts = { 0 };
  g_autoptr (GBytes) config = sc_deployment_read_file_of (paths, name, n, "config.json", error);
  g_autoptr (JsonObject) info = config != NULL ? sc_info_load (paths, name, n, error) : NULL;
  g_autoptr (ScHostRecord) record
      = info != NULL ? sc_host_record_load (paths, name, n, error) : NULL;

  if (record == NULL || !sc_json_get_string (info, "runtime", &runtime, error)
      || !sc_deployment_load_texts (paths, name, n, &texts, error))
    return NULL;
  gsize size_bytes = 0;
  const char *data = g_bytes_get_data (config, &size_bytes);
  g_autofree char *config_json = g_strndup (data, size_bytes);
  const ScPrivilegeSources sources = {
    .name = name,
    .paths = paths,
    .runtime = runtime,
    .config_json = config_json,
    .service = texts.service,
    .tmpfiles = texts.tmpfiles,
    .health = deployment != NULL ? deployment->health : NULL,
    .host_files = record,
  };
  return sc_privileges_list (&sources, error);
}

GPtrArray *
sc_privileges_load (const ScPaths *paths, const ScContainer *container, guint64 n, GError **error)
{
  g_autoptr (GError) cause = NULL;
  GPtrArray *list = load (paths, container, n, &cause);

  /* The files are our own: whatever is wrong with them, the deployment is damaged. */
  if (list == NULL)
    sc_error_set (error, SYSCONT_ERROR_DAMAGED, "privileges of %s.%" G_GUINT64_FORMAT ": %s",
                  container->name, n, cause->message);
  return list;
}
