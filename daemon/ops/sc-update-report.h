/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What became of one container in an operation that switches it, and how that becomes a job's
 * result, an entry of the history and a line in the journal.
 */
#pragma once

#include "deploy/sc-container.h"
#include "deploy/sc-privilege.h"
#include "ops/sc-op.h"

typedef struct
{
  char *from_digest; /* (owned) (nullable) */
  char *digest;      /* (owned) (nullable) */
  char *reference;   /* (owned) (nullable) */
  gint64 from;       /* deployments; SC_NO_DEPLOYMENT for none */
  gint64 to;
  gboolean changed;
  gboolean available;       /* there is an image that is not in use */
  gboolean newly_available; /* which nobody had seen before */
  const char *due;          /* (nullable) what the policy has done with it now: a mode's name */
  char *skipped;            /* (owned) (nullable) why nothing was tried */
  char **notes;             /* (owned) (nullable) */
  GPtrArray *gains;         /* (owned) (nullable) of ScPrivilege: that it did not have before */
  char *blocked; /* (owned) (nullable) why an automatic update waits for somebody from now on */
} ScUpdateReport;

void sc_update_report_init (ScUpdateReport *self);
void sc_update_report_clear (ScUpdateReport *self);

/**
 * sc_update_load:
 *
 * Settles what an interrupted operation left of a container and reads its state as it is then.
 *
 * Returns: (transfer full) (nullable): NOT_FOUND; DAMAGED
 */
ScContainer *sc_update_load (const ScOpContext *context,
                             const char *name,
                             ScUpdateReport *report,
                             GError **error);

/**
 * sc_update_report_record:
 * @event: what is said to have been done when there is no error, e.g. "updated"
 * @failure: (nullable): how it ended
 *
 * Writes history and journal, for what changed something or failed.
 */
void sc_update_report_record (const ScUpdateReport *self,
                              const ScOpContext *context,
                              const char *name,
                              const char *event,
                              const GError *failure);

/** sc_update_report_to_dict: (transfer floating): an a{sv} */
GVariant *
sc_update_report_to_dict (const ScUpdateReport *self, const char *name, const GError *failure);

/** sc_set_text: replaces an owned string */
static inline void
sc_set_text (char **member, const char *text)
{
  char *copy = g_strdup (text);

  g_free (*member);
  *member = copy;
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (ScUpdateReport, sc_update_report_clear)
