/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-health.h"

#include "deploy/sc-stored.h"

#include <string.h>

#define NOT_SAID             (-1)
#define DEFAULT_INTERVAL_S   30
#define DEFAULT_TIMEOUT_S    30
#define DEFAULT_RETRIES      3
#define MAX_TIME_USEC        (G_GINT64_CONSTANT (24) * 3600 * G_USEC_PER_SEC)
#define MAX_RETRIES          1000
#define MAX_WORDS            256
#define MAX_UNIT_NAME_LENGTH 255

ScHealth *
sc_health_new (void)
{
  ScHealth *self = g_new0 (ScHealth, 1);

  self->interval_usec = NOT_SAID;
  self->timeout_usec = NOT_SAID;
  self->start_period_usec = NOT_SAID;
  self->retries = NOT_SAID;
  return self;
}

void
sc_health_free (ScHealth *self)
{
  g_strfreev (self->command);
  g_free (self->unit);
  g_free (self);
}

ScHealth *
sc_health_copy (const ScHealth *self)
{
  if (self == NULL)
    return NULL;
  ScHealth *copy = g_memdup2 (self, sizeof *self);
  copy->command = g_strdupv (self->command);
  copy->unit = g_strdup (self->unit);
  return copy;
}

static gboolean
check_time (const char *what, gint64 usec, gint64 min_usec, GError **error)
{
  return usec == NOT_SAID || (usec >= min_usec && usec <= MAX_TIME_USEC)
         || sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                          "the %s of a health check is between %d s and a day", what,
                          (int)(min_usec / G_USEC_PER_SEC));
}

/* As systemd.unit(5) has it, so that nothing else can be meant. */
static gboolean
unit_is_valid (const char *unit)
{
  static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                ":-_.\\@";

  return g_str_has_suffix (unit, ".service") && strlen (unit) <= MAX_UNIT_NAME_LENGTH
         && unit[0] != '.' && unit[0] != '-' && unit[strspn (unit, letters)] == '\0';
}

gboolean
sc_health_check (const ScHealth *self, GError **error)
{
  guint n_words = self->command != NULL ? g_strv_length (self->command) : 1;

  if (self->command != NULL && self->unit != NULL)
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "a health check has a command or a unit, not both");
  if (self->is_off && (self->command != NULL || self->unit != NULL))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "a health check that is switched off has neither a command nor a unit");
  if (n_words == 0 || n_words > MAX_WORDS || (self->command != NULL && self->command[0][0] == '\0'))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "the command of a health check has between one and %d words", MAX_WORDS);
  if (self->unit != NULL && !unit_is_valid (self->unit))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "the unit of a health check must be the name of a service");
  if (self->retries != NOT_SAID && (self->retries < 1 || self->retries > MAX_RETRIES))
    return sc_error_set (error, SYSCONT_ERROR_INVALID_ARGUMENT,
                         "the retries of a health check are between 1 and %d", MAX_RETRIES);
  return check_time ("interval", self->interval_usec, G_USEC_PER_SEC, error)
         && check_time ("timeout", self->timeout_usec, G_USEC_PER_SEC, error)
         && check_time ("start period", self->start_period_usec, 0, error);
}

static gboolean
parse_time (const char *text, gint64 *usec)
{
  static const struct
  {
    const char *name;
    gint64 msec;
  } units[] = {
    { "", 1000 },   { "ms", 1 },      { "s", 1000 },    { "sec", 1000 },
    { "m", 60000 }, { "min", 60000 }, { "h", 3600000 },
  };
  char *end = NULL;
  guint64 number = g_ascii_strtoull (text, &end, 10);

  if (!g_ascii_isdigit (*text) || number > G_MAXUINT32)
    return FALSE;
  for (gsize i = 0; i < G_N_ELEMENTS (units); i++)
    if (strcmp (end, units[i].name) == 0)
      {
        *usec = (gint64)number * units[i].msec * 1000;
        return TRUE;
      }
  return FALSE;
}

static gboolean
read_time (JsonObject *object, const char *member, gint64 *usec, GError **error)
{
  JsonNode *node = json_object_get_member (object, member);
  const char *text = NULL;
  guint64 seconds = 0;

  if (node == NULL || JSON_NODE_HOLDS_NULL (node))
    return TRUE;
  if (JSON_NODE_HOLDS_VALUE (node) && json_node_get_value_type (node) == G_TYPE_INT64)
    {
      if (!sc_json_get_uint (object, member, 0, &seconds, error))
        return FALSE;
      *usec = (gint64)MIN (seconds, G_MAXUINT32) * G_USEC_PER_SEC;
      return TRUE;
    }
  if (!sc_json_get_string (object, member, &text, error))
    return FALSE;
  return parse_time (text, usec)
         || sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID,
                          "\"%s\" is neither a number of seconds nor a text like \"30s\"", member);
}

static gboolean
read_retries (JsonObject *object, gint *retries, GError **error)
{
  guint64 number = 0;

  if (!sc_json_get_uint (object, "retries", 0, &number, error))
    return FALSE;
  if (json_object_has_member (object, "retries"))
    *retries = (gint)MIN (number, G_MAXINT);
  return TRUE;
}

/* A text is for a shell, as in an image's config. */
static char **
wrap_in_shell (const char *text)
{
  const char *const words[] = { "/bin/sh", "-c", text, NULL };

  return g_strdupv ((char **)words);
}

static gboolean
read_command (JsonObject *object, char ***command, GError **error)
{
  JsonNode *node = json_object_get_member (object, "command");
  const char *text = NULL;

  if (node == NULL || JSON_NODE_HOLDS_ARRAY (node))
    return sc_json_get_strv (object, "command", command, error);
  if (!sc_json_get_string (object, "command", &text, error))
    return FALSE;
  *command = text != NULL ? wrap_in_shell (text) : NULL;
  return TRUE;
}

ScHealth *
sc_health_parse (JsonObject *object, GError **error)
{
  g_autoptr (ScHealth) self = sc_health_new ();
  g_autoptr (GError) local_error = NULL;

  if (!read_command (object, &self->command, error)
      || !sc_stored_read_string (object, "unit", &self->unit, error)
      || !read_time (object, "interval", &self->interval_usec, error)
      || !read_time (object, "timeout", &self->timeout_usec, error)
      || !read_time (object, "start-period", &self->start_period_usec, error)
      || !read_retries (object, &self->retries, error))
    {
      sc_prefix_error (error, "health: ");
      return NULL;
    }
  if (!sc_health_check (self, &local_error))
    {
      sc_error_set (error, SYSCONT_ERROR_TEMPLATE_INVALID, "health: %s", local_error->message);
      return NULL;
    }
  return g_steal_pointer (&self);
}

/* What other engines accept and we do not, e.g. a tenth of a second, becomes the nearest that we
 * do: an image is not refused for it. */
static gint64
clamp_time (gint64 usec, gint64 min_usec)
{
  return usec > 0 ? CLAMP (usec, min_usec, MAX_TIME_USEC) : NOT_SAID;
}

ScHealth *
sc_health_from_image (const ScImageConfig *config)
{
  const ScImageHealth *image = &config->health;

  if (image->command == NULL && !image->is_off)
    return NULL;
  ScHealth *self = sc_health_new ();
  self->command = g_strdupv (image->command);
  self->is_off = image->is_off;
  self->interval_usec = clamp_time (image->interval_usec, G_USEC_PER_SEC);
  self->timeout_usec = clamp_time (image->timeout_usec, G_USEC_PER_SEC);
  self->start_period_usec = clamp_time (image->start_period_usec, 0);
  self->retries = image->retries > 0 ? (gint)MIN (image->retries, MAX_RETRIES) : NOT_SAID;
  return self;
}

static void
overlay (ScHealth *self, const ScHealth *over)
{
  if (over->command != NULL || over->unit != NULL || over->is_off)
    {
      g_strfreev (self->command);
      g_free (self->unit);
      self->command = g_strdupv (over->command);
      self->unit = g_strdup (over->unit);
      self->is_off = over->is_off;
    }
  if (over->interval_usec != NOT_SAID)
    self->interval_usec = over->interval_usec;
  if (over->timeout_usec != NOT_SAID)
    self->timeout_usec = over->timeout_usec;
  if (over->start_period_usec != NOT_SAID)
    self->start_period_usec = over->start_period_usec;
  if (over->retries != NOT_SAID)
    self->retries = over->retries;
}

ScHealth *
sc_health_resolve (const ScHealth *image, const ScHealth *caller)
{
  g_autoptr (ScHealth) self = sc_health_new ();

  self->interval_usec = (gint64)DEFAULT_INTERVAL_S * G_USEC_PER_SEC;
  self->timeout_usec = (gint64)DEFAULT_TIMEOUT_S * G_USEC_PER_SEC;
  self->start_period_usec = 0;
  self->retries = DEFAULT_RETRIES;
  if (image != NULL)
    overlay (self, image);
  if (caller != NULL)
    overlay (self, caller);
  return self->is_off || (self->command == NULL && self->unit == NULL) ? NULL
                                                                       : g_steal_pointer (&self);
}

ScHealth *
sc_health_merge (const ScHealth *before, const ScHealth *over)
{
  ScHealth *self = before != NULL ? sc_health_copy (before) : sc_health_copy (over);

  if (before != NULL && over != NULL)
    overlay (self, over);
  return self;
}

ScHealth *
sc_health_read (JsonObject *object, const char *member, GError **error)
{
  JsonObject *stored = NULL;
  g_autoptr (ScHealth) self = sc_health_new ();
  gint64 retries = NOT_SAID;

  if (!sc_json_get_object (object, member, &stored, error) || stored == NULL)
    return NULL;
  if (!sc_json_get_strv (stored, "command", &self->command, error)
      || !sc_stored_read_string (stored, "unit", &self->unit, error)
      || !sc_json_get_bool (stored, "off", FALSE, &self->is_off, error)
      || !sc_stored_read_number (stored, "interval-usec", &self->interval_usec, error)
      || !sc_stored_read_number (stored, "timeout-usec", &self->timeout_usec, error)
      || !sc_stored_read_number (stored, "start-period-usec", &self->start_period_usec, error)
      || !sc_stored_read_number (stored, "retries", &retries, error))
    {
      sc_prefix_error (error, "%s: ", member);
      return NULL;
    }
  self->retries = (gint)MIN (retries, G_MAXINT);
  return sc_health_check (self, error) ? g_steal_pointer (&self) : NULL;
}

void
sc_health_write (const ScHealth *self, JsonObject *object, const char *member)
{
  if (json_object_has_member (object, member))
    json_object_remove_member (object, member);
  if (self == NULL)
    return;

  JsonObject *stored = json_object_new ();
  if (self->command != NULL)
    json_object_set_array_member (stored, "command",
                                  sc_stored_write_strv ((const char *const *)self->command));
  if (self->unit != NULL)
    json_object_set_string_member (stored, "unit", self->unit);
  if (self->is_off)
    json_object_set_boolean_member (stored, "off", TRUE);
  sc_stored_write_number (stored, "interval-usec", self->interval_usec);
  sc_stored_write_number (stored, "timeout-usec", self->timeout_usec);
  sc_stored_write_number (stored, "start-period-usec", self->start_period_usec);
  sc_stored_write_number (stored, "retries", self->retries);
  json_object_set_object_member (object, member, stored);
}

gboolean
sc_health_is_same (const ScHealth *a, const ScHealth *b)
{
  g_autoptr (JsonObject) x = json_object_new ();
  g_autoptr (JsonObject) y = json_object_new ();

  sc_health_write (a, x, "health");
  sc_health_write (b, y, "health");
  g_autoptr (JsonNode) left = json_node_init_object (json_node_alloc (), x);
  g_autoptr (JsonNode) right = json_node_init_object (json_node_alloc (), y);
  return json_node_equal (left, right);
}

char *
sc_health_to_text (const ScHealth *self)
{
  g_autoptr (JsonObject) object = json_object_new ();

  if (self == NULL)
    return NULL;
  sc_health_write (self, object, "health");
  return sc_json_to_text (json_object_get_member (object, "health"), TRUE);
}

char *
sc_health_timer_text (const ScHealth *self, const char *name)
{
  guint64 interval_ms = (guint64)self->interval_usec / 1000;

  /* Wanted by the service, so that it comes with it, and goes when nobody wants it any more: a
   * restart of the service begins anew. */
  return g_strdup_printf ("# Made by syscont for the container %s; removed with it.\n"
                          "[Unit]\n"
                          "Description=Health Checks of the System Container %s\n"
                          "Documentation=man:syscontd(8)\n"
                          "DefaultDependencies=no\n"
                          "Conflicts=shutdown.target\n"
                          "StopWhenUnneeded=yes\n"
                          "After=%s.service\n"
                          "\n"
                          "[Timer]\n"
                          "OnActiveSec=%" G_GUINT64_FORMAT "ms\n"
                          "OnUnitInactiveSec=%" G_GUINT64_FORMAT "ms\n"
                          "AccuracySec=100ms\n",
                          name, name, name, interval_ms, interval_ms);
}
