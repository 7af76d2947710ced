/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-job-record.h"

#include "base/sc-json.h"

#include <string.h>

#define VERSION 1

/* A result may be long: the refs that were pruned, say. */
static const ScJsonLimits limits = {
  .max_bytes = 8 * 1024 * 1024,
  .max_depth = 4,
  .max_values = 20000,
  .max_string_bytes = 4 * 1024 * 1024,
};

static const char *const state_names[] = {
  [SC_JOB_QUEUED] = "queued", [SC_JOB_RUNNING] = "running", [SC_JOB_CANCELLING] = "cancelling",
  [SC_JOB_DONE] = "done",     [SC_JOB_FAILED] = "failed",   [SC_JOB_CANCELLED] = "cancelled",
};

static const char *const container_types[]
    = { "install",    "uninstall",    "start",  "stop",       "restart", "update",
        "set-values", "rollback",     "resume", "set-policy", "hold",    "pin",
        "unpin",      "unquarantine", "exec",   "plan",       "diff",    NULL };

ScJobRecord *
sc_job_record_new (guint64 id, const char *type, const char *const *targets)
{
  ScJobRecord *self = g_new0 (ScJobRecord, 1);

  self->id = id;
  self->type = g_strdup (type);
  self->targets = g_strdupv ((char **)targets);
  self->owner_unit = g_strdup ("");
  self->objects = g_new0 (char *, 1);
  self->result = g_variant_ref_sink (g_variant_new_array (G_VARIANT_TYPE ("{sv}"), NULL, 0));
  self->error_name = g_strdup ("");
  self->error_message = g_strdup ("");
  return self;
}

void
sc_job_record_free (ScJobRecord *self)
{
  g_free (self->type);
  g_strfreev (self->targets);
  g_free (self->owner_unit);
  g_strfreev (self->objects);
  g_variant_unref (self->result);
  g_free (self->error_name);
  g_free (self->error_message);
  g_free (self);
}

const char *
sc_job_state_name (ScJobState state)
{
  return state_names[state];
}

gboolean
sc_job_state_has_ended (ScJobState state)
{
  return state >= SC_JOB_DONE;
}

void
sc_job_record_set_error (ScJobRecord *self, const GError *error)
{
  g_free (self->error_name);
  g_free (self->error_message);
  self->error_name = g_strdup (syscont_error_name (error->code));
  self->error_message = g_utf8_make_valid (error->message, -1);
}

gboolean
sc_job_record_is_about_containers (const ScJobRecord *self)
{
  return g_strv_contains (container_types, self->type);
}

gboolean
sc_job_record_changes_containers (const ScJobRecord *self)
{
  static const char *const others[] = { "exec", "plan", "diff", NULL };

  return sc_job_record_is_about_containers (self) && !g_strv_contains (others, self->type);
}

static void
add_strings (JsonBuilder *builder, const char *member, char *const *strings)
{
  json_builder_set_member_name (builder, member);
  json_builder_begin_array (builder);
  for (gsize i = 0; strings[i] != NULL; i++)
    json_builder_add_string_value (builder, strings[i]);
  json_builder_end_array (builder);
}

static void
add_string (JsonBuilder *builder, const char *member, const char *text)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_string_value (builder, text);
}

static void
add_int (JsonBuilder *builder, const char *member, gint64 value)
{
  json_builder_set_member_name (builder, member);
  json_builder_add_int_value (builder, value);
}

char *
sc_job_record_to_json (const ScJobRecord *self)
{
  g_autoptr (JsonBuilder) builder = json_builder_new ();
  g_autofree char *result = g_variant_print (self->result, TRUE);

  json_builder_begin_object (builder);
  add_int (builder, "version", VERSION);
  add_int (builder, "id", (gint64)self->id);
  add_string (builder, "type", self->type);
  add_strings (builder, "targets", self->targets);
  add_string (builder, "state", sc_job_state_name (self->state));
  add_int (builder, "start-time", self->start_usec);
  add_int (builder, "end-time", self->end_usec);
  add_int (builder, "owner-uid", self->owner_uid);
  add_string (builder, "owner-unit", self->owner_unit);
  add_strings (builder, "objects", self->objects);
  add_string (builder, "result", result);
  add_string (builder, "error-name", self->error_name);
  add_string (builder, "error-message", self->error_message);
  json_builder_end_object (builder);

  g_autoptr (JsonNode) root = json_builder_get_root (builder);
  return sc_json_to_text (root, TRUE);
}

static gboolean
parse_state (const char *name, ScJobState *state, GError **error)
{
  for (gsize i = 0; name != NULL && i < G_N_ELEMENTS (state_names); i++)
    if (strcmp (state_names[i], name) == 0)
      {
        *state = (ScJobState)i;
        return TRUE;
      }
  return sc_error_set (error, SYSCONT_ERROR_FAILED, "the state of the job is not known");
}

static gboolean
read_string (JsonObject *object, const char *member, char **text, GError **error)
{
  const char *found;

  if (!sc_json_get_string (object, member, &found, error))
    return FALSE;
  if (found == NULL)
    return TRUE;
  g_free (*text);
  *text = g_strdup (found);
  return TRUE;
}

static gboolean
read_strings (JsonObject *object, const char *member, char ***strings, GError **error)
{
  g_auto (GStrv) found = NULL;

  if (!sc_json_get_strv (object, member, &found, error))
    return FALSE;
  if (found == NULL)
    return TRUE;
  g_strfreev (*strings);
  *strings = g_steal_pointer (&found);
  return TRUE;
}

static gboolean
read_paths (JsonObject *object, char ***paths, GError **error)
{
  if (!read_strings (object, "objects", paths, error))
    return FALSE;
  for (gsize i = 0; (*paths)[i] != NULL; i++)
    if (!g_variant_is_object_path ((*paths)[i]))
      return sc_error_set (error, SYSCONT_ERROR_FAILED, "an object of the job is no path");
  return TRUE;
}

static gboolean
read_result (JsonObject *object, GVariant **result, GError **error)
{
  const char *text;

  if (!sc_json_get_string (object, "result", &text, error))
    return FALSE;
  if (text == NULL)
    return TRUE;

  GVariant *parsed = g_variant_parse (G_VARIANT_TYPE_VARDICT, text, NULL, NULL, error);
  if (parsed == NULL)
    return FALSE;
  g_variant_unref (*result);
  *result = parsed;
  return TRUE;
}

static gboolean
read_numbers (JsonObject *object, ScJobRecord *record, GError **error)
{
  guint64 start = 0;
  guint64 end = 0;
  guint64 uid = 0;

  if (!sc_json_get_uint (object, "id", 0, &record->id, error)
      || !sc_json_get_uint (object, "start-time", 0, &start, error)
      || !sc_json_get_uint (object, "end-time", 0, &end, error)
      || !sc_json_get_uint (object, "owner-uid", G_MAXUINT32, &uid, error))
    return FALSE;
  if (record->id == 0 || uid > G_MAXUINT32)
    return sc_error_set (error, SYSCONT_ERROR_FAILED, "a number is out of range");
  record->start_usec = (gint64)start;
  record->end_usec = (gint64)end;
  record->owner_uid = (guint)uid;
  return TRUE;
}

ScJobRecord *
sc_job_record_from_json (const char *data, gsize size_bytes, GError **error)
{
  const char *const none[] = { NULL };
  g_autoptr (ScJobRecord) self = sc_job_record_new (0, "", none);
  guint64 version = 0;
  const char *state;

  g_autoptr (JsonObject) object = sc_json_parse_object (data, size_bytes, &limits, error);
  if (object == NULL || !sc_json_get_uint (object, "version", 0, &version, error))
    return NULL;
  if (version != VERSION)
    {
      sc_error_set (error, SYSCONT_ERROR_NOT_SUPPORTED,
                    "version %" G_GUINT64_FORMAT " is not known, only %d", version, VERSION);
      return NULL;
    }
  if (!read_numbers (object, self, error) || !read_string (object, "type", &self->type, error)
      || !read_strings (object, "targets", &self->targets, error)
      || !sc_json_get_string (object, "state", &state, error)
      || !parse_state (state, &self->state, error)
      || !read_string (object, "owner-unit", &self->owner_unit, error)
      || !read_paths (object, &self->objects, error) || !read_result (object, &self->result, error)
      || !read_string (object, "error-name", &self->error_name, error)
      || !read_string (object, "error-message", &self->error_message, error))
    return NULL;
  return g_steal_pointer (&self);
}
