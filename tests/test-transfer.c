/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Blobs on their way, with a thread that plays syscont-fetch.
 */
#include "ops/sc-transfer.h"

#include "base/sc-fd.h"
#include "ops/sc-worker.h"
#include "scratch.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BLOB_BYTES (4 * 1024 * 1024) /* more than a pipe takes */
#define HALF_BYTES (BLOB_BYTES / 2)

typedef struct
{
  const guint8 *content;
  guint64 stop_at; /* 0: the whole blob; otherwise nothing comes from there on */
  gboolean dies;   /* the worker, where it stops */
  guint n_damaged; /* how many answers have a wrong last byte */
  guint n_mirrors; /* before the registry */
  ScChannel *near; /* (owned) the daemon's end */
  ScChannel *far;  /* (owned) */
  GArray *offsets; /* (owned) of guint64: what was asked for; after the end */
  guint firsts[8]; /* for each of these, the first endpoint to ask */
  int held_fd;     /* -1, or a pipe that is not closed */
  GThread *thread; /* (owned) */
} Worker;

typedef struct
{
  char *root;
  ScPaths *paths;
  ScConfig *config;
  ScProgress *progress;
  guint8 *content;
  char *digest;
} Fixture;

/* One job that wants the blob. */
typedef struct
{
  Fixture *fixture;
  Worker worker;
  GPtrArray *blobs;
  ScTransfer *transfer;
} Job;

/* --- the worker --- */

static void
serve_blob (Worker *self, ScRecord *record)
{
  sc_autofd fd = sc_channel_steal_fd (self->far);
  guint32 request = sc_record_get_u32 (record);
  g_autofree char *digest G_GNUC_UNUSED = sc_record_dup_string (record);
  guint64 size_bytes = sc_record_get_u64 (record);
  guint64 offset = sc_record_get_u64 (record);
  guint first = sc_record_get_u32 (record);
  g_assert_true (sc_record_finish (record, NULL));

  self->firsts[self->offsets->len % G_N_ELEMENTS (self->firsts)] = first;
  g_array_append_val (self->offsets, offset);
  guint64 end = self->stop_at > 0 ? self->stop_at : size_bytes;
  g_autofree guint8 *part = g_memdup2 (self->content + offset, end - offset);
  if (self->n_damaged > 0)
    {
      self->n_damaged--;
      part[end - offset - 1] ^= 1;
    }
  (void)sc_fd_write_all (fd, part, end - offset, NULL);
  if (end < size_bytes)
    {
      self->held_fd = sc_fd_steal (&fd);
      if (self->dies)
        sc_channel_shutdown (self->far);
      return;
    }

  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_FETCH_BLOB_DONE);
  sc_record_writer_put_u32 (writer, request);
  sc_record_writer_put_u64 (writer, end - offset);
  sc_record_writer_put_u32 (writer, MIN (first, self->n_mirrors));
  (void)sc_channel_send (self->far, writer, NULL, 0, NULL);
}

static gpointer
work_in_thread (gpointer data)
{
  Worker *self = data;
  ScRecord record;

  while (sc_channel_receive (self->far, &record, NULL) > 0)
    {
      g_assert_cmpint (record.type, ==, SC_RECORD_FETCH_BLOB);
      serve_blob (self, &record);
    }
  if (self->held_fd >= 0)
    close (self->held_fd);
  return NULL;
}

static void
worker_start (Worker *self)
{
  int fds[2];

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), ==, 0);
  self->near = sc_channel_new (fds[0]);
  self->far = sc_channel_new (fds[1]);
  self->offsets = g_array_new (FALSE, FALSE, sizeof (guint64));
  self->held_fd = -1;
  self->thread = g_thread_new ("worker", work_in_thread, self);
}

/* --- a job --- */

static void
job_start (Job *self, Fixture *fixture)
{
  g_autoptr (GError) error = NULL;
  ScBlob *blob = sc_spool_take (fixture->paths, fixture->digest, BLOB_BYTES, &error);

  g_assert_no_error (error);
  self->fixture = fixture;
  self->worker.content = fixture->content;
  worker_start (&self->worker);
  self->blobs = g_ptr_array_new ();
  g_ptr_array_add (self->blobs, blob);
  GPtrArray *shown = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_blob_progress_free);
  g_ptr_array_add (shown, sc_blob_progress_new (blob->digest, 0, BLOB_BYTES));
  sc_progress_begin_blobs (fixture->progress, "download", shown);
  self->transfer = sc_transfer_new (&(ScTransferSetup){ .paths = fixture->paths,
                                                        .config = fixture->config,
                                                        .blobs = self->blobs,
                                                        .fetch = self->worker.near,
                                                        .progress = fixture->progress });
}

/* Returns what the job says that it brought. Its worker's offsets stay to be looked at. */
static ScTransferCounts
job_end (Job *self)
{
  ScTransferCounts counts;

  sc_transfer_end (self->transfer, &counts);
  sc_transfer_free (self->transfer);
  sc_channel_shutdown (self->worker.near);
  g_thread_join (self->worker.thread);
  sc_channel_free (self->worker.near);
  sc_channel_free (self->worker.far);
  sc_spool_give_back (self->blobs->pdata[0], TRUE);
  g_ptr_array_unref (self->blobs);
  return counts;
}

static ScTransferEnd
job_wait (Job *self, GError **error)
{
  sc_transfer_feed (self->transfer, 0, -1);
  return sc_transfer_wait (self->transfer, error);
}

static gpointer
read_in_thread (gpointer data)
{
  sc_autofd fd = GPOINTER_TO_INT (data);

  return sc_fd_read_all (fd, BLOB_BYTES + 1, NULL);
}

/* @content: (out): what the reader got */
static ScTransferEnd
job_feed (Job *self, GBytes **content, GError **error)
{
  int read_fd = -1;
  int write_fd = -1;

  g_assert_true (sc_worker_make_pipe (&read_fd, &write_fd, NULL));
  GThread *reader = g_thread_new ("reader", read_in_thread, GINT_TO_POINTER (read_fd));
  sc_transfer_feed (self->transfer, 0, write_fd);
  ScTransferEnd end = sc_transfer_wait (self->transfer, error);
  *content = g_thread_join (reader);
  return end;
}

static void
wait_for_bytes (Job *self, guint64 bytes)
{
  gint64 deadline_usec = g_get_monotonic_time () + 30 * G_USEC_PER_SEC;
  ScBlobView view;

  do
    {
      g_assert_cmpint (g_get_monotonic_time (), <, deadline_usec);
      g_thread_yield ();
      sc_blob_look (self->blobs->pdata[0], &view);
    }
  while (view.written_bytes < bytes);
}

static void
assert_offsets (const Job *self, guint n, guint64 first, guint64 second)
{
  const guint64 expected[] = { first, second };

  g_assert_cmpuint (self->worker.offsets->len, ==, n);
  for (guint i = 0; i < n; i++)
    g_assert_cmpuint (g_array_index (self->worker.offsets, guint64, i), ==, expected[i]);
  g_array_unref (self->worker.offsets);
}

/* --- the spool before a test --- */

static char *
spool_file (Fixture *fixture)
{
  return g_build_filename (fixture->paths->spool, sc_digest_hex (fixture->digest), NULL);
}

static void
leave (Fixture *fixture, const guint8 *content, gsize size_bytes)
{
  g_autofree char *path = spool_file (fixture);
  sc_autofd fd = sc_fd_ensure_dir (fixture->paths->spool, 0700, NULL);

  g_assert_cmpint (fd, >=, 0);
  g_assert_true (g_file_set_contents (path, (const char *)content, (gssize)size_bytes, NULL));
}

static void
set_up (Fixture *fixture, gconstpointer data)
{
  fixture->root = scratch_new ();
  fixture->paths = sc_paths_new (fixture->root);
  fixture->config = sc_config_load (fixture->paths, NULL);
  fixture->config->keep_free_percent = 0;
  fixture->config->keep_free_bytes = 0;
  fixture->progress = sc_progress_new (NULL, NULL);
  fixture->content = g_malloc (BLOB_BYTES);
  for (guint i = 0; i < BLOB_BYTES; i++)
    fixture->content[i] = (guint8)(i * 7 + i / 251 + 1);
  fixture->digest = sc_digest_of_bytes (fixture->content, BLOB_BYTES);
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_free (fixture->digest);
  g_free (fixture->content);
  sc_progress_unref (fixture->progress);
  sc_config_free (fixture->config);
  sc_paths_free (fixture->paths);
  scratch_free (fixture->root);
}

static void
assert_content (Fixture *fixture, GBytes *got)
{
  g_assert_cmpuint (g_bytes_get_size (got), ==, BLOB_BYTES);
  g_assert_cmpint (memcmp (g_bytes_get_data (got, NULL), fixture->content, BLOB_BYTES), ==, 0);
}

static void
test_feed_whole (Fixture *fixture, gconstpointer data)
{
  Job job = { 0 };
  g_autoptr (GBytes) got = NULL;
  g_autoptr (GError) error = NULL;

  job_start (&job, fixture);
  g_assert_cmpint (job_feed (&job, &got, &error), ==, SC_TRANSFER_DONE);
  g_assert_no_error (error);

  assert_content (fixture, got);
  ScTransferCounts counts = job_end (&job);
  g_assert_cmpuint (counts.line_bytes, ==, BLOB_BYTES);
  g_assert_cmpuint (counts.spooled_bytes, ==, BLOB_BYTES);
  assert_offsets (&job, 1, 0, 0);
}

static void
test_feed_reader_gone (Fixture *fixture, gconstpointer data)
{
  Job job = { 0 };
  sc_autofd read_fd = -1;
  int write_fd = -1;

  job_start (&job, fixture);
  g_assert_true (sc_worker_make_pipe (&read_fd, &write_fd, NULL));
  close (sc_fd_steal (&read_fd));
  sc_transfer_feed (job.transfer, 0, write_fd);

  g_assert_cmpint (sc_transfer_wait (job.transfer, NULL), ==, SC_TRANSFER_DONE);
  job_end (&job);
  assert_offsets (&job, 1, 0, 0);
}

/* The thread has not taken the first command yet when the second one comes, or has. */
static void
test_free_while_feeding (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 50; i++)
    {
      Job job = { 0 };
      sc_autofd read_fd = -1;
      int write_fd = -1;

      job_start (&job, fixture);
      g_assert_true (sc_worker_make_pipe (&read_fd, &write_fd, NULL));
      sc_transfer_feed (job.transfer, 0, write_fd);
      job_end (&job);
      g_array_unref (job.worker.offsets);
    }
}

static void
test_resume (Fixture *fixture, gconstpointer data)
{
  Job job = { 0 };
  ScProgressState state;
  g_autoptr (GBytes) got = NULL;

  leave (fixture, fixture->content, HALF_BYTES);
  job_start (&job, fixture);
  g_assert_cmpint (job_feed (&job, &got, NULL), ==, SC_TRANSFER_DONE);

  assert_content (fixture, got);
  ScTransferCounts counts = job_end (&job);
  g_assert_cmpuint (counts.line_bytes, ==, BLOB_BYTES - HALF_BYTES);
  g_assert_cmpuint (counts.spooled_bytes, ==, BLOB_BYTES - HALF_BYTES);
  sc_progress_get (fixture->progress, &state);
  g_assert_cmpuint (state.bytes, ==, BLOB_BYTES);
  assert_offsets (&job, 1, HALF_BYTES, 0);
}

static void
test_resume_whole (Fixture *fixture, gconstpointer data)
{
  Job job = { 0 };
  g_autoptr (GBytes) got = NULL;

  leave (fixture, fixture->content, BLOB_BYTES);
  job_start (&job, fixture);
  g_assert_cmpint (job_feed (&job, &got, NULL), ==, SC_TRANSFER_DONE);

  assert_content (fixture, got);
  g_assert_cmpuint (job_end (&job).line_bytes, ==, 0);
  assert_offsets (&job, 0, 0, 0);
}

/* RP07 */
static void
test_resume_damaged (Fixture *fixture, gconstpointer data)
{
  Job job = { 0 };
  g_autofree guint8 *damaged = g_memdup2 (fixture->content, HALF_BYTES);
  g_autoptr (GBytes) first = NULL;
  g_autoptr (GBytes) second = NULL;

  damaged[1000] ^= 1;
  leave (fixture, damaged, HALF_BYTES);
  job_start (&job, fixture);
  g_assert_cmpint (job_feed (&job, &first, NULL), ==, SC_TRANSFER_AGAIN);
  g_assert_cmpint (job_feed (&job, &second, NULL), ==, SC_TRANSFER_DONE);

  assert_content (fixture, second);
  ScTransferCounts counts = job_end (&job);
  g_assert_cmpuint (counts.line_bytes, ==, HALF_BYTES + BLOB_BYTES);
  g_assert_cmpuint (counts.spooled_bytes, ==, BLOB_BYTES);
  assert_offsets (&job, 2, HALF_BYTES, 0);
}

/* RP07: what a power cut may leave of a file that was never synced: its size, and zeros */
static void
test_resume_zeros (Fixture *fixture, gconstpointer data)
{
  Job job = { 0 };
  g_autofree guint8 *zeros = g_malloc0 (BLOB_BYTES);
  g_autoptr (GError) error = NULL;

  leave (fixture, zeros, BLOB_BYTES);
  job_start (&job, fixture);
  g_assert_cmpint (job_wait (&job, &error), ==, SC_TRANSFER_DONE);
  g_assert_no_error (error);

  g_autoptr (GBytes) got = sc_blob_read_all (job.blobs->pdata[0], BLOB_BYTES, NULL);
  assert_content (fixture, got);
  job_end (&job);
  assert_offsets (&job, 1, 0, 0);
}

/* RP06 */
static void
test_damaged_once (Fixture *fixture, gconstpointer data)
{
  Job job = { .worker = { .n_damaged = 1 } };
  ScProgressState state;

  job_start (&job, fixture);
  g_assert_cmpint (job_wait (&job, NULL), ==, SC_TRANSFER_DONE);

  job_end (&job);
  sc_progress_get (fixture->progress, &state);
  g_assert_cmpuint (state.bytes, ==, BLOB_BYTES);
  assert_offsets (&job, 2, 0, 0);
}

/* RP06: nothing is kept that would be resumed for ever */
static void
test_damaged_always (Fixture *fixture, gconstpointer data)
{
  Job job = { .worker = { .n_damaged = 9 } };
  g_autofree char *path = spool_file (fixture);
  g_autoptr (GError) error = NULL;

  leave (fixture, fixture->content, HALF_BYTES);
  job_start (&job, fixture);
  g_assert_cmpint (job_wait (&job, &error), ==, SC_TRANSFER_FAILED);

  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_DIGEST_MISMATCH);
  job_end (&job);
  g_assert_false (g_file_test (path, G_FILE_TEST_EXISTS));
  assert_offsets (&job, 2, HALF_BYTES, 0);
}

/* Each mirror is asked once, the registry itself twice. */
static void
test_damaged_mirrors (Fixture *fixture, gconstpointer data)
{
  const guint expected[] = { 0, 1, 2, 3 };
  Job job = { .worker = { .n_damaged = 3, .n_mirrors = 2 } };

  job_start (&job, fixture);
  g_assert_cmpint (job_wait (&job, NULL), ==, SC_TRANSFER_DONE);

  job_end (&job);
  g_assert_cmpuint (job.worker.offsets->len, ==, G_N_ELEMENTS (expected));
  g_assert_cmpmem (job.worker.firsts, sizeof expected, expected, sizeof expected);
  g_array_unref (job.worker.offsets);
}

static void
test_worker_dies (Fixture *fixture, gconstpointer data)
{
  Job job = { .worker = { .stop_at = HALF_BYTES, .dies = TRUE } };
  g_autofree char *path = spool_file (fixture);
  g_autofree char *kept = NULL;
  gsize size_bytes = 0;
  g_autoptr (GError) error = NULL;

  job_start (&job, fixture);
  g_assert_cmpint (job_wait (&job, &error), ==, SC_TRANSFER_FAILED);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INTERRUPTED);
  job_end (&job);

  g_assert_true (g_file_get_contents (path, &kept, &size_bytes, NULL));
  g_assert_cmpuint (size_bytes, ==, HALF_BYTES);
  g_assert_cmpint (memcmp (kept, fixture->content, HALF_BYTES), ==, 0);
  assert_offsets (&job, 1, 0, 0);
}

static void
test_joined (Fixture *fixture, gconstpointer data)
{
  Job one = { 0 };
  Job two = { 0 };
  g_autoptr (GBytes) got_one = NULL;
  g_autoptr (GBytes) got_two = NULL;

  job_start (&one, fixture);
  wait_for_bytes (&one, 1);
  job_start (&two, fixture);
  g_assert_cmpint (job_feed (&two, &got_two, NULL), ==, SC_TRANSFER_DONE);
  g_assert_cmpint (job_feed (&one, &got_one, NULL), ==, SC_TRANSFER_DONE);

  assert_content (fixture, got_one);
  assert_content (fixture, got_two);
  g_assert_cmpuint (job_end (&two).line_bytes, ==, 0);
  job_end (&one);
  assert_offsets (&one, 1, 0, 0);
  assert_offsets (&two, 0, 0, 0);
}

static void
test_joined_takes_over (Fixture *fixture, gconstpointer data)
{
  Job one = { .worker = { .stop_at = HALF_BYTES } };
  Job two = { 0 };
  g_autoptr (GBytes) got = NULL;

  job_start (&one, fixture);
  wait_for_bytes (&one, 1);
  job_start (&two, fixture);
  wait_for_bytes (&one, HALF_BYTES);
  g_assert_cmpuint (job_end (&one).line_bytes, ==, HALF_BYTES);
  g_assert_cmpint (job_feed (&two, &got, NULL), ==, SC_TRANSFER_DONE);

  assert_content (fixture, got);
  g_assert_cmpuint (job_end (&two).line_bytes, ==, BLOB_BYTES - HALF_BYTES);
  assert_offsets (&one, 1, 0, 0);
  assert_offsets (&two, 1, HALF_BYTES, 0);
}

/* The one who looks on has been fed what turns out to be damaged. */
static void
test_joined_damaged (Fixture *fixture, gconstpointer data)
{
  Job one = { .worker = { .n_damaged = 1 } };
  Job two = { 0 };
  g_autoptr (GBytes) got = NULL;
  ScTransferEnd end;

  leave (fixture, fixture->content, HALF_BYTES);
  job_start (&one, fixture);
  wait_for_bytes (&one, 1);
  job_start (&two, fixture);
  do
    {
      g_clear_pointer (&got, g_bytes_unref);
      end = job_feed (&two, &got, NULL);
    }
  while (end == SC_TRANSFER_AGAIN);

  g_assert_cmpint (end, ==, SC_TRANSFER_DONE);
  assert_content (fixture, got);
  job_end (&one);
  g_assert_cmpuint (job_end (&two).line_bytes, ==, 0);
  assert_offsets (&one, 2, HALF_BYTES, 0);
  assert_offsets (&two, 0, 0, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  signal (SIGPIPE, SIG_IGN);
#define ADD(path, function) g_test_add (path, Fixture, NULL, set_up, function, tear_down)
  ADD ("/transfer/feed/whole", test_feed_whole);
  ADD ("/transfer/feed/reader-gone", test_feed_reader_gone);
  ADD ("/transfer/free/while-feeding", test_free_while_feeding);
  ADD ("/transfer/resume/half", test_resume);
  ADD ("/transfer/resume/whole", test_resume_whole);
  ADD ("/transfer/resume/damaged", test_resume_damaged);
  ADD ("/transfer/resume/zeros", test_resume_zeros);
  ADD ("/transfer/damaged/once", test_damaged_once);
  ADD ("/transfer/damaged/always", test_damaged_always);
  ADD ("/transfer/damaged/mirrors", test_damaged_mirrors);
  ADD ("/transfer/worker-dies", test_worker_dies);
  ADD ("/transfer/joined/looks-on", test_joined);
  ADD ("/transfer/joined/takes-over", test_joined_takes_over);
  ADD ("/transfer/joined/damaged", test_joined_damaged);
  return g_test_run ();
}
