/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-made-directories.h"

#include "base/sc-fd.h"
#include "deploy/sc-tmpfiles-text.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* (transfer full): set of the directories that were made for other containers */
static GHashTable *
list_others (const ScPaths *paths, const char *name)
{
  GHashTable *others = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_auto (GStrv) names = sc_container_list (paths, NULL);

  for (guint i = 0; names != NULL && names[i] != NULL; i++)
    {
      g_autoptr (ScContainer) other
          = strcmp (names[i], name) != 0 ? sc_container_load (paths, names[i], NULL) : NULL;
      char **made = other != NULL ? other->made_directories : NULL;
      for (; made != NULL && *made != NULL; made++)
        g_hash_table_add (others, g_strdup (*made));
    }
  return others;
}

static gboolean
is_missing (const ScPaths *paths, const char *path)
{
  g_autofree char *full = g_strconcat (paths->root, path, NULL);
  struct stat st;

  return lstat (full, &st) != 0 && errno == ENOENT;
}

/* With the directories above it: they are made on the way. */
static void
note_path (const ScPaths *paths, GHashTable *others, GPtrArray *noted, const char *path)
{
  for (const char *end = strchr (path + 1, '/');; end = strchr (end + 1, '/'))
    {
      g_autofree char *part = end != NULL ? g_strndup (path, (gsize)(end - path)) : g_strdup (path);
      if (!g_ptr_array_find_with_equal_func (noted, part, g_str_equal, NULL)
          && (is_missing (paths, part) || g_hash_table_contains (others, part)))
        g_ptr_array_add (noted, g_steal_pointer (&part));
      if (end == NULL)
        return;
    }
}

void
sc_made_directories_note (const ScPaths *paths, ScContainer *after, const char *tmpfiles)
{
  g_auto (GStrv) wanted = sc_tmpfiles_text_list_directories (tmpfiles != NULL ? tmpfiles : "");
  if (wanted[0] == NULL)
    return;
  g_autoptr (GHashTable) others = list_others (paths, after->name);
  g_autoptr (GPtrArray) noted = g_ptr_array_new_with_free_func (g_free);

  for (char **path = after->made_directories; path != NULL && *path != NULL; path++)
    g_ptr_array_add (noted, g_strdup (*path));
  for (char **path = wanted; *path != NULL; path++)
    note_path (paths, others, noted, *path);
  if (noted->len == 0)
    return;
  g_ptr_array_add (noted, NULL);
  g_strfreev (after->made_directories);
  after->made_directories = (char **)g_ptr_array_steal (noted, NULL);
}

/* Without following links, which may have come since. FALSE with errno set. */
static gboolean
remove_one (int root_fd, const char *path)
{
  g_autofree char *above = g_path_get_dirname (path);
  g_autofree char *name = g_path_get_basename (path);
  const char *relative = above + strspn (above, "/");
  sc_autofd above_fd
      = sc_fd_open_beneath (root_fd, *relative != '\0' ? relative : ".", O_RDONLY | O_DIRECTORY, 0);

  return above_fd >= 0 && unlinkat (above_fd, name, AT_REMOVEDIR) == 0 && fsync (above_fd) == 0;
}

static void
add_note (GPtrArray *notes, const char *path, int reason)
{
  if (notes == NULL || reason == ENOENT)
    return;
  if (reason == ENOTEMPTY || reason == EEXIST)
    g_ptr_array_add (notes,
                     g_strdup_printf ("the directory \"%s\" is kept: it is not empty", path));
  else
    g_ptr_array_add (
        notes, g_strdup_printf ("the directory \"%s\" is kept: %s", path, g_strerror (reason)));
}

static int
compare_deeper_first (gconstpointer a, gconstpointer b)
{
  return -strcmp (*(const char *const *)a, *(const char *const *)b);
}

void
sc_made_directories_remove (const ScPaths *paths, const char *name, GPtrArray *notes)
{
  g_autoptr (ScContainer) container = sc_container_load (paths, name, NULL);
  sc_autofd root_fd = sc_fd_open_dir (*paths->root != '\0' ? paths->root : "/", NULL);
  char **made = container != NULL ? container->made_directories : NULL;
  if (made == NULL || root_fd < 0)
    return;

  g_autoptr (GHashTable) others = list_others (paths, name);
  qsort (made, g_strv_length (made), sizeof *made, compare_deeper_first);
  for (char **path = made; *path != NULL; path++)
    if (!g_hash_table_contains (others, *path) && !remove_one (root_fd, *path))
      add_note (notes, *path, errno);
}
