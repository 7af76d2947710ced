/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/sc-log.h"
#include "fetch/sc-authorities.h"
#include "fetch/sc-fetch-server.h"
#include "fetch/sc-proxy.h"

#include <glib-unix.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
is_socket (int fd)
{
  struct stat st;

  return fstat (fd, &st) == 0 && S_ISSOCK (st.st_mode);
}

int
main (void)
{
  sc_log_init ("syscont-fetch");
  /* The reader of a pipe may leave at any time. */
  (void)signal (SIGPIPE, SIG_IGN);
  /* Streams of HTTP/2 are buffered without bound while their reader waits. */
  g_setenv ("SOUP_FORCE_HTTP1", "1", TRUE);
  /* GIO would go down to TLS 1.0, which RFC 8996 forbids; root may allow it in the unit. */
  g_setenv ("G_TLS_GNUTLS_PRIORITY", "NORMAL:%COMPAT:-VERS-TLS1.1:-VERS-TLS1.0", FALSE);

  if (!is_socket (STDIN_FILENO))
    {
      sc_log (G_LOG_LEVEL_WARNING, NULL,
              "this is started by syscont-fetch.socket, with a connection as standard input");
      return EXIT_FAILURE;
    }
  (void)g_unix_set_fd_nonblocking (STDIN_FILENO, FALSE, NULL);

  g_autoptr (GTlsDatabase) authorities = sc_authorities_new ();
  g_tls_backend_set_default_database (g_tls_backend_get_default (), authorities);

  g_auto (GStrv) environment = g_get_environ ();
  g_autoptr (GProxyResolver) proxy = sc_proxy_resolver_new (environment);
  ScFetchServerSetup setup = { .fd = STDIN_FILENO,
                               .invocation_id = g_environ_getenv (environment, "INVOCATION_ID"),
                               .policy = &sc_retry_policy_default,
                               .proxy = proxy };
  g_autoptr (ScFetchServer) server = sc_fetch_server_new (&setup);
  g_autoptr (GError) error = NULL;
  if (!sc_fetch_server_run (server, &error))
    {
      sc_log (G_LOG_LEVEL_WARNING, NULL, "%s", error->message);
      return EXIT_FAILURE;
    }
  return EXIT_SUCCESS;
}
