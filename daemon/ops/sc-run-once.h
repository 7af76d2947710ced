/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Runs a container to its end and leaves nothing: no unit, no deployment, no files on the host. What
 * it needs is in a directory of its own, and it runs in a transient service that ends with the
 * daemon.
 */
#pragma once

#include "deploy/sc-container.h"
#include "host/sc-systemd.h"
#include "ops/sc-op.h"
#include "ops/sc-program.h"
#include "store/sc-image-store.h"

/** ScRunOnce: everything is lent */
typedef struct
{
  ScOpContext *context;
  ScRepo *repo;
  ScSystemd *systemd;
  const ScImage *image;
  const ScContainer *container; /* name, reference, uuid and the caller's values */
  GHashTable *secrets;          /* (nullable) as in ScRenderRequest */
  ScProgram *program;           /* (nullable) what runs in place of what the image says, and where;
                                 * NULL for the journal */
} ScRunOnce;

/** sc_run_is_once: whether the image says by its label "atomic.run" that it is to be run once */
gboolean sc_run_is_once (const ScImage *image);

/** sc_run_once: puts "exit-status" (i) into the result of the job */
gboolean sc_run_once (const ScRunOnce *self, GCancellable *cancellable, GError **error);
