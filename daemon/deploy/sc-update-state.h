/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What a container's state file says about updating it: the policy, a hold, the digests that are not
 * tried again by themselves, and how the last update ended.
 */
#pragma once

#include "base/sc-error-util.h"

struct _JsonObject;

typedef enum
{
  SC_POLICY_NONE,  /* only when somebody asks for it */
  SC_POLICY_CHECK, /* find out whether there is something new */
  SC_POLICY_STAGE, /* and prepare it */
  SC_POLICY_APPLY, /* and switch to it */
} ScPolicyMode;

typedef struct
{
  ScPolicyMode mode;
  gint64 min_age_usec; /* counted from when this machine saw a digest first */
  char *window;        /* (owned) (nullable) calendar expression: when a window opens */
  gint64 window_usec;  /* how long it stays open */
} ScUpdatePolicy;

/** ScQuarantine: a digest that was rolled back from */
typedef struct
{
  char *digest; /* (owned) */
  char *reason; /* (owned) */
  gint64 time_usec;
} ScQuarantine;

typedef struct
{
  ScUpdatePolicy policy;
  gint64 held_until_usec; /* 0 = not held */
  char *hold_reason;      /* (owned) (nullable) */
  GPtrArray *quarantine;  /* (owned) of ScQuarantine */
  char *available;        /* (owned) (nullable) digest of an image that is not in use yet */
  gint64 available_usec;  /* when this machine saw it first */
  gint64 checked_usec;    /* 0 = never */
  char *outcome;          /* (owned) (nullable) "rolled-back" or "blocked", until the next update */
  char *outcome_reason;   /* (owned) (nullable) */
} ScUpdateState;

void sc_update_state_init (ScUpdateState *self);
void sc_update_state_clear (ScUpdateState *self);

/** sc_policy_mode_name: "none", "check", "stage" or "apply" */
const char *sc_policy_mode_name (ScPolicyMode mode);
gboolean sc_policy_mode_parse (const char *name, ScPolicyMode *mode);

/** sc_update_state_find_quarantine: (transfer none) (nullable) */
const ScQuarantine *sc_update_state_find_quarantine (const ScUpdateState *self, const char *digest);

/** sc_update_state_quarantine: from now on @digest is not tried again by itself */
void sc_update_state_quarantine (ScUpdateState *self,
                                 const char *digest,
                                 const char *reason,
                                 gint64 now_usec);

/** sc_update_state_release: FALSE when @digest was not in quarantine; NULL: all of them */
gboolean sc_update_state_release (ScUpdateState *self, const char *digest);

/** sc_update_state_set_outcome: @outcome: (nullable); @reason: (nullable) */
void sc_update_state_set_outcome (ScUpdateState *self, const char *outcome, const char *reason);

/** sc_update_state_is_blocked: whether an automatic update waits for somebody to accept what it
 * gains */
gboolean sc_update_state_is_blocked (const ScUpdateState *self);

/** sc_update_state_is_held: */
gboolean sc_update_state_is_held (const ScUpdateState *self, gint64 now_usec);

gboolean sc_update_state_read (ScUpdateState *self, struct _JsonObject *object, GError **error);
void sc_update_state_write (const ScUpdateState *self, struct _JsonObject *object);
