/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-update-state.h"

#include "deploy/sc-stored.h"

#include <string.h>

#define DEFAULT_WINDOW_USEC (G_GINT64_CONSTANT (3600) * G_USEC_PER_SEC)
#define MAX_QUARANTINE      64 /* the oldest goes first */

static const char *const mode_names[] = { "none", "check", "stage", "apply" };

static void
quarantine_free (gpointer data)
{
  ScQuarantine *self = data;

  g_free (self->digest);
  g_free (self->reason);
  g_free (self);
}

void
sc_update_state_init (ScUpdateState *self)
{
  memset (self, 0, sizeof *self);
  self->policy.window_usec = DEFAULT_WINDOW_USEC;
  self->quarantine = g_ptr_array_new_with_free_func (quarantine_free);
}

void
sc_update_state_clear (ScUpdateState *self)
{
  g_free (self->policy.window);
  g_free (self->hold_reason);
  g_ptr_array_unref (self->quarantine);
  g_free (self->available);
  g_free (self->outcome);
  g_free (self->outcome_reason);
}

const char *
sc_policy_mode_name (ScPolicyMode mode)
{
  return mode_names[mode];
}

gboolean
sc_policy_mode_parse (const char *name, ScPolicyMode *mode)
{
  for (guint i = 0; name != NULL && i < G_N_ELEMENTS (mode_names); i++)
    if (strcmp (mode_names[i], name) == 0)
      {
        *mode = (ScPolicyMode)i;
        return TRUE;
      }
  return FALSE;
}

const ScQuarantine *
sc_update_state_find_quarantine (const ScUpdateState *self, const char *digest)
{
  for (guint i = 0; i < self->quarantine->len; i++)
    {
      const ScQuarantine *entry = self->quarantine->pdata[i];
      if (strcmp (entry->digest, digest) == 0)
        return entry;
    }
  return NULL;
}

gboolean
sc_update_state_release (ScUpdateState *self, const char *digest)
{
  guint before = self->quarantine->len;

  for (guint i = before; i > 0; i--)
    {
      const ScQuarantine *entry = self->quarantine->pdata[i - 1];
      if (digest == NULL || strcmp (entry->digest, digest) == 0)
        g_ptr_array_remove_index (self->quarantine, i - 1);
    }
  return self->quarantine->len < before;
}

void
sc_update_state_quarantine (ScUpdateState *self,
                            const char *digest,
                            const char *reason,
                            gint64 now_usec)
{
  ScQuarantine *entry = g_new0 (ScQuarantine, 1);

  sc_update_state_release (self, digest);
  if (self->quarantine->len >= MAX_QUARANTINE)
    g_ptr_array_remove_index (self->quarantine, 0);
  entry->digest = g_strdup (digest);
  entry->reason = g_strdup (reason);
  entry->time_usec = now_usec;
  g_ptr_array_add (self->quarantine, entry);
}

void
sc_update_state_set_outcome (ScUpdateState *self, const char *outcome, const char *reason)
{
  g_free (self->outcome);
  g_free (self->outcome_reason);
  self->outcome = g_strdup (outcome);
  self->outcome_reason = g_strdup (reason);
}

gboolean
sc_update_state_is_blocked (const ScUpdateState *self)
{
  return g_strcmp0 (self->outcome, "blocked") == 0;
}

gboolean
sc_update_state_is_held (const ScUpdateState *self, gint64 now_usec)
{
  return now_usec < self->held_until_usec;
}

static gboolean
read_policy (ScUpdatePolicy *self, JsonObject *object, GError **error)
{
  JsonObject *policy = NULL;
  const char *mode = NULL;

  if (!sc_json_get_object (object, "policy", &policy, error))
    return FALSE;
  if (policy == NULL)
    return TRUE;
  if (!sc_json_get_string (policy, "mode", &mode, error)
      || !sc_stored_read_time (policy, "min-age-usec", &self->min_age_usec, error)
      || !sc_stored_read_string (policy, "window", &self->window, error)
      || !sc_stored_read_time (policy, "window-usec", &self->window_usec, error))
    return sc_prefix_error (error, "policy: ");
  if (!sc_policy_mode_parse (mode, &self->mode))
    return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "policy: the mode is missing or wrong");
  return TRUE;
}

static gboolean
read_quarantine (ScUpdateState *self, JsonObject *object, GError **error)
{
  JsonArray *list = NULL;

  if (!sc_json_get_array (object, "quarantine", &list, error))
    return FALSE;
  for (guint i = 0; list != NULL && i < json_array_get_length (list); i++)
    {
      JsonNode *node = json_array_get_element (list, i);
      const char *digest = NULL;
      const char *reason = NULL;
      gint64 time_usec = 0;

      if (!JSON_NODE_HOLDS_OBJECT (node))
        return sc_error_set (error, SYSCONT_ERROR_DAMAGED, "quarantine[%u]: no object", i);
      JsonObject *entry = json_node_get_object (node);
      if (!sc_json_get_string (entry, "digest", &digest, error)
          || !sc_json_get_string (entry, "reason", &reason, error)
          || !sc_stored_read_time (entry, "time-usec", &time_usec, error))
        return sc_prefix_error (error, "quarantine[%u]: ", i);
      if (digest != NULL)
        sc_update_state_quarantine (self, digest, reason != NULL ? reason : "", time_usec);
    }
  return TRUE;
}

gboolean
sc_update_state_read (ScUpdateState *self, JsonObject *object, GError **error)
{
  return read_policy (&self->policy, object, error) && read_quarantine (self, object, error)
         && sc_stored_read_time (object, "held-until-usec", &self->held_until_usec, error)
         && sc_stored_read_string (object, "hold-reason", &self->hold_reason, error)
         && sc_stored_read_string (object, "available", &self->available, error)
         && sc_stored_read_time (object, "available-usec", &self->available_usec, error)
         && sc_stored_read_time (object, "checked-usec", &self->checked_usec, error)
         && sc_stored_read_string (object, "outcome", &self->outcome, error)
         && sc_stored_read_string (object, "outcome-reason", &self->outcome_reason, error);
}

static JsonObject *
write_policy (const ScUpdatePolicy *self)
{
  JsonObject *object = json_object_new ();

  json_object_set_string_member (object, "mode", mode_names[self->mode]);
  json_object_set_int_member (object, "min-age-usec", self->min_age_usec);
  json_object_set_string_member (object, "window", self->window);
  json_object_set_int_member (object, "window-usec", self->window_usec);
  return object;
}

static JsonArray *
write_quarantine (const ScUpdateState *self)
{
  JsonArray *list = json_array_new ();

  for (guint i = 0; i < self->quarantine->len; i++)
    {
      const ScQuarantine *entry = self->quarantine->pdata[i];
      JsonObject *object = json_object_new ();
      json_object_set_string_member (object, "digest", entry->digest);
      json_object_set_string_member (object, "reason", entry->reason);
      json_object_set_int_member (object, "time-usec", entry->time_usec);
      json_array_add_object_element (list, object);
    }
  return list;
}

void
sc_update_state_write (const ScUpdateState *self, JsonObject *object)
{
  json_object_set_object_member (object, "policy", write_policy (&self->policy));
  json_object_set_array_member (object, "quarantine", write_quarantine (self));
  json_object_set_int_member (object, "held-until-usec", self->held_until_usec);
  json_object_set_string_member (object, "hold-reason", self->hold_reason);
  json_object_set_string_member (object, "available", self->available);
  json_object_set_int_member (object, "available-usec", self->available_usec);
  json_object_set_int_member (object, "checked-usec", self->checked_usec);
  json_object_set_string_member (object, "outcome", self->outcome);
  json_object_set_string_member (object, "outcome-reason", self->outcome_reason);
}
