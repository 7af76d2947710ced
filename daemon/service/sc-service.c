/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service/sc-service.h"

#include "base/sc-log.h"
#include "dbus/sc-bus-names.h"
#include "ops/sc-recover.h"
#include "service/sc-answer.h"
#include "service/sc-log-control.h"
#include "service/sc-manager.h"
#include "service/sc-next-check.h"

#include <glib-unix.h>
#include <malloc.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#define STOP_TIMEOUT_S     25
#define BARRIER_TIMEOUT_US (1 * G_USEC_PER_SEC)

struct _ScService
{
  GDBusConnection *bus; /* (owned) */
  ScJobEnvironment environment;
  ScParts parts;             /* (owned), but for paths and config */
  ScCallers *callers;        /* (owned) */
  ScManager *manager;        /* (owned) */
  ScNextCheck *next_check;   /* (owned) */
  ScLogControl *log_control; /* (owned) */
  GMainLoop *loop;           /* (owned) */
  guint name;                /* of the bus, as GIO counts it */
  guint watchdog;
  guint sigterm;
  guint sigint;
  guint deadline;
  gulong closed_handler;
  gboolean stopping;
  int exit_status;
};

/* From here on systemd lets a new activation wait until this process is gone. */
static void
tell_stopping (ScService *self)
{
  self->stopping = TRUE;
  sc_manager_stop (self->manager);
  sd_notify (0, "STOPPING=1\nSTATUS=Stopping");
  sd_notify_barrier (0, BARRIER_TIMEOUT_US);
}

static void
release_name (ScService *self)
{
  if (self->name != 0)
    g_bus_unown_name (self->name);
  self->name = 0;
}

/* The first time the name is given back: what was sent before is here then, and is answered before
 * the second time. */
static void
on_idle (gpointer user_data)
{
  ScService *self = user_data;

  if (self->stopping)
    {
      g_main_loop_quit (self->loop);
      return;
    }
  sc_log (G_LOG_LEVEL_DEBUG, NULL, "nobody needs the service, it ends");
  tell_stopping (self);
  release_name (self);
  sc_idle_hurry (self->parts.idle);
}

static void
on_jobs_stopped (gpointer user_data)
{
  ScService *self = user_data;

  g_main_loop_quit (self->loop);
}

/* A thread that does not end cannot be ended: what it has left half done is cleaned up at the next
 * start. */
static gboolean
on_deadline (gpointer user_data)
{
  ScService *self = user_data;

  sc_log (G_LOG_LEVEL_WARNING, NULL, "a job did not end in %d s, the service ends without it",
          STOP_TIMEOUT_S);
  _exit (self->exit_status);
}

static void
stop (ScService *self, int exit_status)
{
  self->exit_status = MAX (self->exit_status, exit_status);
  if (self->deadline != 0)
    return;
  tell_stopping (self);
  self->deadline = g_timeout_add_seconds (STOP_TIMEOUT_S, on_deadline, self);
  sc_job_registry_stop (self->parts.registry, on_jobs_stopped, self);
}

static gboolean
on_signal (gpointer user_data)
{
  stop (user_data, EXIT_SUCCESS);
  return G_SOURCE_CONTINUE;
}

static void
on_bus_closed (GDBusConnection *bus,
               gboolean remote_peer_vanished,
               GError *error,
               gpointer user_data)
{
  sc_log (G_LOG_LEVEL_WARNING, NULL, "the bus is gone: %s",
          error != NULL ? error->message : "closed");
  stop (user_data, EXIT_FAILURE);
}

static void
on_name_acquired (GDBusConnection *bus, const char *name, gpointer user_data)
{
  sd_notify (0, "READY=1\nSTATUS=Idle");
  malloc_trim (0); /* what the start needed and an idle service does not */
}

static void
on_name_lost (GDBusConnection *bus, const char *name, gpointer user_data)
{
  sc_log (G_LOG_LEVEL_WARNING, NULL, "the bus name \"%s\" cannot be had or was taken away", name);
  stop (user_data, EXIT_FAILURE);
}

static gboolean
on_watchdog (gpointer user_data)
{
  sd_notify (0, "WATCHDOG=1");
  return G_SOURCE_CONTINUE;
}

static void
on_resumed (ScJob *job, gpointer user_data)
{
}

/* What an earlier run switched and could not watch to the end, before anybody else can ask for
 * something. */
static void
resume_jobs (ScService *self)
{
  static char unit[] = "syscontd.service";
  const ScCaller own = { .uid = 0, .unit = unit };
  g_auto (GStrv) names = sc_recover_list_unfinished (self->parts.paths);

  for (guint i = 0; names[i] != NULL; i++)
    {
      g_autoptr (ScRequest) request = g_new0 (ScRequest, 1);
      g_autoptr (GError) error = NULL;
      const ScSubmission submission = { .request = request, .caller = &own, .func = on_resumed };

      request->op = sc_op_new_resume (names[i]);
      if (!sc_job_registry_submit (self->parts.registry, &submission, &error))
        sc_log (G_LOG_LEVEL_WARNING, &(ScLogFields){ .container = names[i] },
                "cannot go on with the update of \"%s\": %s", names[i], error->message);
    }
}

/* All states are known: whoever calls from now on sees everything as it is. */
static void
on_ready (gpointer user_data)
{
  ScService *self = user_data;

  if (self->stopping)
    return;
  sc_objects_publish (self->parts.objects);
  resume_jobs (self);
  self->name = g_bus_own_name_on_connection (self->bus, SYSCONT_BUS_NAME,
                                             G_BUS_NAME_OWNER_FLAGS_DO_NOT_QUEUE, on_name_acquired,
                                             on_name_lost, self, NULL);
}

static void
on_next_check (guint64 time_usec, gpointer user_data)
{
  syscont_manager_set_next_check (SYSCONT_MANAGER (user_data), time_usec);
}

static gboolean
make_parts (ScService *self, GError **error)
{
  ScParts *parts = &self->parts;

  self->callers = sc_callers_new (self->bus);
  parts->authority = sc_authority_new (self->callers);
  parts->idle = sc_idle_new (parts->config->idle_exit_s, on_idle, self);
  parts->objects = sc_objects_new (self->bus, self->parts.paths);
  parts->queries = sc_answer_queries_new ();
  parts->registry = sc_job_registry_new (
      &(ScJobRegistryParts){
          .environment = &self->environment,
          .objects = parts->objects,
          .authority = parts->authority,
          .idle = parts->idle,
      },
      error);
  if (parts->registry == NULL)
    return FALSE;
  self->manager = sc_manager_new (parts);
  self->next_check = sc_next_check_new (self->bus, on_next_check, self->manager);
  sc_objects_add (parts->objects, SYSCONT_MANAGER_PATH, G_DBUS_INTERFACE_SKELETON (self->manager));
  self->log_control = sc_log_control_new (self->bus, parts->authority, error);
  return self->log_control != NULL;
}

static void
watch_process (ScService *self)
{
  guint64 watchdog_usec = 0;

  self->sigterm = g_unix_signal_add (SIGTERM, on_signal, self);
  self->sigint = g_unix_signal_add (SIGINT, on_signal, self);
  self->closed_handler = g_signal_connect (self->bus, "closed", G_CALLBACK (on_bus_closed), self);
  g_dbus_connection_set_exit_on_close (self->bus, FALSE);
  if (sd_watchdog_enabled (0, &watchdog_usec) > 0)
    self->watchdog = g_timeout_add ((guint)(watchdog_usec / 2000), on_watchdog, self);
}

ScService *
sc_service_new (const ScPaths *paths, const ScConfig *config, GDBusConnection *bus, GError **error)
{
  g_autoptr (ScService) self = g_new0 (ScService, 1);

  self->bus = g_object_ref (bus);
  self->loop = g_main_loop_new (NULL, FALSE);
  self->environment = (ScJobEnvironment){ .paths = paths, .config = config, .bus = bus };
  self->parts.paths = paths;
  self->parts.config = config;

  g_autoptr (ScInventory) inventory = sc_inventory_load (paths, error);
  if (inventory == NULL || !make_parts (self, error))
    return NULL;
  watch_process (self);
  sc_objects_set_inventory (self->parts.objects, g_steal_pointer (&inventory), on_ready, self);
  return g_steal_pointer (&self);
}

int
sc_service_run (ScService *self)
{
  g_main_loop_run (self->loop);
  release_name (self);
  g_dbus_connection_flush_sync (self->bus, NULL, NULL);
  return self->exit_status;
}

void
sc_service_free (ScService *self)
{
  g_clear_handle_id (&self->watchdog, g_source_remove);
  g_clear_handle_id (&self->sigterm, g_source_remove);
  g_clear_handle_id (&self->sigint, g_source_remove);
  g_clear_handle_id (&self->deadline, g_source_remove);
  g_clear_signal_handler (&self->closed_handler, self->bus);
  release_name (self);
  g_clear_pointer (&self->log_control, sc_log_control_free);
  g_clear_pointer (&self->parts.authority, sc_authority_free);
  if (self->parts.queries != NULL)
    g_thread_pool_free (self->parts.queries, FALSE, TRUE);
  g_clear_pointer (&self->parts.registry, sc_job_registry_free);
  g_clear_pointer (&self->parts.objects, sc_objects_free);
  g_clear_pointer (&self->next_check, sc_next_check_free);
  g_clear_object (&self->manager);
  g_clear_pointer (&self->parts.idle, sc_idle_free);
  g_clear_pointer (&self->callers, sc_callers_free);
  g_main_loop_unref (self->loop);
  g_object_unref (self->bus);
  g_free (self);
}
