/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-atomic-tree.h"

#include "base/sc-digest.h"
#include "base/sc-fd.h"
#include "base/sc-name.h"
#include "deploy/sc-atomic-config.h"
#include "deploy/sc-builtin-values.h"
#include "deploy/sc-deployment-files.h"
#include "deploy/sc-info.h"
#include "deploy/sc-privileges.h"
#include "deploy/sc-runtime-config.h"
#include "deploy/sc-runtime-migrate.h"
#include "deploy/sc-stored.h"

#include <limits.h>
#include <string.h>
#include <unistd.h>

/* (transfer full) (nullable): paths whose checkout directory is that of atomic */
static ScPaths *
atomic_paths (const ScPaths *paths, GError **error)
{
  g_autofree char *checkout = sc_atomic_config_find_checkout (paths, error);
  if (checkout == NULL)
    return NULL;

  g_autofree char *repository = g_build_filename (checkout, ".storage/ostree", NULL);
  ScPaths *self = sc_paths_new (paths->root);
  sc_paths_set_storage (self, checkout, repository);
  return self;
}

/* NAME.0 is a name of ours too. */
static gboolean
check_apart (const ScPaths *atomic, const ScPaths *paths, GError **error)
{
  struct stat theirs;
  struct stat ours;

  return stat (atomic->checkout, &theirs) != 0 || stat (paths->checkout, &ours) != 0
         || theirs.st_dev != ours.st_dev || theirs.st_ino != ours.st_ino
         || sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                          "\"%s\" is where containers of both are; set Checkout= in "
                          "syscont.conf to another directory first",
                          paths->checkout);
}

void
sc_atomic_tree_free (ScAtomicTree *self)
{
  g_free (self->checkout);
  g_free (self->directory);
  g_free (self->image);
  g_free (self->digest);
  g_free (self->runtime);
  g_clear_pointer (&self->values, g_hash_table_unref);
  g_clear_pointer (&self->files, sc_host_record_free);
  g_free (self->config);
  sc_unit_texts_clear (&self->texts);
  g_free (self);
}

/* The link is absolute there. */
static gboolean
find_current (const ScPaths *atomic, const char *name, guint64 *n, GError **error)
{
  char target[PATH_MAX];
  g_autofree char *link = g_build_filename (atomic->checkout, name, NULL);
  g_autofree char *prefix = g_strconcat (name, ".", NULL);
  ssize_t length = readlink (link, target, sizeof target - 1);

  if (length < 0)
    return sc_error_set (error, SYSCONT_ERROR_NOT_FOUND,
                         "atomic has no container \"%s\" below \"%s\"", name, atomic->checkout);
  target[length] = '\0';
  g_autofree char *base = g_path_get_basename (target);
  return (g_str_has_prefix (base, prefix)
          && g_ascii_string_to_unsigned (base + strlen (prefix), 10, 0, 1, n, NULL))
         || sc_error_set (error, SYSCONT_ERROR_DAMAGED,
                          "\"%s\" does not point to a deployment of atomic", link);
}

static gboolean
read_values (ScAtomicTree *self, JsonObject *info, GError **error)
{
  JsonObject *values = NULL;

  self->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (!sc_json_get_object (info, "values", &values, error))
    return FALSE;
  g_autoptr (GList) names = values != NULL ? json_object_get_members (values) : NULL;
  for (GList *l = names; l != NULL; l = l->next)
    {
      JsonNode *node = json_object_get_member (values, l->data);
      if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_STRING)
        g_hash_table_insert (self->values, g_strdup (l->data), json_node_dup_string (node));
    }
  return TRUE;
}

static gboolean
read_info (ScAtomicTree *self, JsonObject *info, GError **error)
{
  const char *remote = NULL;
  const char *package = NULL;
  const char *revision = NULL;

  if (!sc_json_get_string (info, "remote", &remote, error)
      || !sc_json_get_string (info, "rpm-installed", &package, error)
      || !sc_json_get_string (info, "revision", &revision, error)
      || !sc_stored_read_string (info, "image", &self->image, error)
      || !sc_stored_read_string (info, "runtime", &self->runtime, error)
      || !read_values (self, info, error))
    return FALSE;
  if (remote != NULL)
    return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                         "its root file system is that of \"%s\" (--rootfs)", remote);
  if (package != NULL)
    return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                         "its files on the host belong to the package \"%s\"; install it again "
                         "with --system-package=no first",
                         package);
  if (self->image == NULL)
    return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "its info names no image");
  if (revision != NULL && sc_hex_is_valid (revision))
    self->digest = g_strconcat ("sha256:", revision, NULL);
  return TRUE;
}

static gboolean
read_config (ScAtomicTree *self, const ScPaths *atomic, const char *name, guint64 n, GError **error)
{
  g_autoptr (GPtrArray) notes = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GError) cause = NULL;
  g_autoptr (GBytes) bytes = sc_deployment_read_file_of (atomic, name, n, "config.json", &cause);
  gsize size_bytes = 0;
  const char *data = bytes != NULL ? g_bytes_get_data (bytes, &size_bytes) : NULL;
  g_autoptr (JsonObject) config
      = data != NULL ? sc_runtime_config_parse ("config.json", data, size_bytes, &cause) : NULL;

  if (config == NULL || !sc_runtime_migrate (config, "config.json", notes, &cause))
    return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "%s", cause->message);
  g_autoptr (JsonNode) node = json_node_init_object (json_node_alloc (), config);
  self->config = sc_json_to_text (node, TRUE);
  return TRUE;
}

ScAtomicTree *
sc_atomic_tree_load (const ScPaths *paths, const char *name, GError **error)
{
  g_autoptr (ScAtomicTree) self = g_new0 (ScAtomicTree, 1);
  g_autoptr (ScPaths) atomic = atomic_paths (paths, error);
  guint64 n = 0;

  if (atomic == NULL || !sc_name_check (name, error) || !check_apart (atomic, paths, error)
      || !find_current (atomic, name, &n, error))
    return NULL;
  self->checkout = g_strdup (atomic->checkout);
  g_autoptr (JsonObject) info = sc_info_load (atomic, name, n, error);
  g_autofree char *stable = sc_builtin_destdir (atomic, name);
  self->directory = g_strdup_printf ("%s.%" G_GUINT64_FORMAT, stable, n);
  if (info == NULL || !read_info (self, info, error) || !read_config (self, atomic, name, n, error)
      || !sc_deployment_load_texts (atomic, name, n, &self->texts, error))
    return NULL;
  self->files = sc_host_record_load (atomic, name, n, error);
  return self->files != NULL ? g_steal_pointer (&self) : NULL;
}

static char *
move (const ScAtomicTree *self, const char *text, const char *directory)
{
  g_autoptr (GString) moved = g_string_new (text);

  g_string_replace (moved, self->directory, directory, 0);
  return g_string_free (g_steal_pointer (&moved), FALSE);
}

GPtrArray *
sc_atomic_tree_list_privileges (const ScAtomicTree *self,
                                const ScPaths *paths,
                                const char *name,
                                GError **error)
{
  g_autofree char *here = sc_builtin_destdir (paths, name);
  g_autofree char *config = move (self, self->config, here);
  g_autofree char *service
      = self->texts.service != NULL ? move (self, self->texts.service, here) : NULL;
  g_autofree char *tmpfiles
      = self->texts.tmpfiles != NULL ? move (self, self->texts.tmpfiles, here) : NULL;
  const ScPrivilegeSources sources = {
    .name = name,
    .paths = paths,
    .runtime = self->runtime,
    .config_json = config,
    .service = service,
    .tmpfiles = tmpfiles,
    .host_files = self->files,
  };

  return sc_privileges_list (&sources, error);
}

/* Directories that were not said otherwise are what they are here too. */
static gboolean
is_usual (const char *name, const char *value)
{
  static const struct
  {
    const char *name;
    const char *value;
  } usual[] = {
    { "RUN_DIRECTORY", "/run" },
    { "CONF_DIRECTORY", "/etc" },
    { "STATE_DIRECTORY", "/var/lib" },
  };

  for (gsize i = 0; i < G_N_ELEMENTS (usual); i++)
    if (strcmp (usual[i].name, name) == 0)
      return strcmp (usual[i].value, value) == 0;
  return sc_builtin_is_overridable (name);
}

GHashTable *
sc_atomic_tree_pick_values (const ScAtomicTree *self, GHashTable *defaults)
{
  GHashTable *picked = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  GHashTableIter iter;
  gpointer name, value;

  g_hash_table_iter_init (&iter, self->values);
  while (g_hash_table_iter_next (&iter, &name, &value))
    if (sc_values_name_is_valid (name) && !sc_builtin_is_reserved (name) && !is_usual (name, value)
        && g_strcmp0 (g_hash_table_lookup (defaults, name), value) != 0)
      g_hash_table_insert (picked, g_strdup (name), g_strdup (value));
  return picked;
}

gboolean
sc_atomic_tree_remove (const char *checkout, const char *name, GError **error)
{
  g_autofree char *first = g_strconcat (name, ".0", NULL);
  g_autofree char *second = g_strconcat (name, ".1", NULL);
  sc_autofd dir_fd = sc_fd_open_dir (checkout, error);

  return dir_fd >= 0 && sc_fd_unlink (dir_fd, name, error)
         && sc_fd_remove_tree (dir_fd, first, error) && sc_fd_remove_tree (dir_fd, second, error);
}
