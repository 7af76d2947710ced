/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-planned.h"

#include "deploy/sc-privilege.h"

#include <string.h>

static gboolean
is_of (const ScJobRecord *record, const ScSubject *subject)
{
  const char *id = NULL;
  const char *name = NULL;

  return record->state == SC_JOB_DONE && strcmp (record->type, "plan") == 0
         && g_variant_lookup (record->result, "plan-id", "&s", &id)
         && strcmp (id, subject->plan_id) == 0
         && g_variant_lookup (record->result, "name", "&s", &name)
         && g_strv_contains ((const char *const *)subject->containers, name);
}

/* (transfer none) (nullable): the result of the job that made the plan */
static GVariant *
find (const ScSubject *subject, ScJobRegistry *registry)
{
  GPtrArray *jobs = sc_job_registry_list (registry);

  for (guint i = jobs->len; i > 0; i--)
    {
      const ScJobRecord *record = sc_job_get_record (jobs->pdata[i - 1]);
      if (is_of (record, subject))
        return record->result;
    }
  return NULL;
}

static gboolean
is_privileged (GVariant *plan)
{
  g_autoptr (GVariant) privileges
      = g_variant_lookup_value (plan, "privileges", G_VARIANT_TYPE ("aa{sv}"));

  for (gsize i = 0; privileges != NULL && i < g_variant_n_children (privileges); i++)
    {
      g_autoptr (GVariant) row = g_variant_get_child_value (privileges, i);
      const char *risk = NULL;
      if (g_variant_lookup (row, "risk", "&s", &risk)
          && strcmp (risk, sc_risk_name (SC_RISK_HIGH)) == 0)
        return TRUE;
    }
  return FALSE;
}

void
sc_planned_describe (ScSubject *subject, ScJobRegistry *registry)
{
  GVariant *plan
      = subject->plan_id != NULL && subject->containers != NULL ? find (subject, registry) : NULL;
  const char *digest = NULL;

  if (plan == NULL)
    return;
  subject->privileged = is_privileged (plan) ? "yes" : "no";
  (void)g_variant_lookup (plan, "from-digest", "s", &subject->from_digest);
  if (subject->digest == NULL && g_variant_lookup (plan, "digest", "&s", &digest)
      && *digest != '\0')
    subject->digest = g_strdup (digest);
}
