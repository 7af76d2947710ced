/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Channels of records over sockets and pipes, with peers that break the protocol.
 */
#include "base/sc-error-util.h"
#include "base/sc-fd.h"
#include "image/sc-record.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct
{
  ScChannel *near;
  ScChannel *far;
} Pair;

static void
set_up_socket (Pair *pair, gconstpointer data)
{
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  pair->near = sc_channel_new (fds[0]);
  pair->far = sc_channel_new (fds[1]);
}

/* @near writes, @far reads */
static void
set_up_pipe (Pair *pair, gconstpointer data)
{
  int fds[2];

  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
  pair->near = sc_channel_new (fds[1]);
  pair->far = sc_channel_new (fds[0]);
}

static void
tear_down (Pair *pair, gconstpointer data)
{
  g_clear_pointer (&pair->near, sc_channel_free);
  g_clear_pointer (&pair->far, sc_channel_free);
}

static void
send_number (ScChannel *channel, guint32 number, const int *fds, guint n_fds)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_CANCEL);
  g_autoptr (GError) error = NULL;

  sc_record_writer_put_u32 (writer, number);
  g_assert_true (sc_channel_send (channel, writer, fds, n_fds, &error));
  g_assert_no_error (error);
}

static void
receive_number (ScChannel *channel, guint32 number)
{
  ScRecord record;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (sc_channel_receive (channel, &record, &error), ==, 1);
  g_assert_no_error (error);
  g_assert_cmpint (record.type, ==, SC_RECORD_FETCH_CANCEL);
  g_assert_cmpuint (sc_record_get_u32 (&record), ==, number);
  g_assert_true (sc_record_finish (&record, &error));
}

static void
receive_fails (ScChannel *channel, const char *fault)
{
  ScRecord record;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (sc_channel_receive (channel, &record, &error), ==, -1);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
  g_assert_nonnull (strstr (error->message, fault));
}

static void
receive_end (ScChannel *channel)
{
  ScRecord record;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (sc_channel_receive (channel, &record, &error), ==, 0);
  g_assert_no_error (error);
}

/* What a peer writes past its channel */
static void
write_raw (ScChannel *channel, const void *data, gsize size_bytes)
{
  g_assert_true (sc_fd_write_all (sc_channel_get_fd (channel), data, size_bytes, NULL));
}

static void
test_socket_keeps_order (Pair *pair, gconstpointer data)
{
  for (guint32 i = 0; i < 100; i++)
    send_number (pair->near, i, NULL, 0);
  send_number (pair->far, 7, NULL, 0);

  for (guint32 i = 0; i < 100; i++)
    receive_number (pair->far, i);
  receive_number (pair->near, 7);
}

static void
test_send_resets_writer (Pair *pair, gconstpointer data)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_CANCEL);

  for (guint32 i = 0; i < 3; i++)
    {
      sc_record_writer_put_u32 (writer, i);
      g_assert_true (sc_channel_send (pair->near, writer, NULL, 0, NULL));
    }

  for (guint32 i = 0; i < 3; i++)
    receive_number (pair->far, i);
}

static void
test_receive_takes_single_bytes (Pair *pair, gconstpointer data)
{
  const guint8 wire[] = { SC_RECORD_FETCH_CANCEL, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0, 0 };

  for (gsize i = 0; i < sizeof wire - 1; i++)
    {
      write_raw (pair->near, wire + i, 1);
      g_assert_false (sc_channel_has_buffered (pair->far));
    }
  write_raw (pair->near, wire + sizeof wire - 1, 1);
  receive_number (pair->far, 9);
}

static void
test_receive_takes_empty_payload (Pair *pair, gconstpointer data)
{
  const guint8 wire[] = { SC_RECORD_END, 0, 0, 0, 0, 0, 0, 0 };
  ScRecord record;

  write_raw (pair->near, wire, sizeof wire);

  g_assert_cmpint (sc_channel_receive (pair->far, &record, NULL), ==, 1);
  g_assert_cmpint (record.type, ==, SC_RECORD_END);
  g_assert_cmpuint (record.size_bytes, ==, 0);
  g_assert_true (sc_record_finish (&record, NULL));
}

/* Whoever asked decides what he cannot take. */
static void
test_receive_hands_on_unknown_types (Pair *pair, gconstpointer data)
{
  const guint8 wire[] = { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 };
  ScRecord record;

  write_raw (pair->near, wire, sizeof wire);

  g_assert_cmpint (sc_channel_receive (pair->far, &record, NULL), ==, 1);
  g_assert_cmphex (record.type, ==, 0xffffffff);
}

static void
test_receive_refuses_large_payload (Pair *pair, gconstpointer data)
{
  guint32 wire[] = { GUINT32_TO_LE (SC_RECORD_DATA), GUINT32_TO_LE (SC_RECORD_MAX_PAYLOAD + 1) };

  write_raw (pair->near, wire, sizeof wire);

  receive_fails (pair->far, "too large");
}

static void
test_receive_refuses_largest_number (Pair *pair, gconstpointer data)
{
  const guint8 wire[] = { SC_RECORD_DATA, 0, 0, 0, 0xff, 0xff, 0xff, 0xff };

  write_raw (pair->near, wire, sizeof wire);

  receive_fails (pair->far, "too large");
}

static void
test_receive_fails_for_ever (Pair *pair, gconstpointer data)
{
  const guint8 wire[] = { SC_RECORD_DATA, 0, 0, 0, 0xff, 0xff, 0xff, 0xff };

  write_raw (pair->near, wire, sizeof wire);
  receive_fails (pair->far, "too large");
  send_number (pair->near, 1, NULL, 0);

  receive_fails (pair->far, "malformed");
}

static void
test_receive_tells_end (Pair *pair, gconstpointer data)
{
  send_number (pair->near, 1, NULL, 0);
  g_assert_true (sc_channel_flush (pair->near, NULL));
  g_clear_pointer (&pair->near, sc_channel_free);

  receive_number (pair->far, 1);
  receive_end (pair->far);
  receive_end (pair->far);
}

static void
test_receive_refuses_cut_record (Pair *pair, gconstpointer data)
{
  const guint8 wire[] = { SC_RECORD_FETCH_CANCEL, 0, 0, 0, 4, 0, 0, 0, 9, 0, 0 };

  write_raw (pair->near, wire, (gsize)GPOINTER_TO_INT (data));
  g_clear_pointer (&pair->near, sc_channel_free);

  ScRecord record;
  g_autoptr (GError) error = NULL;
  g_assert_cmpint (sc_channel_receive (pair->far, &record, &error), ==, -1);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INTERRUPTED);
}

static gpointer
send_large_in_thread (gpointer data)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_MANIFEST_BODY);
  g_autofree guint8 *body = g_malloc (SC_RECORD_MAX_PAYLOAD - 4);

  memset (body, 'x', SC_RECORD_MAX_PAYLOAD - 4);
  sc_record_writer_put_bytes (writer, body, SC_RECORD_MAX_PAYLOAD - 4);
  g_assert_true (sc_channel_send (data, writer, NULL, 0, NULL));
  g_assert_true (sc_channel_flush (data, NULL));
  send_number (data, 2, NULL, 0);
  g_assert_true (sc_channel_flush (data, NULL));
  return NULL;
}

static void
test_largest_payload_passes (Pair *pair, gconstpointer data)
{
  g_autoptr (GThread) thread = g_thread_new ("send", send_large_in_thread, pair->near);
  ScRecord record;

  g_assert_cmpint (sc_channel_receive (pair->far, &record, NULL), ==, 1);
  g_assert_cmpuint (record.size_bytes, ==, SC_RECORD_MAX_PAYLOAD);
  g_autoptr (GBytes) body = sc_record_dup_bytes (&record);
  g_assert_true (sc_record_finish (&record, NULL));
  g_assert_cmpuint (g_bytes_get_size (body), ==, SC_RECORD_MAX_PAYLOAD - 4);
  receive_number (pair->far, 2);
  g_thread_join (g_steal_pointer (&thread));
}

static void
test_send_refuses_larger (Pair *pair, gconstpointer data)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_MANIFEST_BODY);
  g_autofree guint8 *body = g_malloc0 (SC_RECORD_MAX_PAYLOAD);
  g_autoptr (GError) error = NULL;

  sc_record_writer_put_bytes (writer, body, SC_RECORD_MAX_PAYLOAD);

  g_assert_false (sc_channel_send (pair->near, writer, NULL, 0, &error));
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_LIMIT_EXCEEDED);
  g_clear_error (&error);

  /* It is reset all the same. */
  g_assert_true (sc_channel_send (pair->near, writer, NULL, 0, &error));
  g_assert_no_error (error);
}

static void
test_send_to_nobody_fails (Pair *pair, gconstpointer data)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_CANCEL);
  g_autoptr (GError) error = NULL;

  /* Only a pipe needs the signal to be ignored. */
  (void)signal (SIGPIPE, data != NULL ? SIG_IGN : SIG_DFL);
  g_clear_pointer (&pair->far, sc_channel_free);
  sc_record_writer_put_u32 (writer, 1);
  gboolean ok = sc_channel_send (pair->near, writer, NULL, 0, &error)
                && sc_channel_flush (pair->near, &error);

  g_assert_false (ok);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED);
}

/* --- descriptors --- */

static guint
count_fds (void)
{
  g_autoptr (GDir) dir = g_dir_open ("/proc/self/fd", 0, NULL);
  guint n = 0;

  while (g_dir_read_name (dir) != NULL)
    n++;
  return n;
}

static void
open_pipe (int fds[2])
{
  g_assert_true (g_unix_open_pipe (fds, FD_CLOEXEC, NULL));
}

static void
close_pipe (int fds[2])
{
  close (fds[0]);
  close (fds[1]);
}

static void
test_fds_come_with_their_record (Pair *pair, gconstpointer data)
{
  int fds[2];
  char byte = 0;

  open_pipe (fds);
  send_number (pair->near, 1, NULL, 0);
  send_number (pair->near, 2, fds, 2);
  send_number (pair->near, 3, NULL, 0);
  close_pipe (fds);

  receive_number (pair->far, 1);
  g_assert_cmpint (sc_channel_steal_fd (pair->far), ==, -1);
  receive_number (pair->far, 2);
  sc_autofd read_fd = sc_channel_steal_fd (pair->far);
  sc_autofd write_fd = sc_channel_steal_fd (pair->far);
  g_assert_cmpint (sc_channel_steal_fd (pair->far), ==, -1);
  receive_number (pair->far, 3);
  g_assert_cmpint (sc_channel_steal_fd (pair->far), ==, -1);

  g_assert_cmpint (write (write_fd, "x", 1), ==, 1);
  g_assert_cmpint (read (read_fd, &byte, 1), ==, 1);
  g_assert_cmpint (byte, ==, 'x');
  g_assert_cmpint (fcntl (read_fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
}

static void
test_fds_not_taken_are_closed (Pair *pair, gconstpointer data)
{
  int fds[2];
  guint before = count_fds ();

  open_pipe (fds);
  send_number (pair->near, 1, fds, 2);
  send_number (pair->near, 2, fds, 1);
  close_pipe (fds);
  receive_number (pair->far, 1);
  receive_number (pair->far, 2);
  g_clear_pointer (&pair->far, sc_channel_free);

  g_assert_cmpuint (count_fds (), ==, before - 1);
}

/* As a peer without our limits would send them */
static void
send_raw_fds (ScChannel *channel, const void *bytes, gsize size_bytes, const int *fds, guint n_fds)
{
  struct iovec part = { (void *)bytes, size_bytes };
  g_autofree guint8 *control = g_malloc0 (CMSG_SPACE (n_fds * sizeof (int)));
  struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

  message.msg_control = control;
  message.msg_controllen = CMSG_SPACE (n_fds * sizeof (int));
  struct cmsghdr *header = CMSG_FIRSTHDR (&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN (n_fds * sizeof (int));
  memcpy (CMSG_DATA (header), fds, n_fds * sizeof (int));
  g_assert_cmpint (sendmsg (sc_channel_get_fd (channel), &message, MSG_NOSIGNAL), ==,
                   (gssize)size_bytes);
}

static const guint8 one_record[] = { SC_RECORD_FETCH_CANCEL, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0 };

static void
test_fds_beyond_limit_are_refused (Pair *pair, gconstpointer data)
{
  guint n = (guint)GPOINTER_TO_INT (data);
  g_autofree int *fds = g_new (int, n);
  guint before = count_fds ();

  for (guint i = 0; i < n; i++)
    fds[i] = sc_channel_get_fd (pair->near);
  send_raw_fds (pair->near, one_record, sizeof one_record, fds, n);

  receive_fails (pair->far, "too many file descriptors");
  g_clear_pointer (&pair->far, sc_channel_free);
  g_assert_cmpuint (count_fds (), ==, before - 1);
}

static void
test_fds_beyond_limit_in_pieces_are_refused (Pair *pair, gconstpointer data)
{
  int fds[] = { sc_channel_get_fd (pair->near), sc_channel_get_fd (pair->near) };

  send_raw_fds (pair->near, one_record, 4, fds, 2);
  send_raw_fds (pair->near, one_record + 4, sizeof one_record - 4, fds, 1);

  receive_fails (pair->far, "too many file descriptors");
}

/* What the kernel cannot install it drops, and only says so. */
static void
test_fds_that_get_lost_are_refused (Pair *pair, gconstpointer data)
{
  struct rlimit limit;
  int fd = sc_channel_get_fd (pair->near);
  send_number (pair->near, 1, &fd, 1);
  int lowest_free = dup (fd);
  close (lowest_free);
  g_assert_cmpint (getrlimit (RLIMIT_NOFILE, &limit), ==, 0);
  const struct rlimit full = { (rlim_t)lowest_free, limit.rlim_max };
  ScRecord record;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &full), ==, 0);
  int n = sc_channel_receive (pair->far, &record, &error);
  g_assert_cmpint (setrlimit (RLIMIT_NOFILE, &limit), ==, 0);

  g_assert_cmpint (n, ==, -1);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_IMAGE_INVALID);
}

/* --- waiting --- */

static gpointer
shut_down_in_thread (gpointer data)
{
  sc_channel_shutdown (data);
  return NULL;
}

static void
test_shutdown_ends_receiving (Pair *pair, gconstpointer data)
{
  g_autoptr (GThread) thread = g_thread_new ("shutdown", shut_down_in_thread, pair->far);

  receive_end (pair->far);
  g_thread_join (g_steal_pointer (&thread));
}

static void
test_socket_sends_data_at_once (Pair *pair, gconstpointer data)
{
  ScRecord record;

  g_assert_true (sc_channel_send_data (pair->near, "abc", 3, NULL));
  send_number (pair->near, 1, NULL, 0);

  g_assert_cmpint (sc_channel_receive (pair->far, &record, NULL), ==, 1);
  g_assert_cmpint (record.type, ==, SC_RECORD_DATA);
  g_assert_cmpmem (record.payload, record.size_bytes, "abc", 3);
  receive_number (pair->far, 1);
}

static gboolean
is_readable (ScChannel *channel)
{
  GPollFD poll_fd = { .fd = sc_channel_get_fd (channel), .events = G_IO_IN };

  return g_poll (&poll_fd, 1, 0) > 0;
}

static void
test_pipe_collects_until_flush (Pair *pair, gconstpointer data)
{
  for (guint32 i = 0; i < 10; i++)
    send_number (pair->near, i, NULL, 0);
  g_assert_true (sc_channel_send_data (pair->near, "abc", 3, NULL));
  g_assert_false (is_readable (pair->far));

  g_assert_true (sc_channel_flush (pair->near, NULL));

  g_assert_true (is_readable (pair->far));
  for (guint32 i = 0; i < 10; i++)
    {
      receive_number (pair->far, i);
      g_assert_true (sc_channel_has_buffered (pair->far));
    }
  ScRecord record;
  g_assert_cmpint (sc_channel_receive (pair->far, &record, NULL), ==, 1);
  g_assert_cmpmem (record.payload, record.size_bytes, "abc", 3);
  g_assert_false (sc_channel_has_buffered (pair->far));
}

#define STREAM_RECORDS 400

/* Sizes that fall before, on and behind each of the limits of buffering */
static gsize
size_of_data (guint i)
{
  static const gsize sizes[]
      = { 0, 1, 7, 4096, 65527, 65528, 65529, 100000, 262136, 262143, SC_RECORD_DATA_BYTES };

  return sizes[i % G_N_ELEMENTS (sizes)];
}

static gpointer
stream_in_thread (gpointer data)
{
  g_autofree guint8 *bytes = g_malloc (SC_RECORD_DATA_BYTES);

  for (guint i = 0; i < STREAM_RECORDS; i++)
    {
      memset (bytes, (int)(i & 0xff), SC_RECORD_DATA_BYTES);
      send_number (data, i, NULL, 0);
      g_assert_true (sc_channel_send_data (data, bytes, size_of_data (i), NULL));
    }
  g_assert_true (sc_channel_flush (data, NULL));
  return NULL;
}

static void
test_stream_arrives_whole (Pair *pair, gconstpointer data)
{
  g_autoptr (GThread) thread = g_thread_new ("stream", stream_in_thread, pair->near);

  for (guint i = 0; i < STREAM_RECORDS; i++)
    {
      ScRecord record;

      receive_number (pair->far, i);
      g_assert_cmpint (sc_channel_receive (pair->far, &record, NULL), ==, 1);
      g_assert_cmpint (record.type, ==, SC_RECORD_DATA);
      g_assert_cmpuint (record.size_bytes, ==, size_of_data (i));
      for (gsize j = 0; j < record.size_bytes; j++)
        if (record.payload[j] != (i & 0xff))
          g_error ("byte %" G_GSIZE_FORMAT " of record %u is wrong", j, i);
    }
  g_thread_join (g_steal_pointer (&thread));
  g_clear_pointer (&pair->near, sc_channel_free);
  receive_end (pair->far);
}

static void
add (const char *transport,
     const char *name,
     gconstpointer data,
     void (*func) (Pair *, gconstpointer))
{
  g_autofree char *path = g_strdup_printf ("/channel/%s/%s", transport, name);

  g_test_add (path, Pair, data, g_str_equal (transport, "pipe") ? set_up_pipe : set_up_socket, func,
              tear_down);
}

static void
add_both (const char *name, gconstpointer data, void (*func) (Pair *, gconstpointer))
{
  add ("socket", name, data, func);
  add ("pipe", name, data, func);
}

static void
add_channel_tests (void)
{
  add_both ("takes-single-bytes", NULL, test_receive_takes_single_bytes);
  add_both ("takes-empty-payload", NULL, test_receive_takes_empty_payload);
  add_both ("hands-on-unknown-types", NULL, test_receive_hands_on_unknown_types);
  add_both ("refuses-large-payload", NULL, test_receive_refuses_large_payload);
  add_both ("refuses-largest-number", NULL, test_receive_refuses_largest_number);
  add_both ("fails-for-ever", NULL, test_receive_fails_for_ever);
  add_both ("tells-end", NULL, test_receive_tells_end);
  add_both ("refuses-cut-header", GINT_TO_POINTER (7), test_receive_refuses_cut_record);
  add_both ("refuses-cut-before-payload", GINT_TO_POINTER (8), test_receive_refuses_cut_record);
  add_both ("refuses-cut-payload", GINT_TO_POINTER (11), test_receive_refuses_cut_record);
  add_both ("largest-payload-passes", NULL, test_largest_payload_passes);
  add_both ("refuses-to-send-larger", NULL, test_send_refuses_larger);
  add ("socket", "sending-to-nobody-fails", NULL, test_send_to_nobody_fails);
  add ("pipe", "sending-to-nobody-fails", "", test_send_to_nobody_fails);
  add_both ("stream-arrives-whole", NULL, test_stream_arrives_whole);
  add ("socket", "keeps-order", NULL, test_socket_keeps_order);
  add ("socket", "resets-writer", NULL, test_send_resets_writer);
  add ("socket", "sends-data-at-once", NULL, test_socket_sends_data_at_once);
  add ("socket", "shutdown-ends-receiving", NULL, test_shutdown_ends_receiving);
  add ("pipe", "collects-until-flush", NULL, test_pipe_collects_until_flush);
  add ("socket", "fds-come-with-their-record", NULL, test_fds_come_with_their_record);
  add ("socket", "fds-not-taken-are-closed", NULL, test_fds_not_taken_are_closed);
  add ("socket", "refuses-3-fds", GINT_TO_POINTER (3), test_fds_beyond_limit_are_refused);
  add ("socket", "refuses-4-fds", GINT_TO_POINTER (4), test_fds_beyond_limit_are_refused);
  add ("socket", "refuses-100-fds", GINT_TO_POINTER (100), test_fds_beyond_limit_are_refused);
  add ("socket", "refuses-lost-fds", NULL, test_fds_that_get_lost_are_refused);
  add ("socket", "refuses-fds-in-pieces", NULL, test_fds_beyond_limit_in_pieces_are_refused);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);

  add_channel_tests ();

  return g_test_run ();
}
