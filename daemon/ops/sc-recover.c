/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-recover.h"

#include "base/sc-fd.h"
#include "base/sc-log.h"
#include "deploy/sc-container.h"
#include "deploy/sc-deployment.h"
#include "deploy/sc-secrets.h"
#include "host/sc-unit-files.h"
#include "ops/sc-history.h"
#include "ops/sc-intent.h"
#include "ops/sc-switch.h"
#include "ops/sc-teardown.h"

#include <string.h>

typedef struct
{
  const ScPaths *paths;
  const ScConfig *config;
  ScSystemd *systemd; /* (nullable) before systemd is up */
  gboolean finish;    /* leaves nothing to a job that comes later */
} Recovery;

/* Nobody asked for it: it is the machine's own doing. */
static void
record (const ScPaths *paths, const ScIntent *intent, const char *outcome)
{
  g_autofree char *reason = g_strdup_printf ("%s was interrupted and is now %s",
                                             sc_intent_operation_name (intent->operation), outcome);
  const ScHistoryEvent event = { .job = intent->job,
                                 .event = "recover",
                                 .container = intent->container,
                                 .from = intent->from,
                                 .to = SC_NO_DEPLOYMENT,
                                 .result = "done",
                                 .reason = reason };
  g_autoptr (GError) error = NULL;

  if (!sc_history_add (paths, &event, &error))
    sc_log (G_LOG_LEVEL_WARNING, &(ScLogFields){ .container = intent->container }, "%s",
            error->message);
}

static void
log_outcome (const ScPaths *paths, const ScIntent *intent, const char *outcome)
{
  const ScLogFields fields
      = { .job = intent->job, .container = intent->container, .message_id = SC_MESSAGE_RECOVERED };

  sc_log (G_LOG_LEVEL_MESSAGE, &fields, "%s of \"%s\" was interrupted and is now %s",
          sc_intent_operation_name (intent->operation), intent->container, outcome);
  record (paths, intent, outcome);
}

static gboolean
recover_installation (const Recovery *self, const ScIntent *intent, GError **error)
{
  gboolean complete_install
      = intent->operation == SC_INTENT_INSTALL && intent->phase == SC_INTENT_COMMITTED;

  /* A committed install has everything in place; an uninstall goes forward from wherever it was. */
  if (!complete_install
      && !sc_teardown (self->paths, self->config, self->systemd, intent->container, NULL, error))
    return FALSE;
  if (!sc_intent_delete (intent, self->paths, error))
    return FALSE;
  log_outcome (self->paths, intent,
               intent->operation == SC_INTENT_INSTALL && !complete_install ? "undone" : "complete");
  return TRUE;
}

/* What ran before the interruption runs again; nobody waits for it here. */
static gboolean
start_again (const Recovery *self, const ScIntent *intent, GError **error)
{
  g_autofree char *unit = g_strconcat (intent->container, ".service", NULL);

  if (self->systemd == NULL)
    return TRUE;
  if (sc_switch_has_early (intent) && !sc_systemd_reload (self->systemd, NULL, error))
    return FALSE;
  if (!intent->was_active)
    return TRUE;
  sc_systemd_reset_failed (self->systemd, unit, NULL);
  if (!sc_systemd_enqueue_start (self->systemd, unit, error))
    return FALSE;
  for (guint i = 0; intent->dependants[i] != NULL; i++)
    if (!sc_systemd_enqueue_start (self->systemd, intent->dependants[i], error))
      return FALSE;
  return TRUE;
}

static gboolean
remove_made (const Recovery *self, const ScIntent *intent, GError **error)
{
  if (!intent->made)
    return TRUE;
  g_autoptr (ScRepo) repo = sc_repo_open (self->paths, error);
  return repo != NULL && sc_secrets_trim (self->paths, intent->container, error)
         && sc_deployment_remove (self->paths, intent->container, intent->deployment, error)
         && sc_deployment_drop_ref (repo, intent->container, intent->deployment, NULL, error);
}

/* A new deployment that was taken back may still run when nobody has stopped it yet. */
static gboolean
stop_reverted (const Recovery *self, const ScIntent *intent, GError **error)
{
  g_autofree char *unit = g_strconcat (intent->container, ".service", NULL);

  if (self->systemd == NULL || intent->phase != SC_INTENT_REVERTING)
    return TRUE;
  return sc_switching_set (self->paths, intent->container, TRUE, error)
         && sc_systemd_stop (self->systemd, unit, self->config->start_timeout_s, NULL, error);
}

static gboolean
go_back (const Recovery *self, const ScIntent *intent, GError **error)
{
  if (!stop_reverted (self, intent, error) || !sc_switch_take_back (intent, self->paths, error)
      || !sc_switching_set (self->paths, intent->container, FALSE, error)
      || !start_again (self, intent, error) || !remove_made (self, intent, error)
      || !sc_intent_delete (intent, self->paths, error))
    return FALSE;
  log_outcome (self->paths, intent, "undone");
  return TRUE;
}

/* It starts the service and watches it, or goes back, and removes what is not needed any more. */
static gboolean
is_left_to_a_job (const Recovery *self, const ScIntent *intent)
{
  return !self->finish && sc_intent_is_switch (intent);
}

static gboolean
keep (const Recovery *self, const ScIntent *intent, GError **error)
{
  if (is_left_to_a_job (self, intent))
    return TRUE;
  if (!sc_switch_forget (intent, error) || !sc_intent_delete (intent, self->paths, error))
    return FALSE;
  log_outcome (self->paths, intent, "complete");
  return TRUE;
}

static gboolean
go_forward (const Recovery *self, const ScIntent *intent, GError **error)
{
  if (!sc_switch_write_early (intent, error) || !sc_switch_publish (intent, self->paths, error))
    return FALSE;
  if (is_left_to_a_job (self, intent))
    return self->systemd == NULL || !sc_switch_has_early (intent)
           || sc_systemd_reload (self->systemd, NULL, error);
  return start_again (self, intent, error) && keep (self, intent, error);
}

static gboolean
recover_one (const Recovery *self, const ScIntent *intent, GError **error)
{
  switch (intent->operation)
    {
    case SC_INTENT_INSTALL:
    case SC_INTENT_UNINSTALL:
      return recover_installation (self, intent, error);
    case SC_INTENT_UPDATE:
    case SC_INTENT_ROLLBACK:
    case SC_INTENT_STAGE:
    case SC_INTENT_ADOPT:
    default:
      if (intent->phase == SC_INTENT_KEPT)
        return keep (self, intent, error);
      return intent->phase == SC_INTENT_COMMITTED ? go_forward (self, intent, error)
                                                  : go_back (self, intent, error);
    }
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

  const Recovery recovery
      = { .paths = paths, .config = config, .systemd = systemd, .finish = TRUE };
  for (guint i = 0; i < intents->len; i++)
    {
      const ScIntent *intent = intents->pdata[i];

      if (strcmp (intent->container, name) == 0 && !recover_one (&recovery, intent, error))
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

  const Recovery recovery = { .paths = paths, .config = config, .systemd = systemd };
  for (guint i = 0; i < intents->len; i++)
    {
      const ScIntent *intent = intents->pdata[i];
      g_autoptr (GError) local_error = NULL;

      if (!recover_one (&recovery, intent, &local_error))
        sc_log (G_LOG_LEVEL_WARNING,
                &(ScLogFields){ .job = intent->job, .container = intent->container },
                "cannot clean up after the interrupted job %" G_GUINT64_FORMAT
                " on \"%s\", will try again: %s",
                intent->job, intent->container, local_error->message);
    }
  return remove_partial (paths, error) && sc_intent_sweep (paths, error)
         && remove_temporaries (paths, error);
}

char **
sc_recover_list_unfinished (const ScPaths *paths)
{
  g_autoptr (GPtrArray) intents = sc_intent_list (paths, NULL);
  g_autoptr (GStrvBuilder) names = g_strv_builder_new ();

  for (guint i = 0; intents != NULL && i < intents->len; i++)
    {
      const ScIntent *intent = intents->pdata[i];
      if (sc_intent_is_switch (intent)
          && (intent->phase == SC_INTENT_COMMITTED || intent->phase == SC_INTENT_KEPT))
        g_strv_builder_add (names, intent->container);
    }
  return g_strv_builder_end (names);
}
