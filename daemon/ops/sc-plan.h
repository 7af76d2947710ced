/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What an operation is about to do with one container, put together by the operation itself right
 * before the first change. So a plan is what will be done: asked for it alone, the operation ends
 * there with the plan as its result; otherwise it goes on, if it is what the caller has agreed to.
 */
#pragma once

#include "ops/sc-change.h"
#include "ops/sc-side.h"

typedef struct
{
  const char *operation; /* static: what is done: "install", "update" … */
  const char *container;
  const char *digest;        /* (nullable) of the image that it will run */
  const char *reference;     /* (nullable) */
  const char *from_digest;   /* (nullable) of what runs now; NULL when @before says it */
  const char *hidden[2];     /* (nullable) what is another text each time: a new UUID, a unit */
  const ScContainer *before; /* (nullable) */
  const ScContainer *after;  /* (nullable) */
  ScSide from;               /* (owned) */
  ScSide to;                 /* (owned) */
  GPtrArray *host_changes;   /* (nullable) lent: of ScHostChange */
  GPtrArray *privileges;     /* (nullable) lent: of ScPrivilege, that it will have */
  GPtrArray *gains;          /* (nullable) lent: that it does not have now */
  char **notes;              /* (nullable) lent */
  GPtrArray *steps;          /* (owned) (nullable) of char*: "VERB UNIT" */
} ScPlan;

void sc_plan_clear (ScPlan *self);

/** sc_plan_add_step: @verb: static: "start", "stop", "restart", "enable" or "disable" */
void sc_plan_add_step (ScPlan *self, const char *verb, const char *unit);

/** sc_plan_add_restarts: what is restarted; after sc_change_look() */
void sc_plan_add_restarts (ScPlan *self, const ScChange *change);

typedef enum
{
  SC_PLAN_REFUSED, /* with an error */
  SC_PLAN_SHOWN,   /* in the result of the job: nothing more is to be done */
  SC_PLAN_AGREED,
} ScPlanEnd;

/** sc_plan_is_wanted: whether sc_plan_settle() has anything to look at */
static inline gboolean
sc_plan_is_wanted (const ScOpContext *context)
{
  return context->terms->plan_only || context->terms->plan_id != NULL;
}

/** sc_plan_settle: PLAN_STALE when it is not the plan that the caller wants to have carried out;
 * privileges are not looked at */
ScPlanEnd sc_plan_settle (const ScPlan *self, ScOpContext *context, GError **error);

/** sc_plan_settle_nothing: the same of an operation that finds that there is nothing to do */
ScPlanEnd sc_plan_settle_nothing (const char *operation,
                                  const char *container,
                                  const char *digest,
                                  ScOpContext *context,
                                  GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScPlan, sc_plan_clear)
