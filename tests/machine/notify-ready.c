/* SPDX-License-Identifier: LGPL-2.1-or-later
 *
 * A service of a test image that tells systemd when it is ready: after the delay in seconds given
 * as first argument it sends READY=1 to $NOTIFY_SOCKET, and then waits for SIGTERM. A delay below
 * 0: never ready. Linked statically, without libsystemd, as an image has nothing else.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int
send_ready (const char *path)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  size_t length = strlen (path);
  if (length == 0 || length >= sizeof address.sun_path)
    return -1;
  memcpy (address.sun_path, path, length);
  if (path[0] == '@')
    address.sun_path[0] = '\0';

  int fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return -1;
  socklen_t size = offsetof (struct sockaddr_un, sun_path) + length;
  ssize_t sent = sendto (fd, "READY=1\n", 8, 0, (struct sockaddr *)&address, size);
  close (fd);
  return sent == 8 ? 0 : -1;
}

int
main (int argc, char **argv)
{
  sigset_t signals;
  sigemptyset (&signals);
  sigaddset (&signals, SIGTERM);
  sigaddset (&signals, SIGINT);
  sigprocmask (SIG_BLOCK, &signals, NULL);

  int delay_s = argc > 1 ? atoi (argv[1]) : 0;
  const char *path = getenv ("NOTIFY_SOCKET");
  if (delay_s >= 0)
    {
      sleep (delay_s);
      if (path == NULL || send_ready (path) < 0)
        {
          fprintf (stderr, "no READY=1 to %s: %s\n", path ? path : "(no NOTIFY_SOCKET)",
                   strerror (errno));
          return 1;
        }
    }

  int received;
  sigwait (&signals, &received);
  return 0;
}
