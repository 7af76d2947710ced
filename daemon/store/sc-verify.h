/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Reads objects of the repository back and compares them with their checksums: commits,
 * directories, their metadata, files with owner, mode and extended attributes. Each object is read
 * once, however many commits have it.
 */
#pragma once

#include "base/sc-progress.h"
#include "store/sc-repo.h"

typedef struct _ScVerify ScVerify;

/** sc_verify_new: @progress: is told the bytes of the files */
ScVerify *sc_verify_new (ScRepo *repo, ScProgress *progress);
void sc_verify_free (ScVerify *self);

/**
 * sc_verify_add:
 *
 * Checks a commit and its directories, and notes its files for sc_verify_run(). Damage is no error.
 */
gboolean
sc_verify_add (ScVerify *self, const char *commit, GCancellable *cancellable, GError **error);

/** sc_verify_run: checks the files of all commits that were added. Blocks as long as reading them
 * takes */
gboolean sc_verify_run (ScVerify *self, GCancellable *cancellable, GError **error);

/**
 * sc_verify_list_damage:
 * @commit: one that was added
 *
 * Returns: (transfer full): what of it is damaged or missing, as libostree names objects
 *   ("<64 hex>.file"), sorted. What is below a damaged directory is not known.
 */
char **sc_verify_list_damage (ScVerify *self, const char *commit);

guint64 sc_verify_get_bytes (ScVerify *self);
guint sc_verify_get_objects (ScVerify *self);

/**
 * sc_verify_drop:
 * @objects: what sc_verify_list_damage() told of @commit
 * @is_partial: TRUE for a layer or a merged tree: it is marked as incomplete, so that nobody
 *   believes it until it was stored again
 *
 * Takes damaged objects away, for one that exists is never written again.
 */
gboolean sc_verify_drop (ScVerify *self,
                         const char *commit,
                         const char *const *objects,
                         gboolean is_partial,
                         GCancellable *cancellable,
                         GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScVerify, sc_verify_free)
