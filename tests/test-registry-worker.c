/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * The protocol between the daemon and syscont-fetch.
 */
#include "registry-fixture.h"

#include "base/sc-fd.h"
#include "fetch/sc-fetch-server.h"
#include "fetch/sc-proxy.h"
#include "image/sc-manifest.h"
#include "image/sc-record.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  ScFetchServerSetup setup;
  GThread *thread;
  ScChannel *channel; /* (owned) the daemon's end */
} Worker;

static gpointer
work_in_thread (gpointer data)
{
  const ScFetchServerSetup *setup = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  ScFetchServer *server = sc_fetch_server_new (setup);
  gboolean ended_well = sc_fetch_server_run (server, NULL);
  sc_fetch_server_free (server);
  while (g_main_context_iteration (context, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  return GINT_TO_POINTER (ended_well);
}

static void
worker_start (Worker *self, Fixture *fixture)
{
  int fds[2];
  ScRecord record;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  self->channel = sc_channel_new (fds[0]);
  self->setup = (ScFetchServerSetup){ .fd = fds[1],
                                      .invocation_id = "0123456789abcdef0123456789abcdef",
                                      .policy = &fixture->policy,
                                      .proxy = sc_proxy_resolver_new (NULL) };
  self->thread = g_thread_new ("worker", work_in_thread, &self->setup);

  g_assert_cmpint (sc_channel_receive (self->channel, &record, NULL), ==, 1);
  g_assert_cmpint (record.type, ==, SC_RECORD_HELLO);
  g_assert_cmpuint (sc_record_get_u32 (&record), ==, SC_RECORD_VERSION);
  g_autofree char *invocation_id = sc_record_dup_string (&record);
  g_assert_cmpstr (invocation_id, ==, "0123456789abcdef0123456789abcdef");
  g_assert_true (sc_record_finish (&record, NULL));
}

/* Returns whether the worker ended well. */
static gboolean
worker_end (Worker *self)
{
  g_clear_pointer (&self->channel, sc_channel_free);
  gboolean ended_well = GPOINTER_TO_INT (g_thread_join (self->thread));
  g_object_unref (self->setup.proxy);
  return ended_well;
}

static void
worker_open (Worker *self, Fixture *fixture)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new_fetch_open (fixture->endpoints, NULL);

  g_assert_true (sc_channel_send (self->channel, writer, NULL, 0, NULL));
}

static void
worker_ask_manifest (Worker *self, guint32 id, const char *tag)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_MANIFEST);

  sc_record_writer_put_u32 (writer, id);
  sc_record_writer_put_string (writer, tag);
  sc_record_writer_put_u32 (writer, SC_MANIFEST_MAX_BYTES);
  g_assert_true (sc_channel_send (self->channel, writer, NULL, 0, NULL));
}

/* Returns the read end. */
static int
worker_ask_blob (Worker *self, Fixture *fixture, guint32 id, guint64 offset)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_BLOB);
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  sc_record_writer_put_u32 (writer, id);
  sc_record_writer_put_string (writer, fixture->digest);
  sc_record_writer_put_u64 (writer, BLOB_BYTES);
  sc_record_writer_put_u64 (writer, offset);
  sc_record_writer_put_u32 (writer, 0);
  g_assert_true (sc_channel_send (self->channel, writer, &fds[1], 1, NULL));
  close (fds[1]);
  return fds[0];
}

static void
worker_expect_manifest (Worker *self, guint32 id)
{
  ScRecord record;

  g_assert_cmpint (sc_channel_receive (self->channel, &record, NULL), ==, 1);
  g_assert_cmpint (record.type, ==, SC_RECORD_FETCH_MANIFEST_BODY);
  g_assert_cmpuint (sc_record_get_u32 (&record), ==, id);
  g_assert_cmpuint (sc_record_get_u32 (&record), ==, 0);
  g_autofree char *type = sc_record_dup_string (&record);
  g_autoptr (GBytes) body = sc_record_dup_bytes (&record);
  g_assert_true (sc_record_finish (&record, NULL));
  g_assert_cmpstr (type, ==, MEDIA_TYPE);
  g_assert_cmpuint (g_bytes_get_size (body), ==, strlen (MANIFEST));
}

static void
worker_expect_blob (Worker *self, Fixture *fixture, guint32 id, int fd)
{
  ScRecord record;
  g_autoptr (GBytes) got = sc_fd_read_all (fd, BLOB_BYTES, NULL);

  g_assert_cmpuint (g_bytes_get_size (got), ==, BLOB_BYTES);
  g_assert_cmpint (sc_channel_receive (self->channel, &record, NULL), ==, 1);
  g_assert_cmpint (record.type, ==, SC_RECORD_FETCH_BLOB_DONE);
  g_assert_cmpuint (sc_record_get_u32 (&record), ==, id);
  g_assert_cmpuint (sc_record_get_u64 (&record), ==, BLOB_BYTES);
  g_assert_cmpuint (sc_record_get_u32 (&record), ==, 0);
  g_assert_true (sc_record_finish (&record, NULL));
}

static void
worker_expect_error (Worker *self, guint32 id, SyscontError code)
{
  ScRecord record;

  g_assert_cmpint (sc_channel_receive (self->channel, &record, NULL), ==, 1);
  g_assert_cmpint (record.type, ==, SC_RECORD_ERROR);
  g_assert_cmpuint (sc_record_get_u32 (&record), ==, id);
  g_assert_cmpuint (sc_record_get_u32 (&record), ==, code);
  g_autofree char *message = sc_record_dup_string (&record);
  g_assert_true (sc_record_finish (&record, NULL));
  g_assert_cmpstr (message, !=, "");
}

static void
behave_by_tag (Fixture *fixture, SoupServerMessage *message, const char *path, guint n)
{
  if (g_str_has_suffix (path, "/missing"))
    answer (message, 404, "text/plain", "");
  else if (g_str_has_suffix (path, "/held"))
    behave_silent (fixture, message, path, n);
  else
    behave (fixture, message, path, n);
}

static void
test_worker_errors (Fixture *fixture, gconstpointer data)
{
  Worker worker;

  worker_start (&worker, fixture);
  worker_open (&worker, fixture);
  worker_ask_manifest (&worker, 1, "missing");
  worker_expect_error (&worker, 1, SYSCONT_ERROR_MANIFEST_UNKNOWN);
  worker_ask_manifest (&worker, 1, "../b");
  worker_expect_error (&worker, 1, SYSCONT_ERROR_INVALID_REFERENCE);
  worker_ask_manifest (&worker, 1, "latest");
  worker_expect_manifest (&worker, 1);

  g_assert_true (worker_end (&worker));
}

/* One that reads nothing does not stop the others. */
static void
test_worker_slow_reader (Fixture *fixture, gconstpointer data)
{
  Worker worker;

  worker_start (&worker, fixture);
  worker_open (&worker, fixture);
  sc_autofd slow = worker_ask_blob (&worker, fixture, 1, 0);
  for (guint32 id = 2; id < 6; id++)
    {
      sc_autofd fd = worker_ask_blob (&worker, fixture, id, 0);
      worker_expect_blob (&worker, fixture, id, fd);
    }
  worker_expect_blob (&worker, fixture, 1, slow);

  g_assert_true (worker_end (&worker));
}

static void
test_worker_reader_gone (Fixture *fixture, gconstpointer data)
{
  Worker worker;

  worker_start (&worker, fixture);
  worker_open (&worker, fixture);
  close (worker_ask_blob (&worker, fixture, 1, 0));
  worker_expect_error (&worker, 1, SYSCONT_ERROR_CANCELLED);
  worker_ask_manifest (&worker, 1, "latest");
  worker_expect_manifest (&worker, 1);

  g_assert_true (worker_end (&worker));
}

static void
worker_cancel (Worker *self, guint32 id)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_CANCEL);

  sc_record_writer_put_u32 (writer, id);
  g_assert_true (sc_channel_send (self->channel, writer, NULL, 0, NULL));
}

static void
test_worker_cancel (Fixture *fixture, gconstpointer data)
{
  Worker worker;

  worker_start (&worker, fixture);
  worker_open (&worker, fixture);
  sc_autofd fd = worker_ask_blob (&worker, fixture, 1, 0);
  worker_ask_manifest (&worker, 2, "held");
  worker_cancel (&worker, 1);
  worker_cancel (&worker, 2);
  worker_cancel (&worker, 77);
  g_autoptr (GBytes) got = sc_fd_read_all (fd, BLOB_BYTES, NULL);
  g_assert_cmpuint (g_bytes_get_size (got), <, BLOB_BYTES);
  worker_ask_manifest (&worker, 3, "latest");
  worker_expect_manifest (&worker, 3);

  g_assert_true (worker_end (&worker));
}

static void
test_worker_left_alone (Fixture *fixture, gconstpointer data)
{
  Worker worker;

  worker_start (&worker, fixture);
  worker_open (&worker, fixture);
  worker_ask_manifest (&worker, 1, "held");
  sc_autofd fd = worker_ask_blob (&worker, fixture, 2, 0);
  g_assert_cmpint (fd, >=, 0);

  g_assert_true (worker_end (&worker));
}

typedef enum
{
  VIOLATION_NOT_OPEN,
  VIOLATION_OPEN_TWICE,
  VIOLATION_SAME_ID,
  VIOLATION_NO_PIPE,
  VIOLATION_NOTHING,
  VIOLATION_UNKNOWN,
  N_VIOLATIONS,
} Violation;

static void
violate (Worker *worker, Fixture *fixture, Violation violation)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_BLOB);
  g_autoptr (ScRecordWriter) unknown = sc_record_writer_new (SC_RECORD_UNPACK);

  if (violation != VIOLATION_NOT_OPEN)
    worker_open (worker, fixture);
  switch (violation)
    {
    case VIOLATION_NOT_OPEN:
      worker_ask_manifest (worker, 1, "latest");
      break;
    case VIOLATION_OPEN_TWICE:
      worker_open (worker, fixture);
      break;
    case VIOLATION_SAME_ID:
      worker_ask_manifest (worker, 1, "held");
      worker_ask_manifest (worker, 1, "held");
      break;
    case VIOLATION_NO_PIPE:
      sc_record_writer_put_u32 (writer, 1);
      sc_record_writer_put_string (writer, fixture->digest);
      sc_record_writer_put_u64 (writer, BLOB_BYTES);
      sc_record_writer_put_u64 (writer, 0);
      g_assert_true (sc_channel_send (worker->channel, writer, NULL, 0, NULL));
      break;
    case VIOLATION_NOTHING:
      close (worker_ask_blob (worker, fixture, 1, BLOB_BYTES));
      break;
    case VIOLATION_UNKNOWN:
    default:
      g_assert_true (sc_channel_send (worker->channel, unknown, NULL, 0, NULL));
      break;
    }
}

static void
test_worker_violation (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < N_VIOLATIONS; i++)
    {
      Worker worker;
      ScRecord record;

      g_test_message ("violation %u", i);
      worker_start (&worker, fixture);
      violate (&worker, fixture, i);

      g_assert_cmpint (sc_channel_receive (worker.channel, &record, NULL), ==, 0);
      g_assert_false (worker_end (&worker));
    }
}

int
main (int argc, char **argv)
{
  static const RegistryTest tests[] = {
    { "/registry/worker/errors", { behave_by_tag }, test_worker_errors },
    { "/registry/worker/slow-reader", { behave_by_tag }, test_worker_slow_reader },
    { "/registry/worker/reader-gone", { behave_by_tag }, test_worker_reader_gone },
    { "/registry/worker/cancel", { behave_by_tag }, test_worker_cancel },
    { "/registry/worker/left-alone", { behave_by_tag }, test_worker_left_alone },
    { "/registry/worker/violation", { behave_by_tag }, test_worker_violation },
  };

  return fixture_main (argc, argv, tests, G_N_ELEMENTS (tests));
}
