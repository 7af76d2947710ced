/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-seen.h"

#include "base/sc-fd.h"
#include "base/sc-json.h"

#include <string.h>

#define FILE_NAME   "seen.json"
#define VERSION     1
#define MAX_BYTES   (4 * 1024 * 1024)
#define MAX_DIGESTS 4000 /* the oldest go first */

static GMutex mutex;

static JsonObject *
load (int state_fd, GError **error)
{
  g_autoptr (GError) local_error = NULL;
  g_autoptr (GBytes) bytes = sc_fd_read_file (state_fd, FILE_NAME, MAX_BYTES, &local_error);
  gsize size_bytes;
  JsonObject *digests = NULL;

  if (g_error_matches (local_error, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND))
    return json_object_new ();
  if (bytes == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  const char *data = g_bytes_get_data (bytes, &size_bytes);
  g_autoptr (JsonObject) root = sc_json_parse_object (data, size_bytes, NULL, error);
  if (root == NULL || !sc_json_get_object (root, "digests", &digests, error))
    return NULL;
  return digests != NULL ? json_object_ref (digests) : json_object_new ();
}

static void
drop_oldest (JsonObject *digests)
{
  JsonObjectIter iter;
  const char *member;
  const char *oldest = NULL;
  JsonNode *node;
  gint64 oldest_usec = G_MAXINT64;

  if (json_object_get_size (digests) <= MAX_DIGESTS)
    return;
  json_object_iter_init (&iter, digests);
  while (json_object_iter_next (&iter, &member, &node))
    if (json_node_get_int (node) < oldest_usec)
      {
        oldest_usec = json_node_get_int (node);
        oldest = member;
      }
  json_object_remove_member (digests, oldest);
}

static gboolean
save (int state_fd, JsonObject *digests, GError **error)
{
  g_autoptr (JsonObject) root = json_object_new ();
  g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);

  json_object_set_int_member (root, "version", VERSION);
  json_object_set_object_member (root, "digests", json_object_ref (digests));
  json_node_set_object (node, root);
  g_autofree char *text = sc_json_to_text (node, TRUE);
  return sc_fd_write_atomic (state_fd, FILE_NAME, text, strlen (text), 0600, error);
}

GHashTable *
sc_seen_load (const ScPaths *paths, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  sc_autofd state_fd = sc_fd_ensure_dir (paths->state, 0700, error);
  g_autoptr (JsonObject) digests = state_fd >= 0 ? load (state_fd, error) : NULL;
  g_autoptr (GHashTable) table = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  JsonObjectIter iter;
  const char *digest;
  guint64 seen_usec = 0;

  if (digests == NULL)
    {
      sc_prefix_error (error, "%s/" FILE_NAME ": ", paths->state);
      return NULL;
    }
  json_object_iter_init (&iter, digests);
  while (json_object_iter_next (&iter, &digest, NULL))
    if (sc_json_get_uint (digests, digest, 0, &seen_usec, NULL))
      g_hash_table_insert (table, g_strdup (digest),
                           g_memdup2 (&(gint64){ (gint64)seen_usec }, sizeof (gint64)));
  return g_steal_pointer (&table);
}

gboolean
sc_seen_add (const ScPaths *paths, const char *digest, gint64 *first_usec, GError **error)
{
  G_GNUC_UNUSED g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&mutex);
  sc_autofd state_fd = sc_fd_ensure_dir (paths->state, 0700, error);
  g_autoptr (JsonObject) digests = state_fd >= 0 ? load (state_fd, error) : NULL;
  guint64 seen_usec = 0;

  if (digests == NULL || !sc_json_get_uint (digests, digest, 0, &seen_usec, error))
    return sc_prefix_error (error, "%s/" FILE_NAME ": ", paths->state);
  if (seen_usec == 0)
    {
      seen_usec = (guint64)g_get_real_time ();
      json_object_set_int_member (digests, digest, (gint64)seen_usec);
      drop_oldest (digests);
      if (!save (state_fd, digests, error))
        return FALSE;
    }
  if (first_usec != NULL)
    *first_usec = (gint64)seen_usec;
  return TRUE;
}
