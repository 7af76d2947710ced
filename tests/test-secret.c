/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * Secrets that come as descriptors: which kinds are taken, and that reading them ends.
 */
#include "ops/sc-secret.h"

#include "base/sc-fd.h"
#include "dbus/sc-error.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static int
make_memfd (const char *text)
{
  int fd = memfd_create ("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (write (fd, text, strlen (text)), ==, (int)strlen (text));
  return fd;
}

static void
assert_reads (int fd, const char *text)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScSecret) secret = sc_secret_new (fd, &error);
  g_assert_no_error (error);

  g_autoptr (GBytes) bytes = sc_secret_read (secret, 100, NULL, &error);

  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes), text, strlen (text));
}

/* It is read from its beginning, wherever the writer left off. */
static void
test_memfd (void)
{
  assert_reads (make_memfd ("canary"), "canary");
}

static void
test_pipe (void)
{
  int fds[2];

  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  g_assert_cmpint (write (fds[1], "canary", 6), ==, 6);
  close (fds[1]);
  assert_reads (fds[0], "canary");
}

/* DB08 */
static void
test_kinds_refused (void)
{
  int pair[2];
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, pair), ==, 0);
  int pipe_fds[2];
  g_assert_cmpint (pipe2 (pipe_fds, O_CLOEXEC), ==, 0);
  const int fds[] = {
    pair[0],
    pipe_fds[1],
    open ("/", O_RDONLY | O_DIRECTORY),
    open ("/dev/zero", O_RDONLY),
    open ("/dev/null", O_RDONLY | O_PATH),
    open ("/proc/self/mem", O_RDONLY),
  };

  for (gsize i = 0; i < G_N_ELEMENTS (fds); i++)
    {
      g_autoptr (GError) error = NULL;
      g_autoptr (ScSecret) secret = sc_secret_new (fds[i], &error);

      g_test_message ("%" G_GSIZE_FORMAT, i);
      g_assert_null (secret);
      g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
    }
  close (pair[1]);
  close (pipe_fds[0]);
}

static void
test_too_much (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (ScSecret) secret = sc_secret_new (make_memfd ("canary"), &error);
  g_assert_no_error (error);

  g_autoptr (GBytes) bytes = sc_secret_read (secret, 5, NULL, &error);

  g_assert_null (bytes);
  g_assert_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT);
  g_assert_null (strstr (error->message, "canary"));
}

static gpointer
cancel_in_thread (gpointer data)
{
  g_cancellable_cancel (data);
  return NULL;
}

/* Its writer stays, says nothing, and has the open file as blocking as he likes. */
static void
test_pipe_without_end (void)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  int fds[2];
  g_assert_cmpint (pipe2 (fds, O_CLOEXEC), ==, 0);
  g_assert_cmpint (write (fds[1], "canary", 6), ==, 6);
  g_autoptr (ScSecret) secret = sc_secret_new (fds[0], &error);
  g_assert_no_error (error);

  GThread *thread = g_thread_new ("cancel", cancel_in_thread, cancellable);
  g_autoptr (GBytes) bytes = sc_secret_read (secret, 100, cancellable, &error);
  g_thread_join (thread);

  g_assert_null (bytes);
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  close (fds[1]);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/secret/read/memfd", test_memfd);
  g_test_add_func ("/secret/read/pipe", test_pipe);
  g_test_add_func ("/secret/read/too-much", test_too_much);
  g_test_add_func ("/secret/read/pipe-without-end", test_pipe_without_end);
  g_test_add_func ("/secret/new/kinds-refused", test_kinds_refused);
  return g_test_run ();
}
