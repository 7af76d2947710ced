/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Mirrors: who is asked for what, and who next when that fails.
 */
#include "registry-fixture.h"

#include "base/sc-digest.h"
#include "base/sc-fd.h"
#include "image/sc-manifest.h"

#include <string.h>

static gboolean
is_mirror (Fixture *fixture, SoupServerMessage *message)
{
  GUri *uri = soup_server_message_get_uri (message);

  return g_uri_get_port (uri) == (int)fixture->mirror_port;
}

static guint
count_at (Fixture *fixture, guint port)
{
  g_autofree char *host = g_strdup_printf ("Host=127.0.0.1:%u;", port);

  return count_requests (fixture, host);
}

static ScEndpoint *
add_mirror (Fixture *fixture)
{
  g_autofree char *name = g_strdup_printf ("127.0.0.1:%u", fixture->mirror_port);
  ScEndpoint *mirror = sc_endpoint_new (name, "a/b");

  mirror->insecure = TRUE;
  g_ptr_array_insert (fixture->endpoints, 0, mirror);
  open_mirrors (fixture, NULL);
  return mirror;
}

static void
test_mirror_first (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  add_mirror (fixture);
  g_autofree char *body G_GNUC_UNUSED
      = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->served, ==, 0);
  get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (count_at (fixture, fixture->mirror_port), ==, 2);
  g_assert_cmpuint (count_at (fixture, fixture->port), ==, 0);
}

static void
test_mirror_digest_only (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *digest = sc_digest_of_bytes (MANIFEST, strlen (MANIFEST));

  add_mirror (fixture)->digest_only = TRUE;
  g_autofree char *by_tag G_GNUC_UNUSED
      = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->served, ==, 1);
  g_assert_cmpuint (count_at (fixture, fixture->mirror_port), ==, 0);

  g_autofree char *by_digest G_GNUC_UNUSED
      = get_manifest (fixture, digest, SC_MANIFEST_MAX_BYTES, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (fixture->served, ==, 0);
  get_blob (fixture, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (count_at (fixture, fixture->mirror_port), ==, 2);
}

static void
behave_404 (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  (is_mirror (fixture, message) ? behave_unknown : behave) (fixture, message, path, n);
}

static void
behave_500 (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (is_mirror (fixture, message))
    answer (message, 500, "text/plain", "");
  else
    behave (fixture, message, path, n);
}

static void
behave_429 (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (!is_mirror (fixture, message))
    {
      behave (fixture, message, path, n);
      return;
    }
  set_header (message, "Retry-After", "120");
  answer (message, 429, "text/plain", "");
}

static void
behave_401 (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (!is_mirror (fixture, message))
    {
      behave (fixture, message, path, n);
      return;
    }
  set_header (message, "WWW-Authenticate", "Basic realm=\"mirror\"");
  answer (message, 401, "text/plain", "");
}

/* Another manifest than the digest that is asked for. */
static void
behave_other (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (is_mirror (fixture, message) && strstr (path, "/manifests/") != NULL)
    answer (message, 200, MEDIA_TYPE, "{}");
  else
    behave (fixture, message, path, n);
}

static void
test_mirror_fails (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *digest = sc_digest_of_bytes (MANIFEST, strlen (MANIFEST));

  add_mirror (fixture);
  g_autofree char *body = get_manifest (fixture, digest, SC_MANIFEST_MAX_BYTES, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  g_assert_cmpuint (fixture->served, ==, 1);
  g_assert_cmpuint (count_at (fixture, fixture->mirror_port), >, 0);
  get_blob (fixture, &error);
  g_assert_no_error (error);
}

/* One that wants a login will want it for the next blob too. */
static void
test_mirror_given_up (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  add_mirror (fixture);
  g_autofree char *body G_GNUC_UNUSED
      = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);
  get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (count_at (fixture, fixture->mirror_port), ==, 1);
  g_assert_cmpuint (count_at (fixture, fixture->port), ==, 2);
}

static void
test_mirror_unreachable (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strdup_printf ("127.0.0.1:%u", fixture->port);
  sc_autofd fd = set_registry_to_silence (fixture, FALSE);
  ScEndpoint *registry = sc_endpoint_new (name, "a/b");
  g_assert_cmpint (fd, >=, 0);

  registry->insecure = TRUE;
  g_ptr_array_add (fixture->endpoints, registry);
  open_mirrors (fixture, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);
  get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_cmpstr (body, ==, MANIFEST);
  g_assert_cmpuint (fixture->served, ==, 1);
}

/* RP21: what is wrong with a certificate is no reason to do without it */
static void
test_mirror_untrusted (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *name = g_strdup_printf ("127.0.0.1:%u", fixture->mirror_port);
  ScEndpoint *registry = sc_endpoint_new (name, "a/b");

  registry->insecure = TRUE;
  g_ptr_array_add (fixture->endpoints, registry);
  open_mirrors (fixture, NULL);
  trust_system ();
  g_autofree char *body G_GNUC_UNUSED
      = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (fixture->served, ==, 1);
  g_assert_cmpuint (count_at (fixture, fixture->port), ==, 0);
}

/* Sends a part of the blob and breaks off, whenever it is asked. */
static void
behave_half (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  guint64 start = get_range_start (message);

  if (is_mirror (fixture, message) && strstr (path, "/blobs/") != NULL)
    send_part (fixture, message, start, start == 0 ? BLOB_BYTES / 2 : 0, THEN_CLOSE);
  else
    behave (fixture, message, path, n);
}

static void
test_mirror_blob_goes_on (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  add_mirror (fixture);
  get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (count_at (fixture, fixture->port), ==, 1);
  g_assert_cmpuint (fixture->sent_bytes, ==, BLOB_BYTES);
}

static void
behave_without_range (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (is_mirror (fixture, message) && strstr (path, "/blobs/") != NULL)
    behave_half (fixture, message, path, n);
  else
    {
      soup_message_headers_remove (soup_server_message_get_request_headers (message), "Range");
      behave (fixture, message, path, n);
    }
}

static void
test_mirror_blob_starts_again (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  add_mirror (fixture);
  get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (count_at (fixture, fixture->port), ==, 1);
}

static void
test_mirror_all_fail (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *mirror = g_strdup_printf ("mirror \"127.0.0.1:%u\": ", fixture->mirror_port);
  g_autofree char *registry = g_strdup_printf ("registry \"127.0.0.1:%u\" has no", fixture->port);

  add_mirror (fixture);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_MANIFEST_UNKNOWN);
  assert_message (error, "before that");
  assert_message (error, mirror);
  assert_message (error, registry);
}

static void
test_mirror_bad_certificate (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  add_mirror (fixture)->ca = g_bytes_new_static ("nonsense", 8);
  open_mirrors (fixture, NULL);
  g_autofree char *body = get_manifest (fixture, "latest", SC_MANIFEST_MAX_BYTES, &error);

  g_assert_null (body);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_MANIFEST_UNKNOWN);
  assert_message (error, "certs.d");
  assert_message (error, "no PEM certificate");
}

int
main (int argc, char **argv)
{
  static const RegistryTest tests[] = {
    { "/registry/mirrors/first", { behave }, test_mirror_first },
    { "/registry/mirrors/digest-only", { behave }, test_mirror_digest_only },
    { "/registry/mirrors/fails/404", { behave_404 }, test_mirror_fails },
    { "/registry/mirrors/fails/500", { behave_500 }, test_mirror_fails },
    { "/registry/mirrors/fails/429", { behave_429 }, test_mirror_fails },
    { "/registry/mirrors/fails/401", { behave_401 }, test_mirror_fails },
    { "/registry/mirrors/fails/other-manifest", { behave_other }, test_mirror_fails },
    { "/registry/mirrors/given-up", { behave_401 }, test_mirror_given_up },
    { "/registry/mirrors/unreachable", { behave }, test_mirror_unreachable },
    { "/registry/mirrors/untrusted", { behave, FALSE, TRUE }, test_mirror_untrusted },
    { "/registry/mirrors/blob/goes-on", { behave_half }, test_mirror_blob_goes_on },
    { "/registry/mirrors/blob/starts-again",
      { behave_without_range },
      test_mirror_blob_starts_again },
    { "/registry/mirrors/all-fail", { behave_unknown }, test_mirror_all_fail },
    { "/registry/mirrors/bad-certificate", { behave_unknown }, test_mirror_bad_certificate },
  };

  return fixture_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
