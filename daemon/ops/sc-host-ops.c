/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-host-ops.h"

#include "base/sc-log.h"
#include "ops/sc-host-facts.h"

/* Claims cannot say it: which paths a job needs is known long after it was queued. */
static GMutex host_lock;

static ScHostTree *
open_tree (const ScHostScope *scope, GError **error)
{
  return sc_host_tree_open (scope->paths, (const char *const *)scope->config->allowed_prefixes,
                            error);
}

static ScHostPlan *
make_plan (const ScHostScope *scope, ScHostTree *tree, const ScHostFiles *wanted, GError **error)
{
  g_auto (ScHostSurvey) survey = { 0 };

  survey.adopted = scope->own;
  return sc_host_survey_take (&survey, scope->paths, tree, scope->name, wanted, error)
             ? sc_host_plan_new (&survey.facts)
             : NULL;
}

ScHostPlan *
sc_host_ops_plan (const ScHostScope *scope,
                  const ScHostFiles *wanted,
                  ScSystemd *systemd,
                  GError **error)
{
  g_autoptr (GMutexLocker) locker = g_mutex_locker_new (&host_lock);
  g_autoptr (ScHostTree) tree = open_tree (scope, error);
  g_autoptr (ScHostPlan) plan = tree != NULL ? make_plan (scope, tree, wanted, error) : NULL;

  g_clear_pointer (&locker, g_mutex_locker_free);
  if (plan == NULL || !sc_host_conflicts_to_error (plan, systemd, error))
    return NULL;
  return g_steal_pointer (&plan);
}

/* A directory that is not empty stays, whoever else may need it. */
static gboolean
remove_entry (ScHostTree *tree, const ScHostEntry *old, GError **error)
{
  gboolean is_gone = FALSE;

  if (!sc_host_tree_remove (tree, old, &is_gone, error))
    return FALSE;
  if (!is_gone && old->type != SC_HOST_DIRECTORY)
    sc_log (G_LOG_LEVEL_WARNING, NULL, "host file \"%s\" was changed meanwhile and is kept",
            old->path);
  return TRUE;
}

static gboolean
make_change (ScHostTree *tree,
             const ScHostJournal *journal,
             guint index,
             ScRepo *repo,
             gboolean forward,
             GError **error)
{
  const ScHostChange *change = journal->changes->pdata[index];
  const ScHostEntry *from = forward ? change->old : change->new;
  const ScHostEntry *to = forward ? change->new : change->old;
  g_autoptr (GInputStream) content = NULL;

  if (to == NULL)
    return remove_entry (tree, from, error);
  if (to->type == SC_HOST_FILE)
    {
      content = sc_host_journal_open (journal, index, forward, repo, error);
      if (content == NULL)
        return FALSE;
    }
  return sc_host_tree_put (tree, from, to, content, error);
}

gboolean
sc_host_ops_prepare (const ScHostScope *scope,
                     const ScHostFiles *wanted,
                     const ScHostPlan *planned,
                     GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&host_lock);
  g_autoptr (ScHostTree) tree = open_tree (scope, error);
  g_autoptr (ScHostPlan) plan = tree != NULL ? make_plan (scope, tree, wanted, error) : NULL;
  if (plan == NULL || !sc_host_conflicts_to_error (plan, NULL, error))
    return FALSE;
  if (planned != NULL && !sc_host_plan_answers_same (plan, planned))
    return sc_error_set (error, SYSCONT_ERROR_HOST_FILE_CONFLICT,
                         "files on the host changed while the operation ran; try again");
  if (plan->changes->len == 0)
    return TRUE;

  const ScHostJob job = { .paths = scope->paths, .id = scope->job, .container = scope->name };
  g_autoptr (ScHostJournal) journal = sc_host_journal_write (
      &job, (const char *const *)scope->config->allowed_prefixes, plan->changes, tree, error);
  return journal != NULL || sc_prefix_error (error, "host files: ");
}

/* What somebody has changed since is theirs. */
static gboolean
follow_change (ScHostTree *tree,
               const ScHostJournal *journal,
               guint index,
               ScRepo *repo,
               gboolean forward,
               GError **error)
{
  g_autoptr (GError) local_error = NULL;
  const char *path = sc_host_change_path (journal->changes->pdata[index]);

  if (!sc_host_tree_clean (tree, path, error))
    return FALSE;
  if (make_change (tree, journal, index, repo, forward, &local_error))
    return TRUE;
  if (!g_error_matches (local_error, SYSCONT_ERROR, SYSCONT_ERROR_HOST_FILE_CONFLICT))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  sc_log (G_LOG_LEVEL_WARNING, NULL, "host file left as it is: %s", local_error->message);
  return TRUE;
}

typedef enum
{
  MAKE,
  REDO,
  UNDO,
} Way;

static gboolean
follow_journal (const ScHostJob *job, Way way, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&host_lock);
  g_autoptr (GError) local_error = NULL;
  g_autoptr (ScHostJournal) journal = sc_host_journal_read (job, &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  if (journal == NULL)
    return TRUE;

  g_autoptr (ScHostTree) tree
      = sc_host_tree_open (job->paths, (const char *const *)journal->prefixes, error);
  g_autoptr (ScRepo) repo = tree != NULL ? sc_repo_open (job->paths, error) : NULL;
  if (repo == NULL)
    return FALSE;
  for (guint i = 0; i < journal->changes->len; i++)
    {
      gboolean is_done
          = way == MAKE
                ? make_change (tree, journal, i, repo, TRUE, error)
                : follow_change (tree, journal, way == UNDO ? journal->changes->len - 1 - i : i,
                                 repo, way == REDO, error);
      if (!is_done)
        return sc_prefix_error (error, "host files: ");
    }
  return TRUE;
}

gboolean
sc_host_ops_undo (const ScHostJob *job, GError **error)
{
  return follow_journal (job, UNDO, error);
}

gboolean
sc_host_ops_make (const ScHostJob *job, GError **error)
{
  return follow_journal (job, MAKE, error);
}

gboolean
sc_host_ops_redo (const ScHostJob *job, GError **error)
{
  return follow_journal (job, REDO, error);
}

gboolean
sc_host_ops_remove (const ScHostScope *scope, GPtrArray *notes, GError **error)
{
  g_autoptr (GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new (&host_lock);
  g_autoptr (ScHostTree) tree = open_tree (scope, error);
  g_autoptr (ScHostPlan) plan = tree != NULL ? make_plan (scope, tree, NULL, error) : NULL;
  if (plan == NULL)
    return FALSE;

  for (guint i = 0; i < plan->changes->len; i++)
    {
      const ScHostChange *change = plan->changes->pdata[i];
      if (!remove_entry (tree, change->old, error))
        return sc_prefix_error (error, "host files: ");
    }
  for (guint i = 0; i < plan->notes->len; i++)
    {
      const char *note = plan->notes->pdata[i];
      if (notes != NULL)
        g_ptr_array_add (notes, g_strdup (note));
      sc_log (G_LOG_LEVEL_MESSAGE, &(ScLogFields){ .job = scope->job, .container = scope->name },
              "%s", note);
    }
  return TRUE;
}
