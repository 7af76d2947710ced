/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * --dry-run, and what is shown before a question: asks the service what a call would do, and shows
 * it.
 */
#pragma once

#include "sc-client.h"

typedef struct
{
  const char *method;
  GVariant *arguments; /* (transfer floating) a{sv}: those before the options, by their names */
  GVariant *options;   /* a{sv} */
  GUnixFDList *fds;    /* (nullable) */
} ScPlannedCall;

/** sc_plan_make: makes the plan and waits for it; exit status. @result: (out) (nullable) (transfer
 * full): of the job */
int sc_plan_make (ScClient *client, const ScPlannedCall *call, GVariant **result);

/** sc_plan_agree: makes the plan, shows it and asks whether that is right, unless nothing would
 * change; exit status. @plan: (out) (nullable) (transfer full): as of sc_plan_make() */
int sc_plan_agree (ScClient *client, const ScPlannedCall *call, GVariant **plan);

/** sc_plan_print_changes: those of a result, with diffs; returns how many files of an image they are */
guint64 sc_plan_print_changes (GVariant *result);

/** sc_plan_print_privileges: the list @key of a result, below @heading; nothing when it is empty */
void sc_plan_print_privileges (GVariant *result, const char *key, const char *heading);

/** sc_plan_show_each: one plan for each container, @call without arguments; with --json one object,
 * which has "result" of one and a list "results" of several */
int sc_plan_show_each (ScClient *client, const ScPlannedCall *call, char **names);

/** sc_plan_show: makes the plan and prints it, or its result as JSON; exit status */
int sc_plan_show (ScClient *client, const ScPlannedCall *call);
