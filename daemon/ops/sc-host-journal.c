/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-host-journal.h"

#include "base/sc-fd.h"
#include "base/sc-json.h"
#include "deploy/sc-host-path.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <stdio.h>
#include <string.h>

#define DIRECTORY      "host"
#define LIST           "changes.json"
#define VERSION        1
#define MAX_LIST_BYTES (64 * 1024 * 1024)

static const ScJsonLimits limits = {
  .max_bytes = MAX_LIST_BYTES,
  .max_depth = 8,
  .max_values = 200000,
  .max_string_bytes = 64 * 1024,
};

/* Below the directory of the intents; the intent keeps the files of its own beside it. */
static char *
directory_of (const ScHostJob *job)
{
  return g_strdup_printf ("%" G_GUINT64_FORMAT "-%s.d/" DIRECTORY, job->id, job->container);
}

static char *
content_name (guint index, gboolean is_new)
{
  return g_strdup_printf ("%u.%s", index, is_new ? "new" : "old");
}

static ScHostJournal *
journal_new (int dir_fd)
{
  ScHostJournal *self = g_new0 (ScHostJournal, 1);

  self->dir_fd = dir_fd;
  self->changes = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_host_change_free);
  return self;
}

void
sc_host_journal_free (ScHostJournal *self)
{
  sc_fd_cleanup (&self->dir_fd);
  g_strfreev (self->prefixes);
  g_ptr_array_unref (self->changes);
  g_free (self);
}

static JsonObject *
write_entry (const ScHostEntry *entry)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "type", sc_host_type_to_text (entry->type));
  json_object_set_int_member (object, "mode", entry->mode);
  if (entry->checksum != NULL)
    json_object_set_string_member (object, "checksum", entry->checksum);
  if (entry->target != NULL)
    json_object_set_string_member (object, "target", entry->target);
  return object;
}

static char *
changes_to_text (GPtrArray *changes, const char *const *prefixes)
{
  g_autoptr (JsonObject) root = json_object_new ();
  JsonArray *list = json_array_new ();
  JsonArray *prefix_list = json_array_new ();

  for (guint i = 0; prefixes[i] != NULL; i++)
    json_array_add_string_element (prefix_list, prefixes[i]);

  for (guint i = 0; i < changes->len; i++)
    {
      const ScHostChange *change = changes->pdata[i];
      JsonObject *object = json_object_new ();
      json_object_set_string_member (object, "path", sc_host_change_path (change));
      if (change->old != NULL)
        json_object_set_object_member (object, "old", write_entry (change->old));
      if (change->new != NULL)
        json_object_set_object_member (object, "new", write_entry (change->new));
      if (change->object != NULL)
        json_object_set_string_member (object, "object", change->object);
      json_array_add_object_element (list, object);
    }
  json_object_set_int_member (root, "version", VERSION);
  json_object_set_array_member (root, "prefixes", prefix_list);
  json_object_set_array_member (root, "changes", list);
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), root);
  return sc_json_to_text (node, TRUE);
}

/* (transfer full) (nullable) */
static ScHostEntry *
read_entry (const char *path, JsonObject *object, GError **error)
{
  const char *type = NULL;
  const char *checksum = NULL;
  const char *target = NULL;
  guint64 mode = 0;
  g_autoptr (ScHostEntry) entry = sc_host_entry_new (path, SC_HOST_NONE);

  if (!sc_json_get_string (object, "type", &type, error)
      || !sc_json_get_uint (object, "mode", 0, &mode, error)
      || !sc_json_get_string (object, "checksum", &checksum, error)
      || !sc_json_get_string (object, "target", &target, error))
    return NULL;
  if (type == NULL || !sc_host_type_from_text (type, &entry->type)
      || (entry->type == SC_HOST_FILE && checksum == NULL)
      || (entry->type == SC_HOST_SYMLINK && target == NULL))
    {
      sc_error_set (error, SYSCONT_ERROR_DAMAGED, "an entry is not complete");
      return NULL;
    }
  entry->mode = (guint)mode & 07777;
  entry->checksum = g_strdup (checksum);
  entry->target = g_strdup (target);
  return g_steal_pointer (&entry);
}

static gboolean
read_change (ScHostJournal *self, JsonObject *object, GError **error)
{
  const char *path = NULL;
  const char *stored = NULL;
  JsonObject *old = NULL;
  JsonObject *new = NULL;

  if (!sc_json_get_string (object, "path", &path, error)
      || !sc_json_get_string (object, "object", &stored, error)
      || !sc_json_get_object (object, "old", &old, error)
      || !sc_json_get_object (object, "new", &new, error))
    return FALSE;
  g_autofree char *clean = path != NULL ? sc_host_path_clean (path) : NULL;
  if (g_strcmp0 (clean, path) != 0 || path == NULL || (old == NULL && new == NULL))
    return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "a change is not complete");

  ScHostChange *change = sc_host_change_new (NULL, NULL);
  g_ptr_array_add (self->changes, change);
  change->object = g_strdup (stored);
  return (old == NULL || (change->old = read_entry (path, old, error)) != NULL)
         && (new == NULL || (change->new = read_entry (path, new, error)) != NULL);
}

static gboolean
read_list (ScHostJournal *self, GBytes *bytes, GError **error)
{
  gsize size = 0;
  const char *text = g_bytes_get_data (bytes, &size);
  g_autoptr (JsonObject) root = sc_json_parse_object (text, size, &limits, error);
  guint64 version = 0;
  JsonArray *list = NULL;

  if (root == NULL || !sc_json_get_uint (root, "version", 0, &version, error)
      || !sc_json_get_strv (root, "prefixes", &self->prefixes, error)
      || !sc_json_get_array (root, "changes", &list, error))
    return FALSE;
  if (version != VERSION || list == NULL || self->prefixes == NULL)
    return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "written by another version");
  for (guint i = 0; i < json_array_get_length (list); i++)
    {
      JsonNode *node = json_array_get_element (list, i);
      if (!JSON_NODE_HOLDS_OBJECT (node))
        return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "a change is no object");
      if (!read_change (self, json_node_get_object (node), error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
keep_new (const ScHostJournal *self, guint index, const ScHostChange *change, GError **error)
{
  g_autofree char *name = content_name (index, TRUE);
  gsize size = 0;
  if (change->text == NULL)
    return TRUE;

  const void *data = g_bytes_get_data (change->text, &size);
  return sc_fd_write_atomic (self->dir_fd, name, data, size, 0600, error);
}

static gboolean
keep_old (const ScHostJournal *self,
          guint index,
          const ScHostChange *change,
          ScHostTree *tree,
          GError **error)
{
  if (change->old == NULL || change->old->type != SC_HOST_FILE)
    return TRUE;

  g_autofree char *name = content_name (index, FALSE);
  g_autoptr (GInputStream) content = sc_host_tree_open_file (tree, change->old->path, error);
  g_autofree char *temporary
      = content != NULL ? sc_fd_stage_file (self->dir_fd, name, content, 0600, error) : NULL;
  if (temporary == NULL)
    return FALSE;
  return renameat (self->dir_fd, temporary, self->dir_fd, name) == 0
         || sc_error_set (error, SYSCONT_ERROR_FAILED, "keeping a copy of \"%s\"",
                          change->old->path);
}

/* (nullable): an empty directory, whatever an earlier try has left there */
static ScHostJournal *
make_directory (const ScHostJob *job, GError **error)
{
  g_autofree char *name = directory_of (job);
  g_autofree char *path = g_build_filename (job->paths->state, "intents", name, NULL);
  g_autofree char *parent = g_path_get_dirname (path);
  sc_autofd parent_fd = sc_fd_ensure_dir (parent, 0700, error);
  if (parent_fd < 0 || !sc_fd_remove_tree (parent_fd, DIRECTORY, error))
    return NULL;

  int dir_fd = sc_fd_ensure_dir (path, 0700, error);
  return dir_fd >= 0 ? journal_new (dir_fd) : NULL;
}

ScHostJournal *
sc_host_journal_write (const ScHostJob *job,
                       const char *const *prefixes,
                       GPtrArray *changes,
                       ScHostTree *tree,
                       GError **error)
{
  g_autoptr (ScHostJournal) self = make_directory (job, error);
  if (self == NULL)
    return NULL;
  for (guint i = 0; i < changes->len; i++)
    if (!keep_new (self, i, changes->pdata[i], error)
        || !keep_old (self, i, changes->pdata[i], tree, error))
      return NULL;

  g_autofree char *text = changes_to_text (changes, prefixes);
  if (!sc_fd_write_atomic (self->dir_fd, LIST, text, strlen (text), 0600, error))
    return NULL;
  for (guint i = 0; i < changes->len; i++)
    {
      const ScHostChange *change = changes->pdata[i];
      ScHostChange *copy = sc_host_change_new (change->old, change->new);
      copy->object = g_strdup (change->object);
      g_ptr_array_add (self->changes, copy);
    }
  self->prefixes = g_strdupv ((char **)prefixes);
  return g_steal_pointer (&self);
}

ScHostJournal *
sc_host_journal_read (const ScHostJob *job, GError **error)
{
  g_autofree char *name = directory_of (job);
  g_autofree char *list = g_build_filename (name, LIST, NULL);
  g_autofree char *intents = g_build_filename (job->paths->state, "intents", NULL);
  g_autoptr (GError) cause = NULL;
  sc_autofd intents_fd = sc_fd_ensure_dir (intents, 0700, error);
  if (intents_fd < 0)
    return NULL;

  g_autoptr (GBytes) bytes = sc_fd_read_file (intents_fd, list, MAX_LIST_BYTES, &cause);
  if (g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND))
    return NULL;
  sc_autofd dir_fd
      = bytes != NULL ? sc_fd_open_beneath (intents_fd, name, O_RDONLY | O_DIRECTORY, 0) : -1;
  g_autoptr (ScHostJournal) self = journal_new (sc_fd_steal (&dir_fd));
  if (bytes != NULL && read_list (self, bytes, &cause))
    return g_steal_pointer (&self);
  sc_error_set (error, SYSCONT_ERROR_DAMAGED, "%s/%s: %s", intents, list, cause->message);
  return NULL;
}

GInputStream *
sc_host_journal_open (
    const ScHostJournal *self, guint index, gboolean is_new, ScRepo *repo, GError **error)
{
  const ScHostChange *change = self->changes->pdata[index];
  if (is_new && change->object != NULL)
    return sc_repo_open_object (repo, change->object, error);

  g_autofree char *name = content_name (index, is_new);
  int fd = sc_fd_open_beneath (self->dir_fd, name, O_RDONLY, 0);
  if (fd >= 0)
    return g_unix_input_stream_new (fd, TRUE);
  sc_error_set (error, SYSCONT_ERROR_DAMAGED, "the copy \"%s\" is missing", name);
  return NULL;
}
