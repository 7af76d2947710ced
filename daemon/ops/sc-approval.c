/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-approval.h"

GPtrArray *
sc_approval_list_gains (
    const ScPaths *paths, const ScContainer *container, guint64 n, GPtrArray *to, GError **error)
{
  g_autoptr (GPtrArray) from = sc_privileges_load (paths, container, n, error);

  return from != NULL ? sc_privilege_list_gains (from, to) : NULL;
}

gboolean
sc_approval_check (const ScOpContext *context, GPtrArray *gains, GError **error)
{
  g_autoptr (GPtrArray) left
      = sc_privilege_list_without (gains, (const char *const *)context->terms->accept_privileges);

  if (left->len == 0)
    return TRUE;
  g_autofree char *words = sc_privilege_list_join (left);
  return sc_error_set (error, SYSCONT_ERROR_PRIVILEGE_GAIN,
                       "it would gain privileges: %s; look at them with --dry-run, and accept them "
                       "with --accept-privileges",
                       words);
}
