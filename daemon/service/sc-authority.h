/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Who may do what: the only way from a call to work. One table says which polkit action each method
 * asks; a method that is not in it is refused to everybody. root is allowed without polkit; for all
 * others everything that goes wrong on the way is a refusal.
 */
#pragma once

#include "service/sc-caller.h"
#include "service/sc-request.h"

/* Prompts that one uid may have open, and questions of the kind that everybody is allowed
 * (listing). */
#define SC_AUTHORITY_MAX_PENDING         4
#define SC_AUTHORITY_MAX_PENDING_INSPECT 64

typedef enum
{
  SC_VERDICT_ALLOWED,
  SC_VERDICT_CHALLENGE, /* a prompt could help */
  SC_VERDICT_DENIED,
  SC_VERDICT_BUSY, /* too many questions of this uid are open */
  SC_VERDICT_GONE, /* the caller left the bus */
} ScVerdict;

/** ScQuestion: everything is lent for the call of sc_authority_check() */
typedef struct
{
  const char *interface;
  const char *method;
  const ScSubject *subject; /* (nullable) */
  const guint *owner_uid;   /* (nullable) that is allowed without a question */
  gboolean interactive;     /* the message allows a prompt */
} ScQuestion;

typedef struct _ScAuthority ScAuthority;

/** sc_authority_new: @callers: lent, must live longer */
ScAuthority *sc_authority_new (ScCallers *callers);

/** sc_authority_free: questions that are open are answered with a refusal */
void sc_authority_free (ScAuthority *self);

/** ScAuthorityFunc: @caller: (nullable): never NULL when allowed */
typedef void (*ScAuthorityFunc) (ScVerdict verdict, ScCaller *caller, gpointer user_data);

/**
 * sc_authority_check:
 * @sender: unique bus name of the caller, who is the subject
 * @func: called once, maybe before this returns
 */
void sc_authority_check (ScAuthority *self,
                         const char *sender,
                         const ScQuestion *question,
                         ScAuthorityFunc func,
                         gpointer user_data);

/**
 * sc_authority_refuse:
 *
 * (transfer full) @invocation: answers a call with the error for a verdict that is not ALLOWED
 */
void sc_authority_refuse (GDBusMethodInvocation *invocation, ScVerdict verdict);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScAuthority, sc_authority_free)
