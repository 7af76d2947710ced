/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A verb of syscontctl: one file for each, verb-NAME.c. The table of them is in main.c.
 */
#pragma once

#include "sc-client.h"

typedef struct
{
  const char *name;
  const char *arguments;                 /* for the usage line, "" without any */
  const char *summary;                   /* one line of the list of verbs */
  const char *description;               /* (nullable) more, below the options of --help */
  const GOptionEntry *(*options) (void); /* (nullable) own options, besides the common ones */
  const GOptionEntry *more_options;      /* (nullable) that it shares with other verbs */
  guint min_arguments;
  guint max_arguments;    /* G_MAXUINT: any number */
  gboolean takes_command; /* options end with the first argument: what follows is somebody else's */
  int (*run) (ScClient *client, char **arguments);
} ScVerb;

extern const ScVerb sc_verb_adopt;
extern const ScVerb sc_verb_cancel;
extern const ScVerb sc_verb_check;
extern const ScVerb sc_verb_df;
extern const ScVerb sc_verb_diff;
extern const ScVerb sc_verb_exec;
extern const ScVerb sc_verb_export;
extern const ScVerb sc_verb_history;
extern const ScVerb sc_verb_hold;
extern const ScVerb sc_verb_images;
extern const ScVerb sc_verb_inspect;
extern const ScVerb sc_verb_install;
extern const ScVerb sc_verb_jobs;
extern const ScVerb sc_verb_lint;
extern const ScVerb sc_verb_list;
extern const ScVerb sc_verb_login;
extern const ScVerb sc_verb_logout;
extern const ScVerb sc_verb_logs;
extern const ScVerb sc_verb_mount;
extern const ScVerb sc_verb_pin;
extern const ScVerb sc_verb_policy;
extern const ScVerb sc_verb_prune;
extern const ScVerb sc_verb_pull;
extern const ScVerb sc_verb_restart;
extern const ScVerb sc_verb_rmi;
extern const ScVerb sc_verb_rollback;
extern const ScVerb sc_verb_set;
extern const ScVerb sc_verb_run;
extern const ScVerb sc_verb_start;
extern const ScVerb sc_verb_status;
extern const ScVerb sc_verb_stop;
extern const ScVerb sc_verb_tag;
extern const ScVerb sc_verb_uninstall;
extern const ScVerb sc_verb_verify;
extern const ScVerb sc_verb_unmount;
extern const ScVerb sc_verb_unpin;
extern const ScVerb sc_verb_unquarantine;
extern const ScVerb sc_verb_update;
