/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "service-fixture.h"

#include "dbus/sc-bus-names.h"
#include "service/sc-answer.h"

#include <grp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"

static const char polkit_xml[]
    = "<node><interface name='org.freedesktop.PolicyKit1.Authority'>"
      "<method name='CheckAuthorization'><arg type='(sa{sv})' direction='in'/>"
      "<arg type='s' direction='in'/><arg type='a{ss}' direction='in'/>"
      "<arg type='u' direction='in'/><arg type='s' direction='in'/>"
      "<arg type='(bba{ss})' direction='out'/></method>"
      "<method name='CancelCheckAuthorization'><arg type='s' direction='in'/></method>"
      "</interface></node>";

Polkit polkit;

static void
answer_question (GDBusMethodInvocation *invocation, PolkitMood mood)
{
  GVariantBuilder details = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{ss}"));

  if (mood == POLKIT_ERROR)
    g_dbus_method_invocation_return_error (invocation, G_DBUS_ERROR, G_DBUS_ERROR_FAILED, "broken");
  else
    g_dbus_method_invocation_return_value (
        invocation,
        g_variant_new ("((bba{ss}))", mood == POLKIT_YES, mood == POLKIT_CHALLENGE, &details));
  if (mood == POLKIT_ERROR)
    g_variant_builder_clear (&details);
}

static void
on_polkit_call (GDBusConnection *bus,
                const char *sender,
                const char *path,
                const char *interface,
                const char *method,
                GVariant *parameters,
                GDBusMethodInvocation *invocation,
                gpointer user_data)
{
  if (strcmp (method, "CheckAuthorization") != 0)
    {
      g_dbus_method_invocation_return_value (invocation, NULL);
      return;
    }
  polkit.questions++;
  g_clear_pointer (&polkit.subject, g_free);
  g_clear_pointer (&polkit.action, g_free);
  g_clear_pointer (&polkit.details, g_variant_unref);
  g_variant_get (parameters, "((s@a{sv})s@a{ss}us)", &polkit.subject, NULL, &polkit.action,
                 &polkit.details, &polkit.flags, NULL);
  if (polkit.mood == POLKIT_SILENT)
    g_ptr_array_add (polkit.silent, invocation);
  else
    answer_question (invocation, polkit.mood);
}

GDBusConnection *
fixture_connect (void)
{
  g_autoptr (GError) error = NULL;
  GDBusConnection *bus = g_dbus_connection_new_for_address_sync (
      g_getenv ("DBUS_SYSTEM_BUS_ADDRESS"),
      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT
          | G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
      NULL, NULL, &error);

  g_assert_no_error (error);
  return bus;
}

static void
start_polkit (void)
{
  static const GDBusInterfaceVTable vtable = { .method_call = on_polkit_call };
  g_autoptr (GDBusNodeInfo) node = g_dbus_node_info_new_for_xml (polkit_xml, NULL);

  polkit.bus = fixture_connect ();
  polkit.silent = g_ptr_array_new ();
  g_dbus_connection_register_object (polkit.bus, POLKIT_PATH, node->interfaces[0], &vtable, NULL,
                                     NULL, NULL);
}

void
polkit_set_there (gboolean there)
{
  g_autoptr (GVariant) answer = g_dbus_connection_call_sync (
      polkit.bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
      there ? "RequestName" : "ReleaseName",
      there ? g_variant_new ("(su)", POLKIT_NAME, 0) : g_variant_new ("(s)", POLKIT_NAME), NULL,
      G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);

  g_assert_nonnull (answer);
}

const char *
polkit_detail (const char *key)
{
  const char *value = NULL;

  g_variant_lookup (polkit.details, key, "&s", &value);
  return value;
}

void
polkit_answer_silent (PolkitMood mood)
{
  answer_question (g_ptr_array_steal_index (polkit.silent, 0), mood);
}

gboolean
fixture_on_deadline (gpointer user_data)
{
  g_error ("nothing happened in time");
  return G_SOURCE_REMOVE;
}

static void
on_idle (gpointer user_data)
{
  Fixture *fixture = user_data;

  fixture->idle_calls++;
}

void
fixture_on_flag (gpointer user_data)
{
  *(gboolean *)user_data = TRUE;
}

static void
request_name (GDBusConnection *bus)
{
  g_autoptr (GVariant) answer = g_dbus_connection_call_sync (
      bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName",
      g_variant_new ("(su)", SYSCONT_BUS_NAME, 0), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);

  g_assert_nonnull (answer);
}

void
fixture_start_service (Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  ScParts *parts = &fixture->parts;
  gboolean ready = FALSE;

  fixture->bus = fixture_connect ();
  fixture->environment = (ScJobEnvironment){ .paths = fixture->paths,
                                             .config = fixture->config,
                                             .bus = fixture->bus };
  fixture->callers = sc_callers_new (fixture->bus);
  parts->paths = fixture->paths;
  parts->config = fixture->config;
  parts->authority = sc_authority_new (fixture->callers);
  parts->idle = sc_idle_new (0, on_idle, fixture);
  parts->objects = sc_objects_new (fixture->bus, fixture->paths);
  parts->queries = sc_answer_queries_new ();
  parts->registry = sc_job_registry_new (
      &(ScJobRegistryParts){ &fixture->environment, parts->objects, parts->authority, parts->idle },
      &error);
  g_assert_no_error (error);
  fixture->manager = sc_manager_new (parts);
  fixture->log_control = sc_log_control_new (fixture->bus, parts->authority, NULL);
  sc_objects_add (parts->objects, SYSCONT_MANAGER_PATH,
                  G_DBUS_INTERFACE_SKELETON (fixture->manager));
  sc_objects_set_inventory (parts->objects, sc_inventory_load (fixture->paths, NULL),
                            fixture_on_flag, &ready);
  WAIT_FOR (ready);
  sc_objects_publish (parts->objects);
  request_name (fixture->bus);
}

void
fixture_stop_service (Fixture *fixture)
{
  gboolean stopped = FALSE;

  sc_job_registry_stop (fixture->parts.registry, fixture_on_flag, &stopped);
  WAIT_FOR (stopped);
  sc_authority_free (fixture->parts.authority);
  g_thread_pool_free (fixture->parts.queries, FALSE, TRUE);
  sc_log_control_free (fixture->log_control);
  sc_job_registry_free (fixture->parts.registry);
  sc_objects_free (fixture->parts.objects);
  g_object_unref (fixture->manager);
  sc_idle_free (fixture->parts.idle);
  sc_callers_free (fixture->callers);
  g_dbus_connection_close_sync (fixture->bus, NULL, NULL);
  g_object_unref (fixture->bus);
}

void
fixture_set_up (Fixture *fixture, gconstpointer data)
{
  fixture->root = g_dir_make_tmp ("syscont-service-XXXXXX", NULL);
  fixture->paths = sc_paths_new (fixture->root);
  fixture->config = sc_config_load (fixture->paths, NULL);
  polkit.mood = POLKIT_YES;
  polkit.questions = 0;
  polkit_set_there (TRUE);
  fixture_start_service (fixture);
}

void
fixture_tear_down (Fixture *fixture, gconstpointer data)
{
  const char *argv[] = { "rm", "-rf", fixture->root, NULL };

  while (polkit.silent->len > 0)
    polkit_answer_silent (POLKIT_NO);
  fixture_stop_service (fixture);
  g_spawn_sync (NULL, (char **)argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL, NULL);
  sc_config_free (fixture->config);
  sc_paths_free (fixture->paths);
  g_free (fixture->root);
}

GSubprocess *
call_start (const Call *call)
{
  g_auto (GStrv) words = g_strsplit (call->call, " ", 2);
  g_autofree char *uid = g_strdup_printf ("%u", (guint)call->uid);
  g_autoptr (GError) error = NULL;
  GSubprocess *process = g_subprocess_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, "/proc/self/exe", "--call", uid,
      call->interactive ? "interactive" : "plain", words[0], words[1], call->arguments, NULL);

  g_assert_no_error (error);
  return process;
}

static void
on_called (GObject *source, GAsyncResult *result, gpointer user_data)
{
  char **text = user_data;

  g_assert_true (
      g_subprocess_communicate_utf8_finish (G_SUBPROCESS (source), result, text, NULL, NULL));
}

char *
call_run (const Call *call)
{
  g_autoptr (GSubprocess) process = call_start (call);
  char *text = NULL;

  g_subprocess_communicate_utf8_async (process, NULL, NULL, on_called, &text);
  WAIT_FOR (text != NULL);
  return text;
}

char *
call_as_user (const char *method, const char *arguments)
{
  g_autofree char *call = g_strconcat (MANAGER, method, NULL);

  return call_run (&(Call){ NOBODY, FALSE, call, arguments });
}

static int
call_main (char **argv)
{
  uid_t uid = (uid_t)g_ascii_strtoull (argv[0], NULL, 10);
  g_autoptr (GError) error = NULL;
  const char *dot = strrchr (argv[3], '.');
  g_autofree char *interface = g_strndup (argv[3], (gsize)(dot - argv[3]));

  if (getuid () == 0 && uid != 0 && (setgroups (0, NULL) < 0 || setresuid (uid, uid, uid) < 0))
    return 1;
  g_autoptr (GDBusConnection) bus = fixture_connect ();
  g_autoptr (GVariant) arguments = g_variant_parse (NULL, argv[4], NULL, NULL, NULL);
  g_autoptr (GVariant) answer = g_dbus_connection_call_sync (
      bus, SYSCONT_BUS_NAME, argv[2], interface, dot + 1, arguments, NULL,
      strcmp (argv[1], "interactive") == 0 ? G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION
                                           : G_DBUS_CALL_FLAGS_NONE,
      -1, NULL, &error);

  if (answer == NULL)
    {
      g_autofree char *name = g_dbus_error_get_remote_error (error);
      g_print ("%s: %s\n", name, error->message);
      return 0;
    }
  g_autofree char *text = g_variant_print (answer, FALSE);
  g_print ("%s\n", text);
  return 0;
}

gboolean
skip_without_root (void)
{
  if (getuid () == 0)
    return FALSE;
  g_test_skip ("needs root");
  return TRUE;
}

void
call_kill (GSubprocess *process)
{
  g_subprocess_force_exit (process);
  g_subprocess_wait (process, NULL, NULL);
}

static const char bus_config[]
    = "<busconfig><type>system</type><listen>unix:tmpdir=%s</listen><auth>EXTERNAL</auth>"
      "<policy context='default'><allow user='*'/><allow own='*'/>"
      "<allow send_type='method_call'/><allow send_type='signal'/>"
      "<allow send_requested_reply='true' send_type='method_return'/>"
      "<allow send_requested_reply='true' send_type='error'/>"
      "<allow receive_type='method_call'/><allow receive_type='method_return'/>"
      "<allow receive_type='error'/><allow receive_type='signal'/></policy></busconfig>";

/* A test that fails ends without any cleaning up: the bus must not outlive it. */
static void
die_with_parent (gpointer user_data)
{
  prctl (PR_SET_PDEATHSIG, SIGTERM);
}

static GSubprocess *
start_bus (const char *directory)
{
  g_autofree char *config = g_build_filename (directory, "bus.conf", NULL);
  g_autofree char *text = g_strdup_printf (bus_config, directory);
  g_autofree char *argument = g_strconcat ("--config-file=", config, NULL);
  g_autofree char *address = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (g_file_set_contents (config, text, -1, NULL));
  g_autoptr (GSubprocessLauncher) launcher = g_subprocess_launcher_new (
      G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_SILENCE);
  g_subprocess_launcher_set_child_setup (launcher, die_with_parent, NULL, NULL);
  GSubprocess *bus
      = g_subprocess_launcher_spawn (launcher, &error, "dbus-daemon", argument, "--nofork",
                                     "--nopidfile", "--print-address", NULL);
  g_assert_no_error (error);

  g_autoptr (GDataInputStream) output
      = g_data_input_stream_new (g_subprocess_get_stdout_pipe (bus));
  address = g_data_input_stream_read_line (output, NULL, NULL, NULL);
  g_assert_nonnull (address);
  g_setenv ("DBUS_SYSTEM_BUS_ADDRESS", address, TRUE);
  return bus;
}

int
fixture_main (int argc, char **argv, void (*add) (void))
{
  if (argc == 7 && strcmp (argv[1], "--call") == 0)
    return call_main (argv + 2);

  g_test_init (&argc, &argv, NULL);
  g_log_set_always_fatal (G_LOG_LEVEL_ERROR
                          | G_LOG_LEVEL_CRITICAL); /* a job that fails is a warning */
  g_autofree char *directory = g_dir_make_tmp ("syscont-bus-XXXXXX", NULL);
  g_assert_true (chmod (directory, 0755) == 0);
  g_autoptr (GSubprocess) bus = start_bus (directory);
  start_polkit ();
  add ();

  int status = g_test_run ();
  const char *remove[] = { "rm", "-rf", directory, NULL };
  g_spawn_sync (NULL, (char **)remove, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL, NULL, NULL, NULL,
                NULL);
  call_kill (bus);
  return status;
}
