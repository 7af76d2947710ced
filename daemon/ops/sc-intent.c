/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-intent.h"

#include "base/sc-fd.h"
#include "base/sc-json.h"
#include "base/sc-log.h"
#include "base/sc-name.h"
#include "deploy/sc-container.h"
#include "ops/sc-intent-files.h"

#include <string.h>

#define VERSION   2
#define MAX_BYTES (1024 * 1024)

static const char *const operation_names[]
    = { "install", "uninstall", "update", "rollback", "stage", "adopt" };
static const char *const phase_names[] = { "prepared", "committed", "reverting", "kept" };

const char *
sc_intent_operation_name (ScIntentOperation operation)
{
  return operation_names[operation];
}

ScIntent *
sc_intent_new (guint64 job, ScIntentOperation operation, const char *container)
{
  ScIntent *self = g_new0 (ScIntent, 1);

  self->job = job;
  self->operation = operation;
  self->phase = SC_INTENT_PREPARED;
  self->container = g_strdup (container);
  self->from = SC_NO_DEPLOYMENT;
  self->dependants = g_new0 (char *, 1);
  self->time_usec = g_get_real_time ();
  self->files = sc_file_changes_new ();
  return self;
}

void
sc_intent_free (ScIntent *self)
{
  g_free (self->container);
  g_strfreev (self->dependants);
  g_free (self->reason);
  g_free (self->quarantine);
  g_free (self->adopted);
  g_ptr_array_unref (self->files);
  g_free (self);
}

static int
open_dir (const ScPaths *paths, GError **error)
{
  g_autofree char *path = g_build_filename (paths->state, "intents", NULL);

  return sc_fd_ensure_dir (path, 0700, error);
}

/* A job may change several containers, one after another: the name keeps their intents apart. */
static char *
entry_name (const ScIntent *self, const char *suffix)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT "-%s%s", self->job, self->container, suffix);
}

static JsonArray *
write_strv (char **texts)
{
  JsonArray *list = json_array_new ();

  for (guint i = 0; texts[i] != NULL; i++)
    json_array_add_string_element (list, texts[i]);
  return list;
}

static char *
to_text (const ScIntent *self)
{
  g_autoptr (JsonObject) object = json_object_new ();

  json_object_set_int_member (object, "version", VERSION);
  json_object_set_int_member (object, "job", (gint64)self->job);
  json_object_set_string_member (object, "operation", operation_names[self->operation]);
  json_object_set_string_member (object, "phase", phase_names[self->phase]);
  json_object_set_string_member (object, "container", self->container);
  json_object_set_int_member (object, "deployment", (gint64)self->deployment);
  if (self->from != SC_NO_DEPLOYMENT)
    json_object_set_int_member (object, "from", self->from);
  json_object_set_boolean_member (object, "made", self->made);
  json_object_set_boolean_member (object, "was-active", self->was_active);
  json_object_set_array_member (object, "dependants", write_strv (self->dependants));
  json_object_set_int_member (object, "observe-usec", self->observe_usec);
  json_object_set_string_member (object, "reason", self->reason);
  json_object_set_string_member (object, "quarantine", self->quarantine);
  json_object_set_string_member (object, "adopted", self->adopted);
  json_object_set_int_member (object, "caller-uid", self->caller_uid);
  json_object_set_int_member (object, "time", self->time_usec);
  json_object_set_array_member (object, "files", sc_intent_files_describe (self->files));

  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  return sc_json_to_text (node, TRUE);
}

gboolean
sc_intent_save (ScIntent *self, const ScPaths *paths, GError **error)
{
  sc_autofd dir_fd = open_dir (paths, error);
  g_autofree char *directory = entry_name (self, ".d");
  if (dir_fd < 0
      || (!self->is_stored && !sc_intent_files_store (self->files, dir_fd, directory, error)))
    return FALSE;
  self->is_stored = TRUE;

  g_autofree char *text = to_text (self);
  g_autofree char *name = entry_name (self, ".json");
  return sc_fd_write_atomic (dir_fd, name, text, strlen (text), 0600, error);
}

gboolean
sc_intent_commit (ScIntent *self, const ScPaths *paths, GError **error)
{
  self->phase = SC_INTENT_COMMITTED;
  return sc_intent_save (self, paths, error);
}

gboolean
sc_intent_keep (ScIntent *self, const ScPaths *paths, GError **error)
{
  self->phase = SC_INTENT_KEPT;
  return sc_intent_save (self, paths, error);
}

gboolean
sc_intent_is_switch (const ScIntent *self)
{
  return self->operation == SC_INTENT_UPDATE || self->operation == SC_INTENT_ROLLBACK
         || self->operation == SC_INTENT_ADOPT;
}

gboolean
sc_intent_delete (const ScIntent *self, const ScPaths *paths, GError **error)
{
  sc_autofd dir_fd = open_dir (paths, error);
  g_autofree char *name = entry_name (self, ".json");
  g_autofree char *directory = entry_name (self, ".d");

  return dir_fd >= 0 && sc_fd_unlink (dir_fd, name, error)
         && sc_fd_remove_tree (dir_fd, directory, error);
}

static gboolean
find_name (const char *const *names, gsize n_names, const char *name, guint *index, GError **error)
{
  for (gsize i = 0; i < n_names; i++)
    if (name != NULL && strcmp (names[i], name) == 0)
      {
        *index = (guint)i;
        return TRUE;
      }
  return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "\"%s\" is not known",
                       name != NULL ? name : "");
}

static gboolean
check_version (JsonObject *object, GError **error)
{
  guint64 version = 0;

  if (!sc_json_get_uint (object, "version", 0, &version, error))
    return FALSE;
  if (version == 0 || version > VERSION)
    return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                         "version %" G_GUINT64_FORMAT " is not known", version);
  return TRUE;
}

static gboolean
read_names (ScIntent *self, JsonObject *object, GError **error)
{
  const char *operation = NULL;
  const char *phase = NULL;
  guint operation_index = 0;
  guint phase_index = 0;

  if (!sc_json_get_string (object, "operation", &operation, error)
      || !sc_json_get_string (object, "phase", &phase, error)
      || !find_name (operation_names, G_N_ELEMENTS (operation_names), operation, &operation_index,
                     error)
      || !find_name (phase_names, G_N_ELEMENTS (phase_names), phase, &phase_index, error))
    return FALSE;
  self->operation = (ScIntentOperation)operation_index;
  self->phase = (ScIntentPhase)phase_index;
  return TRUE;
}

static gboolean
read_numbers (ScIntent *self, JsonObject *object, GError **error)
{
  guint64 from, observe_usec, uid, time_usec;

  if (!sc_json_get_uint (object, "deployment", 0, &self->deployment, error)
      || !sc_json_get_uint (object, "from", 0, &from, error)
      || !sc_json_get_uint (object, "observe-usec", 0, &observe_usec, error)
      || !sc_json_get_uint (object, "caller-uid", 0, &uid, error)
      || !sc_json_get_uint (object, "time", 0, &time_usec, error)
      || !sc_json_get_bool (object, "made", FALSE, &self->made, error)
      || !sc_json_get_bool (object, "was-active", FALSE, &self->was_active, error))
    return FALSE;
  self->from = json_object_has_member (object, "from") ? (gint64)from : SC_NO_DEPLOYMENT;
  self->observe_usec = (gint64)observe_usec;
  self->caller_uid = (guint)uid;
  self->time_usec = (gint64)time_usec;
  return TRUE;
}

static gboolean
read_lists (ScIntent *self, JsonObject *object, int dir_fd, GError **error)
{
  g_auto (GStrv) dependants = NULL;
  JsonArray *files = NULL;
  const char *reason = NULL;
  const char *quarantine = NULL;
  const char *adopted = NULL;
  g_autofree char *directory = entry_name (self, ".d");

  if (!sc_json_get_strv (object, "dependants", &dependants, error)
      || !sc_json_get_string (object, "reason", &reason, error)
      || !sc_json_get_string (object, "quarantine", &quarantine, error)
      || !sc_json_get_string (object, "adopted", &adopted, error)
      || !sc_json_get_array (object, "files", &files, error))
    return FALSE;
  g_autoptr (GPtrArray) loaded = sc_intent_files_load (files, dir_fd, directory, error);
  if (loaded == NULL)
    return FALSE;

  self->reason = g_strdup (reason);
  self->quarantine = g_strdup (quarantine);
  self->adopted = g_strdup (adopted);
  if (dependants != NULL)
    {
      g_strfreev (self->dependants);
      self->dependants = g_steal_pointer (&dependants);
    }
  g_ptr_array_unref (self->files);
  self->files = g_steal_pointer (&loaded);
  self->is_stored = TRUE;
  return TRUE;
}

static ScIntent *
parse (GBytes *bytes, int dir_fd, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  g_autoptr (JsonObject) object = sc_json_parse_object (data, size, NULL, error);
  const char *container = NULL;
  guint64 job = 0;

  if (object == NULL || !check_version (object, error)
      || !sc_json_get_uint (object, "job", 0, &job, error)
      || !sc_json_get_string (object, "container", &container, error)
      || !sc_name_check (container != NULL ? container : "", error))
    return NULL;

  g_autoptr (ScIntent) self = sc_intent_new (job, SC_INTENT_INSTALL, container);
  self->is_read = TRUE;
  if (!read_names (self, object, error) || !read_numbers (self, object, error)
      || !read_lists (self, object, dir_fd, error))
    return NULL;
  return g_steal_pointer (&self);
}

static int
compare_jobs (gconstpointer a, gconstpointer b)
{
  const ScIntent *x = *(ScIntent *const *)a;
  const ScIntent *y = *(ScIntent *const *)b;

  return x->job < y->job ? -1 : x->job > y->job;
}

GPtrArray *
sc_intent_list (const ScPaths *paths, GError **error)
{
  g_autoptr (GPtrArray) intents = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_intent_free);
  g_autofree char *path = g_build_filename (paths->state, "intents", NULL);
  sc_autofd dir_fd = open_dir (paths, error);
  g_autoptr (GDir) dir = dir_fd >= 0 ? g_dir_open (path, 0, error) : NULL;
  const char *name;

  if (dir == NULL)
    return NULL;
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      if (!g_str_has_suffix (name, ".json"))
        continue;
      g_autoptr (GError) local_error = NULL;
      g_autoptr (GBytes) bytes = sc_fd_read_file (dir_fd, name, MAX_BYTES, &local_error);
      ScIntent *intent = bytes != NULL ? parse (bytes, dir_fd, &local_error) : NULL;
      if (intent != NULL)
        g_ptr_array_add (intents, intent);
      else
        sc_log (G_LOG_LEVEL_WARNING, NULL, "leaving the intent \"%s/%s\" alone: %s", path, name,
                local_error->message);
    }
  g_ptr_array_sort (intents, compare_jobs);
  return g_steal_pointer (&intents);
}

gboolean
sc_intent_sweep (const ScPaths *paths, GError **error)
{
  g_autofree char *path = g_build_filename (paths->state, "intents", NULL);
  g_autoptr (GDir) dir = g_dir_open (path, 0, NULL);
  const char *name;

  if (dir == NULL)
    return TRUE; /* there never was one */
  sc_autofd dir_fd = sc_fd_open_dir (path, error);
  if (dir_fd < 0)
    return FALSE;
  while ((name = g_dir_read_name (dir)) != NULL)
    {
      if (!g_str_has_suffix (name, ".d"))
        continue;
      g_autofree char *stem = g_strndup (name, strlen (name) - strlen (".d"));
      g_autofree char *intent = g_strdup_printf ("%s/%s.json", path, stem);
      if (!g_file_test (intent, G_FILE_TEST_EXISTS) && !sc_fd_remove_tree (dir_fd, name, error))
        return sc_prefix_error (error, "removing \"%s/%s\": ", path, name);
    }
  return TRUE;
}
