/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-deployment-files.h"

#include "base/sc-fd.h"
#include "deploy/sc-deployment.h"

#include <string.h>

#define MAX_FILE_BYTES (8 * 1024 * 1024)
/* hidden: not the files that images know of */
#define DROP_IN_NAME      ".50-syscont.conf"
#define IMAGE_CONFIG_NAME ".image-config.json"

static gboolean
write_file (int dir_fd, const char *name, const char *text, GError **error)
{
  if (text == NULL)
    return TRUE;
  sc_autofd fd = sc_fd_create (dir_fd, name, text, strlen (text), 0600, error);
  return fd >= 0;
}

static gboolean
write_bytes (int dir_fd, const char *name, GBytes *bytes, GError **error)
{
  gsize size = 0;
  if (bytes == NULL)
    return TRUE;
  const char *data = g_bytes_get_data (bytes, &size);
  sc_autofd fd = sc_fd_create (dir_fd, name, data, size, 0600, error);
  return fd >= 0;
}

static char *
service_name (const char *name)
{
  return g_strconcat (name, ".service", NULL);
}

static char *
tmpfiles_name (const char *name)
{
  return g_strdup_printf ("tmpfiles-%s.conf", name);
}

gboolean
sc_deployment_write_files (int dir_fd,
                           const char *name,
                           const ScRendering *rendering,
                           GError **error)
{
  g_autofree char *service = service_name (name);
  g_autofree char *tmpfiles = tmpfiles_name (name);
  return write_file (dir_fd, "config.json", rendering->config_json, error)
         && write_file (dir_fd, "info", rendering->info, error)
         && write_file (dir_fd, service, rendering->texts.service, error)
         && write_file (dir_fd, DROP_IN_NAME, rendering->texts.drop_in, error)
         && write_file (dir_fd, tmpfiles, rendering->texts.tmpfiles, error)
         && write_bytes (dir_fd, IMAGE_CONFIG_NAME, rendering->image_config, error);
}

GBytes *
sc_deployment_read_file_of (
    const ScPaths *paths, const char *name, guint64 n, const char *file, GError **error)
{
  g_autofree char *path = g_strdup_printf ("%s.%" G_GUINT64_FORMAT "/%s", name, n, file);
  sc_autofd dir_fd = sc_fd_open_dir (paths->checkout, error);
  return dir_fd >= 0 ? sc_fd_read_file (dir_fd, path, MAX_FILE_BYTES, error) : NULL;
}

ScImage *
sc_deployment_load_image (const ScPaths *paths,
                          ScRepo *repo,
                          const char *name,
                          const ScDeploymentRecord *record,
                          GBytes **config_bytes,
                          GError **error)
{
  g_autofree char *ref = sc_deploy_ref (name, record->id);
  g_autofree char *commit = sc_repo_resolve (repo, ref, error);
  if (commit == NULL)
    return NULL;

  *config_bytes = sc_deployment_read_file_of (paths, name, record->id, IMAGE_CONFIG_NAME, NULL);
  g_autoptr (ScImageConfig) config
      = *config_bytes != NULL ? sc_image_config_parse (*config_bytes, G_MAXUINT, NULL) : NULL;
  const char *const references[] = { record->reference, NULL };
  ScImage *image = g_new0 (ScImage, 1);
  image->digest = g_strdup (record->digest);
  image->commit = g_steal_pointer (&commit);
  image->references = g_strdupv ((char **)references);
  image->source = g_strdup (record->source != NULL ? record->source : "");
  image->platform = g_strdup ("");
  image->labels = config != NULL ? g_hash_table_ref (config->labels)
                                 : g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return image;
}

GBytes *
sc_deployment_read_file (const ScPaths *paths, const char *name, const char *file, GError **error)
{
  guint64 n = 0;
  if (!sc_deployment_current (paths, name, &n))
    {
      sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "container \"%s\" has no current deployment",
                    name);
      return NULL;
    }
  return sc_deployment_read_file_of (paths, name, n, file, error);
}

typedef struct
{
  const ScPaths *paths;
  const char *name;
  guint64 n;
} Place;

/* A file that is not there is no text. */
static gboolean
read_text (const Place *place, const char *file, char **text, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GBytes) bytes
      = sc_deployment_read_file_of (place->paths, place->name, place->n, file, &local);
  gsize size_bytes;

  if (g_error_matches (local, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND))
    return TRUE;
  if (bytes == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  const char *data = g_bytes_get_data (bytes, &size_bytes);
  *text = g_strndup (data, size_bytes);
  return TRUE;
}

gboolean
sc_deployment_load_texts (
    const ScPaths *paths, const char *name, guint64 n, ScUnitTexts *texts, GError **error)
{
  const Place place = { .paths = paths, .name = name, .n = n };
  g_autofree char *service = service_name (name);
  g_autofree char *tmpfiles = tmpfiles_name (name);

  return read_text (&place, service, &texts->service, error)
         && read_text (&place, DROP_IN_NAME, &texts->drop_in, error)
         && read_text (&place, tmpfiles, &texts->tmpfiles, error);
}
