/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-intent-files.h"

#include "base/sc-fd.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#define MAX_FILE_BYTES (64 * 1024 * 1024)
#define MAX_MODE       07777

static gboolean
store_content (int dir_fd, guint index, const char *which, GBytes *content, GError **error)
{
  g_autofree char *name = g_strdup_printf ("%u.%s", index, which);
  gsize size_bytes;

  if (content == NULL)
    return TRUE;
  const void *data = g_bytes_get_data (content, &size_bytes);
  sc_autofd fd = sc_fd_create (dir_fd, name, data, size_bytes, 0600, error);
  return fd >= 0 && sc_fd_sync (fd, name, error);
}

gboolean
sc_intent_files_store (GPtrArray *files, int dir_fd, const char *name, GError **error)
{
  if (files->len == 0)
    return TRUE;
  if (!sc_fd_remove_tree (dir_fd, name, error))
    return FALSE;
  if (mkdirat (dir_fd, name, 0700) != 0)
    return sc_error_set_errno (error, errno, "creating \"%s\"", name);
  sc_autofd files_fd = sc_fd_open_beneath (dir_fd, name, O_RDONLY | O_DIRECTORY, 0);
  if (files_fd < 0)
    return sc_error_set_errno (error, errno, "opening \"%s\"", name);

  for (guint i = 0; i < files->len; i++)
    {
      const ScFileChange *change = files->pdata[i];
      if (!store_content (files_fd, i, "before", change->before, error)
          || !store_content (files_fd, i, "after", change->after, error))
        return FALSE;
    }
  return sc_fd_sync (files_fd, "the files of the intent", error)
         && sc_fd_sync (dir_fd, "the directory of the intents", error);
}

static void
describe_content (JsonObject *object, const char *which, GBytes *content, guint mode)
{
  g_autofree char *mode_member = g_strconcat (which, "-mode", NULL);

  if (content == NULL)
    return;
  g_autofree char *sum = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, content);
  json_object_set_string_member (object, which, sum);
  json_object_set_int_member (object, mode_member, mode);
}

JsonArray *
sc_intent_files_describe (GPtrArray *files)
{
  JsonArray *list = json_array_new ();

  for (guint i = 0; i < files->len; i++)
    {
      const ScFileChange *change = files->pdata[i];
      JsonObject *object = json_object_new ();

      json_object_set_string_member (object, "path", change->path);
      json_object_set_boolean_member (object, "early", change->early);
      describe_content (object, "before", change->before, change->before_mode);
      describe_content (object, "after", change->after, change->after_mode);
      json_array_add_object_element (list, object);
    }
  return list;
}

typedef struct
{
  JsonObject *object; /* that describes the file */
  int dir_fd;         /* of the contents */
  guint index;
} Source;

/* A checksum that is not there means that there was, or will be, no such file. */
static gboolean
load_content (
    const Source *source, const char *which, GBytes **content, guint *mode, GError **error)
{
  g_autofree char *name = g_strdup_printf ("%u.%s", source->index, which);
  g_autofree char *mode_member = g_strconcat (which, "-mode", NULL);
  const char *sum = NULL;
  guint64 number = 0;

  if (!sc_json_get_string (source->object, which, &sum, error)
      || !sc_json_get_uint (source->object, mode_member, 0644, &number, error))
    return FALSE;
  *mode = (guint)(number & MAX_MODE);
  if (sum == NULL)
    return TRUE;
  *content = sc_fd_read_file (source->dir_fd, name, MAX_FILE_BYTES, error);
  if (*content == NULL)
    return FALSE;

  g_autofree char *found = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, *content);
  return strcmp (sum, found) == 0
         || sc_error_set (error, SYSCONT_ERROR_DAMAGED, "\"%s\" has changed", name);
}

static ScFileChange *
load_one (const Source *source, GError **error)
{
  g_autoptr (ScFileChange) change = g_new0 (ScFileChange, 1);
  const char *path = NULL;

  if (!sc_json_get_string (source->object, "path", &path, error)
      || !sc_json_get_bool (source->object, "early", FALSE, &change->early, error)
      || !load_content (source, "before", &change->before, &change->before_mode, error)
      || !load_content (source, "after", &change->after, &change->after_mode, error))
    return NULL;
  if (path == NULL || !g_path_is_absolute (path))
    {
      sc_error_set (error, SYSCONT_ERROR_DAMAGED, "the path of a file is missing");
      return NULL;
    }
  change->path = g_strdup (path);
  return g_steal_pointer (&change);
}

GPtrArray *
sc_intent_files_load (JsonArray *list, int dir_fd, const char *name, GError **error)
{
  g_autoptr (GPtrArray) files = sc_file_changes_new ();
  guint length = list != NULL ? json_array_get_length (list) : 0;
  if (length == 0)
    return g_steal_pointer (&files);

  sc_autofd files_fd = sc_fd_open_beneath (dir_fd, name, O_RDONLY | O_DIRECTORY, 0);
  if (files_fd < 0)
    {
      sc_error_set_errno (error, errno, "opening \"%s\"", name);
      return NULL;
    }
  for (guint i = 0; i < length; i++)
    {
      JsonNode *node = json_array_get_element (list, i);
      if (!JSON_NODE_HOLDS_OBJECT (node))
        {
          sc_error_set (error, SYSCONT_ERROR_DAMAGED, "files[%u]: no object", i);
          return NULL;
        }
      const Source source
          = { .object = json_node_get_object (node), .dir_fd = files_fd, .index = i };
      ScFileChange *change = load_one (&source, error);
      if (change == NULL)
        {
          sc_prefix_error (error, "files[%u]: ", i);
          return NULL;
        }
      g_ptr_array_add (files, change);
    }
  return g_steal_pointer (&files);
}
