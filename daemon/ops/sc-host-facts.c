/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-host-facts.h"

#include "base/sc-log.h"
#include "deploy/sc-container.h"
#include "deploy/sc-deployment.h"
#include "ops/sc-intent.h"

#include <string.h>

void
sc_host_survey_clear (ScHostSurvey *self)
{
  g_clear_pointer (&self->own, sc_host_record_free);
  g_clear_pointer (&self->others, g_ptr_array_unref);
  g_clear_pointer (&self->found, g_hash_table_unref);
  g_clear_pointer (&self->obstacles, g_hash_table_unref);
}

static ScHostRecord *
load_record (const ScPaths *paths, const char *name, guint64 n)
{
  g_autoptr (GError) error = NULL;
  ScHostRecord *record = sc_host_record_load (paths, name, n, &error);

  if (record == NULL)
    sc_log (G_LOG_LEVEL_WARNING, &(ScLogFields){ .container = name },
            "which host files belong to \"%s\" is not known: %s", name, error->message);
  return record;
}

static void
add_owner (ScHostSurvey *self, const ScPaths *paths, const char *name, guint64 n)
{
  ScHostRecord *record = load_record (paths, name, n);
  if (record == NULL)
    return;

  ScHostOwner *owner = g_new0 (ScHostOwner, 1);
  owner->name = g_strdup (name);
  owner->record = record;
  g_ptr_array_add (self->others, owner);
}

/* What a deployment will answer for counts from the moment that its intent is written. */
static gboolean
load_others (ScHostSurvey *self, const ScPaths *paths, const char *name, GError **error)
{
  g_auto (GStrv) names = sc_container_list (paths, error);
  g_autoptr (GPtrArray) intents = names != NULL ? sc_intent_list (paths, error) : NULL;
  if (intents == NULL)
    return FALSE;

  for (char **other = names; *other != NULL; other++)
    {
      guint64 n = 0;
      if (strcmp (*other, name) != 0 && sc_deployment_current (paths, *other, &n))
        add_owner (self, paths, *other, n);
    }
  for (guint i = 0; i < intents->len; i++)
    {
      const ScIntent *intent = intents->pdata[i];
      g_autofree char *info = g_strdup_printf ("%s/%s.%" G_GUINT64_FORMAT "/info", paths->checkout,
                                               intent->container, intent->deployment);
      if (strcmp (intent->container, name) != 0 && intent->operation != SC_INTENT_UNINSTALL
          && g_file_test (info, G_FILE_TEST_EXISTS))
        add_owner (self, paths, intent->container, intent->deployment);
    }
  return TRUE;
}

static gboolean
look (ScHostSurvey *self, ScHostTree *tree, const char *path, GError **error)
{
  g_autofree char *obstacle = NULL;
  if (g_hash_table_contains (self->found, path))
    return TRUE;

  ScHostEntry *found = sc_host_tree_look (tree, path, &obstacle, error);
  if (found == NULL)
    return FALSE;
  g_hash_table_insert (self->found, g_strdup (path), found);
  if (obstacle != NULL)
    g_hash_table_insert (self->obstacles, g_strdup (path), g_steal_pointer (&obstacle));
  return TRUE;
}

static gboolean
look_upwards (ScHostSurvey *self, ScHostTree *tree, const char *path, GError **error)
{
  g_autofree char *at = g_strdup (path);

  while (!g_str_equal (at, "/"))
    {
      if (!look (self, tree, at, error))
        return FALSE;
      char *parent = g_path_get_dirname (at);
      g_free (at);
      at = parent;
    }
  return TRUE;
}

static gboolean
look_everywhere (ScHostSurvey *self, ScHostTree *tree, GError **error)
{
  const ScHostFiles *wanted = self->facts.wanted;

  for (guint i = 0; wanted != NULL && i < wanted->files->len; i++)
    {
      const ScHostFile *file = wanted->files->pdata[i];
      if (!look_upwards (self, tree, file->entry->path, error))
        return FALSE;
    }
  for (guint i = 0; self->own != NULL && i < self->own->entries->len; i++)
    {
      const ScHostEntry *entry = self->own->entries->pdata[i];
      if (!look (self, tree, entry->path, error))
        return FALSE;
    }
  for (guint i = 0; self->own != NULL && i < self->own->parents->len; i++)
    if (!look (self, tree, self->own->parents->pdata[i], error))
      return FALSE;
  return TRUE;
}

gboolean
sc_host_survey_take (ScHostSurvey *self,
                     const ScPaths *paths,
                     ScHostTree *tree,
                     const char *name,
                     const ScHostFiles *wanted,
                     GError **error)
{
  guint64 current = 0;

  self->others = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_host_owner_free);
  self->found
      = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, (GDestroyNotify)sc_host_entry_free);
  self->obstacles = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  if (sc_deployment_current (paths, name, &current))
    self->own = load_record (paths, name, current);
  else if (self->adopted != NULL)
    self->own = sc_host_record_copy (self->adopted);
  if (!load_others (self, paths, name, error))
    return FALSE;

  self->facts = (ScHostFacts){ .wanted = wanted,
                               .own = self->own,
                               .others = self->others,
                               .found = self->found,
                               .obstacles = self->obstacles };
  return look_everywhere (self, tree, error);
}
