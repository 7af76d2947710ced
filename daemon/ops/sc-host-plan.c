/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-host-plan.h"

#include <string.h>

typedef struct
{
  const ScHostFacts *facts;
  ScHostPlan *out;
  GPtrArray *removals; /* (owned) of ScHostChange */
  GPtrArray *puts;     /* (owned) of ScHostChange */
  GHashTable *parents; /* (owned) of path (owned): directories above what the record has */
} Planner;

ScHostChange *
sc_host_change_new (const ScHostEntry *old, const ScHostEntry *new)
{
  ScHostChange *self = g_new0 (ScHostChange, 1);

  self->old = old != NULL ? sc_host_entry_copy (old) : NULL;
  self->new = new != NULL ? sc_host_entry_copy (new) : NULL;
  return self;
}

void
sc_host_change_free (ScHostChange *self)
{
  g_clear_pointer (&self->old, sc_host_entry_free);
  g_clear_pointer (&self->new, sc_host_entry_free);
  g_clear_pointer (&self->text, g_bytes_unref);
  g_free (self->object);
  g_free (self);
}

const char *
sc_host_change_path (const ScHostChange *self)
{
  return self->new != NULL ? self->new->path : self->old->path;
}

void
sc_host_owner_free (ScHostOwner *self)
{
  g_free (self->name);
  sc_host_record_free (self->record);
  g_free (self);
}

static void
conflict_free (gpointer data)
{
  ScHostConflict *self = data;

  g_free (self->path);
  g_free (self->obstacle);
  g_free (self->container);
  g_free (self);
}

void
sc_host_plan_free (ScHostPlan *self)
{
  g_ptr_array_unref (self->changes);
  sc_host_record_free (self->record);
  g_ptr_array_unref (self->conflicts);
  g_ptr_array_unref (self->notes);
  g_free (self);
}

static void
planner_clear (Planner *self)
{
  g_clear_pointer (&self->removals, g_ptr_array_unref);
  g_clear_pointer (&self->puts, g_ptr_array_unref);
  g_hash_table_unref (self->parents);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Planner, planner_clear)

/* What is at @path; NULL for nothing. */
static const ScHostEntry *
find (const Planner *self, const char *path)
{
  const ScHostEntry *found = g_hash_table_lookup (self->facts->found, path);

  return found != NULL && found->type != SC_HOST_NONE ? found : NULL;
}

/* Another container that has @path in its record. */
static const ScHostOwner *
find_other (const Planner *self, const char *path)
{
  for (guint i = 0; i < self->facts->others->len; i++)
    {
      const ScHostOwner *other = self->facts->others->pdata[i];
      if (sc_host_record_find (other->record, path) != NULL)
        return other;
    }
  return NULL;
}

/* Whether the directory @path is there because a container needed it. */
static gboolean
is_made (const Planner *self, const char *path)
{
  const ScHostRecord *own = self->facts->own;

  if (own != NULL
      && (sc_host_record_has_parent (own, path) || sc_host_record_find (own, path) != NULL))
    return TRUE;
  for (guint i = 0; i < self->facts->others->len; i++)
    {
      const ScHostOwner *other = self->facts->others->pdata[i];
      if (sc_host_record_has_parent (other->record, path)
          || sc_host_record_find (other->record, path) != NULL)
        return TRUE;
    }
  return FALSE;
}

static gboolean
is_wanted (const Planner *self, const char *path)
{
  const ScHostFiles *wanted = self->facts->wanted;

  for (guint i = 0; wanted != NULL && i < wanted->files->len; i++)
    {
      const ScHostFile *file = wanted->files->pdata[i];
      if (g_str_equal (file->entry->path, path))
        return TRUE;
    }
  return FALSE;
}

/* Whether the file at @path was put there for this container and is about to go. */
static gboolean
is_going (const Planner *self, const char *path)
{
  const ScHostEntry *own
      = self->facts->own != NULL ? sc_host_record_find (self->facts->own, path) : NULL;

  return own != NULL && sc_host_entry_is_same (find (self, path), own)
         && find_other (self, path) == NULL && !is_wanted (self, path);
}

static void G_GNUC_PRINTF (3, 4) note (Planner *self, const char *path, const char *format, ...)
{
  va_list arguments;

  va_start (arguments, format);
  g_autofree char *text = g_strdup_vprintf (format, arguments);
  va_end (arguments);
  g_autofree char *shown = sc_text_escape (path);
  g_ptr_array_add (self->out->notes, g_strdup_printf ("host file \"%s\" %s", shown, text));
}

static void
add_conflict (Planner *self, const char *path, const char *obstacle, const ScHostOwner *other)
{
  ScHostConflict *conflict = g_new0 (ScHostConflict, 1);

  conflict->path = g_strdup (path);
  conflict->obstacle = g_strdup (obstacle);
  conflict->container = other != NULL ? g_strdup (other->name) : NULL;
  g_ptr_array_add (self->out->conflicts, conflict);
}

static void
put (Planner *self, const ScHostEntry *old, const ScHostFile *file)
{
  ScHostChange *change = sc_host_change_new (old, file->entry);

  change->text = file->text != NULL ? g_bytes_ref (file->text) : NULL;
  change->object = g_strdup (file->object);
  g_ptr_array_add (self->puts, change);
}

static void
answer_for (Planner *self, const ScHostEntry *entry)
{
  g_ptr_array_add (self->out->record->entries, sc_host_entry_copy (entry));

  g_autofree char *parent = g_path_get_dirname (entry->path);
  while (!g_str_equal (parent, "/") && g_hash_table_add (self->parents, g_strdup (parent)))
    {
      char *next = g_path_get_dirname (parent);
      g_free (parent);
      parent = next;
    }
}

/* What is there is already as it shall be. Who made it decides whether it goes with the container:
 * what no container made stays for ever. */
static void
plan_same (Planner *self,
           const ScHostEntry *found,
           const ScHostFile *file,
           const ScHostEntry *own,
           const ScHostOwner *other)
{
  const ScHostEntry *wanted = file->entry;

  if (own == NULL && other == NULL && !is_made (self, wanted->path))
    {
      if (wanted->type != SC_HOST_DIRECTORY)
        note (self, wanted->path, "was there before, with the same content, and stays");
      return;
    }
  answer_for (self, wanted);
  if (other != NULL && wanted->type != SC_HOST_DIRECTORY)
    note (self, wanted->path, "is shared with the container \"%s\"", other->name);
  else if (own != NULL && wanted->type == SC_HOST_FILE && found->mode != wanted->mode)
    put (self, found, file);
}

static void
plan_different (Planner *self,
                const ScHostEntry *found,
                const ScHostFile *file,
                const ScHostEntry *own,
                const ScHostOwner *other)
{
  const ScHostEntry *wanted = file->entry;
  gboolean is_content = found->type == SC_HOST_FILE || found->type == SC_HOST_SYMLINK;

  if (own != NULL && other == NULL && sc_host_entry_is_same (found, own))
    {
      answer_for (self, wanted);
      put (self, found, file);
    }
  else if (own != NULL && other == NULL && is_content)
    {
      answer_for (self, wanted);
      note (self, wanted->path, "was modified and is kept as it is");
    }
  else if (other != NULL && is_content)
    note (self, wanted->path, "is kept as the container \"%s\" has it", other->name);
  else if (is_content && g_str_has_prefix (wanted->path, "/etc/"))
    note (self, wanted->path, "was there before, with other content, and is kept as it is");
  else
    add_conflict (self, wanted->path, NULL, other);
}

static void
plan_wanted (Planner *self, const ScHostFile *file)
{
  const ScHostEntry *wanted = file->entry;
  const ScHostEntry *found = find (self, wanted->path);
  const ScHostEntry *own
      = self->facts->own != NULL ? sc_host_record_find (self->facts->own, wanted->path) : NULL;
  const ScHostOwner *other = find_other (self, wanted->path);
  const char *obstacle = g_hash_table_lookup (self->facts->obstacles, wanted->path);

  if (obstacle != NULL && !is_going (self, obstacle))
    add_conflict (self, wanted->path, obstacle, find_other (self, obstacle));
  else if (found == NULL)
    {
      answer_for (self, wanted);
      put (self, NULL, file);
    }
  else if (sc_host_entry_is_same (found, wanted))
    plan_same (self, found, file, own, other);
  else
    plan_different (self, found, file, own, other);
}

/* Directories above what we answer for: those that are not there are made, and those that were made
 * for a container go with the last that needs them. */
static void
plan_parents (Planner *self)
{
  GHashTableIter iter;
  gpointer path;

  g_hash_table_iter_init (&iter, self->parents);
  while (g_hash_table_iter_next (&iter, &path, NULL))
    {
      const ScHostEntry *found = find (self, path);
      gboolean is_new = found == NULL || found->type != SC_HOST_DIRECTORY;
      if (sc_host_record_find (self->out->record, path) != NULL)
        continue; /* the image names it itself */
      if (!is_new && !is_made (self, path))
        continue;
      g_ptr_array_add (self->out->record->parents, g_strdup (path));
      if (!is_new)
        continue;
      g_autoptr (ScHostEntry) directory = sc_host_entry_new (path, SC_HOST_DIRECTORY);
      directory->mode = 0755;
      g_ptr_array_add (self->puts, sc_host_change_new (NULL, directory));
    }
}

static void
plan_unwanted (Planner *self, const ScHostEntry *own)
{
  const ScHostEntry *found = find (self, own->path);

  gboolean is_needed
      = own->type == SC_HOST_DIRECTORY && sc_host_record_has_parent (self->out->record, own->path);

  if (found == NULL || find_other (self, own->path) != NULL || is_needed)
    return;
  if (sc_host_entry_is_same (found, own))
    g_ptr_array_add (self->removals, sc_host_change_new (found, NULL));
  else
    note (self, own->path, "was modified and is kept");
}

static void
plan_unwanted_parent (Planner *self, const char *path)
{
  const ScHostEntry *found = find (self, path);

  if (found != NULL && found->type == SC_HOST_DIRECTORY
      && !sc_host_record_has_parent (self->out->record, path)
      && sc_host_record_find (self->out->record, path) == NULL)
    g_ptr_array_add (self->removals, sc_host_change_new (found, NULL));
}

static int
compare_changes (gconstpointer a, gconstpointer b)
{
  return strcmp (sc_host_change_path (*(ScHostChange *const *)a),
                 sc_host_change_path (*(ScHostChange *const *)b));
}

static int
compare_changes_backwards (gconstpointer a, gconstpointer b)
{
  return compare_changes (b, a);
}

static int
compare_strings (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

/* Removals make room for what comes; a directory goes after what is in it and comes before. */
static void
order_changes (Planner *self)
{
  g_ptr_array_sort (self->removals, compare_changes_backwards);
  g_ptr_array_sort (self->puts, compare_changes);
  g_ptr_array_sort (self->out->record->parents, compare_strings);
  g_ptr_array_extend_and_steal (self->out->changes, g_steal_pointer (&self->removals));
  g_ptr_array_extend_and_steal (self->out->changes, g_steal_pointer (&self->puts));
}

ScHostPlan *
sc_host_plan_new (const ScHostFacts *facts)
{
  ScHostPlan *out = g_new0 (ScHostPlan, 1);
  g_auto (Planner) self
      = { .facts = facts,
          .out = out,
          .removals = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_host_change_free),
          .puts = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_host_change_free),
          .parents = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL) };

  out->changes = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_host_change_free);
  out->record = sc_host_record_new ();
  out->conflicts = g_ptr_array_new_with_free_func (conflict_free);
  out->notes = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; facts->wanted != NULL && i < facts->wanted->files->len; i++)
    plan_wanted (&self, facts->wanted->files->pdata[i]);
  plan_parents (&self);
  for (guint i = 0; facts->own != NULL && i < facts->own->entries->len; i++)
    {
      const ScHostEntry *own = facts->own->entries->pdata[i];
      if (!is_wanted (&self, own->path))
        plan_unwanted (&self, own);
    }
  for (guint i = 0; facts->own != NULL && i < facts->own->parents->len; i++)
    plan_unwanted_parent (&self, facts->own->parents->pdata[i]);
  order_changes (&self);
  return out;
}

gboolean
sc_host_plan_answers_same (const ScHostPlan *a, const ScHostPlan *b)
{
  GPtrArray *entries = a->record->entries;
  GPtrArray *parents = a->record->parents;

  if (entries->len != b->record->entries->len || parents->len != b->record->parents->len)
    return FALSE;
  for (guint i = 0; i < entries->len; i++)
    {
      const ScHostEntry *entry = entries->pdata[i];
      if (!sc_host_entry_is_same (entry, sc_host_record_find (b->record, entry->path)))
        return FALSE;
    }
  for (guint i = 0; i < parents->len; i++)
    if (!sc_host_record_has_parent (b->record, parents->pdata[i]))
      return FALSE;
  return TRUE;
}
