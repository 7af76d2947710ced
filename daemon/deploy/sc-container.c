/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-container.h"

#include "base/sc-fd.h"
#include "base/sc-json.h"
#include "base/sc-name.h"
#include "deploy/sc-stored.h"

#include <errno.h>
#include <string.h>

#define DIRECTORY      "containers"
#define SUFFIX         ".json"
#define VERSION        1
#define MAX_FILE_BYTES (64 * 1024 * 1024)

/* 256 values of 64 KiB may be in it, each byte escaped as six */
static const ScJsonLimits limits = {
  .max_bytes = MAX_FILE_BYTES,
  .max_depth = 16,
  .max_values = 100000,
  .max_string_bytes = 64 * 1024,
};

ScContainer *
sc_container_new (const char *name)
{
  ScContainer *self = g_new0 (ScContainer, 1);
  self->name = g_strdup (name);
  self->staged = SC_NO_DEPLOYMENT;
  self->previous = SC_NO_DEPLOYMENT;
  sc_update_state_init (&self->update);
  self->set_values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  self->deployments = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_deployment_record_free);
  return self;
}

void
sc_container_free (ScContainer *self)
{
  if (self == NULL)
    return;
  g_free (self->name);
  g_free (self->reference);
  g_free (self->source);
  g_free (self->uuid);
  g_hash_table_unref (self->set_values);
  g_ptr_array_unref (self->deployments);
  g_strfreev (self->allow_host_paths);
  g_strfreev (self->made_directories);
  g_clear_pointer (&self->health, sc_health_free);
  sc_update_state_clear (&self->update);
  g_clear_pointer (&self->raw, json_object_unref);
  g_free (self);
}

ScDeploymentRecord *
sc_container_add (ScContainer *self, const char *digest, guint installed_by)
{
  ScDeploymentRecord *record = sc_deployment_record_new (self->next_deployment);

  record->digest = g_strdup (digest);
  record->reference = g_strdup (self->reference);
  record->source = g_strdup (self->source);
  g_hash_table_unref (record->values);
  record->values = g_hash_table_ref (self->set_values);
  record->set_health = sc_health_copy (self->health);
  record->created_usec = g_get_real_time ();
  record->installed_by = installed_by;
  g_ptr_array_add (self->deployments, record);
  self->next_deployment++;
  return record;
}

ScDeploymentRecord *
sc_container_find (const ScContainer *self, guint64 id)
{
  for (guint i = 0; i < self->deployments->len; i++)
    {
      ScDeploymentRecord *record = self->deployments->pdata[i];
      if (record->id == id)
        return record;
    }
  return NULL;
}

void
sc_container_set_current (ScContainer *self, guint64 id)
{
  const ScDeploymentRecord *record = sc_container_find (self, id);
  ScUpdateState *state = &self->update;

  self->previous = (gint64)self->current;
  self->current = id;
  if (self->staged == (gint64)id)
    self->staged = SC_NO_DEPLOYMENT;
  sc_update_state_set_outcome (state, NULL, NULL);
  sc_update_state_release (state, record->digest);
  if (g_strcmp0 (state->available, record->digest) == 0)
    g_clear_pointer (&state->available, g_free);
}

gboolean
sc_container_same_values (GHashTable *a, GHashTable *b)
{
  GHashTableIter iter;
  gpointer name, value;

  if (g_hash_table_size (a) != g_hash_table_size (b))
    return FALSE;
  g_hash_table_iter_init (&iter, a);
  while (g_hash_table_iter_next (&iter, &name, &value))
    if (g_strcmp0 (value, g_hash_table_lookup (b, name)) != 0)
      return FALSE;
  return TRUE;
}

static char *
directory_of (const ScPaths *paths)
{
  return g_build_filename (paths->state, DIRECTORY, NULL);
}

static char *
file_of (const char *name)
{
  return g_strconcat (name, SUFFIX, NULL);
}

static gboolean
read_deployments (ScContainer *self, JsonObject *object, GError **error)
{
  JsonArray *list = NULL;
  if (!sc_json_get_array (object, "deployments", &list, error))
    return FALSE;
  guint length = list != NULL ? json_array_get_length (list) : 0;
  for (guint i = 0; i < length; i++)
    {
      JsonNode *node = json_array_get_element (list, i);
      if (!JSON_NODE_HOLDS_OBJECT (node))
        return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "deployments[%u]: no object", i);
      g_autoptr (ScDeploymentRecord) record
          = sc_deployment_record_read (json_node_get_object (node), error);
      if (record == NULL)
        return sc_prefix_error (error, "deployments[%u]: ", i);
      if (sc_container_find (self, record->id) != NULL)
        return sc_error_set (error, SYSCONT_ERROR_DAMAGED,
                             "deployments[%u]: id %" G_GUINT64_FORMAT " is there twice", i,
                             record->id);
      g_ptr_array_add (self->deployments, g_steal_pointer (&record));
    }
  return TRUE;
}

static gboolean
check_version (JsonObject *object, GError **error)
{
  guint64 version = 0;
  if (!sc_json_get_uint (object, "version", 0, &version, error))
    return FALSE;
  if (version > VERSION)
    return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                         "written by a newer syscont (format %" G_GUINT64_FORMAT ", known is %d)",
                         version, VERSION);
  if (version == 0)
    return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "\"version\" is missing");
  return TRUE;
}

static gboolean
read_health (ScContainer *self, JsonObject *object, GError **error)
{
  g_autoptr (GError) local = NULL;

  self->health = sc_health_read (object, "health", &local);
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&local));
  return FALSE;
}

static gboolean
read_members (ScContainer *self, JsonObject *object, GError **error)
{
  const char *name = NULL;
  if (!check_version (object, error) || !sc_json_get_string (object, "name", &name, error)
      || !sc_stored_read_string (object, "reference", &self->reference, error)
      || !sc_stored_read_string (object, "source", &self->source, error)
      || !sc_stored_read_string (object, "uuid", &self->uuid, error)
      || !sc_json_get_uint (object, "next-deployment", 0, &self->next_deployment, error)
      || !sc_json_get_uint (object, "current", 0, &self->current, error)
      || !sc_json_get_bool (object, "has-service", TRUE, &self->has_service, error)
      || !sc_json_get_bool (object, "volatile", FALSE, &self->is_volatile, error)
      || !sc_json_get_strv (object, "allow-host-paths", &self->allow_host_paths, error)
      || !sc_json_get_strv (object, "made-directories", &self->made_directories, error)
      || !sc_stored_read_values (object, "values", self->set_values, error)
      || !read_health (self, object, error) || !read_deployments (self, object, error)
      || !sc_stored_read_number (object, "staged", &self->staged, error)
      || !sc_stored_read_number (object, "previous", &self->previous, error)
      || !sc_update_state_read (&self->update, object, error))
    return FALSE;
  if (g_strcmp0 (name, self->name) != 0)
    return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "describes another container");
  return TRUE;
}

static gboolean
parse (ScContainer *self, GBytes *bytes, GError **error)
{
  gsize size = 0;
  const char *text = g_bytes_get_data (bytes, &size);
  self->raw = sc_json_parse_object (text, size, &limits, error);
  return self->raw != NULL && read_members (self, self->raw, error);
}

ScContainer *
sc_container_load (const ScPaths *paths, const char *name, GError **error)
{
  if (!sc_name_check (name, error))
    return NULL;
  g_autofree char *directory = directory_of (paths);
  g_autofree char *file = file_of (name);
  if (!g_file_test (directory, G_FILE_TEST_IS_DIR))
    {
      sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "there is no container \"%s\"", name);
      return NULL;
    }
  sc_autofd dir_fd = sc_fd_open_dir (directory, error);
  if (dir_fd < 0)
    return NULL;

  g_autoptr (GError) local = NULL;
  g_autoptr (GBytes) bytes = sc_fd_read_file (dir_fd, file, MAX_FILE_BYTES, &local);
  g_autoptr (ScContainer) self = sc_container_new (name);
  if (bytes != NULL && parse (self, bytes, &local))
    return g_steal_pointer (&self);
  if (g_error_matches (local, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND))
    sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "there is no container \"%s\"", name);
  else
    {
      /* what the JSON functions say of images is damage here: the file is our own */
      SyscontError code = g_error_matches (local, SYSCONT_ERROR, SYSCONT_ERROR_NOT_SUPPORTED)
                              ? SYSCONT_ERROR_NOT_SUPPORTED
                              : SYSCONT_ERROR_DAMAGED;
      sc_error_set (error, code, "container \"%s\": %s/%s: %s", name, directory, file,
                    local->message);
    }
  return NULL;
}

static JsonObject *
find_raw_deployment (const ScContainer *self, guint64 id)
{
  JsonArray *list = NULL;
  if (self->raw == NULL || !sc_json_get_array (self->raw, "deployments", &list, NULL)
      || list == NULL)
    return NULL;
  for (guint i = 0; i < json_array_get_length (list); i++)
    {
      JsonNode *node = json_array_get_element (list, i);
      guint64 found = 0;
      if (JSON_NODE_HOLDS_OBJECT (node)
          && sc_json_get_uint (json_node_get_object (node), "id", G_MAXUINT64, &found, NULL)
          && found == id)
        return json_node_get_object (node);
    }
  return NULL;
}

static JsonArray *
write_deployments (const ScContainer *self)
{
  JsonArray *list = json_array_new ();
  for (guint i = 0; i < self->deployments->len; i++)
    {
      const ScDeploymentRecord *record = self->deployments->pdata[i];
      JsonObject *object = sc_stored_copy (find_raw_deployment (self, record->id));
      sc_deployment_record_write (record, object);
      json_array_add_object_element (list, object);
    }
  return list;
}

char *
sc_container_to_text (const ScContainer *self)
{
  g_autoptr (JsonObject) object = sc_stored_copy (self->raw);
  json_object_set_int_member (object, "version", VERSION);
  json_object_set_string_member (object, "name", self->name);
  json_object_set_string_member (object, "reference", self->reference);
  json_object_set_string_member (object, "source", self->source);
  json_object_set_string_member (object, "uuid", self->uuid);
  json_object_set_object_member (object, "values", sc_stored_write_values (self->set_values));
  json_object_set_int_member (object, "next-deployment", (gint64)self->next_deployment);
  json_object_set_int_member (object, "current", (gint64)self->current);
  json_object_set_boolean_member (object, "has-service", self->has_service);
  json_object_set_boolean_member (object, "volatile", self->is_volatile);
  if (self->allow_host_paths != NULL)
    json_object_set_array_member (
        object, "allow-host-paths",
        sc_stored_write_strv ((const char *const *)self->allow_host_paths));
  if (self->made_directories != NULL)
    json_object_set_array_member (
        object, "made-directories",
        sc_stored_write_strv ((const char *const *)self->made_directories));
  sc_health_write (self->health, object, "health");
  sc_stored_write_number (object, "staged", self->staged);
  sc_stored_write_number (object, "previous", self->previous);
  json_object_set_array_member (object, "deployments", write_deployments (self));
  sc_update_state_write (&self->update, object);

  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
  json_node_set_object (node, object);
  return sc_json_to_text (node, TRUE);
}

char *
sc_container_path (const ScPaths *paths, const char *name)
{
  g_autofree char *file = file_of (name);
  return g_build_filename (paths->state, DIRECTORY, file, NULL);
}

gboolean
sc_container_save (const ScContainer *self, const ScPaths *paths, GError **error)
{
  g_autofree char *text = sc_container_to_text (self);
  g_autofree char *directory = directory_of (paths);
  g_autofree char *file = file_of (self->name);
  sc_autofd state_fd = sc_fd_ensure_dir (paths->state, 0700, error);
  if (state_fd < 0)
    return sc_prefix_error (error, "container \"%s\": ", self->name);
  sc_autofd dir_fd = sc_fd_ensure_dir (directory, 0700, error);
  if (dir_fd >= 0 && sc_fd_write_atomic (dir_fd, file, text, strlen (text), 0600, error))
    return TRUE;
  return sc_prefix_error (error, "container \"%s\": ", self->name);
}

ScContainer *
sc_container_copy (const ScContainer *self)
{
  g_autofree char *text = sc_container_to_text (self);
  g_autoptr (GBytes) bytes = g_bytes_new_static (text, strlen (text));
  g_autoptr (GError) error = NULL;
  ScContainer *copy = sc_container_new (self->name);

  if (!parse (copy, bytes, &error))
    g_critical ("what was written of \"%s\" cannot be read: %s", self->name, error->message);
  return copy;
}

gboolean
sc_container_delete (const ScPaths *paths, const char *name, GError **error)
{
  if (!sc_name_check (name, error))
    return FALSE;
  g_autofree char *directory = directory_of (paths);
  g_autofree char *file = file_of (name);
  if (!g_file_test (directory, G_FILE_TEST_IS_DIR))
    return TRUE;
  sc_autofd dir_fd = sc_fd_open_dir (directory, error);
  if (dir_fd >= 0 && sc_fd_unlink (dir_fd, file, error))
    return TRUE;
  return sc_prefix_error (error, "container \"%s\": ", name);
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

char **
sc_container_list (const ScPaths *paths, GError **error)
{
  g_autofree char *directory = directory_of (paths);
  g_autoptr (GError) local = NULL;
  g_autoptr (GDir) dir = g_dir_open (directory, 0, &local);
  if (dir == NULL && !g_error_matches (local, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    {
      sc_error_set (error, SYSCONT_ERROR_FAILED, "%s", local->message);
      return NULL;
    }

  g_autoptr (GStrvBuilder) builder = g_strv_builder_new ();
  const char *entry = NULL;
  while (dir != NULL && (entry = g_dir_read_name (dir)) != NULL)
    {
      if (!g_str_has_suffix (entry, SUFFIX))
        continue;
      g_autofree char *name = g_strndup (entry, strlen (entry) - strlen (SUFFIX));
      if (sc_name_check (name, NULL))
        g_strv_builder_add (builder, name);
    }
  char **names = g_strv_builder_end (builder);
  qsort (names, g_strv_length (names), sizeof *names, compare_names);
  return names;
}
