/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The table behind sc-authority: for each method its polkit action and what polkit is told of the
 * call.
 */
#pragma once

#include "service/sc-request.h"

#define SC_ACTION_INSPECT            "org.syscont.inspect"
#define SC_ACTION_CHECK              "org.syscont.check"
#define SC_ACTION_PULL               "org.syscont.pull"
#define SC_ACTION_INSTALL            "org.syscont.install"
#define SC_ACTION_UPDATE             "org.syscont.update"
#define SC_ACTION_UPDATE_TO          "org.syscont.update-to"
#define SC_ACTION_ROLLBACK           "org.syscont.rollback"
#define SC_ACTION_CONFIGURE          "org.syscont.configure"
#define SC_ACTION_UNINSTALL          "org.syscont.uninstall"
#define SC_ACTION_SET_VALUES         "org.syscont.set-values"
#define SC_ACTION_APPROVE_PRIVILEGES "org.syscont.approve-privileges"
#define SC_ACTION_MANAGE             "org.syscont.manage"
#define SC_ACTION_EXEC               "org.syscont.exec"
#define SC_ACTION_MOUNT              "org.syscont.mount"
#define SC_ACTION_STORAGE            "org.syscont.storage"
#define SC_ACTION_MANAGE_TRUST       "org.syscont.manage-trust"
#define SC_ACTION_CANCEL_FOREIGN     "org.syscont.cancel-foreign"

typedef struct
{
  const char *interface;
  const char *method;
  const char *action; /* (nullable) NULL: root only */
  const char *prompt; /* (nullable) what a prompt says is asked for, before the subject */
} ScMethodRule;

/**
 * sc_method_rule_find:
 *
 * (transfer none) (nullable): NULL for a method that is not listed, which nobody may call
 */
const ScMethodRule *sc_method_rule_find (const char *interface, const char *method);

/** sc_method_rule_describe: (transfer full): polkit's details, char* to char* */
GHashTable *sc_method_rule_describe (const ScMethodRule *self, const ScSubject *subject);
