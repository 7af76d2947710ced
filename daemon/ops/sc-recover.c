/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-recover.h"

#include "base/sc-fd.h"
#include "base/sc-log.h"
#include "ops/sc-intent.h"
#include "ops/sc-teardown.h"

#include <string.h>

static gboolean
recover_one (const ScPaths *paths,
             const ScConfig *config,
             ScSystemd *systemd,
             const ScIntent *intent,
             GError **error)
{
  gboolean complete_install
      = intent->operation == SC_INTENT_INSTALL && intent->phase == SC_INTENT_COMMITTED;
  ScLogFields fields
      = { .job = intent->job, .container = intent->container, .message_id = SC_MESSAGE_RECOVERED };

  /* A committed install has everything in place; an uninstall goes forward from wherever it was. */
  if (!complete_install && !sc_teardown (paths, config, systemd, intent->container, NULL, error))
    return FALSE;
  if (!sc_intent_delete (intent, paths, error))
    return FALSE;

  sc_log (G_LOG_LEVEL_MESSAGE, &fields, "%s of \"%s\" was interrupted and is now %s",
          intent->operation == SC_INTENT_INSTALL ? "the installation" : "the removal",
          intent->container,
          intent->operation == SC_INTENT_INSTALL && !complete_install ? "undone" : "complete");
  return TRUE;
}

gboolean
sc_recover_container (const ScPaths *paths,
                      const ScConfig *config,
                      ScSystemd *systemd,
                      const char *name,
                      GError **error)
{
  g_autoptr (GPtrArray) intents = sc_intent_list (paths, error);
  if (intents == NULL)
    return FALSE;

  for (guint i = 0; i < intents->len; i++)
    {
      const ScIntent *intent = intents->pdata[i];

      if (strcmp (intent->container, name) == 0
          && !recover_one (paths, config, systemd, intent, error))
        return sc_prefix_error (
            error, "cleaning up after the interrupted job %" G_GUINT64_FORMAT ": ", intent->job);
    }
  return TRUE;
}

static gboolean
remove_partial (const ScPaths *paths, GError **error)
{
  g_autoptr (GDir) dir = g_dir_open (paths->checkout, 0, NULL);
  const char *name;

  if (dir == NULL)
    return TRUE; /* nothing was ever deployed */

  sc_autofd dir_fd = sc_fd_open_dir (paths->checkout, error);
  if (dir_fd < 0)
    return FALSE;
  while ((name = g_dir_read_name (dir)) != NULL)
    if (name[0] == '.' && g_str_has_suffix (name, ".partial")
        && !sc_fd_remove_tree (dir_fd, name, error))
      return sc_prefix_error (error, "removing \"%s/%s\": ", paths->checkout, name);
  return TRUE;
}

/* What calls that replace a file leave behind when they are interrupted. */
static gboolean
remove_temporaries (const ScPaths *paths, GError **error)
{
  g_autofree char *containers = g_build_filename (paths->state, "containers", NULL);
  g_autofree char *jobs = g_build_filename (paths->state, "jobs", NULL);
  g_autofree char *intents = g_build_filename (paths->state, "intents", NULL);
  g_autofree char *switching = g_build_filename (paths->runtime, "switching", NULL);
  const char *const dirs[]
      = { paths->units, paths->tmpfiles, paths->checkout, paths->state, containers,
          jobs,         intents,         switching };

  for (gsize i = 0; i < G_N_ELEMENTS (dirs); i++)
    if (!sc_fd_remove_temporaries (dirs[i], error))
      return FALSE;
  return TRUE;
}

gboolean
sc_recover (const ScPaths *paths, const ScConfig *config, GDBusConnection *bus, GError **error)
{
  g_autoptr (GPtrArray) intents = sc_intent_list (paths, error);
  if (intents == NULL)
    return FALSE;

  g_autoptr (ScSystemd) systemd = NULL;
  if (intents->len > 0 && bus != NULL)
    {
      systemd = sc_systemd_new (bus, error);
      if (systemd == NULL)
        return FALSE;
    }

  for (guint i = 0; i < intents->len; i++)
    {
      const ScIntent *intent = intents->pdata[i];
      g_autoptr (GError) local_error = NULL;

      if (!recover_one (paths, config, systemd, intent, &local_error))
        sc_log (G_LOG_LEVEL_WARNING,
                &(ScLogFields){ .job = intent->job, .container = intent->container },
                "cannot clean up after the interrupted job %" G_GUINT64_FORMAT
                " on \"%s\", will try again: %s",
                intent->job, intent->container, local_error->message);
    }
  return remove_partial (paths, error) && sc_intent_sweep (paths, error)
         && remove_temporaries (paths, error);
}
