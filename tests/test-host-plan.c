/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-host-plan.h"

#include <string.h>

#define OLD "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NEW "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define ADM "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"

typedef struct
{
  ScHostFiles *wanted;
  ScHostRecord *own;
  ScHostOwner *other;
  GPtrArray *others;
  GHashTable *found;
  GHashTable *obstacles;
} Fixture;

static void
host_file_free (gpointer data)
{
  ScHostFile *file = data;
  sc_host_entry_free (file->entry);
  g_free (file);
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->wanted = g_new0 (ScHostFiles, 1);
  fixture->wanted->files = g_ptr_array_new_with_free_func (host_file_free);
  fixture->wanted->renames = g_hash_table_new (g_str_hash, g_str_equal);
  fixture->own = sc_host_record_new ();
  fixture->other = g_new0 (ScHostOwner, 1);
  fixture->other->name = g_strdup ("other");
  fixture->other->record = sc_host_record_new ();
  fixture->others = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_host_owner_free);
  g_ptr_array_add (fixture->others, fixture->other);
  fixture->found
      = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify)sc_host_entry_free);
  fixture->obstacles = g_hash_table_new (g_str_hash, g_str_equal);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  sc_host_files_free (fixture->wanted);
  sc_host_record_free (fixture->own);
  g_ptr_array_unref (fixture->others);
  g_hash_table_unref (fixture->found);
  g_hash_table_unref (fixture->obstacles);
}

/* @content: a checksum; NULL for a directory */
static ScHostEntry *
entry (const char *path, const char *content)
{
  ScHostEntry *self = sc_host_entry_new (path, content != NULL ? SC_HOST_FILE : SC_HOST_DIRECTORY);
  self->mode = content != NULL ? 0644 : 0755;
  self->checksum = g_strdup (content);
  return self;
}

static void
want (Fixture *fixture, const char *path, const char *content)
{
  ScHostFile *file = g_new0 (ScHostFile, 1);
  file->entry = entry (path, content);
  g_ptr_array_add (fixture->wanted->files, file);
}

static void
record (ScHostRecord *self, const char *path, const char *content)
{
  g_ptr_array_add (self->entries, entry (path, content));
}

static void
find (Fixture *fixture, const char *path, const char *content)
{
  g_hash_table_insert (fixture->found, (char *)path, entry (path, content));
}

static ScHostPlan *
plan (Fixture *fixture)
{
  const ScHostFacts facts = { .wanted = fixture->wanted,
                              .own = fixture->own,
                              .others = fixture->others,
                              .found = fixture->found,
                              .obstacles = fixture->obstacles };
  find (fixture, "/etc", NULL);
  find (fixture, "/opt", NULL);
  return sc_host_plan_new (&facts);
}

/* "+" and what is made, "-" and what is removed, "=" and what is replaced, in order */
static char *
changes (const ScHostPlan *self)
{
  GString *text = g_string_new (NULL);
  for (guint i = 0; i < self->changes->len; i++)
    {
      const ScHostChange *change = self->changes->pdata[i];
      char sign = change->old == NULL ? '+' : change->new == NULL ? '-' : '=';
      g_string_append_printf (text, "%c%s ", sign, sc_host_change_path (change));
    }
  return g_string_free (text, FALSE);
}

static void
assert_plan (Fixture *fixture, const char *expected, guint n_recorded, const char *note)
{
  g_autoptr (ScHostPlan) self = plan (fixture);
  g_autofree char *text = changes (self);
  g_ptr_array_add (self->notes, NULL);
  g_autofree char *notes = g_strjoinv ("\n", (char **)self->notes->pdata);

  g_assert_cmpuint (self->conflicts->len, ==, 0);
  g_assert_cmpstr (text, ==, expected);
  g_assert_cmpuint (self->record->entries->len, ==, n_recorded);
  if (note == NULL)
    g_assert_cmpstr (notes, ==, "");
  else
    g_assert_nonnull (strstr (notes, note));
}

static void
assert_conflict (Fixture *fixture, const char *obstacle, const char *container)
{
  g_autoptr (ScHostPlan) self = plan (fixture);

  g_assert_cmpuint (self->conflicts->len, ==, 1);
  const ScHostConflict *conflict = self->conflicts->pdata[0];
  g_assert_cmpstr (conflict->obstacle, ==, obstacle);
  g_assert_cmpstr (conflict->container, ==, container);
}

static void
test_new_with_parents (Fixture *fixture, gconstpointer data)
{
  want (fixture, "/opt/a/b/file", NEW);

  assert_plan (fixture, "+/opt/a +/opt/a/b +/opt/a/b/file ", 1, NULL);
}

static void
test_parent_of_another_is_recorded_too (Fixture *fixture, gconstpointer data)
{
  want (fixture, "/opt/a/file", NEW);
  find (fixture, "/opt/a", NULL);
  g_ptr_array_add (fixture->other->record->parents, g_strdup ("/opt/a"));

  g_autoptr (ScHostPlan) self = plan (fixture);

  g_assert_cmpuint (self->record->parents->len, ==, 1);
  g_assert_cmpstr (self->record->parents->pdata[0], ==, "/opt/a");
}

static void
test_same_of_nobody_is_not_recorded (Fixture *fixture, gconstpointer data)
{
  want (fixture, "/opt/file", NEW);
  find (fixture, "/opt/file", NEW);

  assert_plan (fixture, "", 0, "stays");
}

static void
test_same_of_another_is_shared (Fixture *fixture, gconstpointer data)
{
  want (fixture, "/opt/file", NEW);
  find (fixture, "/opt/file", NEW);
  record (fixture->other->record, "/opt/file", NEW);

  assert_plan (fixture, "", 1, "shared with the container \"other\"");
}

static void
test_different_of_another_is_kept (Fixture *fixture, gconstpointer data)
{
  want (fixture, "/opt/file", NEW);
  find (fixture, "/opt/file", OLD);
  record (fixture->other->record, "/opt/file", OLD);

  assert_plan (fixture, "", 0, "as the container \"other\" has it");
}

static void
test_different_of_both_is_kept (Fixture *fixture, gconstpointer data)
{
  want (fixture, "/opt/file", NEW);
  find (fixture, "/opt/file", OLD);
  record (fixture->own, "/opt/file", OLD);
  record (fixture->other->record, "/opt/file", OLD);

  assert_plan (fixture, "", 0, "as the container \"other\" has it");
}

static void
test_different_below_etc_is_kept (Fixture *fixture, gconstpointer data)
{
  want (fixture, "/etc/file", NEW);
  find (fixture, "/etc/file", ADM);

  assert_plan (fixture, "", 0, "kept as it is");
}

static void
test_different_of_nobody_is_a_conflict (Fixture *fixture, gconstpointer data)
{
  want (fixture, "/opt/file", NEW);
  find (fixture, "/opt/file", ADM);

  assert_conflict (fixture, NULL, NULL);
}

static void
test_directory_in_the_way_is_a_conflict (Fixture *fixture, gconstpointer data)
{
  want (fixture, "/etc/file", NEW);
  find (fixture, "/etc/file", NULL);

  assert_conflict (fixture, NULL, NULL);
}

static void
test_obstacle_is_a_conflict (Fixture *fixture, gconstpointer data)
{
  want (fixture, "/opt/a/file", NEW);
  g_hash_table_insert (fixture->obstacles, (char *)"/opt/a/file", (char *)"/opt/a");
  find (fixture, "/opt/a", ADM);
  record (fixture->other->record, "/opt/a", ADM);

  assert_conflict (fixture, "/opt/a", "other");
}

static void
test_update_replaces_its_own (Fixture *fixture, gconstpointer data)
{
  want (fixture, "/opt/file", NEW);
  find (fixture, "/opt/file", OLD);
  record (fixture->own, "/opt/file", OLD);

  assert_plan (fixture, "=/opt/file ", 1, NULL);
}

/* TH17 */
static void
test_update_keeps_what_was_modified (Fixture *fixture, gconstpointer data)
{
  want (fixture, "/opt/file", NEW);
  find (fixture, "/opt/file", ADM);
  record (fixture->own, "/opt/file", OLD);
  record (fixture->own, "/opt/dropped", OLD);
  find (fixture, "/opt/dropped", ADM);

  assert_plan (fixture, "", 1, "\"/opt/dropped\" was modified and is kept");
}

static void
test_update_removes_what_is_no_longer_there (Fixture *fixture, gconstpointer data)
{
  find (fixture, "/opt/a", NULL);
  find (fixture, "/opt/a/file", OLD);
  record (fixture->own, "/opt/a/file", OLD);
  g_ptr_array_add (fixture->own->parents, g_strdup ("/opt/a"));

  assert_plan (fixture, "-/opt/a/file -/opt/a ", 0, NULL);
}

static void
test_removal_leaves_what_is_shared (Fixture *fixture, gconstpointer data)
{
  find (fixture, "/opt/file", OLD);
  record (fixture->own, "/opt/file", OLD);
  record (fixture->other->record, "/opt/file", OLD);

  assert_plan (fixture, "", 0, NULL);
}

static void
test_update_turns_a_file_into_a_directory (Fixture *fixture, gconstpointer data)
{
  want (fixture, "/opt/a/file", NEW);
  find (fixture, "/opt/a", OLD);
  record (fixture->own, "/opt/a", OLD);
  g_hash_table_insert (fixture->obstacles, (char *)"/opt/a/file", (char *)"/opt/a");

  assert_plan (fixture, "-/opt/a +/opt/a +/opt/a/file ", 1, NULL);
}

static void
test_update_fills_an_empty_directory (Fixture *fixture, gconstpointer data)
{
  want (fixture, "/opt/a/file", NEW);
  find (fixture, "/opt/a", NULL);
  record (fixture->own, "/opt/a", NULL);

  assert_plan (fixture, "+/opt/a/file ", 1, NULL);
}

static void
test_mode_is_corrected (Fixture *fixture, gconstpointer data)
{
  want (fixture, "/opt/file", OLD);
  find (fixture, "/opt/file", OLD);
  record (fixture->own, "/opt/file", OLD);
  ((ScHostFile *)fixture->wanted->files->pdata[0])->entry->mode = 0755;

  assert_plan (fixture, "=/opt/file ", 1, NULL);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*run) (Fixture *fixture, gconstpointer data);
  } tests[] = {
    { "new/with-parents", test_new_with_parents },
    { "new/parent-of-another", test_parent_of_another_is_recorded_too },
    { "same/of-nobody", test_same_of_nobody_is_not_recorded },
    { "same/of-another", test_same_of_another_is_shared },
    { "different/of-another", test_different_of_another_is_kept },
    { "different/of-both", test_different_of_both_is_kept },
    { "different/below-etc", test_different_below_etc_is_kept },
    { "different/of-nobody", test_different_of_nobody_is_a_conflict },
    { "different/directory", test_directory_in_the_way_is_a_conflict },
    { "different/obstacle", test_obstacle_is_a_conflict },
    { "update/replaces-own", test_update_replaces_its_own },
    { "update/keeps-modified", test_update_keeps_what_was_modified },
    { "update/removes-gone", test_update_removes_what_is_no_longer_there },
    { "update/file-to-directory", test_update_turns_a_file_into_a_directory },
    { "update/fills-directory", test_update_fills_an_empty_directory },
    { "update/mode", test_mode_is_corrected },
    { "remove/shared", test_removal_leaves_what_is_shared },
  };
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strconcat ("/host-plan/", tests[i].name, NULL);
      g_test_add (path, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
  return g_test_run ();
}
