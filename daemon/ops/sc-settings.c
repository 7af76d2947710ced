/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The operations that change what is recorded of a container and nothing on the host: policy, hold,
 * pins and quarantine. They are jobs inside, so that none is lost between a running update's reading
 * and its writing.
 */
#include "dbus/sc-bus-path.h"
#include "ops/sc-op-private.h"
#include "ops/sc-retention.h"
#include "ops/sc-update-report.h"

typedef struct
{
  ScOp base;
  ScUpdatePolicy policy; /* (owned) */
  gint64 until_usec;
  char *text; /* (owned) (nullable) a reason, or a digest */
  guint64 deployment;
} SettingOp;

/* Changes a container's state; *changed: whether anything is different now. */
typedef gboolean (*SettingFunc) (const SettingOp *self,
                                 ScContainer *container,
                                 gboolean *changed,
                                 GError **error);

static gboolean
change (ScOp *base, SettingFunc func, ScOpContext *context, GError **error)
{
  const SettingOp *self = (const SettingOp *)base;
  g_autoptr (ScContainer) container = sc_container_load (context->paths, base->targets[0], error);
  gboolean changed = TRUE;

  if (container == NULL || !func (self, container, &changed, error)
      || (changed && !sc_container_save (container, context->paths, error)))
    return FALSE;
  if (changed)
    sc_op_record (context,
                  &(ScHistoryEvent){ .event = base->op_class->type,
                                     .container = container->name,
                                     .from = SC_NO_DEPLOYMENT,
                                     .to = SC_NO_DEPLOYMENT,
                                     .reason = self->text },
                  NULL);
  sc_op_set_changed (context, changed);
  g_ptr_array_add (context->objects, sc_bus_path_container (container->name));
  return TRUE;
}

static gboolean
set_policy (const SettingOp *self, ScContainer *container, gboolean *changed, GError **error)
{
  ScUpdatePolicy *policy = &container->update.policy;

  *changed = policy->mode != self->policy.mode || policy->min_age_usec != self->policy.min_age_usec
             || policy->window_usec != self->policy.window_usec
             || g_strcmp0 (policy->window, self->policy.window) != 0;
  policy->mode = self->policy.mode;
  policy->min_age_usec = self->policy.min_age_usec;
  policy->window_usec = self->policy.window_usec;
  sc_set_text (&policy->window, self->policy.window);
  return TRUE;
}

static gboolean
set_hold (const SettingOp *self, ScContainer *container, gboolean *changed, GError **error)
{
  ScUpdateState *state = &container->update;
  const char *reason = self->until_usec > 0 ? self->text : NULL;

  *changed
      = state->held_until_usec != self->until_usec || g_strcmp0 (state->hold_reason, reason) != 0;
  state->held_until_usec = self->until_usec;
  sc_set_text (&state->hold_reason, reason);
  return TRUE;
}

static gboolean
set_pin (const SettingOp *self,
         ScContainer *container,
         gboolean pinned,
         gboolean *changed,
         GError **error)
{
  ScDeploymentRecord *deployment = sc_container_find (container, self->deployment);

  if (deployment == NULL)
    return sc_error_set (error, SYSCONT_ERROR_NOT_FOUND,
                         "the container \"%s\" has no deployment %" G_GUINT64_FORMAT,
                         container->name, self->deployment);
  *changed = deployment->pinned != pinned;
  deployment->pinned = pinned;
  return TRUE;
}

static gboolean
pin (const SettingOp *self, ScContainer *container, gboolean *changed, GError **error)
{
  return set_pin (self, container, TRUE, changed, error);
}

static gboolean
unpin (const SettingOp *self, ScContainer *container, gboolean *changed, GError **error)
{
  return set_pin (self, container, FALSE, changed, error);
}

static gboolean
unquarantine (const SettingOp *self, ScContainer *container, gboolean *changed, GError **error)
{
  *changed = sc_update_state_release (&container->update, self->text);
  if (!*changed && self->text != NULL)
    return sc_error_set (error, SYSCONT_ERROR_NOT_FOUND, "%s is not in the quarantine of \"%s\"",
                         self->text, container->name);
  return TRUE;
}

static gboolean
set_policy_run (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  return change (op, set_policy, context, error);
}

static gboolean
hold_run (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  return change (op, set_hold, context, error);
}

static gboolean
pin_run (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  return change (op, pin, context, error);
}

/* What was kept only for its pin goes at once. */
static gboolean
unpin_run (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  g_autoptr (ScRepo) repo = sc_repo_open (context->paths, error);

  return repo != NULL && change (op, unpin, context, error)
         && sc_retention_apply (context, repo, op->targets[0], error);
}

static gboolean
unquarantine_run (ScOp *op, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  return change (op, unquarantine, context, error);
}

static void
setting_free (ScOp *base)
{
  SettingOp *self = (SettingOp *)base;

  g_free (self->policy.window);
  g_free (self->text);
  g_free (self);
}

static const ScOpClass set_policy_class = { "set-policy", set_policy_run, setting_free };
static const ScOpClass hold_class = { "hold", hold_run, setting_free };
static const ScOpClass pin_class = { "pin", pin_run, setting_free };
static const ScOpClass unpin_class = { "unpin", unpin_run, setting_free };
static const ScOpClass unquarantine_class = { "unquarantine", unquarantine_run, setting_free };

static SettingOp *
setting_new (const ScOpClass *op_class, const char *name)
{
  SettingOp *self = g_new0 (SettingOp, 1);
  const char *const targets[] = { name, NULL };

  sc_op_init (&self->base, op_class, targets);
  sc_op_claim (&self->base, "container", name, TRUE);
  sc_op_claim (&self->base, "repository", NULL, FALSE);
  return self;
}

ScOp *
sc_op_new_set_policy (const char *name, const ScUpdatePolicy *policy)
{
  SettingOp *self = setting_new (&set_policy_class, name);

  self->policy = *policy;
  self->policy.window = g_strdup (policy->window);
  return &self->base;
}

ScOp *
sc_op_new_hold (const char *name, gint64 until_usec, const char *reason)
{
  SettingOp *self = setting_new (&hold_class, name);

  self->until_usec = until_usec;
  self->text = g_strdup (reason);
  return &self->base;
}

ScOp *
sc_op_new_pin (const char *name, guint64 deployment, gboolean pinned)
{
  SettingOp *self = setting_new (pinned ? &pin_class : &unpin_class, name);

  self->deployment = deployment;
  return &self->base;
}

ScOp *
sc_op_new_unquarantine (const char *name, const char *digest)
{
  SettingOp *self = setting_new (&unquarantine_class, name);

  self->text = g_strdup (digest);
  return &self->base;
}
