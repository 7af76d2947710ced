/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-log.h"

#include "base/sc-error-util.h"

#include <string.h>
#include <unistd.h>

#define DOMAIN            "syscont"
#define MESSAGE_MAX_BYTES 1024
#define N_FIELDS_MAX      32

typedef enum
{
  TARGET_JOURNAL,
  TARGET_CONSOLE,
} Target;

typedef struct
{
  const char *name;
  int priority; /* syslog(3) */
  const char *priority_text;
} Level;

static const Level levels[] = {
  { "err", 3, "3" },  { "warning", 4, "4" }, { "notice", 5, "5" },
  { "info", 6, "6" }, { "debug", 7, "7" },
};

/* Read by every thread: changed with atomic operations only, but for the identifier, which is set
 * once before there are threads. */
static int max_priority = 6;
static int target = TARGET_CONSOLE;
static const char *identifier = "syscont";

static const Level *
level_of_flags (GLogLevelFlags flags)
{
  if (flags & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL))
    return &levels[0];
  if (flags & G_LOG_LEVEL_WARNING)
    return &levels[1];
  if (flags & G_LOG_LEVEL_MESSAGE)
    return &levels[2];
  return flags & G_LOG_LEVEL_INFO ? &levels[3] : &levels[4];
}

static gssize
field_length (const GLogField *field)
{
  return field->length >= 0 ? field->length : (gssize)strlen (field->value);
}

/* Text of an outsider may be in any message, also in those of libraries: one line, and no more of
 * it than a reader can use. */
static char *
message_of_fields (const GLogField *fields, gsize n_fields)
{
  for (gsize i = 0; i < n_fields; i++)
    {
      if (!g_str_equal (fields[i].key, "MESSAGE"))
        continue;
      g_autofree char *text = g_strndup (fields[i].value, (gsize)field_length (&fields[i]));
      return sc_text_escape_max (text, MESSAGE_MAX_BYTES);
    }
  return g_strdup ("");
}

static GLogWriterOutput
write_to_console (const Level *level, const char *message)
{
  /* systemd takes a level from a line's beginning (sd-daemon(3)); people read its name. */
  gboolean is_journal = g_log_writer_is_journald (STDERR_FILENO);
  g_autofree char *line = is_journal
                              ? g_strdup_printf ("<%d>%s\n", level->priority, message)
                              : g_strdup_printf ("%s: %s: %s\n", identifier, level->name, message);

  /* One call, so that lines of several threads do not mix; there is nowhere to report a failure. */
  gssize written = write (STDERR_FILENO, line, strlen (line));
  (void)written;
  return G_LOG_WRITER_HANDLED;
}

static GLogWriterOutput
write_to_journal (GLogLevelFlags flags,
                  const Level *level,
                  const char *message,
                  const GLogField *fields,
                  gsize n_fields)
{
  GLogField all[N_FIELDS_MAX] = {
    { "MESSAGE", message, -1 },
    { "PRIORITY", level->priority_text, -1 },
    { "SYSLOG_IDENTIFIER", identifier, -1 },
  };
  static const char *const replaced[] = { "MESSAGE", "PRIORITY", "SYSLOG_IDENTIFIER", NULL };
  gsize n_all = 3;

  for (gsize i = 0; i < n_fields && n_all < N_FIELDS_MAX; i++)
    {
      if (!g_strv_contains (replaced, fields[i].key))
        all[n_all++] = fields[i];
    }
  return g_log_writer_journald (flags, all, n_all, NULL);
}

static GLogWriterOutput
on_log (GLogLevelFlags flags, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  const Level *level = level_of_flags (flags);
  if (level->priority > g_atomic_int_get (&max_priority))
    return G_LOG_WRITER_HANDLED;

  g_autofree char *message = message_of_fields (fields, n_fields);
  if (g_atomic_int_get (&target) == TARGET_JOURNAL
      && write_to_journal (flags, level, message, fields, n_fields) == G_LOG_WRITER_HANDLED)
    return G_LOG_WRITER_HANDLED;
  return write_to_console (level, message);
}

void
sc_log_init (const char *syslog_identifier)
{
  identifier = g_intern_string (syslog_identifier);
  sc_log_set_target ("auto");
  g_log_set_writer_func (on_log, NULL, NULL);
}

static void
add_field (GLogField *fields, gsize *n_fields, const char *key, const char *value)
{
  if (value != NULL)
    fields[(*n_fields)++] = (GLogField){ key, value, -1 };
}

void
sc_log (GLogLevelFlags level, const ScLogFields *about, const char *format, ...)
{
  static const ScLogFields nothing = { 0 };
  const ScLogFields *subject = about != NULL ? about : &nothing;
  va_list args;

  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  g_autofree char *job
      = subject->job != 0 ? g_strdup_printf ("%" G_GUINT64_FORMAT, subject->job) : NULL;
  g_autofree char *uid
      = subject->has_caller_uid ? g_strdup_printf ("%u", subject->caller_uid) : NULL;

  GLogField fields[10];
  gsize n_fields = 0;
  add_field (fields, &n_fields, "MESSAGE", message);
  add_field (fields, &n_fields, "PRIORITY", level_of_flags (level)->priority_text);
  add_field (fields, &n_fields, "GLIB_DOMAIN", DOMAIN);
  add_field (fields, &n_fields, "SYSCONT_JOB", job);
  add_field (fields, &n_fields, "SYSCONT_OPERATION", subject->operation);
  add_field (fields, &n_fields, "SYSCONT_CONTAINER", subject->container);
  add_field (fields, &n_fields, "SYSCONT_IMAGE", subject->image);
  add_field (fields, &n_fields, "SYSCONT_ERROR_CODE", subject->error_name);
  add_field (fields, &n_fields, "MESSAGE_ID", subject->message_id);
  add_field (fields, &n_fields, "SYSCONT_CALLER_UID", uid);
  g_log_structured_array (level, fields, n_fields);
}

const char *
sc_log_get_level (void)
{
  int priority = g_atomic_int_get (&max_priority);

  return levels[priority - levels[0].priority].name;
}

gboolean
sc_log_set_level (const char *level)
{
  for (gsize i = 0; i < G_N_ELEMENTS (levels); i++)
    {
      if (!g_str_equal (levels[i].name, level))
        continue;
      g_atomic_int_set (&max_priority, levels[i].priority);
      return TRUE;
    }
  return FALSE;
}

const char *
sc_log_get_target (void)
{
  return g_atomic_int_get (&target) == TARGET_JOURNAL ? "journal" : "console";
}

gboolean
sc_log_set_target (const char *name)
{
  if (g_str_equal (name, "auto"))
    g_atomic_int_set (&target,
                      g_log_writer_is_journald (STDERR_FILENO) ? TARGET_JOURNAL : TARGET_CONSOLE);
  else if (g_str_equal (name, "journal"))
    g_atomic_int_set (&target, TARGET_JOURNAL);
  else if (g_str_equal (name, "console"))
    g_atomic_int_set (&target, TARGET_CONSOLE);
  else
    return FALSE;
  return TRUE;
}
