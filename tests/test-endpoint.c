/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * What syscontd tells syscont-fetch about registries and mirrors.
 */
#include "base/sc-error-util.h"
#include "image/sc-endpoint.h"

#include <string.h>
#include <sys/socket.h>

typedef struct
{
  ScChannel *ours;
  ScChannel *theirs;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  int fds[2];
  int size_bytes = SC_RECORD_MAX_PAYLOAD * 2;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  (void)setsockopt (fds[0], SOL_SOCKET, SO_SNDBUF, &size_bytes, sizeof size_bytes);
  fixture->ours = sc_channel_new (fds[0]);
  fixture->theirs = sc_channel_new (fds[1]);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  sc_channel_free (fixture->ours);
  sc_channel_free (fixture->theirs);
}

static GPtrArray *
pass (Fixture *fixture, ScRecordWriter *writer, GError **error)
{
  ScRecord record;

  g_assert_true (sc_channel_send (fixture->ours, writer, NULL, 0, NULL));
  g_assert_cmpint (sc_channel_receive (fixture->theirs, &record, NULL), ==, 1);
  g_assert_cmpint (record.type, ==, SC_RECORD_FETCH_OPEN);
  return sc_record_dup_endpoints (&record, error);
}

static void
test_endpoints_arrive (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) endpoints = sc_endpoint_list_new ();
  ScEndpoint *mirror = sc_endpoint_new ("mirror.example.com:5000", "cache/a/b");
  ScEndpoint *registry = sc_endpoint_new ("registry.example.com", "a/b");
  g_autoptr (GError) error = NULL;

  mirror->insecure = TRUE;
  mirror->digest_only = TRUE;
  mirror->proxy = g_strdup ("http://proxy.example.com:3128");
  registry->ca = g_bytes_new_static ("ca", 2);
  registry->client_certificate = g_bytes_new_static ("certificate", 11);
  registry->client_key = g_bytes_new_static ("key", 3);
  registry->credential
      = sc_credential_new (SC_CREDENTIAL_BASIC, "user", "secret", "auth.example.com", NULL);
  g_ptr_array_add (endpoints, mirror);
  g_ptr_array_add (endpoints, registry);

  g_autoptr (ScRecordWriter) writer = sc_record_writer_new_fetch_open (endpoints, &error);
  g_assert_no_error (error);
  g_autoptr (GPtrArray) got = pass (fixture, writer, &error);

  g_assert_no_error (error);
  g_assert_cmpuint (got->len, ==, 2);
  const ScEndpoint *first = got->pdata[0];
  g_assert_cmpstr (first->registry, ==, "mirror.example.com:5000");
  g_assert_cmpstr (first->repository, ==, "cache/a/b");
  g_assert_true (first->insecure && first->digest_only);
  g_assert_cmpstr (first->proxy, ==, "http://proxy.example.com:3128");
  g_assert_null (first->ca);
  g_assert_null (first->client_key);
  g_assert_null (first->credential);
  const ScEndpoint *last = got->pdata[1];
  g_assert_false (last->insecure || last->digest_only);
  g_assert_null (last->proxy);
  g_assert_true (g_bytes_equal (last->ca, registry->ca));
  g_assert_true (g_bytes_equal (last->client_certificate, registry->client_certificate));
  g_assert_true (g_bytes_equal (last->client_key, registry->client_key));
  g_assert_cmpint (last->credential->kind, ==, SC_CREDENTIAL_BASIC);
  g_assert_cmpstr (last->credential->user, ==, "user");
  g_assert_cmpstr (last->credential->secret, ==, "secret");
  g_assert_cmpstr (last->credential->realm, ==, "auth.example.com");
}

/* The largest list that can be made is a record. */
static void
test_endpoints_fit (Fixture *fixture, gconstpointer data)
{
  const gsize total_bytes = SC_ENDPOINT_MAX
                                * (SC_ENDPOINT_MAX_CA_BYTES + SC_ENDPOINT_MAX_CERTIFICATE_BYTES
                                   + SC_ENDPOINT_MAX_KEY_BYTES + 2 * SC_CREDENTIAL_MAX_BYTES
                                   + 4 * SC_ENDPOINT_MAX_TEXT_BYTES + 12 * sizeof (guint32))
                            + sizeof (guint32);

  g_assert_cmpuint (total_bytes, <=, SC_RECORD_MAX_PAYLOAD);
}

static void
test_endpoints_too_large (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GPtrArray) endpoints = sc_endpoint_list_new ();
  ScEndpoint *endpoint = sc_endpoint_new ("registry.example.com", "a");
  g_autoptr (GError) error = NULL;

  endpoint->ca
      = g_bytes_new_take (g_malloc0 (SC_ENDPOINT_MAX_CA_BYTES + 1), SC_ENDPOINT_MAX_CA_BYTES + 1);
  g_ptr_array_add (endpoints, endpoint);
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new_fetch_open (endpoints, &error);

  g_assert_null (writer);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
  g_assert_nonnull (strstr (error->message, "registry.example.com"));

  g_clear_error (&error);
  g_clear_pointer (&endpoint->ca, g_bytes_unref);
  for (guint i = 0; i < SC_ENDPOINT_MAX; i++)
    g_ptr_array_add (endpoints, sc_endpoint_new ("mirror.example.com", "a"));
  g_autoptr (ScRecordWriter) many = sc_record_writer_new_fetch_open (endpoints, &error);

  g_assert_null (many);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
}

typedef struct
{
  const char *name;
  guint32 n;
  const char *registry;
  guint32 insecure;
  guint32 kind;
  const char *certificate;
  gsize user_bytes;
} BadRow;

static const BadRow bad_rows[] = {
  { "none", 0, NULL, 0, 0, "", 0 },
  { "more-announced-than-there-are", 2, "a.example.com", 0, 0, "", 0 },
  { "too-many", SC_ENDPOINT_MAX + 1, "a.example.com", 0, 0, "", 0 },
  { "without-name", 1, "", 0, 0, "", 0 },
  { "odd-flag", 1, "a.example.com", 2, 0, "", 0 },
  { "odd-kind", 1, "a.example.com", 0, 3, "", 0 },
  { "certificate-without-key", 1, "a.example.com", 0, 0, "PEM", 0 },
  { "long-user", 1, "a.example.com", 0, 1, "", SC_CREDENTIAL_MAX_BYTES + 1 },
  { "nobody", 1, "a.example.com", 0, 1, "", 0 },
};

static void
put_bad_endpoint (ScRecordWriter *writer, const BadRow *row)
{
  g_autofree char *user = g_strnfill (row->user_bytes, 'u');

  sc_record_writer_put_string (writer, row->registry);
  sc_record_writer_put_string (writer, "a/b");
  sc_record_writer_put_u32 (writer, row->insecure);
  sc_record_writer_put_u32 (writer, 0);
  for (guint i = 0; i < 2; i++)
    sc_record_writer_put_string (writer, "");
  sc_record_writer_put_string (writer, row->certificate);
  sc_record_writer_put_string (writer, "");
  sc_record_writer_put_u32 (writer, row->kind);
  for (guint i = 0; row->kind != 0 && i < 3; i++)
    sc_record_writer_put_string (writer, i == 0 ? user : "");
}

static void
test_endpoints_refused (Fixture *fixture, gconstpointer data)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bad_rows); i++)
    {
      g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_OPEN);
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", bad_rows[i].name);
      sc_record_writer_put_u32 (writer, bad_rows[i].n);
      if (bad_rows[i].registry != NULL)
        put_bad_endpoint (writer, &bad_rows[i]);
      g_autoptr (GPtrArray) got = pass (fixture, writer, &error);

      g_assert_null (got);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
    }
}

#define ADD(path, test) g_test_add (path, Fixture, NULL, set_up, test, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/endpoint/record/arrive", test_endpoints_arrive);
  ADD ("/endpoint/record/fit", test_endpoints_fit);
  ADD ("/endpoint/record/too-large", test_endpoints_too_large);
  ADD ("/endpoint/record/refused", test_endpoints_refused);
  return g_test_run ();
}
