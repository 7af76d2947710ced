/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The operation that only says what another one would do: the other one runs as far as its plan.
 */
#include "ops/sc-op-private.h"

typedef struct
{
  ScOp base;
  ScOp *planned; /* (owned) */
} PlanOp;

static gboolean
plan_run (ScOp *base, ScOpContext *context, GCancellable *cancellable, GError **error)
{
  ScOp *planned = ((PlanOp *)base)->planned;

  context->terms = &planned->terms;
  return planned->op_class->run (planned, context, cancellable, error);
}

static void
plan_free (ScOp *base)
{
  PlanOp *self = (PlanOp *)base;

  sc_op_free (self->planned);
  g_free (self);
}

static const ScOpClass plan_class = { "plan", plan_run, plan_free };

ScOp *
sc_op_new_plan (ScOp *planned)
{
  PlanOp *self = g_new0 (PlanOp, 1);

  planned->terms.plan_only = TRUE;
  sc_op_init (&self->base, &plan_class, (const char *const *)planned->targets);
  g_ptr_array_unref (self->base.claims);
  self->base.claims = g_ptr_array_ref (planned->claims);
  self->base.auth = g_steal_pointer (&planned->auth);
  self->base.secrets = g_steal_pointer (&planned->secrets);
  self->planned = planned;
  return &self->base;
}
