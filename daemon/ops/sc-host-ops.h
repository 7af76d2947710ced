/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Host files in a recipe: planned before the host changes, made as part of the switch, unmade with
 * it, and removed with the container. One job at a time looks at the host and changes it, because
 * which paths two containers share is only known when both have been read.
 */
#pragma once

#include "base/sc-config.h"
#include "host/sc-systemd.h"
#include "ops/sc-host-journal.h"
#include "ops/sc-host-plan.h"

/** ScHostScope: whose files they are; everything is lent */
typedef struct
{
  const ScPaths *paths;
  const ScConfig *config;
  const char *name;        /* of the container */
  const ScHostRecord *own; /* (nullable) what it answers for before it has a deployment */
  guint64 job;             /* 0 for none, which is only good for a removal */
} ScHostScope;

/**
 * sc_host_ops_plan:
 * @wanted: (nullable): nothing at all
 * @systemd: (nullable): to ask which package a file belongs to
 *
 * Errors: HOST_FILE_CONFLICT with every conflict and its owner
 */
ScHostPlan *sc_host_ops_plan (const ScHostScope *scope,
                              const ScHostFiles *wanted,
                              ScSystemd *systemd,
                              GError **error);

/**
 * sc_host_ops_prepare:
 * @planned: (nullable): what info says the deployment answers for; NULL for a deployment that was
 *   made before
 *
 * Plans again and writes the journal. The intent of the job and the deployment with its info must be
 * there already. HOST_FILE_CONFLICT when the host has changed so that @planned no longer holds.
 */
gboolean sc_host_ops_prepare (const ScHostScope *scope,
                              const ScHostFiles *wanted,
                              const ScHostPlan *planned,
                              GError **error);

/** sc_host_ops_make: makes what the journal of the job says. HOST_FILE_CONFLICT when something is no
 * longer as it was. Harmless without a journal */
gboolean sc_host_ops_make (const ScHostJob *job, GError **error);

/** sc_host_ops_undo: unmakes what the journal of the job says; what is no longer as the job made it
 * is logged and stays. Harmless without a journal */
gboolean sc_host_ops_undo (const ScHostJob *job, GError **error);

/** sc_host_ops_redo: makes what the journal of the job says as far as it is not yet made */
gboolean sc_host_ops_redo (const ScHostJob *job, GError **error);

/** sc_host_ops_remove: removes what the current deployment answers for and no other container
 * needs; @notes: (nullable): of char*: what stays is appended */
gboolean sc_host_ops_remove (const ScHostScope *scope, GPtrArray *notes, GError **error);
