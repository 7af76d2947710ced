/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sc-question.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

#define MAX_LINE_BYTES (1024 * 1024)

/* An eventfd, so that a signal counts that comes just before the wait, or to another thread. */
static int interrupt_fd = -1;

static gboolean
fail (GError **error, SyscontError code, const char *what)
{
  g_set_error (error, SYSCONT_ERROR, code, "%s: %s", what, g_strerror (errno));
  return FALSE;
}

static void
on_interrupt (int number)
{
  (void)eventfd_write (interrupt_fd, 1);
}

/* Reads up to the end of the line; a signal ends it too. */
static gboolean
read_line (int fd, GString *line, GError **error)
{
  char c;

  for (;;)
    {
      struct pollfd fds[]
          = { { .fd = fd, .events = POLLIN }, { .fd = interrupt_fd, .events = POLLIN } };
      ssize_t n = poll (fds, G_N_ELEMENTS (fds), -1);

      if (n > 0 && fds[1].revents == 0)
        n = read (fd, &c, 1);
      if (n < 0 && errno == EINTR)
        continue;
      if (fds[1].revents != 0 || n == 0)
        {
          g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_CANCELLED, "cancelled");
          return FALSE;
        }
      if (n < 0)
        return fail (error, SYSCONT_ERROR_FAILED, "reading from the terminal");
      if (c == '\n')
        return TRUE;
      if (line->len < MAX_LINE_BYTES)
        g_string_append_c (line, c);
    }
}

static gboolean
ask_on (int fd, const char *prompt, gboolean echo, GString *line, GError **error)
{
  const struct sigaction interrupt = { .sa_handler = on_interrupt };
  struct sigaction old_int;
  struct sigaction old_term;
  struct termios old;

  if (tcgetattr (fd, &old) < 0)
    return fail (error, SYSCONT_ERROR_INVALID_ARGUMENT, "looking at the terminal");

  struct termios quiet = old;
  quiet.c_lflag &= ~(tcflag_t)ECHO;
  interrupt_fd = eventfd (0, EFD_CLOEXEC | EFD_NONBLOCK);
  sigaction (SIGINT, &interrupt, &old_int);
  sigaction (SIGTERM, &interrupt, &old_term);
  (void)tcsetattr (fd, TCSAFLUSH, echo ? &old : &quiet);
  (void)!write (fd, prompt, strlen (prompt));

  gboolean done = read_line (fd, line, error);

  (void)tcsetattr (fd, TCSAFLUSH, &old);
  if (!echo || !done)
    (void)!write (fd, "\n", 1);
  sigaction (SIGINT, &old_int, NULL);
  sigaction (SIGTERM, &old_term, NULL);
  close (interrupt_fd);
  return done;
}

char *
sc_question_ask (const char *prompt, gboolean echo, const char *remedy, GError **error)
{
  GString *line = g_string_new (NULL);
  int fd = open ("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

  if (fd < 0)
    {
      g_set_error (error, SYSCONT_ERROR, SYSCONT_ERROR_INVALID_ARGUMENT,
                   "there is no terminal to ask on; use %s", remedy);
      g_string_free (line, TRUE);
      return NULL;
    }

  gboolean done = ask_on (fd, prompt, echo, line, error);
  close (fd);
  if (!done)
    explicit_bzero (line->str, line->len);
  return g_string_free (line, !done);
}

gboolean
sc_question_is_possible (const ScClient *client)
{
  return !client->json && !client->quiet && !client->no_block && isatty (STDIN_FILENO)
         && isatty (STDERR_FILENO);
}

int
sc_question_confirm (void)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *answer = sc_question_ask ("Go on? [y/N] ", TRUE, "--yes", &error);

  if (answer == NULL)
    return sc_client_fail (error);
  if (g_ascii_strcasecmp (g_strstrip (answer), "y") == 0 || g_ascii_strcasecmp (answer, "yes") == 0)
    return 0;
  g_set_error (&error, SYSCONT_ERROR, SYSCONT_ERROR_CANCELLED, "nothing was done");
  return sc_client_fail (error);
}
