/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Calls of the service: who may do what.
 */
#include "service-fixture.h"

#include "base/sc-log.h"

static void
test_call_asks_polkit (Fixture *fixture, gconstpointer data)
{
  g_autofree char *answer = call_as_user ("Start", "(['etcd'], @a{sv} {})");

  g_assert_cmpstr (answer, ==, "('/org/syscont/jobs/1',)\n");
  g_assert_cmpstr (polkit.subject, ==, "system-bus-name");
  g_assert_cmpstr (polkit.action, ==, "org.syscont.manage");
  g_assert_cmpstr (polkit_detail ("operation"), ==, "start");
  g_assert_cmpstr (polkit_detail ("container"), ==, "etcd");
  g_assert_cmpuint (polkit.flags, ==, 0);
}

static void
test_call_passes_interactive_flag (Fixture *fixture, gconstpointer data)
{
  g_autofree char *answer = call_run (&(Call){ NOBODY, TRUE, MANAGER "Prune", "(@a{sv} {},)" });

  assert_starts (answer, "('/org/syscont/jobs/");
  g_assert_cmpuint (polkit.flags, ==, 1);
}

/* DB10 */
static void
test_call_is_parsed_before_polkit (Fixture *fixture, gconstpointer data)
{
  g_autofree char *answer = call_as_user ("Prune", "({'force': <true>},)");

  assert_starts (answer, "org.syscont.Error.InvalidArgument");
  g_assert_cmpuint (polkit.questions, ==, 0);
}

typedef struct
{
  const char *name;
  PolkitMood mood;
  const char *answer;
} Mood;

/* DB01 */
static const Mood moods[] = {
  { "no", POLKIT_NO, ACCESS_DENIED },
  { "error", POLKIT_ERROR, ACCESS_DENIED },
  { "challenge", POLKIT_CHALLENGE, "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired" },
};

static void
test_call_refused (Fixture *fixture, gconstpointer data)
{
  const Mood *row = data;
  polkit.mood = row->mood;

  g_autofree char *answer = call_as_user ("Prune", "(@a{sv} {},)");

  assert_starts (answer, row->answer);
  g_assert_cmpuint (sc_job_registry_list (fixture->parts.registry)->len, ==, 0);
}

/* DB01 */
static void
test_call_refused_without_polkit (Fixture *fixture, gconstpointer data)
{
  polkit_set_there (FALSE);

  g_autofree char *answer = call_as_user ("Prune", "(@a{sv} {},)");

  assert_starts (answer, ACCESS_DENIED);
}

static void
test_call_root_needs_no_polkit (Fixture *fixture, gconstpointer data)
{
  if (skip_without_root ())
    return;
  polkit_set_there (FALSE);

  g_autofree char *answer = call_run (&(Call){ 0, FALSE, MANAGER "Prune", "(@a{sv} {},)" });

  g_assert_cmpstr (answer, ==, "('/org/syscont/jobs/1',)\n");
  g_assert_cmpuint (polkit.questions, ==, 0);
}

/* DB02: what is answered after the caller has left makes no job */
static void
test_call_of_one_who_leaves (Fixture *fixture, gconstpointer data)
{
  polkit.mood = POLKIT_SILENT;
  g_autoptr (GSubprocess) caller
      = call_start (&(Call){ NOBODY, FALSE, MANAGER "Prune", "(@a{sv} {},)" });
  WAIT_FOR (polkit.silent->len == 1);
  call_kill (caller);
  polkit.mood = POLKIT_YES;
  g_autofree char *later G_GNUC_UNUSED = call_as_user ("ListJobs", "(@a{sv} {},)");

  polkit_answer_silent (POLKIT_YES);

  g_autofree char *jobs = call_as_user ("ListJobs", "(@a{sv} {},)");
  g_assert_cmpstr (jobs, ==, "([],)\n");
}

/* DB01, DB07: open questions of one user are limited, and hold up neither listing nor root */
static void
test_call_limits_open_questions (Fixture *fixture, gconstpointer data)
{
  GSubprocess *callers[SC_AUTHORITY_MAX_PENDING];
  polkit.mood = POLKIT_SILENT;
  for (guint i = 0; i < SC_AUTHORITY_MAX_PENDING; i++)
    callers[i] = call_start (&(Call){ NOBODY, TRUE, MANAGER "Prune", "(@a{sv} {},)" });
  WAIT_FOR (polkit.silent->len == SC_AUTHORITY_MAX_PENDING);

  g_autofree char *answer = call_as_user ("Prune", "(@a{sv} {},)");
  polkit.mood = POLKIT_YES;
  g_autofree char *list = call_as_user ("ListImages", "(@a{sv} {},)");

  assert_starts (answer, BUSY);
  g_assert_cmpstr (list, ==, "([],)\n");
  for (guint i = 0; i < SC_AUTHORITY_MAX_PENDING; i++)
    {
      call_kill (callers[i]);
      g_object_unref (callers[i]);
    }
}

static void
test_can_authorize_maps_verdict (Fixture *fixture, gconstpointer data)
{
  const char *arguments = "('Install', {'name': <'etcd'>}, @a{sv} {})";

  g_autofree char *yes = call_as_user ("CanAuthorize", arguments);

  g_assert_cmpstr (yes, ==, "('yes',)\n");
  g_assert_cmpstr (polkit.action, ==, "org.syscont.install");
  g_assert_cmpuint (polkit.questions, ==, 2);
}

static void
test_log_control_is_for_root (Fixture *fixture, gconstpointer data)
{
  const char *call = "/org/freedesktop/LogControl1 org.freedesktop.DBus.Properties.Set";
  const char *level = "('org.freedesktop.LogControl1', 'LogLevel', <'warning'>)";

  g_autofree char *user = call_run (&(Call){ NOBODY, TRUE, call, level });
  assert_starts (user, ACCESS_DENIED);
  g_assert_cmpuint (polkit.questions, ==, 0);
  if (skip_without_root ())
    return;

  g_autofree char *root = call_run (&(Call){ 0, FALSE, call, level });
  g_assert_cmpstr (root, ==, "()\n");
  g_assert_cmpstr (sc_log_get_level (), ==, "warning");
}

static void
test_idle_call_holds (Fixture *fixture, gconstpointer data)
{
  sc_idle_hurry (fixture->parts.idle);
  WAIT_FOR (fixture->idle_calls == 1);

  g_autofree char *answer = call_as_user ("ListImages", "(@a{sv} {},)");
  WAIT_FOR (fixture->idle_calls == 2);

  g_assert_cmpstr (answer, ==, "([],)\n");
}

static void
add_tests (void)
{
  ADD ("/service/call/refused-without-polkit", NULL, test_call_refused_without_polkit);
  ADD ("/service/call/asks-polkit", NULL, test_call_asks_polkit);
  ADD ("/service/call/passes-interactive-flag", NULL, test_call_passes_interactive_flag);
  ADD ("/service/call/is-parsed-before-polkit", NULL, test_call_is_parsed_before_polkit);
  for (gsize i = 0; i < G_N_ELEMENTS (moods); i++)
    {
      g_autofree char *path = g_strconcat ("/service/call/refused-by-", moods[i].name, NULL);
      ADD (path, &moods[i], test_call_refused);
    }
  ADD ("/service/call/root-needs-no-polkit", NULL, test_call_root_needs_no_polkit);
  ADD ("/service/call/of-one-who-leaves", NULL, test_call_of_one_who_leaves);
  ADD ("/service/call/limits-open-questions", NULL, test_call_limits_open_questions);
  ADD ("/service/can-authorize/maps-verdict", NULL, test_can_authorize_maps_verdict);
  ADD ("/service/log-control/is-for-root", NULL, test_log_control_is_for_root);
  ADD ("/service/idle/call-holds", NULL, test_idle_call_holds);
}

int
main (int argc, char **argv)
{
  return fixture_main (argc, argv, add_tests);
}
