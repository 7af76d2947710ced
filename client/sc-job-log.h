/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What jobs say beyond their progress, org.syscont.Job.LogMessage. Collected from the beginning of a
 * connection on: a job may speak before the call that made it is answered.
 */
#pragma once

#include <gio/gio.h>

/** sc_job_log_watch: once for a connection */
void sc_job_log_watch (GDBusConnection *bus);

/** ScJobLogFunc: @priority: as in syslog */
typedef void (*ScJobLogFunc) (guint priority, const char *line, gpointer user_data);

/**
 * sc_job_log_follow:
 * @job: (nullable): path; NULL: @func is not called any more
 *
 * @func is called in the default main context with what this job has said and will say.
 */
void sc_job_log_follow (const char *job, ScJobLogFunc func, gpointer user_data);
