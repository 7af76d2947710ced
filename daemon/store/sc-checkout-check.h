/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Compares a directory that was checked out with its commit. A checkout shares its files with the
 * repository: an object that was damaged in place is damaged in both, and one that was stored again
 * is whole in the repository only.
 */
#pragma once

#include "store/sc-repo.h"

typedef struct
{
  GPtrArray *wrong; /* (owned) of char*: paths that are missing or not as stored */
  guint n_replaced; /* files that the stored one was put in the place of */
} ScCheckoutFaults;

void sc_checkout_faults_clear (ScCheckoutFaults *self);

/**
 * sc_checkout_check:
 * @commit: its objects must be whole, see sc-verify.h
 * @dir_fd: the directory that was checked out
 * @repair: put stored files in the place of those that differ, each with a rename
 * @faults: (out): also filled in when it fails
 *
 * What is in the directory beside the commit's tree is not looked at. A file that is linked with
 * its object is as good as that and not read. Blocks.
 */
gboolean sc_checkout_check (ScRepo *repo,
                            const char *commit,
                            int dir_fd,
                            gboolean repair,
                            ScCheckoutFaults *faults,
                            GError **error);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScCheckoutFaults, sc_checkout_faults_clear)
