/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-job-log.h"

#include "dbus/sc-bus-names.h"

#define MAX_MESSAGES 1000 /* of jobs that nobody has asked for yet */

typedef struct
{
  char *job; /* (owned) path */
  guint priority;
  char *line; /* (owned) */
} Message;

/* One run of this program follows one job at a time, on one connection. */
static struct
{
  GQueue messages; /* (owned) of Message */
  char *job;       /* (owned) (nullable) that is followed */
  ScJobLogFunc func;
  gpointer user_data;
} job_log;

static void
message_free (gpointer data)
{
  Message *message = data;

  g_free (message->job);
  g_free (message->line);
  g_free (message);
}

static void
tell (void)
{
  GList *next;

  for (GList *l = job_log.messages.head; job_log.job != NULL && l != NULL; l = next)
    {
      Message *message = l->data;

      next = l->next;
      if (!g_str_equal (message->job, job_log.job))
        continue;
      g_queue_delete_link (&job_log.messages, l);
      job_log.func (message->priority, message->line, job_log.user_data);
      message_free (message);
    }
}

static void
on_message (GDBusConnection *bus,
            const char *sender,
            const char *path,
            const char *interface,
            const char *signal,
            GVariant *parameters,
            gpointer user_data)
{
  Message *message = g_new0 (Message, 1);

  message->job = g_strdup (path);
  g_variant_get (parameters, "(us@a{sv})", &message->priority, &message->line, NULL);
  g_queue_push_tail (&job_log.messages, message);
  if (g_queue_get_length (&job_log.messages) > MAX_MESSAGES)
    message_free (g_queue_pop_head (&job_log.messages));
  tell ();
}

void
sc_job_log_watch (GDBusConnection *bus)
{
  g_dbus_connection_signal_subscribe (bus, SYSCONT_BUS_NAME, SYSCONT_JOB_INTERFACE, "LogMessage",
                                      NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE, on_message, NULL, NULL);
}

void
sc_job_log_follow (const char *job, ScJobLogFunc func, gpointer user_data)
{
  g_free (job_log.job);
  job_log.job = g_strdup (job);
  job_log.func = func;
  job_log.user_data = user_data;
  tell ();
}
