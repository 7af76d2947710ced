/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What reaches standard error. The journal itself is out of reach of a unit test.
 */
#define G_LOG_USE_STRUCTURED
#define G_LOG_DOMAIN "library"

#include "base/sc-log.h"

#include <string.h>

static void
run_subprocess (const char *path)
{
  g_autofree char *subprocess = g_strconcat (path, "/subprocess", NULL);

  g_test_trap_subprocess (subprocess, 0, 0);
  g_test_trap_assert_passed ();
}

/* The subprocess's standard error is a pipe, whatever that of the test is. */
static void
log_levels (void)
{
  sc_log_init ("syscontd");
  sc_log (G_LOG_LEVEL_DEBUG, NULL, "line of %s", "debug");
  sc_log (G_LOG_LEVEL_INFO, NULL, "line of %s", "info");
  sc_log (G_LOG_LEVEL_MESSAGE, NULL, "line of %s", "message");
  sc_log (G_LOG_LEVEL_WARNING, NULL, "line of %s", "warning");
  sc_log (G_LOG_LEVEL_CRITICAL, NULL, "line of %s", "critical");
}

static void
test_levels (void)
{
  run_subprocess ("/log/console/levels");

  g_test_trap_assert_stderr ("*syscontd: info: line of info\n"
                             "syscontd: notice: line of message\n"
                             "syscontd: warning: line of warning\n"
                             "syscontd: err: line of critical\n*");
  g_test_trap_assert_stderr_unmatched ("*line of debug*");
}

static void
log_filtered (void)
{
  sc_log_init ("syscontd");
  g_assert_true (sc_log_set_level ("warning"));
  sc_log (G_LOG_LEVEL_MESSAGE, NULL, "not shown");
  sc_log (G_LOG_LEVEL_WARNING, NULL, "first");
  g_assert_true (sc_log_set_level ("debug"));
  sc_log (G_LOG_LEVEL_DEBUG, NULL, "second");
}

static void
test_filtered (void)
{
  run_subprocess ("/log/console/filtered");

  g_test_trap_assert_stderr ("*syscontd: warning: first\nsyscontd: debug: second\n*");
  g_test_trap_assert_stderr_unmatched ("*not shown*");
}

static void
log_one_line (void)
{
  g_autofree char *very_long = g_strnfill (5000, 'x');

  sc_log_init ("syscontd");
  sc_log (G_LOG_LEVEL_INFO, NULL, "image \"%s\"", "a\nsyscontd: info: forged\x1b[2J");
  sc_log (G_LOG_LEVEL_INFO, NULL, "%s", very_long);
}

/* RX04: neither a second line nor a terminal sequence nor an endless one. */
static void
test_one_line (void)
{
  g_autofree char *longest = g_strnfill (1021, 'x');
  g_autofree char *pattern = g_strdup_printf ("*syscontd: info: %s\u2026\n*", longest);

  run_subprocess ("/log/console/one-line");

  g_test_trap_assert_stderr ("*syscontd: info: image \"a\\x0asyscontd: info: forged\\x1b[2J\"\n*");
  g_test_trap_assert_stderr (pattern);
}

static void
log_libraries (void)
{
  sc_log_init ("syscontd");
  g_message ("structured %d", 1);
  g_log ("other", G_LOG_LEVEL_MESSAGE, "plain %d", 2);
  g_debug ("not shown");
}

static void
test_libraries (void)
{
  run_subprocess ("/log/console/libraries");

  g_test_trap_assert_stderr ("*syscontd: notice: structured 1\nsyscontd: notice: plain 2\n*");
  g_test_trap_assert_stderr_unmatched ("*not shown*");
}

/* Sees what sc_log() gives to the writer. */
static GLogWriterOutput
on_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer user_data)
{
  GString *all = user_data;

  for (gsize i = 0; i < n_fields; i++)
    g_string_append_printf (all, "%s=%s;", fields[i].key, (const char *)fields[i].value);
  return G_LOG_WRITER_HANDLED;
}

static void
log_fields (void)
{
  ScLogFields fields = {
    .job = 7,
    .operation = "install",
    .container = "etcd",
    .image = "example.com/etcd",
    .error_name = "org.syscont.Error.Busy",
    .message_id = SC_MESSAGE_FAILED,
    .has_caller_uid = TRUE,
    .caller_uid = 0,
  };
  g_autoptr (GString) all = g_string_new (NULL);
  g_log_set_writer_func (on_log, all, NULL);

  sc_log (G_LOG_LEVEL_WARNING, &fields, "said %s", "once");
  g_assert_cmpstr (
      all->str, ==,
      "MESSAGE=said once;PRIORITY=4;GLIB_DOMAIN=syscont;SYSCONT_JOB=7;"
      "SYSCONT_OPERATION=install;SYSCONT_CONTAINER=etcd;SYSCONT_IMAGE=example.com/etcd;"
      "SYSCONT_ERROR_CODE=org.syscont.Error.Busy;MESSAGE_ID=" SC_MESSAGE_FAILED
      ";SYSCONT_CALLER_UID=0;");

  g_string_truncate (all, 0);
  sc_log (G_LOG_LEVEL_INFO, NULL, "bare");
  g_assert_cmpstr (all->str, ==, "MESSAGE=bare;PRIORITY=6;GLIB_DOMAIN=syscont;");
}

static void
test_fields (void)
{
  run_subprocess ("/log/fields/only-what-is-set");
}

static void
test_level_names (void)
{
  const char *const names[] = { "debug", "info", "notice", "warning", "err" };

  g_assert_cmpstr (sc_log_get_level (), ==, "info");
  for (gsize i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_assert_true (sc_log_set_level (names[i]));
      g_assert_cmpstr (sc_log_get_level (), ==, names[i]);
    }
  g_assert_false (sc_log_set_level ("loud"));
  g_assert_false (sc_log_set_level (""));
  g_assert_cmpstr (sc_log_get_level (), ==, "err");
}

static void
test_target_names (void)
{
  g_assert_true (sc_log_set_target ("journal"));
  g_assert_cmpstr (sc_log_get_target (), ==, "journal");
  g_assert_true (sc_log_set_target ("console"));
  g_assert_cmpstr (sc_log_get_target (), ==, "console");
  g_assert_true (sc_log_set_target ("auto"));
  g_assert_false (sc_log_set_target ("kmsg"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/log/console/levels", test_levels);
  g_test_add_func ("/log/console/levels/subprocess", log_levels);
  g_test_add_func ("/log/console/filtered", test_filtered);
  g_test_add_func ("/log/console/filtered/subprocess", log_filtered);
  g_test_add_func ("/log/console/one-line", test_one_line);
  g_test_add_func ("/log/console/one-line/subprocess", log_one_line);
  g_test_add_func ("/log/console/libraries", test_libraries);
  g_test_add_func ("/log/console/libraries/subprocess", log_libraries);
  g_test_add_func ("/log/fields/only-what-is-set", test_fields);
  g_test_add_func ("/log/fields/only-what-is-set/subprocess", log_fields);
  g_test_add_func ("/log/level/names", test_level_names);
  g_test_add_func ("/log/target/names", test_target_names);

  return g_test_run ();
}
