/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * One image while it is verified: what of it is damaged, which files of deployments are, and how
 * that is repaired from the registry that the image came from.
 */
#pragma once

#include "ops/sc-op.h"
#include "store/sc-image-parts.h"
#include "store/sc-verify.h"

typedef struct _ScImageCheck ScImageCheck;

/**
 * sc_image_check_new:
 * @image: (transfer full)
 */
ScImageCheck *
sc_image_check_new (ScOpContext *context, ScRepo *repo, ScImage *image, GError **error);

/** sc_image_check_new_unreadable: @reason: why the image @name cannot be read at all */
ScImageCheck *sc_image_check_new_unreadable (const char *name, const char *reason);
void sc_image_check_free (ScImageCheck *self);

/** sc_image_check_add: hands all commits of the image to @verify */
gboolean sc_image_check_add (ScImageCheck *self,
                             ScVerify *verify,
                             GCancellable *cancellable,
                             GError **error);

/** sc_image_check_collect: after sc_verify_run(): notes what is damaged, and looks at the
 * deployments of the image when its merged tree is whole */
gboolean sc_image_check_collect (ScImageCheck *self, ScVerify *verify, GError **error);

/** sc_image_check_is_clean: of what sc_image_check_collect() found */
gboolean sc_image_check_is_clean (const ScImageCheck *self);

/**
 * sc_image_check_repair:
 * @verify: (nullable): the one that sc_image_check_collect() was called with; NULL when anything was
 *   repaired since, then the image is read again first
 *
 * Takes what is damaged away, brings it again, and checks the whole image once more. That it cannot
 * be repaired is no error, but noted.
 */
gboolean sc_image_check_repair (ScImageCheck *self,
                                ScVerify *verify,
                                GCancellable *cancellable,
                                GError **error);

/** sc_image_check_to_variant: (transfer floating): a{sv}, see Manager.VerifyImages */
GVariant *sc_image_check_to_variant (const ScImageCheck *self);

/** sc_image_check_describe: (transfer full): for an error: the image, and an example of what is
 * wrong */
char *sc_image_check_describe (const ScImageCheck *self);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScImageCheck, sc_image_check_free)
