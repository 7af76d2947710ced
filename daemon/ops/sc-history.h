/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What was done to containers, by whom and with which result: history.jsonl below the state
 * directory, one JSON object a line, appended and synced; when it has grown large it becomes
 * history.jsonl.1. It survives what the journal forgets.
 */
#pragma once

#include "base/sc-error-util.h"
#include "base/sc-paths.h"

/** ScHistoryEvent: texts are lent when one is added; NULL where there is nothing to say */
typedef struct
{
  gint64 time_usec;  /* since the epoch; 0 when it is added: now */
  guint64 job;       /* 0 = none */
  const char *event; /* "installed", "updated", "rolled-back" … */
  const char *container;
  const char *from_digest;
  const char *to_digest;
  gint64 from; /* deployments; -1 for none */
  gint64 to;
  guint uid;
  const char *unit;   /* of the caller */
  const char *result; /* "done" or the name of an error */
  const char *reason;
} ScHistoryEvent;

/** sc_history_add: durable when it returns; thread: any */
gboolean sc_history_add (const ScPaths *paths, const ScHistoryEvent *event, GError **error);

/** ScHistoryFilter: 0 and NULL for all */
typedef struct
{
  gint64 since_usec;
  const char *container;
  guint limit; /* the newest ones */
} ScHistoryFilter;

/**
 * sc_history_read:
 *
 * Returns: (transfer full): of type aa{sv}, in the order of time; a line that cannot be read is left
 *   out
 */
GVariant *sc_history_read (const ScPaths *paths, const ScHistoryFilter *filter, GError **error);
