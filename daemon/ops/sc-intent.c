/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-intent.h"

#include "base/sc-fd.h"
#include "base/sc-json.h"
#include "base/sc-log.h"
#include "base/sc-name.h"

#include <string.h>

#define VERSION   1
#define MAX_BYTES (64 * 1024)

static const char *const operation_names[] = { "install", "uninstall" };
static const char *const phase_names[] = { "prepared", "committed" };

ScIntent *
sc_intent_new (guint64 job, ScIntentOperation operation, const char *container)
{
  ScIntent *self = g_new0 (ScIntent, 1);

  self->job = job;
  self->operation = operation;
  self->phase = SC_INTENT_PREPARED;
  self->container = g_strdup (container);
  self->time_usec = g_get_real_time ();
  return self;
}

void
sc_intent_free (ScIntent *self)
{
  g_free (self->container);
  g_free (self);
}

static int
open_dir (const ScPaths *paths, GError **error)
{
  g_autofree char *path = g_build_filename (paths->state, "intents", NULL);

  return sc_fd_ensure_dir (path, 0700, error);
}

/* A job may uninstall several containers, one after another: the name keeps their intents apart. */
static char *
file_name (const ScIntent *self)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT "-%s.json", self->job, self->container);
}

gboolean
sc_intent_save (const ScIntent *self, const ScPaths *paths, GError **error)
{
  sc_autofd dir_fd = open_dir (paths, error);
  if (dir_fd < 0)
    return FALSE;

  g_autoptr (JsonObject) object = json_object_new ();
  json_object_set_int_member (object, "version", VERSION);
  json_object_set_int_member (object, "job", (gint64)self->job);
  json_object_set_string_member (object, "operation", operation_names[self->operation]);
  json_object_set_string_member (object, "phase", phase_names[self->phase]);
  json_object_set_string_member (object, "container", self->container);
  json_object_set_int_member (object, "deployment", (gint64)self->deployment);
  json_object_set_int_member (object, "time", self->time_usec);

  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  g_autofree char *text = sc_json_to_text (node, TRUE);
  g_autofree char *name = file_name (self);
  return sc_fd_write_atomic (dir_fd, name, text, strlen (text), 0600, error);
}

gboolean
sc_intent_commit (ScIntent *self, const ScPaths *paths, GError **error)
{
  self->phase = SC_INTENT_COMMITTED;
  return sc_intent_save (self, paths, error);
}

gboolean
sc_intent_delete (const ScIntent *self, const ScPaths *paths, GError **error)
{
  sc_autofd dir_fd = open_dir (paths, error);
  g_autofree char *name = file_name (self);

  return dir_fd >= 0 && sc_fd_unlink (dir_fd, name, error);
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

static ScIntent *
parse (GBytes *bytes, GError **error)
{
  gsize size;
  const char *data = g_bytes_get_data (bytes, &size);
  g_autoptr (JsonObject) object = sc_json_parse_object (data, size, NULL, error);
  const char *operation;
  const char *phase;
  const char *container;
  guint64 version, job, deployment, time_usec;
  guint operation_index, phase_index;

  if (object == NULL || !sc_json_get_uint (object, "version", 0, &version, error)
      || !sc_json_get_uint (object, "job", 0, &job, error)
      || !sc_json_get_uint (object, "deployment", 0, &deployment, error)
      || !sc_json_get_uint (object, "time", 0, &time_usec, error)
      || !sc_json_get_string (object, "operation", &operation, error)
      || !sc_json_get_string (object, "phase", &phase, error)
      || !sc_json_get_string (object, "container", &container, error))
    return NULL;
  if (version != VERSION)
    {
      sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                    "version %" G_GUINT64_FORMAT " is not known", version);
      return NULL;
    }
  if (!find_name (operation_names, G_N_ELEMENTS (operation_names), operation, &operation_index,
                  error)
      || !find_name (phase_names, G_N_ELEMENTS (phase_names), phase, &phase_index, error)
      || !sc_name_check (container != NULL ? container : "", error))
    return NULL;

  ScIntent *self = sc_intent_new (job, operation_index, container);
  self->phase = phase_index;
  self->deployment = deployment;
  self->time_usec = (gint64)time_usec;
  return self;
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
      ScIntent *intent = bytes != NULL ? parse (bytes, &local_error) : NULL;
      if (intent != NULL)
        g_ptr_array_add (intents, intent);
      else
        sc_log (G_LOG_LEVEL_WARNING, NULL, "leaving the intent \"%s/%s\" alone: %s", path, name,
                local_error->message);
    }
  g_ptr_array_sort (intents, compare_jobs);
  return g_steal_pointer (&intents);
}
