/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One change of a container, whatever asks for it: a deployment is made or chosen, the files on the
 * host that come with it are listed, all of that is written down as an intent, and then it is done,
 * undone or completed. An installation, an update and a rollback are made of these steps.
 */
#pragma once

#include "deploy/sc-container.h"
#include "deploy/sc-deployment.h"
#include "host/sc-systemd.h"
#include "ops/sc-image-render.h"
#include "ops/sc-intent.h"
#include "ops/sc-op.h"

/** ScChange: begin with sc_change_init() */
typedef struct
{
  ScOpContext *context;
  ScRepo *repo;
  ScSystemd *systemd;
  char *unit;                    /* (owned) */
  ScContainer *after;            /* (owned) the state that will be saved */
  ScIntent *intent;              /* (owned) */
  const ScHostRecord *own_files; /* (nullable) lent: as in ScHostScope */
  GHashTable *secrets;           /* (nullable) lent: of the deployment that is made */
} ScChange;

/**
 * sc_change_init:
 * @repo, @systemd: lent
 * @after: (transfer full): the state of the container when all is done
 *
 * The intent is for the deployment that is current in @after.
 */
void sc_change_init (ScChange *self,
                     ScOpContext *context,
                     ScRepo *repo,
                     ScSystemd *systemd,
                     ScIntentOperation operation,
                     ScContainer *after);
void sc_change_clear (ScChange *self);

/**
 * sc_change_begin:
 * @texts: of the deployment that is switched to
 *
 * Lists what changes on the host, and saves the intent. Of a deployment that is there already its
 * host files are planned too. Nothing has changed when it fails.
 */
gboolean sc_change_begin (ScChange *self, const ScUnitTexts *texts, GError **error);

/** sc_change_plan_host_files: (transfer full) (nullable): of a deployment that is there already; *files:
 * (out) (transfer full): what it wants to have. HOST_FILE_CONFLICT */
ScHostPlan *sc_change_plan_host_files (ScChange *self, ScHostFiles **files, GError **error);

/** sc_change_stage: makes the deployment, NAME.<n>; nothing uses it yet. Its host files are written
 * down, to be made when it is published */
gboolean sc_change_stage (ScChange *self,
                          const ScImageRendering *rendered,
                          GCancellable *cancellable,
                          GError **error);

/** sc_change_run_tmpfiles: has systemd make what the container's tmpfiles file asks for, if there
 * is one */
gboolean sc_change_run_tmpfiles (ScChange *self, GError **error);

/** sc_change_look: whether the unit runs, and what would end with it; before sc_change_begin() */
gboolean sc_change_look (ScChange *self, GError **error);

/**
 * sc_change_do:
 * @texts: as for sc_change_begin()
 * @rendered: (nullable): the deployment that is made; NULL for one that is there already
 *
 * Begins, stages and switches, and starts and watches what ran before. Blocks. Until the old service
 * has been stopped and that is written down a failure is undone; afterwards what does not stay up is
 * taken back.
 *
 * Errors: of a step that failed; ROLLED_BACK with the reason, and the last lines of the unit's
 * journal in the job's result
 */
gboolean sc_change_do (ScChange *self,
                       const ScUnitTexts *texts,
                       const ScImageRendering *rendered,
                       GCancellable *cancellable,
                       GError **error);

/** sc_change_settle: what comes after the commit, as far as it has not been done: start, watch, keep or
 * take back */
gboolean sc_change_settle (ScChange *self, GError **error);

/**
 * sc_change_resume:
 * @intent: (transfer full): committed or kept, of a job that is no more
 *
 * Instead of sc_change_init(), for sc_change_settle().
 */
gboolean sc_change_resume (ScChange *self,
                           ScOpContext *context,
                           ScRepo *repo,
                           ScSystemd *systemd,
                           ScIntent *intent,
                           GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScChange, sc_change_clear)
