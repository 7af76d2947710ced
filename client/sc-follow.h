/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Waits for a job: progress on the terminal, plain lines elsewhere, Ctrl-C cancels, and the exit
 * status from its end.
 */
#pragma once

#include "sc-client.h"
#include "sc-terminal.h"

/**
 * sc_follow:
 * @reply: (nullable) (transfer full): of a call that makes a job, "(o)"
 * @error: (nullable) (transfer full): of that call, when @reply is NULL
 * @result: (out) (nullable) (transfer full): a{sv} of the job, also of one that failed
 *
 * With --no-block prints the job's number and does not wait.
 *
 * Returns: exit status
 */
int sc_follow (ScClient *client, GVariant *reply, GError *error, GVariant **result);

/** ScJobCall: a call of org.syscont.Manager that makes a job; what is not said to be taken is lent */
typedef struct
{
  const char *method;
  char **names;             /* (nullable) the first argument, before the options */
  GVariantBuilder *options; /* (nullable) of the call with names: those of the verb */
  GVariant *arguments;      /* (transfer floating) (nullable) all of them, of another call */
  GUnixFDList *fds;         /* (transfer full) (nullable) closed when the service has them */

  /* what the job runs for us: signals go there in place of cancelling, and no progress is shown */
  gboolean runs_program;
  ScTerminal *terminal; /* (nullable) of it */
} ScJobCall;

/** sc_follow_call: makes the call, otherwise as sc_follow() */
int sc_follow_call (ScClient *client, const ScJobCall *call, GVariant **result);

/**
 * sc_follow_list:
 * @key: of an aa{sv} in the result
 * @list: (out) (nullable) (transfer full): that; NULL when there is none, and in --json mode, when
 *   the result has been printed
 *
 * sc_follow_call() for verbs that show a list, also of a job that failed. @result: as of sc_follow().
 */
int sc_follow_list (
    ScClient *client, const ScJobCall *call, const char *key, GVariant **result, GVariant **list);

/**
 * sc_follow_and_report:
 * @done: what to print when the job changed something, @unchanged: when it did not
 *
 * sc_follow_call() and a line, or the result as JSON.
 */
int sc_follow_and_report (ScClient *client,
                          const ScJobCall *call,
                          const char *done,
                          const char *unchanged);

/** sc_report_changed: exit status for a result, minding --unchanged-exit */
int sc_report_changed (const ScClient *client, GVariant *result);

/** sc_report_notes: what the service has to say about a job that succeeded, on standard error */
void sc_report_notes (GVariant *result);
