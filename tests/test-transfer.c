/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "ops/sc-transfer.h"

#include "base/sc-fd.h"
#include "ops/sc-worker.h"
#include "scratch.h"

#include <signal.h>
#include <unistd.h>

#define BLOB_BYTES (4 * 1024 * 1024) /* more than a pipe takes */

typedef struct
{
  char *root;
  ScPaths *paths;
  ScProgress *progress;
  GPtrArray *blobs;
  ScTransfer *transfer;
} Fixture;

static void
set_up (Fixture *fixture, gconstpointer data)
{
  g_autofree guint8 *content = g_malloc0 (BLOB_BYTES);
  g_autofree char *digest = sc_digest_of_bytes (content, BLOB_BYTES);
  ScBlob *blob = sc_blob_new (digest, BLOB_BYTES);
  g_autoptr (GError) error = NULL;

  fixture->root = scratch_new ();
  fixture->paths = sc_paths_new (fixture->root);
  fixture->progress = sc_progress_new (NULL, NULL);
  fixture->blobs = g_ptr_array_new_with_free_func ((GDestroyNotify)sc_blob_free);
  g_ptr_array_add (fixture->blobs, blob);
  if (!sc_blob_open (blob, fixture->paths, &error)
      || !sc_blob_append (blob, content, BLOB_BYTES, &error))
    g_error ("%s", error->message);
  g_assert_true (sc_blob_finish (blob, NULL));
  fixture->transfer = sc_transfer_new (&(ScTransferSetup){
      .paths = fixture->paths, .blobs = fixture->blobs, .progress = fixture->progress });
}

static void
tear_down (Fixture *fixture, gconstpointer data)
{
  g_clear_pointer (&fixture->transfer, sc_transfer_free);
  g_ptr_array_unref (fixture->blobs);
  sc_progress_unref (fixture->progress);
  sc_paths_free (fixture->paths);
  scratch_free (fixture->root);
}

static void
test_feed_whole (Fixture *fixture, gconstpointer data)
{
  g_autofree char *buffer = g_malloc (BLOB_BYTES);
  sc_autofd read_fd = -1;
  int write_fd = -1;
  g_autoptr (GError) error = NULL;

  g_assert_true (sc_worker_make_pipe (&read_fd, &write_fd, NULL));
  sc_transfer_feed (fixture->transfer, 0, write_fd);

  gsize total = 0;
  for (gssize n; (n = read (read_fd, buffer, BLOB_BYTES)) > 0; total += (gsize)n)
    ;
  g_assert_cmpuint (total, ==, BLOB_BYTES);
  g_assert_true (sc_transfer_wait (fixture->transfer, &error));
  g_assert_no_error (error);
}

static void
test_feed_reader_gone (Fixture *fixture, gconstpointer data)
{
  sc_autofd read_fd = -1;
  int write_fd = -1;

  g_assert_true (sc_worker_make_pipe (&read_fd, &write_fd, NULL));
  close (sc_fd_steal (&read_fd));
  sc_transfer_feed (fixture->transfer, 0, write_fd);

  g_assert_true (sc_transfer_wait (fixture->transfer, NULL));
}

/* The thread has not taken the first command yet when the second one comes, or has. */
static void
test_free_while_feeding (Fixture *fixture, gconstpointer data)
{
  for (guint i = 0; i < 50; i++)
    {
      sc_autofd read_fd = -1;
      int write_fd = -1;

      g_assert_true (sc_worker_make_pipe (&read_fd, &write_fd, NULL));
      sc_transfer_feed (fixture->transfer, 0, write_fd);
      sc_transfer_free (g_steal_pointer (&fixture->transfer));
      fixture->transfer = sc_transfer_new (&(ScTransferSetup){
          .paths = fixture->paths, .blobs = fixture->blobs, .progress = fixture->progress });
    }
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
  return g_test_run ();
}
