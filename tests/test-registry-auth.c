/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Tokens, and redirects, which must not carry them elsewhere.
 */
#include "registry-fixture.h"

#include "image/sc-manifest.h"

#include <stdlib.h>
#include <string.h>

/* The other origin has no TLS. */
static char *
get_origin (Fixture *fixture, gboolean elsewhere)
{
  if (elsewhere)
    return g_strdup_printf ("http://127.0.0.1:%u", fixture->other_port);
  return g_strdup_printf ("https://127.0.0.1:%u", fixture->port);
}

static void
redirect (Fixture *fixture, SoupServerMessage *message, gboolean elsewhere, const char *path)
{
  g_autofree char *origin = get_origin (fixture, elsewhere);
  g_autofree char *location = g_strconcat (origin, path, NULL);

  soup_server_message_set_status (message, 307, NULL);
  set_header (message, "Location", location);
}

static void
challenge (Fixture *fixture, SoupServerMessage *message, gboolean elsewhere, const char *scope)
{
  g_autofree char *origin = get_origin (fixture, elsewhere);
  g_autofree char *text
      = g_strdup_printf ("Bearer realm=\"%s/token\",service=\"s\"%s", origin, scope);

  answer (message, 401, "text/plain", "");
  set_header (message, "WWW-Authenticate", text);
}

static gboolean
has_authorization (SoupServerMessage *message, const char *value)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);

  return g_strcmp0 (soup_message_headers_get_one (headers, "Authorization"), value) == 0;
}

static void
behave_with_token (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (g_str_equal (path, "/token"))
    answer (message, 200, "application/json", "{\"token\":\"one\",\"expires_in\":60}");
  else if (has_authorization (message, "Bearer one"))
    behave (fixture, message, path, n);
  else
    challenge (fixture, message, TRUE, ",scope=\"repository:a/b:pull\"");
}

static void
test_token (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpuint (count_requests (fixture, "/token?service=s&scope=repository%3Aa%2Fb%3Apull"),
                    ==, 1);
  g_assert_cmpuint (count_requests (fixture, "Authorization=Bearer one"), ==, 2);
}

/* Each token is good for one request. */
static void
behave_with_short_token (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  static guint issued, spent;

  if (n == 0)
    issued = spent = 0;
  g_autofree char *current = g_strdup_printf ("Bearer t%u", issued);
  g_autofree char *token = g_strdup_printf ("{\"access_token\":\"t%u\"}", issued + 1);
  if (g_str_equal (path, "/token"))
    {
      issued++;
      answer (message, 200, "application/json", token);
    }
  else if (issued > spent && has_authorization (message, current))
    {
      spent = issued;
      if (strstr (path, "/blobs/") != NULL && get_range_start (message) == 0)
        send_part (fixture, message, 0, 1000, THEN_CLOSE);
      else
        behave (fixture, message, path, n);
    }
  else
    challenge (fixture, message, TRUE, "");
}

/* RP14 */
static void
test_token_expires (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpuint (count_requests (fixture, "/token?"), ==, 3);
  g_assert_cmpuint (count_requests (fixture, "/blobs/"), ==, 4);
}

static void
behave_insatiable (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (g_str_equal (path, "/token"))
    answer (message, 200, "application/json", "{\"token\":\"one\"}");
  else
    challenge (fixture, message, FALSE, "");
}

/* RP14 */
static void
test_token_useless (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
  assert_message (error, "\"a/b\"");
  g_assert_cmpuint (count_requests (fixture, "/token?"), ==, 1);
  g_assert_cmpuint (count_requests (fixture, "/manifests/"), ==, 2);
}

static void
behave_basic (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  answer (message, 401, "text/plain", "");
  set_header (message, "WWW-Authenticate", "Basic realm=\"members only\"");
}

static void
test_basic (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
  g_assert_cmpuint (fixture->log->len, ==, 1);
}

static void
behave_moved_token (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (g_str_equal (path, "/token"))
    redirect (fixture, message, TRUE, "/elsewhere");
  else
    challenge (fixture, message, FALSE, "");
}

static void
test_token_redirect (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "token");
  g_assert_cmpuint (count_requests (fixture, "/elsewhere"), ==, 0);
}

static void
behave_moved_blob (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  g_autofree char *there = g_strdup_printf ("/moved%s", path);

  if (strstr (path, "/blobs/") == NULL || g_str_has_prefix (path, "/moved"))
    behave_with_token (fixture, message, path, n);
  else if (has_authorization (message, "Bearer one"))
    redirect (fixture, message, TRUE, there);
  else
    challenge (fixture, message, FALSE, "");
}

static void
behave_moved_and_open (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (g_str_has_prefix (path, "/moved"))
    behave (fixture, message, path, n);
  else
    behave_moved_blob (fixture, message, path, n);
}

/* RP11 */
static void
test_redirect_without_authorization (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_mutex_lock (&fixture->mutex);
  const char *last = fixture->log->pdata[fixture->log->len - 1];
  g_assert_true (g_str_has_prefix (last, "/moved/v2/a/b/blobs/"));
  g_assert_null (strstr (last, "Authorization"));
  g_mutex_unlock (&fixture->mutex);
}

/* The number in the path counts down. */
static void
behave_redirecting (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  guint left = g_str_has_prefix (path, "/hop/") ? (guint)atoi (path + strlen ("/hop/")) : 6;
  g_autofree char *there = g_strdup_printf ("/hop/%u", left - 1);

  if (strstr (path, "/five") != NULL)
    redirect (fixture, message, FALSE, "/hop/4");
  else if (left == 0)
    answer (message, 200, MEDIA_TYPE, MANIFEST);
  else
    redirect (fixture, message, FALSE, there);
}

static void
test_redirect_limit (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *five = get_manifest (fixture, "five", SC_MANIFEST_MAX_BYTES, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (five, ==, MANIFEST);
  g_autofree char *six = get_manifest (fixture, "six", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (six);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "redirects once more");
}

static void
behave_downgrading (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (g_str_equal (path, "/plain"))
    answer (message, 200, MEDIA_TYPE, MANIFEST);
  else
    redirect (fixture, message, TRUE, "/plain");
}

/* RP11 */
static void
test_redirect_downgrade (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  trust (good_certificate);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);
  trust_system ();

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "from https to http");
  g_assert_cmpuint (count_requests (fixture, "/plain"), ==, 0);
}

static void
behave_two_locations (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  redirect (fixture, message, FALSE, "/a");
  soup_message_headers_append (soup_server_message_get_response_headers (message), "Location",
                               "http://127.0.0.1/b");
}

static void
behave_file_location (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  soup_server_message_set_status (message, 302, NULL);
  set_header (message, "Location", "file:///etc/passwd");
}

/* RP17 */
static void
test_redirect_refused (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "not to a proper http address");
}

int
main (int argc, char **argv)
{
  static const RegistryTest tests[] = {
    { "/registry/token/once", { behave_with_token }, test_token },
    { "/registry/token/expires", { behave_with_short_token }, test_token_expires },
    { "/registry/token/useless", { behave_insatiable }, test_token_useless },
    { "/registry/token/redirect", { behave_moved_token }, test_token_redirect },
    { "/registry/basic/refused", { behave_basic }, test_basic },
    { "/registry/redirect/authorization-stays",
      { behave_moved_and_open },
      test_redirect_without_authorization },
    { "/registry/redirect/limit", { behave_redirecting }, test_redirect_limit },
    { "/registry/redirect/downgrade",
      { behave_downgrading, FALSE, TRUE },
      test_redirect_downgrade },
    { "/registry/redirect/two-locations", { behave_two_locations }, test_redirect_refused },
    { "/registry/redirect/file", { behave_file_location }, test_redirect_refused },
  };

  return fixture_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
