/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-host-check.h"

#include "host/sc-runtime.h"

#define SELINUX_ENFORCE "/sys/fs/selinux/enforce"

gboolean
sc_host_check (const ScConfig *config, GError **error)
{
  g_autofree char *enforce = NULL;

  if (g_file_get_contents (SELINUX_ENFORCE, &enforce, NULL, NULL) && enforce[0] == '1')
    return sc_error_set (
        error, SYSCONT_ERROR_NOT_SUPPORTED,
        "SELinux is enforcing on this machine, and labels of containers are not supported yet");
  return sc_runtime_check (config->runtime, error);
}
