/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The directory that deployments are made in, as a hard link from the repository can reach it.
 */
#pragma once

#include "base/sc-error-util.h"
#include "base/sc-paths.h"

/**
 * sc_checkout_dir_open:
 *
 * Opens @paths->checkout, which is made with mode 0700 when it is missing. On a host that OSTree
 * deployed, /var is a bind mount of OSTREE/deploy/NAME/var, beside the repository OSTREE/repo; the
 * kernel makes no link from one mount into another, not even into the same directory: there the
 * directory is opened by its path below OSTREE/deploy.
 *
 * Returns: an fd, or -1 with @error
 */
int sc_checkout_dir_open (const ScPaths *paths, GError **error);
