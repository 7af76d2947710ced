/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-host-record.h"

#include "base/sc-digest.h"
#include "base/sc-json.h"
#include "deploy/sc-host-path.h"
#include "deploy/sc-info.h"

/* The first two are read by other tools since the days of atomic; there "0" stands for what has no
 * content. */
#define FILES       "installed-files"
#define CHECKSUMS   "installed-files-checksum"
#define LINKS       "installed-links"
#define DIRECTORIES "installed-directories"
#define NO_CONTENT  "0"

ScHostRecord *
sc_host_record_new (void)
{
  ScHostRecord *self = g_new0 (ScHostRecord, 1);

  self->entries = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_host_entry_free);
  self->parents = g_ptr_array_new_with_free_func (g_free);
  return self;
}

void
sc_host_record_free (ScHostRecord *self)
{
  g_ptr_array_unref (self->entries);
  g_ptr_array_unref (self->parents);
  g_free (self);
}

ScHostRecord *
sc_host_record_copy (const ScHostRecord *self)
{
  ScHostRecord *copy = sc_host_record_new ();

  for (guint i = 0; i < self->entries->len; i++)
    g_ptr_array_add (copy->entries, sc_host_entry_copy (self->entries->pdata[i]));
  for (guint i = 0; i < self->parents->len; i++)
    g_ptr_array_add (copy->parents, g_strdup (self->parents->pdata[i]));
  return copy;
}

const ScHostEntry *
sc_host_record_find (const ScHostRecord *self, const char *path)
{
  for (guint i = 0; i < self->entries->len; i++)
    {
      const ScHostEntry *entry = self->entries->pdata[i];
      if (g_str_equal (entry->path, path))
        return entry;
    }
  return NULL;
}

gboolean
sc_host_record_has_parent (const ScHostRecord *self, const char *path)
{
  return g_ptr_array_find_with_equal_func (self->parents, path, g_str_equal, NULL);
}

/* A file without a checksum, as the first versions of atomic recorded them, can never be known
 * again, and is nobody's. */
static gboolean
read_entry (ScHostRecord *self, JsonObject *info, const char *path, GError **error)
{
  JsonObject *checksums = NULL;
  JsonObject *links = NULL;
  const char *checksum = NULL;
  const char *target = NULL;
  g_autofree char *clean = sc_host_path_clean (path);

  if (clean == NULL || !g_str_equal (clean, path))
    return sc_error_set (error, SYSCONT_ERROR_DAMAGED, FILES ": not a path of the host");
  if (!sc_json_get_object (info, CHECKSUMS, &checksums, error)
      || !sc_json_get_object (info, LINKS, &links, error)
      || (checksums != NULL && !sc_json_get_string (checksums, path, &checksum, error))
      || (links != NULL && !sc_json_get_string (links, path, &target, error)))
    return FALSE;
  if (checksum == NULL || (!g_str_equal (checksum, NO_CONTENT) && !sc_hex_is_valid (checksum)))
    return TRUE;

  ScHostEntry *entry = sc_host_entry_new (path, SC_HOST_DIRECTORY);
  g_ptr_array_add (self->entries, entry);
  if (target != NULL)
    {
      entry->type = SC_HOST_SYMLINK;
      entry->target = g_strdup (target);
    }
  else if (sc_hex_is_valid (checksum))
    {
      entry->type = SC_HOST_FILE;
      entry->checksum = g_strdup (checksum);
    }
  return TRUE;
}

static gboolean
read_info (ScHostRecord *self, JsonObject *info, GError **error)
{
  g_auto (GStrv) files = NULL;
  g_auto (GStrv) directories = NULL;

  if (!sc_json_get_strv (info, FILES, &files, error)
      || !sc_json_get_strv (info, DIRECTORIES, &directories, error))
    return FALSE;
  for (guint i = 0; files != NULL && files[i] != NULL; i++)
    if (!read_entry (self, info, files[i], error))
      return FALSE;
  for (guint i = 0; directories != NULL && directories[i] != NULL; i++)
    g_ptr_array_add (self->parents, g_strdup (directories[i]));
  return TRUE;
}

ScHostRecord *
sc_host_record_load (const ScPaths *paths, const char *name, guint64 n, GError **error)
{
  g_autoptr (ScHostRecord) self = sc_host_record_new ();
  g_autoptr (GError) cause = NULL;
  g_autoptr (JsonObject) info = sc_info_load (paths, name, n, &cause);

  if (g_error_matches (cause, SYSCONT_ERROR, SYSCONT_ERROR_NOT_FOUND)
      || (info != NULL && read_info (self, info, &cause)))
    return g_steal_pointer (&self);
  sc_error_set (error, SYSCONT_ERROR_DAMAGED, "the info of %s.%" G_GUINT64_FORMAT ": %s", name, n,
                cause->message);
  return NULL;
}

static void
write_strings (GPtrArray *strings, const char *member, JsonBuilder *builder)
{
  json_builder_set_member_name (builder, member);
  json_builder_begin_array (builder);
  for (guint i = 0; strings != NULL && i < strings->len; i++)
    json_builder_add_string_value (builder, strings->pdata[i]);
  json_builder_end_array (builder);
}

static void
write_string (const char *member, const char *value, JsonBuilder *builder)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_string_value (builder, value);
}

void
sc_host_record_write (const ScHostRecord *self, JsonBuilder *builder)
{
  g_autoptr (GPtrArray) names = g_ptr_array_new ();
  guint length = self != NULL ? self->entries->len : 0;

  for (guint i = 0; i < length; i++)
    g_ptr_array_add (names, ((ScHostEntry *)self->entries->pdata[i])->path);
  write_strings (names, FILES, builder);

  json_builder_set_member_name (builder, CHECKSUMS);
  json_builder_begin_object (builder);
  for (guint i = 0; i < length; i++)
    {
      const ScHostEntry *entry = self->entries->pdata[i];
      write_string (entry->path, entry->type == SC_HOST_FILE ? entry->checksum : NO_CONTENT,
                    builder);
    }
  json_builder_end_object (builder);

  json_builder_set_member_name (builder, LINKS);
  json_builder_begin_object (builder);
  for (guint i = 0; i < length; i++)
    {
      const ScHostEntry *entry = self->entries->pdata[i];
      if (entry->type == SC_HOST_SYMLINK)
        write_string (entry->path, entry->target, builder);
    }
  json_builder_end_object (builder);
  write_strings (self != NULL ? self->parents : NULL, DIRECTORIES, builder);
}
