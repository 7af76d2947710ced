/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-deployment-record.h"

#include "base/sc-digest.h"
#include "deploy/sc-stored.h"

ScDeploymentRecord *
sc_deployment_record_new (guint64 id)
{
  ScDeploymentRecord *self = g_new0 (ScDeploymentRecord, 1);

  self->id = id;
  self->values = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, g_free);
  return self;
}

void
sc_deployment_record_free (ScDeploymentRecord *self)
{
  if (self == NULL)
    return;
  g_free (self->digest);
  g_free (self->reference);
  g_free (self->source);
  g_hash_table_unref (self->values);
  g_clear_pointer (&self->health, sc_health_free);
  g_clear_pointer (&self->set_health, sc_health_free);
  g_free (self);
}

ScDeploymentRecord *
sc_deployment_record_read (JsonObject *object, GError **error)
{
  g_autoptr (ScDeploymentRecord) self = sc_deployment_record_new (0);
  g_autoptr (GError) local_error = NULL;
  guint64 installed_by = 0;

  self->health = sc_health_read (object, "health", &local_error);
  if (local_error == NULL)
    self->set_health = sc_health_read (object, "set-health", &local_error);
  if (local_error != NULL)
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return NULL;
    }
  if (!sc_json_get_uint (object, "id", 0, &self->id, error)
      || !sc_stored_read_string (object, "digest", &self->digest, error)
      || !sc_stored_read_string (object, "reference", &self->reference, error)
      || !sc_stored_read_string (object, "source", &self->source, error)
      || !sc_stored_read_values (object, "values", self->values, error)
      || !sc_stored_read_time (object, "created-usec", &self->created_usec, error)
      || !sc_json_get_uint (object, "installed-by", 0, &installed_by, error)
      || !sc_json_get_bool (object, "pinned", FALSE, &self->pinned, error))
    return NULL;
  if (!json_object_has_member (object, "id") || installed_by > G_MAXUINT32 || self->digest == NULL
      || !sc_digest_is_valid (self->digest))
    {
      sc_error_set (error, SYSCONT_ERROR_DAMAGED, "id or digest is missing or wrong");
      return NULL;
    }
  self->installed_by = (guint)installed_by;
  return g_steal_pointer (&self);
}

void
sc_deployment_record_write (const ScDeploymentRecord *self, JsonObject *object)
{
  json_object_set_int_member (object, "id", (gint64)self->id);
  json_object_set_string_member (object, "digest", self->digest);
  json_object_set_string_member (object, "reference", self->reference);
  if (self->source != NULL)
    json_object_set_string_member (object, "source", self->source);
  json_object_set_object_member (object, "values", sc_stored_write_values (self->values));
  sc_health_write (self->health, object, "health");
  sc_health_write (self->set_health, object, "set-health");
  json_object_set_int_member (object, "created-usec", self->created_usec);
  json_object_set_int_member (object, "installed-by", self->installed_by);
  json_object_set_boolean_member (object, "pinned", self->pinned);
}
