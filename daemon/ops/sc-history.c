/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-history.h"

#include "base/sc-fd.h"
#include "base/sc-json.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_NAME      "history.jsonl"
#define OLD_FILE_NAME  "history.jsonl.1"
#define ROTATE_BYTES   (1024 * 1024)
#define MAX_FILE_BYTES (4 * ROTATE_BYTES)
#define DEFAULT_LIMIT  1000

static void
set_text (JsonObject *object, const char *member, const char *text)
{
  if (text != NULL && *text != '\0')
    json_object_set_string_member (object, member, text);
}

static char *
to_line (const ScHistoryEvent *event)
{
  g_autoptr (JsonObject) object = json_object_new ();
  gint64 now_usec = g_get_real_time ();

  json_object_set_int_member (object, "time", event->time_usec != 0 ? event->time_usec : now_usec);
  set_text (object, "event", event->event);
  set_text (object, "container", event->container);
  if (event->job != 0)
    json_object_set_int_member (object, "job", (gint64)event->job);
  json_object_set_int_member (object, "uid", event->uid);
  set_text (object, "unit", event->unit);
  set_text (object, "from-digest", event->from_digest);
  set_text (object, "to-digest", event->to_digest);
  if (event->from >= 0)
    json_object_set_int_member (object, "from-deployment", event->from);
  if (event->to >= 0)
    json_object_set_int_member (object, "to-deployment", event->to);
  set_text (object, "result", event->result);
  set_text (object, "reason", event->reason);

  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), object);
  g_autofree char *text = sc_json_to_text (node, FALSE);
  return g_strconcat (text, "\n", NULL);
}

/* Two jobs may end at once: the mutex keeps a rotation from another's line. */
static GMutex mutex;

static gboolean
rotate_if_large (int state_fd, int fd, gboolean *rotated, GError **error)
{
  struct stat st;

  *rotated = FALSE;
  if (fstat (fd, &st) != 0)
    return sc_error_set_errno (error, errno, "looking at \"%s\"", FILE_NAME);
  if (st.st_size < ROTATE_BYTES)
    return TRUE;
  if (renameat (state_fd, FILE_NAME, state_fd, OLD_FILE_NAME) != 0)
    return sc_error_set_errno (error, errno, "renaming \"%s\"", FILE_NAME);
  *rotated = TRUE;
  return sc_fd_sync (state_fd, "the state directory", error);
}

static int
open_log (int state_fd, GError **error)
{
  int fd = sc_fd_open_beneath (state_fd, FILE_NAME, O_RDWR | O_APPEND | O_CREAT, 0600);

  if (fd < 0)
    sc_error_set_errno (error, errno, "opening \"%s\"", FILE_NAME);
  return fd;
}

/* A line that a power cut has left without its end must not take the next one with it. */
static gboolean
end_last_line (int fd, GError **error)
{
  struct stat st;
  char last = '\n';

  if (fstat (fd, &st) != 0 || (st.st_size > 0 && pread (fd, &last, 1, st.st_size - 1) != 1))
    return sc_error_set_errno (error, errno, "reading \"%s\"", FILE_NAME);
  return last == '\n' || sc_fd_write_all (fd, "\n", 1, error);
}

static gboolean
append (int state_fd, const char *line, GError **error)
{
  gboolean rotated = FALSE;
  sc_autofd fd = open_log (state_fd, error);

  if (fd < 0 || !rotate_if_large (state_fd, fd, &rotated, error))
    return FALSE;
  if (rotated)
    {
      sc_fd_cleanup (&fd);
      fd = open_log (state_fd, error);
    }
  return fd >= 0 && end_last_line (fd, error) && sc_fd_write_all (fd, line, strlen (line), error)
         && sc_fd_sync (fd, FILE_NAME, error)
         && sc_fd_sync (state_fd, "the state directory", error);
}

gboolean
sc_history_add (const ScPaths *paths, const ScHistoryEvent *event, GError **error)
{
  g_autofree char *line = to_line (event);
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  sc_autofd state_fd = sc_fd_ensure_dir (paths->state, 0700, error);

  return (state_fd >= 0 && append (state_fd, line, error))
         || sc_prefix_error (error, "writing the history: ");
}

static gboolean
matches (JsonObject *object, const ScHistoryFilter *filter)
{
  const char *container = NULL;
  guint64 time_usec = 0;

  if (!sc_json_get_string (object, "container", &container, NULL)
      || !sc_json_get_uint (object, "time", 0, &time_usec, NULL))
    return FALSE;
  return (gint64)time_usec >= filter->since_usec
         && (filter->container == NULL || g_strcmp0 (container, filter->container) == 0);
}

static GVariant *
to_dict (JsonObject *object)
{
  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE_VARDICT);
  JsonObjectIter iter;
  const char *member;
  JsonNode *node;

  json_object_iter_init (&iter, object);
  while (json_object_iter_next (&iter, &member, &node))
    {
      GType type = JSON_NODE_HOLDS_VALUE (node) ? json_node_get_value_type (node) : G_TYPE_INVALID;

      if (type == G_TYPE_STRING)
        g_variant_builder_add (&builder, "{sv}", member,
                               g_variant_new_string (json_node_get_string (node)));
      else if (type == G_TYPE_INT64 && strcmp (member, "uid") == 0)
        g_variant_builder_add (&builder, "{sv}", member,
                               g_variant_new_uint32 ((guint32)json_node_get_int (node)));
      else if (type == G_TYPE_INT64)
        g_variant_builder_add (&builder, "{sv}", member,
                               g_variant_new_uint64 ((guint64)json_node_get_int (node)));
    }
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}

static gboolean
read_file (int state_fd,
           const char *name,
           const ScHistoryFilter *filter,
           GPtrArray *events,
           GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GBytes) bytes = sc_fd_read_file (state_fd, name, MAX_FILE_BYTES, &local_error);

  if (g_error_matches (local_error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND))
    return TRUE;
  if (bytes == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  gsize size_bytes;
  const char *line = g_bytes_get_data (bytes, &size_bytes);
  const char *end = line + size_bytes;
  while (line < end)
    {
      const char *newline = memchr (line, '\n', (gsize)(end - line));
      gsize length = (gsize)((newline != NULL ? newline : end) - line);
      g_autoptr (JsonObject) object = sc_json_parse_object (line, length, NULL, NULL);

      if (object != NULL && matches (object, filter))
        g_ptr_array_add (events, to_dict (object));
      line += length + 1;
    }
  return TRUE;
}

GVariant *
sc_history_read (const ScPaths *paths, const ScHistoryFilter *filter, GError **error)
{
  g_autoptr (GPtrArray) events = g_ptr_array_new_with_free_func ((GDestroyNotify)g_variant_unref);
  guint limit = filter->limit != 0 ? filter->limit : DEFAULT_LIMIT;
  sc_autofd state_fd = sc_fd_ensure_dir (paths->state, 0700, error);

  if (state_fd < 0 || !read_file (state_fd, OLD_FILE_NAME, filter, events, error)
      || !read_file (state_fd, FILE_NAME, filter, events, error))
    return NULL;

  GVariantBuilder builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("aa{sv}"));
  for (guint i = events->len > limit ? events->len - limit : 0; i < events->len; i++)
    g_variant_builder_add_value (&builder, events->pdata[i]);
  return g_variant_ref_sink (g_variant_builder_end (&builder));
}
