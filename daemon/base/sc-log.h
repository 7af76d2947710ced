/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Structured logging to the journal, through GLib: fields first, sentence last; one event, one
 * line. Levels: DEBUG how, INFO milestones of a job, MESSAGE what an administrator wants by
 * default, WARNING degraded but going on, CRITICAL a bug.
 */
#pragma once

#include <glib.h>

/** ScLogFields: what a line is about; every member may be NULL or 0 */
typedef struct
{
  guint64 job;
  const char *operation;  /* SYSCONT_OPERATION */
  const char *container;  /* SYSCONT_CONTAINER */
  const char *image;      /* SYSCONT_IMAGE */
  const char *error_name; /* SYSCONT_ERROR_CODE, a D-Bus error name */
  const char *message_id; /* MESSAGE_ID, one of SC_MESSAGE_* */
  gboolean has_caller_uid;
  guint caller_uid; /* SYSCONT_CALLER_UID */
} ScLogFields;

/* Message ids of the journal catalogue (data/syscont.catalog). */
#define SC_MESSAGE_INSTALLED   "6a1d5b1c0b7e4e0fa4a1f3c5f2f0c101"
#define SC_MESSAGE_UNINSTALLED "6a1d5b1c0b7e4e0fa4a1f3c5f2f0c102"
#define SC_MESSAGE_FAILED      "6a1d5b1c0b7e4e0fa4a1f3c5f2f0c103"
#define SC_MESSAGE_RECOVERED   "6a1d5b1c0b7e4e0fa4a1f3c5f2f0c104"

#define SC_MESSAGE_UPDATED     "6a1d5b1c0b7e4e0fa4a1f3c5f2f0c105"
#define SC_MESSAGE_ROLLED_BACK "6a1d5b1c0b7e4e0fa4a1f3c5f2f0c106"

/**
 * sc_log_init:
 * @identifier: SYSLOG_IDENTIFIER
 *
 * Installs a GLib log writer: to the journal when standard error is one, otherwise plain lines on
 * standard error. Debug lines are written only at level debug.
 */
void sc_log_init (const char *identifier);

/** sc_log: @level: one of the G_LOG_LEVEL_*; @fields: (nullable) */
void sc_log (GLogLevelFlags level, const ScLogFields *fields, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* What org.freedesktop.LogControl1 shows and sets. */
const char *sc_log_get_level (void);             /* "debug", "info", "notice", "warning", "err"
                                                       * */
gboolean sc_log_set_level (const char *level);   /* FALSE for a name that is no level */
const char *sc_log_get_target (void);            /* "journal" or "console" */
gboolean sc_log_set_target (const char *target); /* also "auto" */
