/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * For tests of the service on a private bus: a bus, a polkit that says what the test wants, the
 * service put together from its parts, and callers, which are processes of their own, so that they
 * can be another user.
 */
#pragma once

#include "base/sc-config.h"
#include "service/sc-log-control.h"
#include "service/sc-manager.h"

#define DEADLINE_S 20
#define NOBODY     65534
#define MANAGER    "/org/syscont/Manager org.syscont.Manager."

#define ACCESS_DENIED "org.freedesktop.DBus.Error.AccessDenied"
#define BUSY          "org.syscont.Error.Busy"

typedef enum
{
  POLKIT_YES,
  POLKIT_NO,
  POLKIT_CHALLENGE,
  POLKIT_ERROR,
  POLKIT_SILENT,
} PolkitMood;

typedef struct
{
  GDBusConnection *bus; /* (owned) */
  PolkitMood mood;
  guint questions;
  char *subject;     /* (owned) kind of the last question's subject */
  char *action;      /* (owned) */
  GVariant *details; /* (owned) */
  guint flags;
  GPtrArray *silent; /* (owned) of GDBusMethodInvocation: not answered yet */
} Polkit;

extern Polkit polkit;

void polkit_set_there (gboolean there);
const char *polkit_detail (const char *key);
/** polkit_answer_silent: answers the oldest question that it was silent about */
void polkit_answer_silent (PolkitMood mood);

typedef struct
{
  char *root;
  ScPaths *paths;
  ScConfig *config;
  GDBusConnection *bus;
  ScJobEnvironment environment;
  ScCallers *callers;
  ScParts parts;
  ScManager *manager;
  ScLogControl *log_control;
  guint idle_calls;
} Fixture;

/** fixture_connect: (transfer full): one more connection to the private bus */
GDBusConnection *fixture_connect (void);

void fixture_set_up (Fixture *fixture, gconstpointer data);
void fixture_tear_down (Fixture *fixture, gconstpointer data);
void fixture_start_service (Fixture *fixture);
void fixture_stop_service (Fixture *fixture);

/** fixture_on_flag: sets the gboolean that is its user data */
void fixture_on_flag (gpointer user_data);

/** Call: as it goes over the bus */
typedef struct
{
  uid_t uid; /* NOBODY: not root; without root it is whoever runs the test */
  gboolean interactive;
  const char *call; /* PATH INTERFACE.METHOD */
  const char *arguments;
} Call;

GSubprocess *call_start (const Call *call);
void call_kill (GSubprocess *process);

/** call_run: what the bus answered: the value, or the name of the error and its message */
char *call_run (const Call *call);
char *call_as_user (const char *method, const char *arguments);

gboolean skip_without_root (void);

/** fixture_main: runs the tests that @add adds, or one call */
int fixture_main (int argc, char **argv, void (*add) (void));

gboolean fixture_on_deadline (gpointer user_data);

#define WAIT_FOR(condition)                                                                        \
  do                                                                                               \
    {                                                                                              \
      guint deadline_source = g_timeout_add_seconds (DEADLINE_S, fixture_on_deadline, NULL);       \
      while (!(condition))                                                                         \
        g_main_context_iteration (NULL, TRUE);                                                     \
      g_source_remove (deadline_source);                                                           \
    }                                                                                              \
  while (0)

#define assert_starts(text, prefix)                                                                \
  do                                                                                               \
    if (!g_str_has_prefix (text, prefix))                                                          \
      g_error ("\"%s\" instead of \"%s\"", text, prefix);                                          \
  while (0)

#define ADD(path, data, func)                                                                      \
  g_test_add (path, Fixture, data, fixture_set_up, func, fixture_tear_down)
