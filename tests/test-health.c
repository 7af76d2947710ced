/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "deploy/sc-health.h"
#include "ops/sc-health-state.h"

#include <string.h>

static ScHealth *
parse (const char *text, GError **error)
{
  g_autoptr (JsonObject) object = sc_json_parse_object (text, strlen (text), NULL, NULL);

  g_assert_nonnull (object);
  return sc_health_parse (object, error);
}

static void
test_parse_reads_everything (void)
{
  g_autoptr (ScHealth) health = parse ("{\"command\":[\"/bin/true\",\"x\"],\"interval\":\"5min\","
                                       "\"timeout\":7,\"start-period\":\"1500ms\",\"retries\":4}",
                                       NULL);

  g_assert_cmpstr (health->command[0], ==, "/bin/true");
  g_assert_cmpstr (health->command[1], ==, "x");
  g_assert_cmpint (health->interval_usec, ==, 300 * G_USEC_PER_SEC);
  g_assert_cmpint (health->timeout_usec, ==, 7 * G_USEC_PER_SEC);
  g_assert_cmpint (health->start_period_usec, ==, 1500000);
  g_assert_cmpint (health->retries, ==, 4);
}

static void
test_parse_gives_a_text_to_a_shell (void)
{
  g_autoptr (ScHealth) health = parse ("{\"command\":\"a && b\"}", NULL);

  g_autofree char *words = g_strjoinv ("|", health->command);
  g_assert_cmpstr (words, ==, "/bin/sh|-c|a && b");
  g_assert_cmpint (health->interval_usec, ==, -1);
}

static void
test_parse_refuses (void)
{
  static const char *const wrong[] = {
    "{\"command\":[]}",
    "{\"command\":\"x\",\"unit\":\"web-x.service\"}",
    "{\"unit\":\"../x.service\"}",
    "{\"unit\":\"x.target\"}",
    "{\"command\":\"x\",\"interval\":\"soon\"}",
    "{\"command\":\"x\",\"interval\":0}",
    "{\"command\":\"x\",\"timeout\":\"25h\"}",
    "{\"command\":\"x\",\"retries\":0}",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (wrong); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ScHealth) health = parse (wrong[i], &error);

      g_assert_null (health);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_TEMPLATE_INVALID);
      g_assert_true (g_str_has_prefix (error->message, "health: "));
    }
}

static void
test_resolve_keeps_what_was_not_said (void)
{
  g_autoptr (ScHealth) image = parse ("{\"command\":[\"a\"],\"interval\":5,\"retries\":9}", NULL);
  g_autoptr (ScHealth) caller = sc_health_new ();
  caller->retries = 1;

  g_autoptr (ScHealth) health = sc_health_resolve (image, caller);

  g_assert_cmpstr (health->command[0], ==, "a");
  g_assert_cmpint (health->interval_usec, ==, 5 * G_USEC_PER_SEC);
  g_assert_cmpint (health->timeout_usec, ==, 30 * G_USEC_PER_SEC);
  g_assert_cmpint (health->retries, ==, 1);
}

static void
test_resolve_to_nothing (void)
{
  g_autoptr (ScHealth) image = parse ("{\"command\":[\"a\"]}", NULL);
  g_autoptr (ScHealth) off = sc_health_new ();
  off->is_off = TRUE;

  g_assert_null (sc_health_resolve (NULL, NULL));
  g_assert_null (sc_health_resolve (image, off));
}

static void
test_merge_keeps_what_was_not_said (void)
{
  g_autoptr (ScHealth) before = parse ("{\"command\":[\"a\"],\"interval\":5}", NULL);
  g_autoptr (ScHealth) faster = parse ("{\"interval\":1}", NULL);
  g_autoptr (ScHealth) other = parse ("{\"unit\":\"b.service\"}", NULL);

  g_autoptr (ScHealth) same = sc_health_merge (before, NULL);
  g_autoptr (ScHealth) timed = sc_health_merge (before, faster);
  g_autoptr (ScHealth) replaced = sc_health_merge (timed, other);
  g_autoptr (ScHealth) first = sc_health_merge (NULL, other);

  g_assert_true (sc_health_is_same (same, before));
  g_assert_cmpstr (timed->command[0], ==, "a");
  g_assert_cmpint (timed->interval_usec, ==, G_USEC_PER_SEC);
  g_assert_null (replaced->command);
  g_assert_cmpstr (replaced->unit, ==, "b.service");
  g_assert_cmpint (replaced->interval_usec, ==, G_USEC_PER_SEC);
  g_assert_true (sc_health_is_same (first, other));
  g_assert_false (sc_health_is_same (first, NULL));
  g_assert_null (sc_health_merge (NULL, NULL));
}

static void
test_stored_and_read_back (void)
{
  g_autoptr (ScHealth) health = parse ("{\"command\":[\"a\",\"b c\"],\"interval\":5}", NULL);
  g_autoptr (JsonObject) object = json_object_new ();

  sc_health_write (health, object, "health");
  g_autoptr (ScHealth) again = sc_health_read (object, "health", NULL);

  g_assert_cmpstr (again->command[1], ==, "b c");
  g_assert_cmpint (again->interval_usec, ==, 5 * G_USEC_PER_SEC);
  g_assert_cmpint (again->start_period_usec, ==, -1);
  sc_health_write (NULL, object, "health");
  g_assert_null (sc_health_read (object, "health", NULL));
}

static void
test_state_counts_failures_in_a_row (void)
{
  g_autoptr (ScHealth) said
      = parse ("{\"command\":[\"a\"],\"retries\":2,\"start-period\":10}", NULL);
  g_autoptr (ScHealth) health = sc_health_resolve (said, NULL);
  ScHealthState state = { .verdict = SC_HEALTH_STARTING };
  const gint64 young = 5 * G_USEC_PER_SEC;
  const gint64 old = 20 * G_USEC_PER_SEC;

  for (int i = 0; i < 5; i++)
    sc_health_state_add (&state, health, FALSE, young);
  g_assert_cmpint (state.verdict, ==, SC_HEALTH_STARTING);
  sc_health_state_add (&state, health, FALSE, old);
  g_assert_cmpint (state.verdict, ==, SC_HEALTH_STARTING);
  sc_health_state_add (&state, health, FALSE, old);
  g_assert_cmpint (state.verdict, ==, SC_HEALTH_UNHEALTHY);
  sc_health_state_add (&state, health, TRUE, old);
  g_assert_cmpint (state.verdict, ==, SC_HEALTH_HEALTHY);
  sc_health_state_add (&state, health, FALSE, young);
  g_assert_cmpint (state.verdict, ==, SC_HEALTH_HEALTHY);
  sc_health_state_add (&state, health, FALSE, young);
  g_assert_cmpint (state.verdict, ==, SC_HEALTH_UNHEALTHY);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  g_test_add_func ("/health/parse/reads-everything", test_parse_reads_everything);
  g_test_add_func ("/health/parse/gives-a-text-to-a-shell", test_parse_gives_a_text_to_a_shell);
  g_test_add_func ("/health/parse/refuses", test_parse_refuses);
  g_test_add_func ("/health/resolve/keeps-what-was-not-said", test_resolve_keeps_what_was_not_said);
  g_test_add_func ("/health/resolve/to-nothing", test_resolve_to_nothing);
  g_test_add_func ("/health/merge/keeps-what-was-not-said", test_merge_keeps_what_was_not_said);
  g_test_add_func ("/health/stored-and-read-back", test_stored_and_read_back);
  g_test_add_func ("/health/state/counts-failures-in-a-row", test_state_counts_failures_in_a_row);

  return g_test_run ();
}
