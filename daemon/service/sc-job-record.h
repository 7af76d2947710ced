/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What is known of a job, as data: for the bus, and for jobs/N.json, which outlives the process.
 */
#pragma once

#include "base/sc-error-util.h"

typedef enum
{
  SC_JOB_QUEUED,
  SC_JOB_RUNNING,
  SC_JOB_CANCELLING,
  SC_JOB_DONE,
  SC_JOB_FAILED,
  SC_JOB_CANCELLED,
} ScJobState;

typedef struct
{
  guint64 id;
  char *type;     /* (owned) kebab-case */
  char **targets; /* (owned) */
  ScJobState state;
  gint64 start_usec; /* 0 before it runs */
  gint64 end_usec;   /* 0 before it ended */
  guint owner_uid;
  char *owner_unit;    /* (owned) */
  char **objects;      /* (owned) paths */
  GVariant *result;    /* (owned) a{sv} */
  char *error_name;    /* (owned) "" without an error */
  char *error_message; /* (owned) */
} ScJobRecord;

ScJobRecord *sc_job_record_new (guint64 id, const char *type, const char *const *targets);
void sc_job_record_free (ScJobRecord *self);

/** sc_job_state_name: (transfer none): as on the bus */
const char *sc_job_state_name (ScJobState state);
/** sc_job_state_has_ended: whether it is the last one */
gboolean sc_job_state_has_ended (ScJobState state);

/** sc_job_record_set_error: @error: in SYSCONT_ERROR */
void sc_job_record_set_error (ScJobRecord *self, const GError *error);

/** sc_job_record_is_about_containers: whether its targets are containers, not images */
gboolean sc_job_record_is_about_containers (const ScJobRecord *self);

/** sc_job_record_changes_containers: whether they may be others afterwards, so that it shows at them */
gboolean sc_job_record_changes_containers (const ScJobRecord *self);

/** sc_job_record_to_json: (transfer full) */
char *sc_job_record_to_json (const ScJobRecord *self);

/**
 * sc_job_record_from_json:
 *
 * (transfer full) (nullable): NOT_SUPPORTED for a version that is newer than ours
 */
ScJobRecord *sc_job_record_from_json (const char *data, gsize size_bytes, GError **error);

G_DEFINE_AUTOPTR_CLEANUP_FUNC (ScJobRecord, sc_job_record_free)
