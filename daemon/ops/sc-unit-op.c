/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "dbus/sc-bus-path.h"
#include "deploy/sc-container.h"
#include "host/sc-systemd.h"
#include "host/sc-unit-status.h"
#include "ops/sc-op-private.h"

#include <string.h>

typedef struct
{
  ScOp base;
  ScUnitVerb verb;
} UnitOp;

static gboolean
check_service (const ScPaths *paths, const char *name, GError **error)
{
  g_autoptr (ScContainer) container = sc_container_load (paths, name, error);

  if (container == NULL)
    return FALSE;
  if (!container->has_service)
    return sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED, "the container \"%s\" has no service",
                         name);
  return TRUE;
}

static gboolean
apply_verb (ScUnitVerb verb,
            ScSystemd *systemd,
            const char *unit,
            guint timeout_s,
            GCancellable *cancellable,
            GError **error)
{
  switch (verb)
    {
    case SC_UNIT_START:
      return sc_systemd_start (systemd, unit, timeout_s, cancellable, error);
    case SC_UNIT_STOP:
      return sc_systemd_stop (systemd, unit, timeout_s, cancellable, error);
    default:
      return sc_systemd_restart (systemd, unit, timeout_s, cancellable, error);
    }
}

static void
record (const UnitOp *self, const ScOpContext *context, const char *name, const GError *failure)
{
  sc_op_record (context,
                &(ScHistoryEvent){ .event = self->base.op_class->type,
                                   .container = name,
                                   .from = SC_NO_DEPLOYMENT,
                                   .to = SC_NO_DEPLOYMENT },
                failure);
}

static gboolean
run_one (UnitOp *self,
         ScOpContext *context,
         ScSystemd *systemd,
         const char *name,
         gboolean *changed,
         GCancellable *cancellable,
         GError **error)
{
  g_autofree char *unit = g_strconcat (name, ".service", NULL);
  g_auto (ScUnitStatus) before = { 0 };

  g_autoptr (GError) failure = NULL;

  if (!sc_systemd_get_status (systemd, unit, &before, cancellable, error))
    return FALSE;
  gboolean is_done = apply_verb (self->verb, systemd, unit, context->config->start_timeout_s,
                                 cancellable, &failure);
  gboolean was_active = strcmp (before.active_state, "active") == 0;
  gboolean is_changed = self->verb == SC_UNIT_RESTART || was_active == (self->verb == SC_UNIT_STOP);
  if (!is_done || is_changed)
    record (self, context, name, failure);
  if (!is_done)
    {
      g_propagate_error (error, g_steal_pointer (&failure));
      return FALSE;
    }
  *changed |= is_changed;
  g_ptr_array_add (context->objects, sc_bus_path_container (name));
  return TRUE;
}

static gboolean
unit_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  UnitOp *self = (UnitOp *)base;
  char **names = base->targets;
  gboolean changed = FALSE;

  for (guint i = 0; names[i] != NULL; i++)
    if (!check_service (context->paths, names[i], error))
      return FALSE;

  g_autoptr (ScSystemd) systemd = sc_systemd_new (context->bus, error);
  if (systemd == NULL)
    return FALSE;
  sc_progress_set_phase (context->progress, self->verb == SC_UNIT_STOP ? "stop" : "start");
  for (guint i = 0; names[i] != NULL; i++)
    if (!run_one (self, context, systemd, names[i], &changed, cancellable, error))
      return FALSE;

  sc_op_set_changed (context, changed);
  return TRUE;
}

static void
unit_free (ScOp *base)
{
  g_free (base);
}

static const ScOpClass unit_classes[] = {
  [SC_UNIT_START] = { "start", unit_run, unit_free },
  [SC_UNIT_STOP] = { "stop", unit_run, unit_free },
  [SC_UNIT_RESTART] = { "restart", unit_run, unit_free },
};

ScOp *
sc_op_new_unit (ScUnitVerb verb, const char *const *names)
{
  UnitOp *self = g_new0 (UnitOp, 1);

  sc_op_init (&self->base, &unit_classes[verb], names);
  for (guint i = 0; names[i] != NULL; i++)
    sc_op_claim (&self->base, "container", names[i], TRUE);
  self->verb = verb;
  return &self->base;
}
