/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Waits for a job: progress on the terminal, plain lines elsewhere, Ctrl-C cancels, and the exit
 * status from its end.
 */
#pragma once

#include "sc-client.h"

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

/**
 * sc_follow_and_report:
 * @done: what to print when the job changed something, @unchanged: when it did not
 *
 * sc_follow() and a line, or the result as JSON.
 */
int sc_follow_and_report (
    ScClient *client, GVariant *reply, GError *error, const char *done, const char *unchanged);

/** sc_report_changed: exit status for a result, minding --unchanged-exit */
int sc_report_changed (const ScClient *client, GVariant *result);

/** sc_report_notes: what the service has to say about a job that succeeded, on standard error */
void sc_report_notes (GVariant *result);
