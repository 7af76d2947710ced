/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * An installation under a name that is taken: of the same thing it succeeds.
 */
#pragma once

#include "deploy/sc-health.h"
#include "host/sc-systemd.h"
#include "ops/sc-op.h"

/** ScInstallAgain: what is to be installed; everything is lent */
typedef struct
{
  ScOpContext *context;
  ScSystemd *systemd;
  const char *name;
  const char *digest;
  GHashTable *values;
  const ScHealth *health; /* (nullable) */
  gboolean start;
} ScInstallAgain;

/**
 * sc_install_again:
 * @done: (out): FALSE when no container has the name
 *
 * It is started if that is wanted, so that a second try finishes the job. Sets the result, also of a
 * plan.
 *
 * Errors: ALREADY_EXISTS, DAMAGED, of a start
 */
gboolean sc_install_again (const ScInstallAgain *self,
                           gboolean *done,
                           GCancellable *cancellable,
                           GError **error);
