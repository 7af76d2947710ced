/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Registries that are busy or broken: how long syscont-fetch waits, and when it gives up.
 */
#include "registry-fixture.h"

#include "image/sc-manifest.h"

static void
behave_busy (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (n >= 3)
    {
      behave (fixture, message, path, n);
      return;
    }
  answer (message, n == 1 ? 503 : 429, "text/plain", "");
  set_header (message, "Retry-After",
              n == 0   ? "0"
              : n == 1 ? "-3"
                       : "Tue, 31 Dec 2019 00:00:00 GMT");
}

/* RP15 */
static void
test_busy (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  g_assert_cmpuint (fixture->log->len, ==, 4);
}

static void
behave_busy_for_a_day (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  answer (message, 429, "text/plain", "");
  set_header (message, "Retry-After", "86400");
}

/* RP15 */
static void
test_busy_for_a_day (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
  g_autoptr (GDateTime) then = g_date_time_add_days (now, 1);
  g_autofree char *date = g_date_time_format (then, "%Y-%m-%d");

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_RATE_LIMITED);
  assert_message (error, date);
}

static void
behave_always_busy (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  answer (message, 429, "text/plain", "");
  set_header (message, "Retry-After", "0");
}

/* RP15 */
static void
test_always_busy (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_RATE_LIMITED);
  g_assert_cmpuint (fixture->log->len, ==, 7); /* one of them to find out about TLS */
}

static void
behave_broken (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  answer (message, 500, "text/plain", "");
}

static void
test_broken (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "status 500");
  g_assert_cmpuint (fixture->log->len, ==, 7); /* one of them to find out about TLS */
}

static void
behave_wait (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  answer (message, 429, "text/plain", "");
  set_header (message, "Retry-After", "200");
}

static gboolean
cancel_when_asked (gpointer data)
{
  Fixture *fixture = data;

  if (count_requests (fixture, "/manifests/") < 2)
    return G_SOURCE_CONTINUE;
  g_cancellable_cancel (fixture->cancellable);
  return G_SOURCE_REMOVE;
}

/* RP15 */
static void
test_cancel_while_waiting (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  /* In the time between two looks the client gets the answer that makes it wait. */
  g_timeout_add (50, cancel_when_asked, fixture);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_CANCELLED);
}

int
main (int argc, char **argv)
{
  static const RegistryTest tests[] = {
    { "/registry/wait/busy", { behave_busy }, test_busy },
    { "/registry/wait/busy-for-a-day", { behave_busy_for_a_day }, test_busy_for_a_day },
    { "/registry/wait/always-busy", { behave_always_busy }, test_always_busy },
    { "/registry/wait/broken", { behave_broken }, test_broken },
    { "/registry/wait/cancelled", { behave_wait }, test_cancel_while_waiting },
  };

  return fixture_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
