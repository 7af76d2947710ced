/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-terminal.h"

#include "dbus/sc-error.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#define CHUNK_BYTES  4096
#define RAW_POLL_MS  20
#define END_OF_INPUT '\004' /* what Ctrl-D types */

struct _ScTerminal
{
  int our_end;
  int program_end; /* -1 when it has been given away */
  gboolean reads_input;
  ScResizeFunc resized;
  gpointer user_data;
  guint raw_id; /* sources; 0 for none */
  guint input_id;
  guint output_id; /* what the program writes */
  guint room_id;   /* while input waits for room */
  guint winch_id;
  GByteArray *waiting; /* (owned) input that the program has no room for yet */
};

static struct termios saved;
static gboolean is_raw;

static void
restore (void)
{
  if (is_raw)
    (void)tcsetattr (STDIN_FILENO, TCSADRAIN, &saved);
  is_raw = FALSE;
}

/* Whatever way this program takes to its end */
static void
make_raw (void)
{
  static gboolean registered;
  struct termios raw;

  if (!isatty (STDIN_FILENO) || tcgetattr (STDIN_FILENO, &saved) != 0)
    return;
  if (!registered)
    atexit (restore);
  registered = TRUE;
  raw = saved;
  cfmakeraw (&raw);
  is_raw = tcsetattr (STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

static gboolean
get_size (struct winsize *size)
{
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    if (ioctl (fd, TIOCGWINSZ, size) == 0 && size->ws_row > 0 && size->ws_col > 0)
      return TRUE;
  return FALSE;
}

ScTerminal *
sc_terminal_new (gboolean reads_input, GError **error)
{
  struct winsize size = { .ws_row = 24, .ws_col = 80 };
  int our_end = posix_openpt (O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
  int program_end = -1;

  (void)get_size (&size);
  if (our_end >= 0 && grantpt (our_end) == 0 && unlockpt (our_end) == 0
      && ioctl (our_end, TIOCSWINSZ, &size) == 0)
    program_end = ioctl (our_end, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (program_end < 0)
    {
      g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_FAILED, "making a terminal: %s",
                   g_strerror (errno));
      if (our_end >= 0)
        close (our_end);
      return NULL;
    }

  ScTerminal *self = g_new0 (ScTerminal, 1);
  self->our_end = our_end;
  self->program_end = program_end;
  self->reads_input = reads_input;
  self->waiting = g_byte_array_new ();
  return self;
}

static void
give_away (ScTerminal *self)
{
  if (self->program_end >= 0)
    close (self->program_end);
  self->program_end = -1;
}

static void
stop_sources (ScTerminal *self)
{
  g_clear_handle_id (&self->raw_id, g_source_remove);
  g_clear_handle_id (&self->input_id, g_source_remove);
  g_clear_handle_id (&self->output_id, g_source_remove);
  g_clear_handle_id (&self->room_id, g_source_remove);
  g_clear_handle_id (&self->winch_id, g_source_remove);
}

void
sc_terminal_free (ScTerminal *self)
{
  stop_sources (self);
  restore ();
  give_away (self);
  close (self->our_end);
  g_byte_array_unref (self->waiting);
  g_free (self);
}

int
sc_terminal_get_end (const ScTerminal *self)
{
  return self->program_end;
}

static gboolean on_input (int fd, GIOCondition condition, gpointer user_data);

static void
read_input (ScTerminal *self)
{
  if (self->reads_input && self->input_id == 0)
    self->input_id = g_unix_fd_add (STDIN_FILENO, G_IO_IN | G_IO_HUP | G_IO_ERR, on_input, self);
}

/* TRUE when nothing waits any more. */
static gboolean
pass_input (ScTerminal *self)
{
  while (self->waiting->len > 0)
    {
      ssize_t n = write (self->our_end, self->waiting->data, self->waiting->len);

      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno != EAGAIN;
      g_byte_array_remove_range (self->waiting, 0, (guint)n);
    }
  return TRUE;
}

static gboolean
on_room (int fd, GIOCondition condition, gpointer user_data)
{
  ScTerminal *self = user_data;

  if (!pass_input (self))
    return G_SOURCE_CONTINUE;
  self->room_id = 0;
  read_input (self);
  return G_SOURCE_REMOVE;
}

static gboolean
on_input (int fd, GIOCondition condition, gpointer user_data)
{
  ScTerminal *self = user_data;
  guint8 chunk[CHUNK_BYTES];
  ssize_t n = read (fd, chunk, sizeof chunk);

  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return G_SOURCE_CONTINUE;
  if (n <= 0)
    {
      self->reads_input = FALSE;
      chunk[0] = END_OF_INPUT;
      n = 1;
    }
  g_byte_array_append (self->waiting, chunk, (guint)n);
  self->input_id = 0;
  if (pass_input (self))
    read_input (self);
  else
    self->room_id = g_unix_fd_add (self->our_end, G_IO_OUT | G_IO_ERR, on_room, self);
  return G_SOURCE_REMOVE;
}

static void
write_out (const guint8 *data, gsize size_bytes)
{
  while (size_bytes > 0)
    {
      ssize_t n = write (STDOUT_FILENO, data, size_bytes);
      struct pollfd room = { .fd = STDOUT_FILENO, .events = POLLOUT };

      if (n < 0 && errno == EAGAIN)
        (void)poll (&room, 1, -1);
      else if (n < 0 && errno != EINTR)
        return;
      data += n > 0 ? n : 0;
      size_bytes -= n > 0 ? (gsize)n : 0;
    }
}

/* FALSE at the end: nobody has the other end open. */
static gboolean
pass_output (ScTerminal *self)
{
  guint8 chunk[CHUNK_BYTES];
  ssize_t n = read (self->our_end, chunk, sizeof chunk);

  if (n > 0)
    write_out (chunk, (gsize)n);
  return n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN));
}

static gboolean
on_output (int fd, GIOCondition condition, gpointer user_data)
{
  ScTerminal *self = user_data;

  if (pass_output (self))
    return G_SOURCE_CONTINUE;
  self->output_id = 0;
  return G_SOURCE_REMOVE;
}

static gboolean
on_winch (gpointer user_data)
{
  ScTerminal *self = user_data;
  struct winsize size;

  if (get_size (&size))
    self->resized (size.ws_row, size.ws_col, self->user_data);
  return G_SOURCE_CONTINUE;
}

/* What is typed before the runtime has made its end raw would be echoed twice, and an end of input
 * would be the runtime's own. */
static gboolean
on_raw_poll (gpointer user_data)
{
  ScTerminal *self = user_data;
  struct termios modes;

  if (tcgetattr (self->our_end, &modes) == 0 && (modes.c_lflag & ICANON) != 0)
    return G_SOURCE_CONTINUE;
  self->raw_id = 0;
  read_input (self);
  return G_SOURCE_REMOVE;
}

void
sc_terminal_start (ScTerminal *self, ScResizeFunc resized, gpointer user_data)
{
  give_away (self);
  self->resized = resized;
  self->user_data = user_data;
  make_raw ();
  self->raw_id = g_timeout_add (RAW_POLL_MS, on_raw_poll, self);
  self->output_id = g_unix_fd_add (self->our_end, G_IO_IN | G_IO_HUP | G_IO_ERR, on_output, self);
  self->winch_id = g_unix_signal_add (SIGWINCH, on_winch, self);
}

void
sc_terminal_stop (ScTerminal *self)
{
  struct pollfd output = { .fd = self->our_end, .events = POLLIN };

  stop_sources (self);
  give_away (self);
  do
    (void)poll (&output, 1, -1);
  while (pass_output (self));
  restore ();
}
