/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * syscont-unpack: takes streams apart for syscontd, inside a sandbox. Started by systemd with an
 * accepted connection as standard input; ends when that is closed. It opens nothing and writes to
 * nothing but what it is handed.
 */
#include "base/sc-error-util.h"
#include "base/sc-fd.h"
#include "base/sc-log.h"
#include "unpack/sc-unpack.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* With the connection goes the reason to finish anything: what is under way may wait for pipes that
 * nobody serves. */
static gpointer
watch_in_thread (gpointer data)
{
  struct pollfd poll_fd = { .fd = GPOINTER_TO_INT (data), .events = POLLRDHUP };
  int n;

  do
    n = poll (&poll_fd, 1, -1);
  while (n < 0 && errno == EINTR);
  if ((poll_fd.revents & POLLNVAL) != 0) /* closed on this side: the program ends by itself */
    return NULL;
  _exit (EXIT_SUCCESS);
}

static gboolean
send_hello (ScChannel *control, GError **error)
{
  g_autoptr (ScRecordWriter) writer = sc_record_writer_new (SC_RECORD_HELLO);

  sc_record_writer_put_u32 (writer, SC_RECORD_VERSION);
  sc_record_writer_put_string (writer, g_getenv ("INVOCATION_ID"));
  return sc_channel_send (control, writer, NULL, 0, error);
}

/* What is wrong with a stream goes to its reader; only what is wrong with the connection ends the
 * program. */
static gboolean
serve (ScChannel *control, ScRecord *record, GError **error)
{
  sc_autofd input_fd = sc_channel_steal_fd (control);
  sc_autofd output_fd = sc_channel_steal_fd (control);
  g_autoptr (GError) gone = NULL;
  ScUnpackTask task;

  if (record->type != SC_RECORD_UNPACK)
    return sc_error_set (error, SYSCONT_ERROR_FAILED, "a record of type %d is no request",
                         (int)record->type);
  if (input_fd < 0 || output_fd < 0)
    return sc_error_set (error, SYSCONT_ERROR_FAILED,
                         "a request came without its file descriptors");
  if (!sc_unpack_task_parse (&task, record, error))
    return FALSE;

  if (!sc_unpack_run (&task, sc_fd_steal (&input_fd), sc_fd_steal (&output_fd), &gone))
    sc_log (G_LOG_LEVEL_DEBUG, NULL, "request %u was dropped: %s", task.request, gone->message);
  return TRUE;
}

static gboolean
run (GError **error)
{
  g_autoptr (ScChannel) control = sc_channel_new (STDIN_FILENO);
  ScRecord record;
  int n;

  /* libarchive converts the names of pax records to the character set of the locale. */
  if (setlocale (LC_ALL, "C.UTF-8") == NULL)
    return sc_error_set (error, SYSCONT_ERROR_FAILED, "the locale C.UTF-8 is missing");
  g_autoptr (GThread) watcher
      = g_thread_try_new ("watch", watch_in_thread, GINT_TO_POINTER (STDIN_FILENO), error);
  if (watcher == NULL || !send_hello (control, error))
    return FALSE;

  while ((n = sc_channel_receive (control, &record, error)) > 0)
    if (!serve (control, &record, error))
      return FALSE;
  return n == 0;
}

int
main (void)
{
  g_autoptr (GError) error = NULL;

  (void)signal (SIGPIPE, SIG_IGN);
  sc_log_init ("syscont-unpack");
  if (run (&error))
    return EXIT_SUCCESS;
  sc_log (G_LOG_LEVEL_WARNING, NULL, "giving up: %s", error->message);
  return EXIT_FAILURE;
}
