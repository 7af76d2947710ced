/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-secrets.h"

#include "base/sc-fd.h"
#include "base/sc-json.h"
#include "base/sc-name.h"
#include "deploy/sc-stored.h"

#include <string.h>

#define DIRECTORY         "containers"
#define VERSION           1
#define MAX_FILE_BYTES    (64 * 1024 * 1024)
#define MIN_HIDDEN_LENGTH 8

static const ScJsonLimits limits = {
  .max_bytes = MAX_FILE_BYTES,
  .max_depth = 16,
  .max_values = 100000,
  .max_string_bytes = 64 * 1024,
};

GHashTable *
sc_secrets_new (void)
{
  return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
}

static int
open_directory (const ScPaths *paths, GError **error)
{
  g_autofree char *directory = g_build_filename (paths->state, DIRECTORY, NULL);
  sc_autofd state_fd = sc_fd_ensure_dir (paths->state, 0700, error);

  return state_fd >= 0 ? sc_fd_ensure_dir (directory, 0700, error) : -1;
}

/* (transfer full) (nullable): an empty object without a file */
static JsonObject *
read_file (int dir_fd, const char *file, GError **error)
{
  g_autoptr (GError) local = NULL;
  g_autoptr (GBytes) bytes = sc_fd_read_file (dir_fd, file, MAX_FILE_BYTES, &local);
  gsize size = 0;
  guint64 version = 0;

  if (g_error_matches (local, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND))
    return json_object_new ();
  const char *text = bytes != NULL ? g_bytes_get_data (bytes, &size) : NULL;
  g_autoptr (JsonObject) object
      = text != NULL ? sc_json_parse_object (text, size, &limits, &local) : NULL;
  if (object != NULL && sc_json_get_uint (object, "version", 0, &version, &local)
      && version == VERSION)
    return g_steal_pointer (&object);
  sc_error_set (error, SYSCONT_ERROR_DAMAGED, "the secrets in \"%s\" cannot be read: %s", file,
                local != NULL ? local->message : "they are of another version");
  return NULL;
}

/* (transfer none): made when it is missing */
static JsonObject *
get_deployments (JsonObject *object)
{
  JsonObject *deployments = NULL;

  if (sc_json_get_object (object, "deployments", &deployments, NULL) && deployments != NULL)
    return deployments;
  deployments = json_object_new ();
  json_object_set_object_member (object, "deployments", deployments);
  return deployments;
}

static gboolean
write_file (int dir_fd, const char *file, JsonObject *object, GError **error)
{
  if (json_object_get_size (get_deployments (object)) == 0)
    return sc_fd_unlink (dir_fd, file, error);

  json_object_set_int_member (object, "version", VERSION);
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  char *text = sc_json_to_text (node, TRUE);
  gsize size = strlen (text);
  gboolean is_written = sc_fd_write_atomic (dir_fd, file, text, size, 0600, error);
  explicit_bzero (text, size);
  g_free (text);
  return is_written;
}

static char *
file_of (const char *name)
{
  return g_strconcat (name, ".secrets", NULL);
}

GHashTable *
sc_secrets_load (const ScPaths *paths, const char *name, guint64 deployment, GError **error)
{
  g_autofree char *file = file_of (name);
  g_autofree char *key = g_strdup_printf ("%" G_GUINT64_FORMAT, deployment);
  g_autoptr (GHashTable) secrets = sc_secrets_new ();
  sc_autofd dir_fd = sc_name_check (name, error) ? open_directory (paths, error) : -1;
  g_autoptr (JsonObject) object = dir_fd >= 0 ? read_file (dir_fd, file, error) : NULL;

  if (object == NULL || !sc_stored_read_values (get_deployments (object), key, secrets, error))
    return NULL;
  return g_steal_pointer (&secrets);
}

gboolean
sc_secrets_save (
    const ScPaths *paths, const char *name, guint64 deployment, GHashTable *secrets, GError **error)
{
  g_autofree char *file = file_of (name);
  g_autofree char *key = g_strdup_printf ("%" G_GUINT64_FORMAT, deployment);
  sc_autofd dir_fd = open_directory (paths, error);
  g_autoptr (JsonObject) object = dir_fd >= 0 ? read_file (dir_fd, file, error) : NULL;
  if (object == NULL)
    return FALSE;

  JsonObject *deployments = get_deployments (object);
  if (json_object_has_member (deployments, key))
    json_object_remove_member (deployments, key);
  if (secrets != NULL && g_hash_table_size (secrets) > 0)
    json_object_set_object_member (deployments, key, sc_stored_write_values (secrets));
  return write_file (dir_fd, file, object, error);
}

gboolean
sc_secrets_delete (const ScPaths *paths, const char *name, GError **error)
{
  g_autofree char *file = file_of (name);
  sc_autofd dir_fd = open_directory (paths, error);

  return dir_fd >= 0 && sc_fd_unlink (dir_fd, file, error);
}

gboolean
sc_secrets_trim (const ScPaths *paths, const char *name, GError **error)
{
  g_autofree char *file = file_of (name);
  g_autoptr (GError) local = NULL;
  g_autoptr (ScContainer) container = sc_container_load (paths, name, &local);
  if (g_error_matches (local, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND))
    return sc_secrets_delete (paths, name, error);
  if (container == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local));
      return FALSE;
    }
  sc_autofd dir_fd = open_directory (paths, error);
  g_autoptr (JsonObject) object = dir_fd >= 0 ? read_file (dir_fd, file, error) : NULL;
  if (object == NULL)
    return FALSE;

  JsonObject *deployments = get_deployments (object);
  g_autoptr (GList) keys = json_object_get_members (deployments);
  gboolean is_changed = FALSE;
  for (GList *l = keys; l != NULL; l = l->next)
    {
      guint64 id = g_ascii_strtoull (l->data, NULL, 10);
      if (sc_container_find (container, id) != NULL)
        continue;
      json_object_remove_member (deployments, l->data);
      is_changed = TRUE;
    }
  return !is_changed || write_file (dir_fd, file, object, error);
}

char *
sc_secrets_hide (const char *text, GHashTable *values)
{
  g_autoptr (GString) hidden = g_string_new (text);
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, values);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    if (strlen (value) >= MIN_HIDDEN_LENGTH)
      g_string_replace (hidden, value, "[value]", 0);
  return g_string_free (g_steal_pointer (&hidden), FALSE);
}
