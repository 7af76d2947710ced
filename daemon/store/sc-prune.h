/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Removes what no image name and no deployment needs: refs of unused layers and configs, merged
 * trees without an image, then unreachable objects. Refs that are not "ociimage/" or "syscont/" are
 * another's and are never touched.
 */
#pragma once

#include "store/sc-repo.h"

typedef struct
{
  char **refs; /* (owned) removed, or to be removed with a dry run */
  guint n_objects;
  guint64 freed_bytes;
} ScPruneResult;

void sc_prune_result_clear (ScPruneResult *self);

/**
 * sc_prune:
 * @deploy_refs: (nullable): the refs "syscont/deploy/…" of existing deployments; others of that
 * kind are removed.
 *   NULL keeps all of them
 *
 * Blocks; takes the repository's exclusive lock. Must not be called inside a transaction.
 */
gboolean sc_prune (ScRepo *repo,
                   const char *const *deploy_refs,
                   gboolean dry_run,
                   ScPruneResult *result,
                   GCancellable *cancellable,
                   GError **error);

typedef struct
{
  guint64 needed_bytes;      /* of objects that images and deployments need, each counted once */
  guint64 reclaimable_bytes; /* of those that sc_prune() would remove */
} ScStorageSize;

/**
 * sc_prune_measure:
 * @deploy_refs: as for sc_prune()
 *
 * What only refs of others need is not counted. Blocks.
 */
gboolean sc_prune_measure (ScRepo *repo,
                           const char *const *deploy_refs,
                           ScStorageSize *size,
                           GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScPruneResult, sc_prune_result_clear)
