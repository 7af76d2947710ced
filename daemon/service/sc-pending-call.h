/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A call of the Manager between its arrival and its answer, and the parts of the service that can
 * answer it.
 */
#pragma once

#include "service/sc-job-registry.h"

/** ScParts: lent, must live longer than every call */
typedef struct
{
  const ScPaths *paths;
  const ScConfig *config;
  ScObjects *objects;
  ScAuthority *authority;
  ScIdle *idle;
  ScJobRegistry *registry;
  GThreadPool *queries; /* of GTask: for questions that need the disk */
  GHashTable *waiting;  /* char* path of a job to the ScPendingCall that its end answers; the
                         * Manager's own */
} ScParts;

typedef struct
{
  const ScParts *parts;
  GDBusMethodInvocation *invocation; /* (owned) (nullable) NULL when it is answered */
  ScRequest *request;                /* (owned) */
  ScCaller *caller;                  /* (owned) (nullable) until it is known */
  GVariant
      *rows; /* (owned) (nullable) aa{sv}: what is known already of an answer that takes longer */
} ScPendingCall;

/**
 * sc_pending_call_new:
 *
 * holds the service until it is freed; @invocation, @request: (transfer full)
 */
ScPendingCall *
sc_pending_call_new (const ScParts *parts, GDBusMethodInvocation *invocation, ScRequest *request);
void sc_pending_call_free (ScPendingCall *self);

/** sc_pending_call_return: @value: (nullable): tuple, taken when floating */
void sc_pending_call_return (ScPendingCall *self, GVariant *value);

/** sc_pending_call_return_error: with one of our codes, whatever @error is */
void sc_pending_call_return_error (ScPendingCall *self, const GError *error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScPendingCall, sc_pending_call_free)
