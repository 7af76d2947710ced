/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The directories below the checkout path: NAME.<n> with rootfs, config.json, info and copies of
 * unit and tmpfiles file, built as .NAME.<n>.partial, and the symbolic link NAME, whose rename
 * switches a container from one deployment to another.
 */
#pragma once

#include "deploy/sc-deployment-record.h"
#include "deploy/sc-rendering.h"
#include "store/sc-image-store.h"

/**
 * sc_deployment_stage:
 * @n: number of the deployment, never used before for @name
 *
 * Sets the ref syscont/deploy/NAME/<n>, checks out, makes mount points, writes the files, syncs the
 * file system and renames the directory to NAME.<n>. Nothing uses it yet. What an earlier try left
 * under either name is removed first. Blocks.
 */
gboolean sc_deployment_stage (const ScPaths *paths,
                              ScRepo *repo,
                              const char *name,
                              guint64 n,
                              const char *rootfs_commit,
                              const ScRendering *rendering,
                              GCancellable *cancellable,
                              GError **error);

/**
 * sc_bundle_make:
 * @directory: of the checkout path, ".….partial", so that it goes at the next start at the latest
 *
 * What a deployment consists of, for a container that runs once: without a ref, and not synced.
 * sc_bundle_make_empty(): returns an fd of the directory, or -1. sc_bundle_remove(): nothing may be
 * mounted there.
 */
int sc_bundle_make_empty (const ScPaths *paths, const char *directory, GError **error);
gboolean sc_bundle_make (const ScPaths *paths,
                         ScRepo *repo,
                         const char *directory,
                         const char *name,
                         const char *rootfs_commit,
                         const ScRendering *rendering,
                         GCancellable *cancellable,
                         GError **error);
gboolean sc_bundle_remove (const ScPaths *paths, const char *directory, GError **error);

/** sc_deployment_switch: points the symbolic link NAME to NAME.<n> in one rename and syncs; this is
 * where a deployment is switched */
gboolean sc_deployment_switch (const ScPaths *paths, const char *name, guint64 n, GError **error);

/** sc_deployment_unlink: removes the symbolic link NAME */
gboolean sc_deployment_unlink (const ScPaths *paths, const char *name, GError **error);

/** sc_deployment_current: FALSE when there is no link NAME or it is not one of ours; @n: (out): the
 * number that it points to. The first deployment of a container is 0 */
gboolean sc_deployment_current (const ScPaths *paths, const char *name, guint64 *n);

/** sc_deployment_list: (transfer full): of guint64, rising: numbers of the directories NAME.<n> */
GArray *sc_deployment_list (const ScPaths *paths, const char *name, GError **error);

/**
 * sc_deployment_check:
 * @repo: (nullable): NULL to look at the files only
 *
 * Whether a deployment could be switched to: its directory and files are there and, with @repo, all
 * objects of its tree. DAMAGED.
 */
gboolean sc_deployment_check (
    const ScPaths *paths, ScRepo *repo, const char *name, guint64 n, GError **error);

/** sc_deployment_remove: NAME.<n> or its partial directory; files only, the ref stays; harmless
 * when there is nothing */
gboolean sc_deployment_remove (const ScPaths *paths, const char *name, guint64 n, GError **error);

/** sc_deployment_drop_ref: removes the ref syscont/deploy/NAME/<n> in a transaction of its own */
gboolean sc_deployment_drop_ref (
    ScRepo *repo, const char *name, guint64 n, GCancellable *cancellable, GError **error);
