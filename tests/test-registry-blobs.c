/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Blobs: that what arrives is all of it and no more, whatever becomes of the connections.
 */
#include "registry-fixture.h"

#include <string.h>

static void
test_blob (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpuint (fixture->log->len, ==, 1);
}

static void
behave_truncating (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (n == 0)
    send_part (fixture, message, 0, 100000, THEN_CLOSE);
  else
    behave (fixture, message, path, n);
}

/* RP01 */
static void
test_blob_truncated (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpuint (count_requests (fixture, "Range=bytes=100000-"), ==, 1);
  g_assert_cmpuint (fixture->log->len, ==, 2);
}

/* A body whose end is that of the connection: libsoup calls any length a success. */
static void
behave_truncating_unannounced (Fixture *fixture,
                               SoupServerMessage *message,
                               const char *path,
                               guint n)
{
  if (n > 0)
    {
      behave (fixture, message, path, n);
      return;
    }
  g_autoptr (GIOStream) stream = write_raw (
      fixture, message, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", fixture->data, 100000);
  (void)g_io_stream_close (stream, NULL, NULL);
}

static void
behave_resetting (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  guint64 start = get_range_start (message);

  if (n < 20)
    send_part (fixture, message, start, (gsize)g_test_rand_int_range (1, 20000), THEN_RESET);
  else
    send_part (fixture, message, start, BLOB_BYTES, THEN_CLOSE);
}

/* RP02 */
static void
test_blob_resets (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpuint (fixture->sent_bytes, <, BLOB_BYTES * 2);
}

static void
behave_without_ranges (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  send_part (fixture, message, 0, n == 0 ? 100000 : BLOB_BYTES, THEN_CLOSE);
}

/* RP03 */
static void
test_blob_no_range (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpuint (fixture->log->len, ==, 2);
}

static void
behave_without_ranges_ever (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  send_part (fixture, message, 0, 100000 * (n + 1), THEN_CLOSE);
}

/* RP03 */
static void
test_blob_no_range_twice (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_false (done);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "cannot resume");
  assert_message (error, fixture->digest);
  g_assert_cmpuint (fixture->log->len, ==, 3);
}

static void
behave_other_range (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (n == 0)
    {
      send_part (fixture, message, 0, 100000, THEN_CLOSE);
      return;
    }
  g_autofree char *head = make_head (99999, BLOB_BYTES);
  g_autoptr (GIOStream) stream
      = write_raw (fixture, message, head, fixture->data + 99999, BLOB_BYTES - 99999);
  (void)g_io_stream_close (stream, NULL, NULL);
}

/* RP03 */
static void
test_blob_other_range (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_false (done);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "another part");
}

static void
send_length (Fixture *fixture, SoupServerMessage *message, gsize length)
{
  g_autofree guint8 *body = g_malloc0 (length);

  memcpy (body, fixture->data, MIN (length, BLOB_BYTES));
  soup_server_message_set_status (message, 200, NULL);
  soup_server_message_set_response (message, "application/octet-stream", SOUP_MEMORY_COPY,
                                    (const char *)body, length);
}

static void
behave_longer (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  send_length (fixture, message, BLOB_BYTES + 1);
}

static void
behave_shorter (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  send_length (fixture, message, BLOB_BYTES - 1);
}

static void
behave_endless (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  soup_message_headers_set_encoding (soup_server_message_get_response_headers (message),
                                     SOUP_ENCODING_CHUNKED);
  send_length (fixture, message, BLOB_BYTES + 1);
}

/* RP05 */
static void
test_blob_other_size (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_false (done);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
  assert_message (error, fixture->digest);
  g_assert_cmpuint (fixture->log->len, ==, 1);
}

static void
behave_hopeless (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  send_part (fixture, message, get_range_start (message), n == 0 ? 100000 : 0, THEN_CLOSE);
}

/* RP01 */
static void
test_blob_hopeless (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_false (done);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "after 100000 of");
  g_assert_cmpuint (fixture->log->len, ==, 6);
}

static void
behave_stalling (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  send_part (fixture, message, get_range_start (message), n == 0 ? 100000 : BLOB_BYTES,
             n == 0 ? THEN_HOLD : THEN_CLOSE);
}

/* RP16 */
static void
test_blob_stall (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->policy.stall_ms = 50;
  gboolean done = get_blob (fixture, &error);

  g_assert_no_error (error);
  g_assert_true (done);
  g_assert_cmpuint (count_requests (fixture, "Range=bytes=100000-"), ==, 1);
}

/* RP16: slower than the floor, although never silent */
static void
test_blob_trickle (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  fixture->policy.floor_window_ms = 0;
  fixture->policy.floor_bytes = 64 * 1024 * 1024;
  gboolean done = get_blob (fixture, &error);

  g_assert_false (done);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "fewer than");
}

static void
test_blob_unknown (Fixture *fixture, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  gboolean done = get_blob (fixture, &error);

  g_assert_false (done);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_REGISTRY_UNREACHABLE);
  assert_message (error, "no longer has the blob");
  assert_message (error, fixture->digest);
}

int
main (int argc, char **argv)
{
  static const RegistryTest tests[] = {
    { "/registry/blob/whole", { behave }, test_blob },
    { "/registry/blob/truncated", { behave_truncating }, test_blob_truncated },
    { "/registry/blob/truncated-unannounced",
      { behave_truncating_unannounced },
      test_blob_truncated },
    { "/registry/blob/resets", { behave_resetting }, test_blob_resets },
    { "/registry/blob/no-range", { behave_without_ranges }, test_blob_no_range },
    { "/registry/blob/no-range-twice", { behave_without_ranges_ever }, test_blob_no_range_twice },
    { "/registry/blob/other-range", { behave_other_range }, test_blob_other_range },
    { "/registry/blob/longer", { behave_longer }, test_blob_other_size },
    { "/registry/blob/shorter", { behave_shorter }, test_blob_other_size },
    { "/registry/blob/endless", { behave_endless }, test_blob_other_size },
    { "/registry/blob/hopeless", { behave_hopeless }, test_blob_hopeless },
    { "/registry/blob/stall", { behave_stalling }, test_blob_stall },
    { "/registry/blob/trickle", { behave }, test_blob_trickle },
    { "/registry/blob/unknown", { behave_unknown }, test_blob_unknown },
  };

  return fixture_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
