/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Logins at a registry: how they are sent, and that they go nowhere else (I10). The secret is a
 * canary: nobody but who it belongs to may have it in a header, an address or a body.
 */
#include "registry-fixture.h"

#include "image/sc-manifest.h"

#include <string.h>

#define CANARY "canary-7f3a"
#define BASIC  "Basic YWxpY2U6Y2FuYXJ5LTdmM2E=" /* alice:CANARY */

/* As syscontd does that has found a login. */
static void
log_in (Fixture *fixture, ScCredentialKind kind, const char *realm)
{
  g_autoptr (GError) error = NULL;

  ScEndpoint *endpoint = fixture->endpoints->pdata[0];
  endpoint->credential
      = sc_credential_new (kind, kind == SC_CREDENTIAL_BASIC ? "alice" : "", CANARY, realm, &error);
  g_assert_no_error (error);
  open_mirrors (fixture, NULL);
}

static gboolean
has_authorization (SoupServerMessage *message, const char *value)
{
  SoupMessageHeaders *headers = soup_server_message_get_request_headers (message);

  return g_strcmp0 (soup_message_headers_get_one (headers, "Authorization"), value) == 0;
}

static void
ask_for_password (SoupServerMessage *message)
{
  answer (message, 401, "text/plain", "");
  set_header (message, "WWW-Authenticate", "Basic realm=\"members only\"");
}

static void
ask_for_token (Fixture *fixture, SoupServerMessage *message, gboolean elsewhere)
{
  g_autofree char *text = g_strdup_printf (
      "Bearer realm=\"%s://127.0.0.1:%u/token\",service=\"s\",scope=\"repository:a/b:pull\"",
      elsewhere ? "http" : "https", elsewhere ? fixture->other_port : fixture->port);

  answer (message, 401, "text/plain", "");
  set_header (message, "WWW-Authenticate", text);
}

/* Requests with the secret in whatever spelling. */
static guint
count_canaries (Fixture *fixture)
{
  return count_requests (fixture, CANARY) + count_requests (fixture, BASIC);
}

static void
assert_no_secret_in (const GError *error)
{
  g_assert_null (strstr (error->message, CANARY));
  g_assert_null (strstr (error->message, &BASIC[strlen ("Basic ")]));
}

/* --- passwords --- */

static void
behave_with_password (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (has_authorization (message, BASIC))
    behave (fixture, message, path, n);
  else
    ask_for_password (message);
}

static void
test_password (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  log_in (fixture, SC_CREDENTIAL_BASIC, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);
  g_assert_no_error (error);
  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  g_assert_true (done);
  /* not before it was asked for, and from then on at once */
  g_assert_cmpuint (count_requests (fixture, BASIC), ==, 2);
  g_assert_cmpuint (fixture->log->len, ==, 3);
}

static void
behave_closed (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  ask_for_password (message);
}

static void
test_password_refused (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  log_in (fixture, SC_CREDENTIAL_BASIC, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
  assert_message (error, "user \"alice\"");
  assert_message (error, "\"a/b\"");
  assert_message (error, "syscontctl login 127.0.0.1:");
  assert_no_secret_in (error);
  g_assert_cmpuint (fixture->log->len, ==, 2);
}

static void
behave_forbidden (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (has_authorization (message, BASIC))
    answer (message, 403, "text/plain", CANARY);
  else
    ask_for_password (message);
}

static void
test_identity_token_is_no_password (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  log_in (fixture, SC_CREDENTIAL_IDENTITY_TOKEN, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
  assert_message (error, "identity token");
  g_assert_cmpuint (count_canaries (fixture), ==, 0);
}

static void
behave_moved_blob (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  g_autofree char *there
      = g_strdup_printf ("http://127.0.0.1:%u/moved%s", fixture->other_port, path);

  if (g_str_has_prefix (path, "/moved"))
    behave (fixture, message, path, n);
  else if (!has_authorization (message, BASIC))
    ask_for_password (message);
  else
    {
      soup_server_message_set_status (message, 307, NULL);
      set_header (message, "Location", there);
    }
}

/* RP11 */
static void
test_password_stays_at_its_origin (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  log_in (fixture, SC_CREDENTIAL_BASIC, NULL);
  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpuint (count_requests (fixture, "/moved"), ==, 1);
  g_assert_cmpuint (count_canaries (fixture), ==, 1);
  g_mutex_lock (&fixture->mutex);
  g_assert_null (strstr (fixture->log->pdata[fixture->log->len - 1], "Authorization"));
  g_mutex_unlock (&fixture->mutex);
}

/* --- tokens --- */

static void
behave_with_token_for_password (Fixture *fixture,
                                SoupServerMessage *message,
                                const char *path,
                                guint n)
{
  if (g_str_equal (path, "/token") && has_authorization (message, BASIC))
    answer (message, 200, "application/json", "{\"token\":\"one\",\"expires_in\":60}");
  else if (g_str_equal (path, "/token"))
    answer (message, 401, "application/json", "{\"details\":\"" CANARY "\"}");
  else if (has_authorization (message, "Bearer one"))
    behave (fixture, message, path, n);
  else
    ask_for_token (fixture, message, TRUE);
}

static void
test_token_for_password (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  log_in (fixture, SC_CREDENTIAL_BASIC, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);
  g_assert_no_error (error);
  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  g_assert_true (done);
  /* the registry itself sees the token only */
  g_assert_cmpuint (count_canaries (fixture), ==, 1);
  g_assert_cmpuint (count_requests (fixture, "/token?service=s"), ==, 1);
  g_assert_cmpuint (count_requests (fixture, "Authorization=Bearer one"), ==, 2);
}

static void
behave_with_token_for_nobody (Fixture *fixture,
                              SoupServerMessage *message,
                              const char *path,
                              guint n)
{
  if (g_str_equal (path, "/token"))
    answer (message, 401, "application/json", "{\"details\":\"" CANARY "\"}");
  else
    ask_for_token (fixture, message, TRUE);
}

static void
test_token_refused (Fixture *fixture, gconstpointer data)
{
  g_autofree char *host = g_strdup_printf ("\"127.0.0.1:%u\"", fixture->other_port);
  g_autoptr (GError) error = NULL;

  log_in (fixture, SC_CREDENTIAL_BASIC, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
  assert_message (error, host);
  assert_message (error, "user \"alice\"");
  assert_no_secret_in (error);
  g_assert_cmpuint (count_requests (fixture, "/token?"), ==, 1);
}

static void
behave_with_token_for_identity (Fixture *fixture,
                                SoupServerMessage *message,
                                const char *path,
                                guint n)
{
  SoupMessageBody *body = soup_server_message_get_request_body (message);
  const char *form = "grant_type=refresh_token&client_id=syscont&service=s&scope=repository%3Aa%2Fb"
                     "%3Apull&refresh_token=" CANARY;

  if (!g_str_equal (path, "/token"))
    behave_with_token_for_password (fixture, message, path, n);
  else if (!g_str_equal (soup_server_message_get_method (message), "POST"))
    answer (message, 405, "text/plain", "");
  else if ((gsize)body->length == strlen (form) && memcmp (body->data, form, strlen (form)) == 0)
    answer (message, 200, "application/json", "{\"access_token\":\"one\"}");
  else
    answer (message, 401, "text/plain", "");
}

static void
test_token_for_identity (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  log_in (fixture, SC_CREDENTIAL_IDENTITY_TOKEN, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  g_assert_cmpuint (count_requests (fixture, "/token"), ==, 1);
  /* neither in an address nor in a header */
  g_assert_cmpuint (count_canaries (fixture), ==, 0);
}

static void
behave_without_post (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (g_str_equal (path, "/token"))
    answer (message, 404, "text/plain", "");
  else
    ask_for_token (fixture, message, TRUE);
}

static void
test_identity_not_taken (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  log_in (fixture, SC_CREDENTIAL_IDENTITY_TOKEN, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
  assert_message (error, "takes no identity tokens");
}

/* Each token is good for one request. */
static void
behave_with_short_token (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  static guint issued, spent;

  if (n == 0)
    issued = spent = 0;
  g_autofree char *current = g_strdup_printf ("Bearer t%u", issued);
  g_autofree char *token = g_strdup_printf ("{\"token\":\"t%u\",\"expires_in\":1}", issued + 1);
  if (g_str_equal (path, "/token") && has_authorization (message, BASIC))
    {
      issued++;
      answer (message, 200, "application/json", token);
    }
  else if (g_str_equal (path, "/token") || issued == spent || !has_authorization (message, current))
    ask_for_token (fixture, message, TRUE);
  else
    {
      spent = issued;
      if (strstr (path, "/blobs/") != NULL && get_range_start (message) == 0)
        send_part (fixture, message, 0, 1000, THEN_CLOSE);
      else
        behave (fixture, message, path, n);
    }
}

/* RP14: in the middle of a blob, too: one renewal for each request, and the download goes on */
static void
test_token_expires (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  log_in (fixture, SC_CREDENTIAL_BASIC, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);
  g_assert_no_error (error);
  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  g_assert_true (done);
  g_assert_cmpuint (count_requests (fixture, "/token?"), ==, 3);
  g_assert_cmpuint (count_requests (fixture, "/blobs/"), ==, 4);
  g_assert_cmpuint (count_requests (fixture, "Range=bytes=1000-"), ==, 2);
  g_assert_cmpuint (count_canaries (fixture), ==, 3);
}

/* --- where they do not go --- */

static void
assert_nothing_was_sent (Fixture *fixture, const char *reason)
{
  g_autoptr (GError) error = NULL;

  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
  assert_message (error, reason);
  assert_no_secret_in (error);
  g_assert_cmpuint (fixture->log->len, ==, 1);
  g_assert_cmpuint (count_canaries (fixture), ==, 0);
}

static void
behave_sending_elsewhere (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  answer (message, 401, "text/plain", "");
  set_header (message, "WWW-Authenticate", "Bearer realm=\"https://auth.example.org/token\"");
}

/* RP10 */
static void
test_realm_elsewhere (Fixture *fixture, gconstpointer data)
{
  trust (good_certificate);
  log_in (fixture, SC_CREDENTIAL_BASIC, NULL);
  assert_nothing_was_sent (fixture, "\"auth.example.org\"");
  trust_system ();
}

static void
test_realm_elsewhere_from_insecure (Fixture *fixture, gconstpointer data)
{
  log_in (fixture, SC_CREDENTIAL_IDENTITY_TOKEN, "auth.example.org");
  assert_nothing_was_sent (fixture, "insecure");
}

static void
behave_sending_home (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  ask_for_token (fixture, message, FALSE);
}

static void
test_realm_is_not_the_recorded_one (Fixture *fixture, gconstpointer data)
{
  trust (good_certificate);
  log_in (fixture, SC_CREDENTIAL_BASIC, "auth.example.org");
  assert_nothing_was_sent (fixture, "127.0.0.1:");
  trust_system ();
}

/* RP10 */
static void
test_realm_without_tls (Fixture *fixture, gconstpointer data)
{
  trust (good_certificate);
  log_in (fixture, SC_CREDENTIAL_BASIC, NULL);
  assert_nothing_was_sent (fixture, "https");
  trust_system ();
}

static void
behave_moved_token_server (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  g_autofree char *there = g_strdup_printf ("http://127.0.0.1:%u/stolen", fixture->other_port);

  if (!g_str_equal (path, "/token"))
    {
      ask_for_token (fixture, message, FALSE);
      return;
    }
  soup_server_message_set_status (message, 307, NULL);
  set_header (message, "Location", there);
}

static void
test_token_server_redirects (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  log_in (fixture, SC_CREDENTIAL_IDENTITY_TOKEN, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_no_secret_in (error);
  g_assert_cmpuint (count_requests (fixture, "/stolen"), ==, 0);
}

/* RP13: whatever the token server says, it goes into no header */
static void
behave_with_odd_token (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (g_str_equal (path, "/token"))
    answer (message, 200, "application/json", "{\"token\":\"a\\r\\nX-Evil: b\",\"expires_in\":-1}");
  else
    ask_for_token (fixture, message, TRUE);
}

static void
test_odd_token (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  log_in (fixture, SC_CREDENTIAL_BASIC, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_AUTH_REQUIRED);
  g_assert_cmpuint (fixture->log->len, ==, 2);
}

/* RP13 */
static void
behave_with_endless_token (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  g_autofree char *text = g_strnfill (10 * 1024 * 1024, ' ');

  if (g_str_equal (path, "/token"))
    answer (message, 200, "application/json", text);
  else
    ask_for_token (fixture, message, TRUE);
}

static void
test_endless_token (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  log_in (fixture, SC_CREDENTIAL_BASIC, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
  g_assert_cmpuint (count_requests (fixture, "/token"), ==, 1);
}

int
main (int argc, char **argv)
{
  static const RegistryTest tests[] = {
    { "/login/password/sent", { behave_with_password }, test_password },
    { "/login/password/refused", { behave_closed }, test_password_refused },
    { "/login/password/forbidden", { behave_forbidden }, test_password_refused },
    { "/login/password/not-a-token", { behave_with_password }, test_identity_token_is_no_password },
    { "/login/password/redirect", { behave_moved_blob }, test_password_stays_at_its_origin },
    { "/login/token/for-password", { behave_with_token_for_password }, test_token_for_password },
    { "/login/token/refused", { behave_with_token_for_nobody }, test_token_refused },
    { "/login/token/for-identity", { behave_with_token_for_identity }, test_token_for_identity },
    { "/login/token/no-post", { behave_without_post }, test_identity_not_taken },
    { "/login/token/expires", { behave_with_short_token }, test_token_expires },
    { "/login/token/odd", { behave_with_odd_token }, test_odd_token },
    { "/login/token/endless", { behave_with_endless_token }, test_endless_token },
    { "/login/token/redirect", { behave_moved_token_server }, test_token_server_redirects },
    { "/login/realm/elsewhere", { behave_sending_elsewhere, FALSE, TRUE }, test_realm_elsewhere },
    { "/login/realm/elsewhere-from-insecure",
      { behave_sending_elsewhere },
      test_realm_elsewhere_from_insecure },
    { "/login/realm/not-the-recorded-one",
      { behave_sending_home, FALSE, TRUE },
      test_realm_is_not_the_recorded_one },
    { "/login/realm/without-tls",
      { behave_with_token_for_nobody, FALSE, TRUE },
      test_realm_without_tls },
  };

  return fixture_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
